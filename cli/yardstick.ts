/** How fast this machine is, by one step of a proof: predicted times are of another one. */
import { chooseKernels } from './library.ts';

/** Milliseconds of the step on the machine of README's figures. */
const REFERENCE = 5.1;
const RUNS = 5;

/** How many times slower this machine is than that of README's figures: the fastest of a few commitments to 2^16 elements. */
export async function slowness(): Promise<number> {
  const stack = Int32Array.from({ length: 2 ** 16 }, (_, i) => (i % 255) - 127);
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < RUNS; i++) {
    const { kernels, close } = chooseKernels();
    const started = performance.now();
    const group = await kernels.commit(stack, 10, 3);
    least = Math.min(least, performance.now() - started);
    group.free();
    close();
  }
  return least / REFERENCE;
}
