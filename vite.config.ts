/** The page (`npm run page`, `npx vite build`) and the tests (`npm test`). */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { EXAMPLES, MODEL, shipped } from './verifier-web/examples.ts';

/** Nothing from elsewhere, no inline script or style; WebAssembly may be compiled. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  // The icon: browsers ask for it again whenever the address changes, so it comes with the page.
  "img-src 'self' data:",
  // The nodes of chains that a user names: on this machine, or behind TLS.
  "connect-src 'self' http://127.0.0.1:* http://localhost:* https:",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** As the service worker answers: so that memory can be shared, which the prover's threads need. */
const ISOLATED = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

/**
 * EZKL's engine lies in a folder of its own: 9.8 MB that only its keys need. The service worker keeps it once it was used, and npm's package
 * leaves it out (package.json, files).
 */
const ENGINE = 'engine/';
const EZKL = /^ezkl(\.worker|_bg)/;
const folderOf = (name: string): string => (EZKL.test(name) ? ENGINE : 'assets/');

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const fixture = (file: string): Uint8Array => readFileSync(at(`fixtures/${file}`));
const examples = [...new Set([...EXAMPLES.flatMap((e) => e.files), MODEL])];

/** Ships the examples, states the policy, and tells the service worker which files there are. */
function shippedPage(): Plugin {
  let outDir = '';
  return {
    name: 'shipped-page',
    configResolved(config) {
      outDir = resolve(config.root, config.build.outDir);
    },
    configureServer(server) {
      const served = new Map(examples.map((file) => [`/${shipped(file)}`, file]));
      server.middlewares.use((request, response, next) => {
        const file = served.get((request.url ?? '').split('?')[0] as string);
        if (file === undefined) return next();
        response.setHeader('Content-Type', 'application/octet-stream');
        response.end(fixture(file));
      });
    },
    // In development styles are inline and the server talks to the page, which the policy forbids.
    transformIndexHtml: {
      order: 'post',
      handler: (html, { bundle }) =>
        bundle === undefined
          ? html
          : html.replace('<meta name="viewport"', `<meta http-equiv="Content-Security-Policy" content="${POLICY}" />\n    $&`),
    },
    generateBundle() {
      for (const file of examples) this.emitFile({ type: 'asset', fileName: shipped(file), source: fixture(file) });
    },
    closeBundle() {
      const files = readdirSync(outDir, { recursive: true, withFileTypes: true })
        .filter((f) => f.isFile() && f.name !== 'sw.js')
        .map((f) =>
          join(f.parentPath, f.name)
            .slice(outDir.length + 1)
            .replaceAll('\\', '/'),
        )
        .sort();
      const code = readFileSync(join(outDir, 'sw.js'), 'utf8');
      const digest = createHash('sha256').update(code);
      for (const file of files) digest.update(file).update(readFileSync(join(outDir, file)));
      const [later, first] = [files.filter((f) => f.startsWith(ENGINE)), files.filter((f) => !f.startsWith(ENGINE))];
      const page = JSON.stringify({ files: first, later, version: digest.digest('hex').slice(0, 16), policy: POLICY });
      writeFileSync(join(outDir, 'sw.js'), `self.PAGE=${page};\n${code}`);
    },
  };
}

export default defineConfig({
  root: 'verifier-web',
  base: './',
  plugins: [shippedPage()],
  server: { host: '127.0.0.1', headers: ISOLATED },
  preview: { host: '127.0.0.1', headers: ISOLATED },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: {
    format: 'es',
    rolldownOptions: {
      output: {
        entryFileNames: (chunk) => `${folderOf(chunk.name)}[name]-[hash].js`,
        // What the native verifier has in common with the others, which load for their keys: a file of its own, of the first load.
        chunkFileNames: (chunk) => `assets/${chunk.isDynamicEntry ? '[name]' : 'shared'}-[hash].js`,
        assetFileNames: ({ names }) => `${folderOf(names[0] ?? '')}[name]-[hash][extname]`,
      },
    },
  },
  build: {
    outDir: '../dist/page',
    emptyOutDir: true,
    target: 'es2023',
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { index: at('verifier-web/index.html'), sw: at('verifier-web/sw.ts') },
      output: { entryFileNames: (chunk) => (chunk.name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
    },
  },
  test: {
    root: at('.'),
    include: ['test/**/*.test.ts'],
    globalSetup: ['./test/browser/built.ts'],
    reporters: ['./test/reporter.ts'],
    // A page or a node is waited for, not raced: a busy machine takes longer than vitest's second.
    expect: { poll: { timeout: 15_000 } },
    slowTestThreshold: 10_000,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Proofs are one thread's work: a file a core.
    pool: 'forks',
    maxWorkers: availableParallelism(),
  },
});
