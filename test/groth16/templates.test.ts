/** The templates of circuits/circom compute what they say, and leave a prover no choice. */
import { expect, test } from 'vitest';
import { requantize } from '../../circuits/step.ts';
import { findLine, type Line, lineAt, lineCost } from '../../compiler/circom/line.ts';
import { unaryCost } from '../../compiler/circom/relation.ts';
import { R } from '../../groth16/r1cs.ts';
import { broken, type Compiled, circom, undetermined, witnesses } from './r1cs.helpers.ts';

const program = (template: string, inputs: readonly string[], output: string): string => `pragma circom 2.1.6;
include "requantize.circom";
template T() {
${inputs.map((i) => `    signal input ${i};\n`).join('')}    signal output y;
    component c = ${template};
${inputs.map((i) => `    c.${i} <== ${i};\n`).join('')}    y <== c.${output};
}
component main = T();
`;

/** Inputs are the wires after the outputs. */
const inputWires = (n: number): number[] => Array.from({ length: n }, (_, i) => 2 + i);

const SMALL = requantize(Math.fround(0.0371), 7, 0, 255);

function lineText({ m, b, s, k, sign, top, at, by }: Line): string {
  const some = (list: readonly number[]): string => `[${list.length === 0 ? 0 : list.join(', ')}]`;
  return `Line(${m}, ${b}, ${s}, ${k}, ${sign}, ${top}, ${at.length}, ${some(at)}, ${some(by)})`;
}

const LINES: readonly [string, Line, readonly number[]][] = (
  [
    ['clips on both sides', requantize(Math.fround(0.0371), 7, 0, 255), -9000, 9000],
    ['cannot be negative', requantize(Math.fround(0.0371), 128, 0, 255), -3000, 3000],
    ['clips at no power of two', requantize(Math.fround(0.011), 3, 3, 203), -20000, 30000],
    ['is the identity', requantize(1, 0, 0, 255), -5, 300],
    ['has a coarse scale', requantize(Math.fround(0.5), 10, 0, 15), -40, 40],
  ] as const
).map(([name, f, lo, hi]) => {
  const line = findLine(f.description as never, lo, hi) as Line;
  const points = [lo, hi, 0, 1, -1, ...Array.from({ length: 60 }, (_, i) => lo + Math.floor(((hi - lo) * i) / 59)), ...line.at].filter(
    (a) => a >= lo && a <= hi,
  );
  return [name, line, points];
});
/** A correction, which the search seldom needs. */
const [, someLine, somePoints] = LINES[0] as (typeof LINES)[number];
const CORRECTED: [string, Line, readonly number[]] = [
  'is corrected at two places',
  { ...someLine, at: [17, 40], by: [1, -1] },
  [...somePoints, 17, 40, 16, 41],
];

test.each([...LINES, CORRECTED])('Line: %s', async (_, line, points) => {
  const { r1cs, program: wasm } = circom(program(lineText(line), ['acc'], 'out'));
  const found = await witnesses(
    wasm,
    points.map((acc) => ({ acc })),
  );
  found.forEach((w, i) => {
    expect(w?.[1], `at ${points[i]}`).toBe(BigInt(lineAt(line, points[i] as number)));
    expect(broken(r1cs, w as bigint[])).toBe(-1);
  });
  // Only the inverses of IsZero are free, and they only where the value is zero.
  const free = undetermined(r1cs, inputWires(1));
  const inverses = line.at.length + (line.k > Math.ceil(Math.log2(line.top + 1)) + 1 ? 1 : 0);
  expect(free.length).toBe(inverses);
  expect(circom(program(lineText(line), ['acc'], 'out'), '--O2').r1cs.constraints.length).toBeLessThanOrEqual(lineCost(line) + 1);
});

test('Line: an accumulator outside what was reckoned with has no witness, rather than a wrong one', async () => {
  const line = findLine(SMALL.description as never, -500, 500) as Line;
  const { program: wasm } = circom(program(lineText(line), ['acc'], 'out'));
  const far = 2 ** (line.s + line.k + 2);
  expect(await witnesses(wasm, [{ acc: far }, { acc: -far }])).toEqual([null, null]);
});

