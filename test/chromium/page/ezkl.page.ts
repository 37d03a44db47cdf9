/** Lets the test ask an engine that lives in a worker, as in the page. */
import { wrap } from 'comlink';
import type { EngineAsked } from './asked.ts';

const worker = new Worker(new URL('./ezkl.worker.ts', import.meta.url), { type: 'module' });
const { check } = wrap<EngineAsked>(worker);
const bytes = async (name: string): Promise<Uint8Array> => new Uint8Array(await (await fetch(name)).arrayBuffer());
const files = async (names: readonly string[]) => {
  const [proof, vk, settings, srs] = (await Promise.all(names.map(bytes))) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  return { proof, vk, settings, srs };
};
Object.assign(globalThis, { end: () => worker.terminate(), ask: async (names: readonly string[]) => check(await files(names)) });
