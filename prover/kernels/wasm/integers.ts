/** Vectors of centred integers in a kernel's memory. A product with an extension limb has room for 23 bits; longer ones go in two parts. */

import type { Scope } from '../../../wasm/memory.ts';
import type { Machine } from './machine.ts';

/** A part of every integer of a vector: (v >> shift) & mask, worth `scale` (a residue). */
export interface Part {
  readonly shift: number;
  readonly mask: number;
  readonly scale: number;
}

const WHOLE: readonly Part[] = [{ shift: 0, mask: -1, scale: 1 }];
const HALVES: readonly Part[] = [
  { shift: 0, mask: 0xffff, scale: 1 },
  { shift: 16, mask: -1, scale: 65536 },
];
const SHORT = 2 ** 23;

/** Of columns of `rows` integers each from an address on, the parts each has to go in. */
export function partsOf(machine: Machine, scope: Scope, address: number, rows: number, columns: number): (readonly Part[])[] {
  const out = scope.alloc(4 * columns);
  machine.run(machine.ranges(columns, 1, rows / 8).map(([from, to]) => ['magnitudes', from, to, address, rows, out]));
  const bits = machine.memory.u32.subarray(out / 4, out / 4 + columns);
  return Array.from(bits, (b) => (b < SHORT ? WHOLE : HALVES));
}

/** Runs of consecutive columns that go in the same parts: [first, end). */
export function runs(parts: readonly (readonly Part[])[], first = 0, end = parts.length): [number, number, readonly Part[]][] {
  const list: [number, number, readonly Part[]][] = [];
  for (let c = first; c < end; c++) {
    const last = list[list.length - 1];
    if (last !== undefined && last[2] === parts[c]) last[1] = c + 1;
    else list.push([c, c + 1, parts[c] as readonly Part[]]);
  }
  return list;
}
