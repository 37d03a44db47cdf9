/**
 * The free-element audit (attacks.md N08): in every witness, input and output tensor of the 13 sample nets, one element is changed, at
 * valid and at padded positions, and the prover is otherwise consistent. What is accepted must be exactly what the specification names:
 * another cell that covers the same accumulator with the same y, and a count moved between equal table rows (T19); and a true statement.
 */
import { describe, expect, it } from 'vitest';
import { channelOf, evaluate, type ValueMap } from '../../circuits/evaluate.ts';
import { accumulate } from '../../circuits/forms/index.ts';
import { unpad, validMask } from '../../circuits/shape.ts';
import { k0Column, ZETA } from '../../circuits/tables.ts';
import type { ReqOp, Tensor } from '../../circuits/types.ts';
import { type Bench, bench, expectAccepted, judge, seeded, tell } from '../lies.ts';
import { netNames } from '../nets.ts';

type Change = readonly [position: number, delta: number];

const KNOWN = /^(V2|V5|V6|V7|V8|V9|V13|E5)$/;

/** Refused or accepted; a key in no table shows at the roots, so the rest of that proof is not made. */
async function isAccepted(b: Bench, t: number, [position, delta]: Change): Promise<boolean> {
  const change = (values: ValueMap): void => {
    const v = (values.get(t) as Int32Array).slice();
    v[position] = (v[position] as number) + delta;
    values.set(t, v);
  };
  const lie = b.plan.mult.includes(t) ? { counts: change } : { values: change };
  const early = judge(b, (await tell(b, { ...lie, endsAfter: 'roots' })).envelope);
  if (!early.ok && (early.code === 'V2' || early.code === 'E5')) return false;
  const verdict = judge(b, (await tell(b, lie)).envelope);
  if (!verdict.ok) expect(verdict.code).toMatch(KNOWN);
  return verdict.ok;
}

/** Moves of a remainder to another cell that holds acc with the same y: the only freedom of a witness element. */
function otherCells(b: Bench, op: ReqOp, values: ValueMap): Change[] {
  const { dims } = b.key.tensors[op.y] as Tensor;
  const acc = accumulate(b.key.tensors, op.form, (i) => values.get(i) as Int32Array, dims);
  const [c1, c2] = b.plan.content.map((c) => b.contents.get(c) as Int32Array) as [Int32Array, Int32Array];
  const rows = new Set([...k0Column(b.key.runs)].map((k0, i) => `${k0} ${c1[i]} ${c2[i]}`));
  const [rem, y] = [values.get(op.rem) as Int32Array, values.get(op.y) as Int32Array];
  const channel = channelOf(op, dims);
  return [...validMask(dims)].flatMap((valid, p): Change[] => {
    if (valid === 0) return [];
    const w = op.wid === null ? (op.w0 as number) : ((values.get(op.wid) as Int32Array)[p] as number);
    const k0 = 32 * (op.id + channel(p)) + w;
    return Array.from({ length: 2 ** w }, (_, r) => r)
      .filter((r) => r !== rem[p] && rows.has(`${k0} ${(acc[p] as number) - r} ${y[p]}`))
      .map((r): Change => [p, r - (rem[p] as number)]);
  });
}

/** Whether an input with this change gives the same y everywhere: then the statement is true. */
function isTrue(b: Bench, honest: ValueMap, t: number, [position, delta]: Change): boolean {
  const inputs = b.key.inputs.map(({ tensor }, i) => {
    if (tensor !== t) return b.inputs[i] as readonly number[];
    const v = (honest.get(t) as Int32Array).slice();
    v[position] = (v[position] as number) + delta;
    return [...unpad(v, (b.key.tensors[t] as Tensor).dims)];
  });
  const run = evaluate(b.circuit, inputs);
  return b.key.ops.every((op) => op.kind === 'range' || (run.get(op.y) as Int32Array).every((v, i) => v === honest.get(op.y)?.[i]));
}

const count = { changes: 0, overlap: 0, truths: 0 };

describe.each(netNames.filter((n) => n.startsWith('net')))('free elements of %s', (name) => {
  it('N08 accepts a change of one element only where the specification leaves it free', async () => {
    const b = bench(name);
    const { key, plan } = b;
    const random = seeded(7);
    const honest = evaluate(b.circuit, b.inputs);
    for (const [t, { home, dims, lo, hi }] of key.tensors.entries()) {
      if (home === 'W') continue;
      const mask = validMask(dims);
      const valid = [...mask].flatMap((v, p) => (v === 1 ? [p] : []));
      const padded = home === 'PUB' ? [] : [...mask].flatMap((v, p) => (v === 0 ? [p] : []));
      const pick = (list: readonly number[]): number => list[random(list.length)] as number;
      const big = plan.mult.includes(t) ? 7 : ZETA;
      const changes: Change[] = [];
      for (const d of [1, -1, big]) changes.push([pick(valid), d]);
      if (padded.length > 0) for (const d of [1, big]) changes.push([pick(padded), d]);
      const op = key.ops.find((o): o is ReqOp => o.kind === 'req' && o.rem === t);
      const free = op === undefined ? [] : otherCells(b, op, honest);
      changes.push(...free.slice(0, 2), ...free.slice(-1));
      for (const change of changes) {
        const [p, d] = change;
        const value = ((honest.get(t) ?? [])[p] ?? 0) + d;
        if (home === 'PUB' && (value < (lo as number) || value > (hi as number))) continue;
        count.changes++;
        const otherCell = free.some(([q, e]) => q === p && e === d);
        const accepted = await isAccepted(b, t, change);
        // Another input may leave every y as it was: then the statement is true, and accepted if the witness still fits.
        const truth = accepted && key.inputs.some((i) => i.tensor === t) && mask[p] === 1 && isTrue(b, honest, t, change);
        expect({ tensor: t, home, position: p, delta: d, accepted }).toEqual({
          tensor: t,
          home,
          position: p,
          delta: d,
          accepted: otherCell || truth,
        });
        if (accepted) count[otherCell ? 'overlap' : 'truths']++;
      }
    }
  }, 60_000);
});

describe('the audit itself', () => {
  it('tried many changes and met both named kinds', () => {
    expect(count.changes).toBeGreaterThan(600);
    expect(count.overlap).toBeGreaterThan(10);
  });

  it('accepts a true statement about another input with the same y everywhere, its witness computed anew', async () => {
    const b = bench('net4-i1');
    const honest = evaluate(b.circuit, b.inputs);
    const x = b.inputs[0] as readonly number[];
    const { lo, hi, dims } = b.key.tensors[0] as Tensor & { lo: number; hi: number };
    const found = [...validMask(dims)].flatMap((v, p): Change[] => (v === 1 && isTrue(b, honest, 0, [p, 1]) ? [[p, 1]] : []));
    expect(found.length).toBeGreaterThan(0);
    for (const [p, d] of found.slice(0, 3)) {
      const padded = Int32Array.from(honest.get(0) as Int32Array);
      padded[p] = (padded[p] as number) + d;
      const other = [...unpad(padded, dims)];
      expect(other.every((v) => v >= lo && v <= hi)).toBe(true);
      expect(other).not.toEqual(x);
      expectAccepted(judge(b, (await tell({ ...b, inputs: [other] })).envelope));
    }
  }, 60_000);
});
