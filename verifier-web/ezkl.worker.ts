/**
 * EZKL's own verifier, for one check: an instance that panicked is in no state to rely on, so this worker is ended after its answer.
 *
 * It runs on one thread: its thread pool is never started.
 */
import { init_panic_hook, initSync, verify } from '@ezkljs/engine/web/ezkl.js';
import wasm from '@ezkljs/engine/web/ezkl_bg.wasm?url';
import type { EzklFiles } from '../verifier/any.ts';
import { TRAP } from '../verifier/ezkl/engine.ts';
import type { EngineAnswer } from './ezkl.ts';

// A panic says why on the console, and then traps.
let panic = '';
Object.assign(console, {
  error: (text: unknown) => {
    // Without the stack that follows: it names addresses of this page, and differs from one browser to the next.
    panic = (String(text).split('\n\nStack:')[0] as string).slice(0, 500);
  },
});

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
    init_panic_hook();
  } catch (e) {
    return { ran: false, why: `could not be loaded: ${words(e)}` };
  }
  const clamped = ({ buffer, byteOffset, byteLength }: Uint8Array): Uint8ClampedArray =>
    new Uint8ClampedArray(buffer, byteOffset, byteLength);
  try {
    const held = verify(clamped(proof), clamped(vk), clamped(settings), clamped(srs));
    // It throws where it refuses; should it ever say false, that is a refusal too.
    return { ran: true, why: held ? null : `it answered ${String(held)}` };
  } catch (e) {
    const trapped = e instanceof WebAssembly.RuntimeError || e instanceof RangeError;
    // Memory that cannot be had says so, or leaves no words at all: neither is an answer about these bytes.
    if (trapped && (panic === '' || /memory allocation|out of memory/i.test(panic)))
      return { ran: false, why: `stopped: ${words(e)}${panic === '' ? '' : `: ${panic}`}` };
    // What is neither a trap nor in the engine's own words went wrong between it and us.
    if (!trapped && e instanceof Error && e.name !== 'Error') return { ran: false, why: `stopped: ${String(e)}` };
    return { ran: true, why: trapped ? `${TRAP}${panic}` : words(e) };
  }
}

const words = (e: unknown): string => (e instanceof Error ? e.message : String(e));

addEventListener('message', ({ data }: MessageEvent<EzklFiles>) => {
  void answer(data).then((told) => postMessage(told));
});
