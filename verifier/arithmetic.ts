/** Which arithmetic a verifier runs on: WebAssembly where it runs, else plain TypeScript. The answers are the same. */
import { type Arithmetic, plain } from '../protocol/arithmetic.ts';
import { NAME, unsupported } from '../wasm/module.ts';
import { wasmArithmetic } from './wasm.ts';

let chosen: Arithmetic | null = null;

function choose(): Arithmetic {
  const fallback = (why: string): Arithmetic => ({ ...plain, name: `${plain.name}, since ${why}` });
  const reason = unsupported();
  if (reason !== null) return fallback(reason);
  try {
    return wasmArithmetic();
  } catch (e) {
    // A content security policy without 'wasm-unsafe-eval', or no memory.
    return fallback(`${NAME} is not allowed here: ${e instanceof Error ? e.message : String(e)}`);
  }
}

/** The arithmetic of this machine, chosen at the first call. */
export function arithmetic(): Arithmetic {
  chosen ??= choose();
  return chosen;
}

/** For people: the arithmetic that verifies here, and why it is not the fast one where it is not. */
export const kernelsInUse = (): string => arithmetic().name;
