/**
 * EZKL's own verifier, for one check: an instance that trapped is not to be used again, so this worker is ended after its answer.
 *
 * It runs on one thread: its thread pool is never started.
 */
import { initSync, verify } from '@ezkljs/engine/web/ezkl.js';
import wasm from '@ezkljs/engine/web/ezkl_bg.wasm?url';
import type { EzklFiles } from '../verifier/index.ts';
import type { EngineAnswer } from './ezkl.ts';

const words = (e: unknown): string => (e instanceof Error ? e.message : String(e));

async function compiled(): Promise<WebAssembly.Module> {
  const response = await fetch(new URL(wasm, import.meta.url));
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  // Compiled while it comes, where the server says what it is.
  if (response.headers.get('content-type') === 'application/wasm') return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

async function answer({ proof, vk, settings, srs }: EzklFiles): Promise<EngineAnswer> {
  try {
    initSync(await compiled());
  } catch (e) {
    return { ran: false, why: words(e) };
  }
  const [p, k, s, r] = [proof, vk, settings, srs].map((bytes) => new Uint8ClampedArray(bytes)) as [
    Uint8ClampedArray,
    Uint8ClampedArray,
    Uint8ClampedArray,
    Uint8ClampedArray,
  ];
  try {
    // It never answers false: every rejection is thrown.
    return { ran: true, why: verify(p, k, s, r) ? null : 'the verifier says that the proof does not hold' };
  } catch (e) {
    return { ran: true, why: e instanceof WebAssembly.RuntimeError ? `trap: ${e.message}` : words(e) };
  }
}

addEventListener('message', ({ data }: MessageEvent<EzklFiles>) => {
  void answer(data).then((told) => postMessage(told));
});
