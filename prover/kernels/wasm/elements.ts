/** Extension elements on their way into and out of a kernel's memory, where they are in Montgomery form (times R = 2^32). */
import { type F4, inverse, mul } from '../../../protocol/extension.ts';
import { mul as mulBase, P, pow } from '../../../protocol/field.ts';
import type { Point } from '../../../protocol/mle.ts';
import type { Scope } from '../../../wasm/memory.ts';
import { R, R2 } from '../../../wasm/montgomery.ts';
import type { Machine } from './machine.ts';

const INVERSE_OF_R = pow(R, P - 2);

const times = (a: F4, k: number): F4 => [mulBase(a[0], k), mulBase(a[1], k), mulBase(a[2], k), mulBase(a[3], k)];

export const toMontgomery = (a: F4): F4 => times(a, R);
export const fromMontgomery = (a: F4): F4 => times(a, INVERSE_OF_R);
export { inverse, mul, R, R2, times };

/** The element of four words at an address. */
export function at(words: Uint32Array, address: number): F4 {
  const i = address / 4;
  return [words[i] as number, words[i + 1] as number, words[i + 2] as number, words[i + 3] as number];
}

/** Bytes of a plane of n elements. */
export const planeOf = (n: number): number => Math.max(16, 4 * n);

/** A scalar operand: the element in Montgomery form with its triples. */
export function scalar(machine: Machine, scope: Scope, a: F4): number {
  const address = scope.alloc(28);
  setScalar(machine, address, a);
  return address;
}

export function setScalar({ memory }: Machine, address: number, a: F4): void {
  const m = toMontgomery(a);
  memory.u32.set([...m, mulBase(3, m[1]), mulBase(3, m[2]), mulBase(3, m[3])], address / 4);
}

/** factor · eq(·, point) in planes: a table of 2^n elements. The factor is a base element. */
export function eqTable(machine: Machine, scope: Scope, point: Point, factor = 1): { readonly table: number; readonly plane: number } {
  const { memory } = machine;
  const n = point.length;
  const plane = planeOf(2 ** n);
  const table = scope.alloc(4 * plane);
  const coordinates = scope.alloc(16 * n + 28);
  const words = memory.u32;
  point.forEach((x, i) => {
    words.set(toMontgomery(x), coordinates / 4 + 4 * i);
  });
  words.set(toMontgomery([factor, 0, 0, 0]), coordinates / 4 + 4 * n);
  machine.call('eqTable', coordinates, n, table, plane);
  return { table, plane };
}

/** A vector of plain elements, limbs together, in planes; lanes past its end are zero. */
export function planes(machine: Machine, scope: Scope, elements: Uint32Array): { readonly vector: number; readonly plane: number } {
  const n = elements.length / 4;
  const plane = planeOf(n);
  const vector = scope.zeroed(4 * plane);
  const source = scope.copy(elements);
  machine.run(machine.ranges(n).map(([from, to]) => ['toPlanes', from, to, source, vector, plane]));
  return { vector, plane };
}
