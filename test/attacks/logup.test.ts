/** Lies in the fraction forest and its leaves (attacks.md L, F). Fixture: net 1 in mode I1, profile toy, honest but for one message. */
import { describe, expect, it } from 'vitest';
import type { ValueMap } from '../../circuits/evaluate.ts';
import { k0Column } from '../../circuits/tables.ts';
import { add, type F4, fromInteger, inverse, mul, scale, sub, ZERO } from '../../protocol/extension.ts';
import { add as addBase, centred, inverse as inverseBase, mul as mulBase, residue, sub as subBase } from '../../protocol/field.ts';
import { statementDigest } from '../../protocol/statement.ts';
import { VerifierTranscript } from '../../protocol/transcript.ts';
import { verifyPass } from '../../verifier/pass.ts';
import { addTo, at, bench, expectRefused, judge, type Lie, opOf, refusalOf, tell, verdictOn } from '../lies.ts';

const net = bench('net1-i1');

describe('roots', () => {
  it.each<[string, Lie, string]>([
    [
      'L01 refuses a root fraction scaled by 5: same fraction, another tree',
      { messages: { roots: (v) => v.map((e, i) => (i < 2 ? scale(5, e) : e)) } },
      'V4',
    ],
    ['L02 refuses a root denominator of zero', { messages: { roots: (v) => v.map((e, i) => (i === 1 ? ZERO : e)) } }, 'V1'],
    ['L03 refuses a changed root numerator', { messages: { roots: addTo(0) } }, 'V2'],
    ['L04 refuses numerator and denominator swapped', { messages: { roots: (v) => [v[1], v[0], ...v.slice(2)] as F4[] } }, 'V2'],
  ])('%s', async (_, lie, code) => expectRefused(await verdictOn(net, lie), code));
});

describe('challenges known before the witness root', () => {
  // Lie: one y is false, and four multiplicities are moved so that the fraction sums agree at α, β fixed beforehand.
  const alpha: F4 = [12345, 0, 0, 0];
  const beta: F4 = [777, 0, 0, 0];
  const wideAlpha: F4 = [12345, 99, 7, 424242];
  const wideBeta: F4 = [777, 31, 5, 66666];
  const conv1 = opOf(net, 'req', 0);
  const position = at(net, conv1.y, [1, 2, 3]);

  const bump = (values: ValueMap): void => {
    const y = values.get(conv1.y) as Int32Array;
    y[position] = (y[position] as number) + 1;
  };

  const believing = (a: F4, b: F4) => (label: string, drawn: F4[]) => (label === 'alpha' ? [a] : label === 'beta' ? [b] : drawn);

  /** Collides the sums at (a, b): Σ δ_i / (a − φ(row_i)) = 1/(a − φ(bad key)), δ_i base elements, by elimination over F_p. */
  function collide(a: F4, b: F4): Lie['counts'] {
    return (values, witness) => {
      const term = (k0: number, k1: number, k2: number): F4 =>
        inverse(sub(a, add(fromInteger(k0), mul(b, add(fromInteger(k1), mul(b, fromInteger(k2)))))));
      const segment = net.plan.lookups.flatMap((i, q) => i.segments.filter((s) => s.op === conv1.index).map((s) => ({ ...s, q })))[0];
      const keys = witness.lookups[segment?.q as number];
      const cells = (segment?.offset as number) + 2 ** ((segment?.bits as number) - 1) + position;
      const target = term(keys?.k0[cells] as number, keys?.k1[cells] as number, keys?.k2[cells] as number);
      const [c1, c2] = net.plan.content.map((t) => net.contents.get(t) as Int32Array) as [Int32Array, Int32Array];
      const k0 = k0Column(net.key.runs);
      const rows = [10, 11, 12, 13];
      const columns = rows.map((r) => term(k0[r] as number, c1[r] as number, c2[r] as number));
      const m = [0, 1, 2, 3].map((limb) => [...columns.map((c) => c[limb] as number), target[limb] as number]);
      for (let i = 0; i < 4; i++) {
        const pivot = m.findIndex((row, k) => k >= i && row[i] !== 0);
        [m[i], m[pivot]] = [m[pivot] as number[], m[i] as number[]];
        const lead = inverseBase(m[i]?.[i] as number);
        m[i] = (m[i] as number[]).map((v) => mulBase(v, lead));
        for (let k = 0; k < 4; k++) {
          const f = m[k]?.[i] as number;
          if (k !== i) m[k] = (m[k] as number[]).map((v, j) => subBase(v, mulBase(f, m[i]?.[j] as number)));
        }
      }
      const counts = values.get(net.plan.mult[0] as number) as Int32Array;
      rows.forEach((r, i) => {
        counts[r] = centred(addBase(residue(counts[r] as number), m[i]?.[4] as number));
      });
    };
  }

  const lie = (a: F4, b: F4): Lie => ({
    afterOp: (i, _, values) => (i === conv1.index ? bump(values) : undefined),
    believes: believing(a, b),
  });

  it('L05 refuses a run whose prover uses α, β of its own', async () => {
    const told = await tell(net, lie(alpha, beta));
    expect(told.missing).toBe(1);
    expectRefused(judge(net, told.envelope), 'V2');
  });

  it('L05 refuses a collision prepared at α, β of its own', async () => {
    const told = await tell(net, { ...lie(wideAlpha, wideBeta), counts: collide(wideAlpha, wideBeta) as NonNullable<Lie['counts']> });
    expectRefused(judge(net, told.envelope), 'V5');
  });

  it('shows the hole: a verifier whose α, β were known before the root accepts the prepared collision', async () => {
    const told = await tell(net, { ...lie(wideAlpha, wideBeta), counts: collide(wideAlpha, wideBeta) as NonNullable<Lie['counts']> });
    class Predictable extends VerifierTranscript {
      override challenges(label: string, m: number): F4[] {
        return believing(wideAlpha, wideBeta)(label, super.challenges(label, m));
      }
    }
    const run = (t: VerifierTranscript) =>
      refusalOf(() =>
        verifyPass(t, {
          key: net.key,
          plan: net.plan,
          publicValues: told.witness.values,
          statementDigest: statementDigest(told.statement),
          inputRoot: null,
          contents: new Map(),
        }),
      );
    expect(run(new Predictable('toy', told.proof))).toEqual({ ok: true });
    expectRefused(run(new VerifierTranscript('toy', told.proof)), 'V5');
  });
});

