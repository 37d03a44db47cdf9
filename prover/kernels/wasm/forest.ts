/** The fraction forest of LogUp (protocol §8.2): every level of every tree lies in the kernel's memory until its rounds fold it away. */
import { add, type F4, inverse, mul, ONE, sub, ZERO } from '../../../protocol/extension.ts';
import type { Point } from '../../../protocol/mle.ts';
import { Scope } from '../../../wasm/memory.ts';
import type { Forest, TreeLeaves } from '../kernels.ts';
import { at, eqTable, fromMontgomery, planeOf, R2, scalar, setScalar, times, toMontgomery } from './elements.ts';
import type { Machine, Task } from './machine.ts';

/** What the numerators of a level are: all one, of the base field, elements (wasm/assembly/forest.ts). */
const UNIT = 0;
const BASE = 1;
const ELEMENTS = 2;

/** A level of 2^bits fractions: addresses of numerators (0: all one) and denominators. */
interface Level {
  readonly kind: number;
  readonly num: number;
  readonly den: number;
  readonly size: number;
  readonly plane: number;
  readonly scope: Scope;
}

/** A tree in the rounds of a level: its weighed numerators (0: all one) and its denominators. */
interface Active {
  readonly level: Level;
  readonly num: number;
}

const SUMS = 128;

export async function forest(machine: Machine, trees: readonly TreeLeaves[], alpha: F4, beta: F4): Promise<Forest> {
  return new WasmForest(machine, trees, alpha, beta);
}

class WasmForest implements Forest {
  readonly #machine: Machine;
  /** Of every tree, level by level from the root. */
  readonly #trees: Level[][] = [];
  #lambda: F4 = ZERO;
  #delta: readonly F4[] = [];
  #active: readonly Active[] = [];
  #eq = { table: 0, plane: 0 };
  #rounds: Scope;
  /** The element that binds the next variable, once it is known. */
  #rho: F4 | null = null;
  #rhoAt = 0;
  #sums = 0;
  /** Elements of a half of a vector when the next round has begun. */
  #length = 0;

  constructor(machine: Machine, trees: readonly TreeLeaves[], alpha: F4, beta: F4) {
    this.#machine = machine;
    this.#rounds = new Scope(machine.memory);
    try {
      for (const leaves of trees) this.#trees.push([this.#leaves(leaves, alpha, beta)]);
      this.#build();
    } catch (e) {
      this.free();
      throw e;
    }
  }

  #level(kind: number, size: number): Level {
    const scope = new Scope(this.#machine.memory);
    const plane = planeOf(size);
    const num = kind === UNIT ? 0 : scope.alloc(kind === BASE ? plane : 4 * plane);
    return { kind, num, den: scope.alloc(4 * plane), size, plane, scope };
  }

