/**
 * The service worker: keeps the whole page, so that it works without a network, and answers with the headers that a plain file server does
 * not send: cross-origin isolation (threads need it; the page works without) and the content policy for the page's workers too.
 *
 * A new version is installed beside the old one and takes over when no page of the old one is open: a page never mixes two versions.
 */

interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetch extends Extendable {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
interface Scope {
  /** Put before this script by the build: the files of the page, large ones kept once they were used, a digest of all, and the policy. */
  readonly PAGE: {
    readonly files: readonly string[];
    readonly later: readonly string[];
    readonly version: string;
    readonly policy: string;
  };
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
  addEventListener(type: 'install' | 'activate', listener: (e: Extendable) => void): void;
  addEventListener(type: 'fetch', listener: (e: Fetch) => void): void;
}

export {};

const scope = self as unknown as Scope;
const PREFIX = 'assay-page ';
const NAME = `${PREFIX}${scope.PAGE.version}`;

scope.addEventListener('install', (e) => {
  e.waitUntil(caches.open(NAME).then((cache) => cache.addAll(scope.PAGE.files.map((f) => new Request(f, { cache: 'no-cache' })))));
});

scope.addEventListener('activate', (e) => {
  const old = async (): Promise<unknown> =>
    Promise.all((await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== NAME).map((name) => caches.delete(name)));
  e.waitUntil(old().then(() => scope.clients.claim()));
});

scope.addEventListener('fetch', (e) => {
  const url = new URL(e.request.url);
  if (e.request.method === 'GET' && url.href.startsWith(scope.registration.scope)) e.respondWith(answer(e.request, url));
});

async function answer(request: Request, url: URL): Promise<Response> {
  const home =
    request.mode === 'navigate' && [scope.registration.scope, `${scope.registration.scope}index.html`].includes(url.origin + url.pathname);
  const cache = await caches.open(NAME);
  const kept = await cache.match(home ? `${scope.registration.scope}index.html` : request, { ignoreSearch: home });
  if (kept !== undefined) return withHeaders(kept);
  const fresh = await fetch(request);
  if (fresh.ok && scope.PAGE.later.some((file) => url.href === scope.registration.scope + file)) {
    // A full disk is no reason to answer nothing.
    await cache.put(request, fresh.clone()).catch(() => {});
  }
  return withHeaders(fresh);
}

function withHeaders(response: Response): Response {
  if (response.type === 'opaque' || response.type === 'error' || response.status === 0) return response;
  const headers = new Headers(response.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Cross-Origin-Resource-Policy', 'same-origin');
  headers.set('Content-Security-Policy', scope.PAGE.policy);
  const { status, statusText } = response;
  return new Response(status === 204 || status === 304 ? null : response.body, { status, statusText, headers });
}
