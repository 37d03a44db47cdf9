/**
 * Loading WebAssembly modules: from base64, at once, in Node, a page or a worker. They import one memory and nothing else.
 */

/** What an instance offers: its functions by name, over one memory. */
export interface Instance {
  readonly memory: WebAssembly.Memory;
  readonly exports: Readonly<Record<string, (...args: number[]) => number>>;
}

export const PAGE = 65536;

/** What people are told these kernels are. */
export const NAME = 'WebAssembly SIMD';

/** A module whose one function uses a SIMD instruction: valid only where SIMD128 is. */
const SIMD = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11);

/** Null where WebAssembly with SIMD128 runs; else why not, in words. */
export function unsupported(): string | null {
  if (typeof WebAssembly !== 'object') return 'this machine has no WebAssembly';
  try {
    return WebAssembly.validate(SIMD) ? null : 'this machine has no WebAssembly SIMD';
  } catch (e) {
    return `WebAssembly is not allowed here: ${e instanceof Error ? e.message : String(e)}`;
  }
}

export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** Compiles a module; throws what the engine throws where a content security policy or a missing feature forbids it. */
export function compileModule(base64: string): WebAssembly.Module {
  return new WebAssembly.Module(decodeBase64(base64));
}

/** An instance over a memory of its own. Throws what the engine throws. */
export function load(base64: string): Instance {
  return instantiate(compileModule(base64), new WebAssembly.Memory({ initial: 1, maximum: 65536 }));
}

export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Instance {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return { memory, exports: exports as Instance['exports'] };
}