test('Unary and Tables: every row, and no index beyond', async () => {
  const table = Array.from({ length: 64 }, (_, i) => (i * 37) % 101);
  const { r1cs, program: wasm } = circom(program(`Unary(6, -9, [${table.join(', ')}])`, ['x'], 'y'));
  const found = await witnesses(
    wasm,
    table.map((_, i) => ({ x: i - 9 })),
  );
  expect(found.map((w) => Number(w?.[1]))).toEqual(table);
  expect(undetermined(r1cs, inputWires(1))).toEqual([]);
  expect(await witnesses(wasm, [{ x: -10 }, { x: 55 }])).toEqual([null, null]);
  expect(circom(program(`Unary(6, -9, [${table.join(', ')}])`, ['x'], 'y'), '--O2').r1cs.constraints.length).toBe(unaryCost(table));
});

test('Max: of every pair', async () => {
  const { r1cs, program: wasm } = circom(program('Max(3)', ['a', 'b'], 'out'));
  const pairs = Array.from({ length: 64 }, (_, i) => ({ a: (i % 8) - 4, b: (i >> 3) - 4 }));
  const found = await witnesses(wasm, pairs);
  found.forEach((w, i) => {
    const { a, b } = pairs[i] as { a: number; b: number };
    expect(w?.[1]).toBe(BigInt.asUintN(256, (BigInt(Math.max(a, b)) + R) % R));
  });
  expect(undetermined(r1cs, inputWires(2))).toEqual([]);
});

test.each([
  [255, [0, 255], [-1, 256]],
  [9, [0, 9], [-1, 10, 15]],
])('Within(%i): exactly the range', async (top, good, bad) => {
  const source = program(`Within(${top})`, ['v'], 'low.v').replace('y <== c.low.v;', 'y <== v;');
  const { program: wasm } = circom(source);
  const found = await witnesses(
    wasm,
    [...good, ...bad].map((v) => ({ v })),
  );
  expect(found.map((w) => w !== null)).toEqual([...good.map(() => true), ...bad.map(() => false)]);
});

test('Steps: every accumulator, and no other step than its own', async () => {
  // y falls and rises: nothing that a line could be
  const steps = [
    [-20, -5, 9],
    [-5, 0, 2],
    [0, 1, 7],
    [1, 13, 7],
    [13, 21, 1],
  ] as const;
  const n = 3;
  const filled = (k: 0 | 1 | 2, rest: number): number[] => Array.from({ length: 2 ** n }, (_, i) => steps[i]?.[k] ?? rest);
  const table = `[[${filled(0, 21).join(', ')}], [${filled(1, 21).join(', ')}], [${filled(2, 0).join(', ')}]]`;
  const made: Compiled = circom(program(`Steps(${n}, 4, ${table})`, ['acc'], 'out'));
  const all = Array.from({ length: 41 }, (_, i) => i - 20);
  const found = await witnesses(
    made.program,
    all.map((acc) => ({ acc })),
  );
  found.forEach((w, i) => {
    const y = steps.find(([a, b]) => (all[i] as number) >= a && (all[i] as number) < b)?.[2];
    expect(Number(w?.[1])).toBe(y);
  });
  // A prover who names another step: both differences would have to be within [0, 16).
  for (const acc of all)
    for (const [a, b] of Array.from({ length: 2 ** n }, (_, i) => [filled(0, 21)[i] as number, filled(1, 21)[i] as number])) {
      const fits = acc - (a as number) >= 0 && acc - (a as number) < 16 && (b as number) - 1 - acc >= 0 && (b as number) - 1 - acc < 16;
      expect(fits).toBe(acc >= (a as number) && acc < (b as number));
    }
  // A witness of another step, everything else reckoned from it, breaks a constraint.
  const honest = found[20] as bigint[];
  expect(broken(made.r1cs, honest)).toBe(-1);
  for (let wire = 1; wire < honest.length; wire++) {
    const lie = honest.map((v, i) => (i === wire ? (v + 1n) % R : v));
    const used = made.r1cs.constraints.some((rows) => rows.some((r) => r.wires.includes(wire)));
    expect(broken(made.r1cs, lie) >= 0, `wire ${wire}`).toBe(used);
  }
});
