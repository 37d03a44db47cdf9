/** The factor vectors of phases A and B, made from committed values (circuits/forms/reduction.ts `Recipe`). */
import type { OuterTerm, Recipe } from '../../../circuits/forms/reduction.ts';
import { mul } from '../../../protocol/field.ts';
import type { Point } from '../../../protocol/mle.ts';
import { Scope } from '../../../wasm/memory.ts';
import { eqTable, planeOf, planes, R, R2 } from './elements.ts';
import { partsOf } from './integers.ts';
import type { Machine, Task } from './machine.ts';

/** Bytes of a thread's tiles in `combine`. */
export const TILES = 64 * 32;
const OUTER_SCRATCH = 128;

/** Where the integers of a tensor lie: an address. */
export type Source = (tensor: number) => number;

/** Writes the vector a recipe stands for, of `size` elements, to planes at a new address. */
export function vectorOf(machine: Machine, scope: Scope, recipe: Recipe, size: number, source: Source): number {
  const plane = planeOf(size);
  const work = new Scope(machine.memory);
  try {
    switch (recipe.kind) {
      case 'contract':
        return contract(machine, scope, work, source(recipe.tensor), recipe.outer, recipe.inner, recipe.point);
      case 'window':
        return windowSums(machine, scope, work, source(recipe.tensor), recipe, size);
      case 'lift': {
        const out = scope.zeroed(4 * plane);
        const values = source(recipe.tensor);
        machine.run(machine.ranges(size).map(([a, b]): Task => ['lift', a, b, values, out]));
        return out;
      }
      case 'outer': {
        const out = scope.zeroed(4 * plane);
        for (const term of recipe.terms) addOuter(machine, work, term, out, plane);
        return out;
      }
      case 'eq': {
        if (recipe.repeat === 1) return eqTable(machine, scope, recipe.point).table;
        const eq = eqTable(machine, work, recipe.point);
        const out = scope.zeroed(4 * plane);
        machine.run(
          machine
            .ranges(size / recipe.repeat, 4, recipe.repeat)
            .map(([a, b]): Task => ['repeat', a, b, eq.table, eq.plane, recipe.repeat, out, plane]),
        );
        return out;
      }
    }
  } finally {
    work.free();
  }
}

/** out[o, i] = Σ_m eq(point, m) · v[o, m, i]. */
function contract(machine: Machine, scope: Scope, work: Scope, v: number, outer: number, inner: number, point: Point): number {
  const middle = 2 ** point.length;
  const size = outer * inner;
  const plane = planeOf(size);
  const out = scope.zeroed(4 * plane);
  const [parts] = partsOf(machine, work, v, outer * middle * inner, 1);
  if (inner === 1) {
    const eq = eqTable(machine, work, point);
    const elements = work.zeroed(16 * outer);
    for (const { shift, mask, scale } of parts ?? [])
      machine.run(
        machine
          .ranges(outer, 1, middle)
          .map(([a, b]): Task => ['dots', a, b, v, 4 * middle, middle, shift, mask, eq.table, eq.plane, mul(scale, R), elements, 16]),
      );
    machine.run(machine.ranges(outer).map(([a, b]): Task => ['toPlanes', a, b, elements, out, plane]));
    return out;
  }
  const tiles = work.alloc(TILES * machine.threads);
  // A row of fewer than four elements would spill into the next one's place: it gets a place of its own first.
  const short = inner < 4 ? work.zeroed(64 * outer) : null;
  for (const { shift, mask, scale } of parts ?? []) {
    // eq · 2^64, limbs together.
    const eq = eqTable(machine, work, point, mul(scale, R2));
    const weights = work.alloc(16 * middle);
    machine.run([['fromPlanes', 0, middle, eq.table, eq.plane, weights]]);
    const tasks: Task[] = [];
    for (let o = 0; o < outer; o++)
      for (const [a, b] of machine.ranges(inner, 4, middle))
        tasks.push(
          short === null
            ? ['combine', a, b, v + 4 * o * middle * inner, 4 * inner, middle, shift, mask, weights, out + 4 * o * inner, plane, tiles]
            : ['combine', a, b, v + 4 * o * middle * inner, 4 * inner, middle, shift, mask, weights, short + 64 * o, 16, tiles],
        );
    machine.run(tasks);
  }
  if (short !== null) {
    const words = machine.memory.u32;
    for (let o = 0; o < outer; o++)
      for (let k = 0; k < 4; k++)
        for (let i = 0; i < inner; i++) words[(out + k * plane) / 4 + o * inner + i] = words[short / 4 + 16 * o + 4 * k + i] as number;
  }
  return out;
}

/** out += a ⊗ b. */
function addOuter(machine: Machine, work: Scope, { a, b }: OuterTerm, out: number, plane: number): void {
  const width = b.length / 4;
  const left = planes(machine, work, a);
  const right = planes(machine, work, b);
  const scratch = work.alloc(OUTER_SCRATCH * machine.threads);
  const ranges: [number, number][] = width < 4 ? [[0, a.length / 4]] : machine.ranges(a.length / 4, 1, width);
  machine.run(
    ranges.map(([from, to]): Task => ['outer', from, to, left.vector, left.plane, right.vector, right.plane, width, out, plane, scratch]),
  );
}

/** out[c, ky·kw + kx] = Σ_{i,j} v[c, i, j] · rows[ky][i] · columns[kx][j]. */
function windowSums(
  machine: Machine,
  scope: Scope,
  work: Scope,
  v: number,
  { rows, columns, taps }: Extract<Recipe, { kind: 'window' }>,
  size: number,
): number {
  const image = ((rows[0] as Uint32Array).length / 4) * ((columns[0] as Uint32Array).length / 4);
  const channels = size / taps;
  const imagePlane = planeOf(image);
  const [parts] = partsOf(machine, work, v, channels * image, 1);
  const elements = work.zeroed(16 * size);
  const tasks: Task[] = [];
  rows.forEach((row, ky) => {
    columns.forEach((column, kx) => {
      const weights = work.zeroed(4 * imagePlane);
      addOuter(machine, work, { a: row, b: column }, weights, imagePlane);
      const first = elements + 16 * (ky * columns.length + kx);
      for (const { shift, mask, scale } of parts ?? [])
        for (const [a, b] of machine.ranges(channels, 1, image))
          tasks.push(['dots', a, b, v, 4 * image, image, shift, mask, weights, imagePlane, mul(scale, R), first, 16 * taps]);
    });
  });
  // Parts of one sum follow each other: they may not meet in one list.
  if ((parts ?? []).length > 1) for (const task of tasks) machine.run([task]);
  else machine.run(tasks);
  const plane = planeOf(size);
  const out = scope.zeroed(4 * plane);
  machine.run(machine.ranges(size).map(([a, b]): Task => ['toPlanes', a, b, elements, out, plane]));
  return out;
}