  #leaves({ k0, k1, k2, numerators }: TreeLeaves, alpha: F4, beta: F4): Level {
    const machine = this.#machine;
    const level = this.#level(numerators === null ? UNIT : BASE, k0.length);
    const scope = new Scope(machine.memory);
    try {
      const constants = scope.copy(Uint32Array.from([toMontgomery(alpha), times(beta, R2), times(mul(beta, beta), R2)].flat()));
      const keys = [k0, k1, k2].map((k) => scope.copy(k)) as [number, number, number];
      const ranges = machine.ranges(k0.length);
      const tasks = ranges.map(([a, b]): Task => ['denominators', a, b, ...keys, constants, level.den, level.plane]);
      if (numerators !== null) {
        const values = scope.copy(numerators);
        tasks.push(...ranges.map(([a, b]): Task => ['montgomery', a, b, values, level.num]));
      }
      machine.run(tasks);
    } finally {
      scope.free();
    }
    return level;
  }

  /** The levels above the leaves, of all trees of one depth at a time. */
  #build(): void {
    for (;;) {
      const size = Math.max(...this.#trees.map(([top]) => (top as Level).size));
      if (size === 1) return;
      const half = size / 2;
      const tasks: Task[] = [];
      for (const tree of this.#trees) {
        const below = tree[0] as Level;
        if (below.size !== size) continue;
        const up = this.#level(ELEMENTS, half);
        for (const [a, b] of this.#machine.ranges(half))
          tasks.push(['above', a, b, below.kind, below.num, below.den, below.plane, half, up.num, up.den, up.plane]);
        tree.unshift(up);
      }
      this.#machine.run(tasks);
    }
  }

  /** Element i of a vector. */
  #get(vector: number, plane: number, i: number): F4 {
    const words = this.#machine.memory.u32;
    const limb = (k: number): number => words[(vector + k * plane) / 4 + i] as number;
    return fromMontgomery([limb(0), limb(1), limb(2), limb(3)]);
  }

  async roots(): Promise<readonly F4[]> {
    return this.#trees.flatMap(([top]) => {
      const { kind, num, den, plane } = top as Level;
      const n = kind === UNIT ? ONE : kind === BASE ? this.#base(num) : this.#get(num, plane, 0);
      return [n, this.#get(den, plane, 0)];
    });
  }

  #base(num: number, i = 0): F4 {
    return fromMontgomery([this.#machine.memory.u32[num / 4 + i] as number, 0, 0, 0]);
  }

  async level(s: number, active: readonly number[], lambda: F4, delta: readonly F4[], r: Point): Promise<void> {
    const machine = this.#machine;
    this.#endLevel();
    this.#lambda = lambda;
    this.#delta = delta;
    const half = 2 ** s;
    const scope = this.#rounds;
    const levels = active.map((q) => (this.#trees[q] as Level[])[s + 1] as Level);
    if (s === 0) {
      this.#active = levels.map((level) => ({ level, num: level.num }));
      return;
    }
    const weight = scalar(machine, scope, lambda);
    const tasks: Task[] = [];
    this.#active = levels.map((level) => {
      const { kind, num, den, plane, size } = level;
      const ranges = machine.ranges(size);
      if (kind === UNIT) {
        for (const [a, b] of ranges) tasks.push(['shift', a, b, den, plane, weight]);
        return { level, num: 0 };
      }
      const out = kind === BASE ? scope.alloc(4 * plane) : num;
      for (const [a, b] of ranges) tasks.push(['weigh', a, b, kind, num, plane, weight, out]);
      return { level, num: out };
    });
    machine.run(tasks);
    this.#eq = eqTable(machine, scope, r.slice(1));
    this.#rhoAt = scope.alloc(28);
    this.#length = half;
    this.#sums = scope.alloc(SUMS * levels.length * machine.mostRanges);
  }

  async round(): Promise<readonly [F4, F4]> {
    const machine = this.#machine;
    this.#length /= 2;
    const length = this.#length;
    const { table, plane: eqPlane } = this.#eq;
    if (this.#rho !== null) {
      setScalar(machine, this.#rhoAt, this.#rho);
      machine.call('sumOut', table, eqPlane, length);
    }
    const x = this.#rho === null ? 0 : this.#rhoAt;
    this.#rho = null;
    const ranges = machine.ranges(length, 4, 4);
    const sums = this.#active.map((_, k) => ranges.map((_, i) => this.#sums + SUMS * (k * ranges.length + i)));
    machine.run(
      this.#active.flatMap(({ level: { den, plane, size }, num }, k) =>
        ranges.map(
          ([a, b], i): Task => [
            'forestRound',
            a,
            b,
            num,
            den,
            plane,
            2 * size,
            length,
            table,
            eqPlane,
            x,
            (sums[k] as number[])[i] as number,
          ],
        ),
      ),
    );
    const words = machine.memory.u32;
    let t0 = ZERO;
    let tInf = ZERO;
    const lambda2 = mul(this.#lambda, this.#lambda);
    this.#active.forEach(({ num }, k) => {
      let a = ZERO;
      let b = ZERO;
      for (const sum of sums[k] as number[]) {
        a = add(a, at(words, sum));
        b = add(b, at(words, sum + 16));
      }
      a = fromMontgomery(a);
      // eq sums to one over all points.
      if (num === 0) a = sub(a, lambda2);
      t0 = add(t0, mul(this.#delta[k] as F4, a));
      tInf = add(tInf, mul(this.#delta[k] as F4, b));
    });
    return [t0, fromMontgomery(tInf)];
  }

  async fold(rho: F4): Promise<void> {
    this.#rho = rho;
  }

  async masks(): Promise<readonly (readonly [F4, F4, F4, F4])[]> {
    const lambda = this.#lambda;
    const rho = this.#rho;
    const back = rho === null ? ONE : inverse(lambda);
    return this.#active.map(({ level: { kind, den, plane, size }, num }) => {
      /** Element 0 of a half, its last variable bound. */
      const end = (vector: number, half: number): F4 => {
        const i = (half * size) / 2;
        const low = this.#get(vector, plane, i);
        return rho === null ? low : add(low, mul(rho, sub(this.#get(vector, plane, i + 1), low)));
      };
      const d0 = end(den, 0);
      const d1 = end(den, 1);
      if (kind === UNIT) return rho === null ? [ONE, ONE, d0, d1] : [ONE, ONE, sub(d0, lambda), sub(d1, lambda)];
      if (rho === null) return kind === BASE ? [this.#base(num), this.#base(num, 1), d0, d1] : [end(num, 0), end(num, 1), d0, d1];
      return [mul(back, end(num, 0)), mul(back, end(num, 1)), d0, d1];
    });
  }

  /** Frees what the rounds of a level used, and the level itself. */
  #endLevel(): void {
    this.#rounds.free();
    for (const { level } of this.#active) level.scope.free();
    this.#active = [];
    this.#rho = null;
  }

  free(): void {
    this.#endLevel();
    for (const tree of this.#trees) for (const { scope } of tree) scope.free();
    this.#trees.length = 0;
  }
}
