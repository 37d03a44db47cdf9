/**
 * EZKL's engine in Node: one thread for each piece of work, ended when the work is, whatever became of it. So no instance is used after a
 * panic, work that is stopped ends at once, and nothing is left running.
 *
 * `@ezkljs/engine` states no licence and weighs 20 MB: whoever wants it installs it.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { EzklEngine } from '../verifier/any.ts';
import { TRAP } from '../verifier/ezkl/engine.ts';

/** The one engine whose yes counts: what another takes or refuses is not known here. */
const ENGINE = '@ezkljs/engine';
const VERSION = '21.0.0';

/** The package is not installed, or another version of it: `could not tell`, whatever was asked. */
export class EngineMissing extends Error {
  override readonly name = 'EngineMissing';
}

interface Refusal {
  readonly reason: string;
  /** It panicked. */
  readonly stopped: boolean;
}

/** The engine ran and said no, in these words. */
export class EngineSaidNo extends Error {
  override readonly name = 'EngineSaidNo';

  constructor({ reason, stopped }: Refusal) {
    super(stopped ? `${TRAP}${reason}` : reason);
  }
}

/** The engine ended before it answered: out of memory, or a fault of its own. Nothing follows from it. */
export class EngineDied extends Error {
  override readonly name = 'EngineDied';
}

export type Argument = Uint8Array | boolean;
type Answer = { readonly result: unknown } | { readonly refusal: Refusal } | { readonly fault: string };

/** A running engine. Calls go one after the other. */
export interface Engine {
  /** Rejects with EngineSaidNo, EngineDied, or the reason of the signal. */
  call(name: string, ...args: readonly Argument[]): Promise<unknown>;
  /** The same for a call that answers with bytes. */
  bytes(name: string, ...args: readonly Argument[]): Promise<Uint8Array>;
}

/** What the thread does. As text: it names nothing outside itself, so it runs whether this file is source or built. */
function serve(path: string): void {
  const { parentPort } = require('node:worker_threads') as typeof import('node:worker_threads');
  // A panic says why on the console, and then traps.
  let panic = '';
  console.error = (text: unknown) => {
    // Without the stack that follows: it names places on this machine, and differs from one engine to the next.
    panic = (String(text).split('\n\nStack:')[0] as string).slice(0, 500);
  };
  const engine = require(path) as Record<string, (...args: unknown[]) => unknown>;
  engine.init_panic_hook?.();
  parentPort?.on('message', ({ name, args }: { name: string; args: (Uint8Array | boolean)[] }) => {
    const answer = ((): Answer => {
      try {
        const given = args.map((a) => (a instanceof Uint8Array ? new Uint8ClampedArray(a.buffer, a.byteOffset, a.byteLength) : a));
        const work = engine[name];
        return work === undefined ? { fault: `it has no ${name}: another version of it` } : { result: work(...given) };
      } catch (e) {
        // Memory that cannot be had says so, or leaves no words at all: neither is an answer about these bytes.
        const trapped = e instanceof Error && (e.name === 'RuntimeError' || e.name === 'RangeError');
        if (trapped && (panic === '' || /memory allocation|out of memory/i.test(panic)))
          return { fault: `${String(e)}${panic === '' ? '' : `: ${panic}`}` };
        // What is neither a trap nor in the engine's own words went wrong between it and us.
        if (!trapped && e instanceof Error && e.name !== 'Error') return { fault: String(e) };
        return { refusal: { reason: trapped ? panic : e instanceof Error ? e.message : String(e), stopped: trapped } };
      }
    })();
    parentPort?.postMessage(answer);
  });
}

function enginePath(): string {
  const { resolve } = createRequire(import.meta.url);
  let [path, found]: [string, unknown] = ['', null];
  try {
    path = resolve(`${ENGINE}/nodejs/ezkl.js`);
    found = (JSON.parse(readFileSync(resolve(`${ENGINE}/package.json`), 'utf8')) as { version?: unknown }).version;
  } catch {
    throw new EngineMissing(`EZKL’s engine is not installed: npm install ${ENGINE}@${VERSION}`);
  }
  // It calls itself v21.0.0.
  if (String(found).replace(/^v/, '') !== VERSION)
    throw new EngineMissing(`EZKL’s engine is installed in version ${String(found).slice(0, 40)}: npm install ${ENGINE}@${VERSION}`);
  return path;
}

/** Runs work with a fresh engine. Throws EngineMissing, what `work` throws, or the reason of the signal, which ends the thread at once. */
export async function withEngine<T>(work: (engine: Engine) => Promise<T>, signal?: AbortSignal): Promise<T> {
  signal?.throwIfAborted();
  const worker = new Worker(`(${serve})(require('node:worker_threads').workerData)`, { eval: true, workerData: enginePath() });
  let fail: (e: unknown) => void = () => {};
  const failure = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failure.catch(() => {}); // whoever waits gets it; nobody may wait
  worker.on('error', (e: Error) => fail(new EngineDied(`EZKL’s engine could not be run: ${e.message}`)));
  worker.on('exit', () => fail(new EngineDied('EZKL’s engine ended before it answered')));
  const stop = (): void => fail(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  const call: Engine['call'] = (name, ...args) => {
    const answer = new Promise<unknown>((resolve, reject) => {
      worker.once('message', (a: Answer) => {
        if ('result' in a) resolve(a.result);
        else reject('refusal' in a ? new EngineSaidNo(a.refusal) : new EngineDied(`EZKL’s engine stopped: ${a.fault}`));
      });
    });
    worker.postMessage({ name, args });
    return Promise.race([answer, failure]);
  };
  const bytes: Engine['bytes'] = async (name, ...args) => {
    const answer = await call(name, ...args);
    if (!(answer instanceof Uint8Array)) throw new EngineDied(`EZKL’s engine answered ${name} with no bytes`);
    return answer;
  };
  try {
    return await Promise.race([work({ call, bytes }), failure]);
  } finally {
    signal?.removeEventListener('abort', stop);
    await worker.terminate();
  }
}

/** The engine for `verifyAny`: `verifyAny(proof, key, { ezkl })`. */
export async function ezkl(signal?: AbortSignal): Promise<EzklEngine> {
  enginePath();
  return {
    verify: ({ proof, vk, settings, srs }) =>
      withEngine(async (engine) => {
        try {
          const held = await engine.call('verify', proof, vk, settings, srs);
          // The engine throws where it refuses; should it ever say false, that is a refusal too.
          return held === true ? null : `it answered ${String(held)}`;
        } catch (e) {
          if (e instanceof EngineSaidNo) return e.message;
          throw e;
        }
      }, signal),
  };
}