describe('levels of the forest', () => {
  it.each<[string, Lie, string]>([
    ['F01 refuses a changed round', { messages: { 'g5.2': addTo(0) } }, 'V4'],
    ['F02 refuses a changed mask', { messages: { mask6: addTo(1) } }, 'V4'],
    ['F03 refuses a mask chosen after its challenge (sent, not absorbed)', { messages: { mask4: addTo(3) }, unabsorbed: ['mask4'] }, 'V4'],
  ])('%s', async (_, lie, code) => expectRefused(await verdictOn(net, lie), code));

  it.each([
    ['λ', 'lam'],
    ['δ', 'del'],
  ])('F08 refuses a prover that uses one %s for all levels', async (_, name) => {
    let first: F4[] | null = null;
    const verdict = await verdictOn(net, {
      believes: (label, drawn) => {
        if (!label.startsWith(name)) return drawn;
        first ??= drawn;
        return first;
      },
    });
    expectRefused(verdict, 'V4');
  });

  it('F08 draws a fresh λ and δ at every level', async () => {
    const { log } = await tell(net);
    for (const name of ['lam', 'del']) {
      const drawn = log.filter((l) => l.kind === 'challenge' && new RegExp(`^${name}\\d+$`).test(l.label)).map((l) => l.value);
      expect(drawn.length).toBe(Math.max(...net.plan.instances.map((i) => i.bits)));
      expect(new Set(drawn).size).toBe(drawn.length);
    }
  });
});

describe('segment values', () => {
  it.each<[string, Lie, string]>([
    ['F04 refuses a changed accumulator', { messages: { segs: addTo(0) } }, 'V5'],
    ['F06 refuses a changed content value', { messages: { segs: addTo(-1) } }, 'V5'],
    ['F07 refuses values in another order', { messages: { segs: (v) => [v[1], v[0], ...v.slice(2)] as F4[] } }, 'V5'],
    ['F07 refuses a dropped value: the next message is read in its place', { messages: { segs: (v) => v.slice(0, -1) } }, 'V5'],
  ])('%s', async (_, lie, code) => expectRefused(await verdictOn(net, lie), code));

  it('F05 refuses acc, rem and width changed so that both leaves cancel', async () => {
    let beta: F4 = ZERO;
    const d = fromInteger(11);
    const verdict = await verdictOn(net, {
      believes: (label, drawn) => {
        if (label === 'beta') beta = drawn[0] as F4;
        return drawn;
      },
      messages: {
        segs: ([acc, rem, wid, ...rest]) => [add(acc as F4, scale(2, d)), add(rem as F4, d), sub(wid as F4, mul(beta, d)), ...rest],
      },
    });
    expectRefused(verdict, 'V6');
  });
});
