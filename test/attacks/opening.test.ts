/** Lies in the opening (attacks.md O). Fixture: net 1 in mode I1, profile toy (h = 6, rate 1/4, 24 queries), unless said. */
import { describe, expect, it } from 'vitest';
import { commitStack, stackOf } from '../../circuits/contents.ts';
import { planOf } from '../../circuits/plan.ts';
import { hashWords } from '../../protocol/blake3.ts';
import { add, type F4, get, isZero, mul, sub, ZERO } from '../../protocol/extension.ts';
import { add as addBase, P } from '../../protocol/field.ts';
import { modes } from '../../protocol/hash.ts';
import { rootOf } from '../../protocol/merkle.ts';
import { eqPoints, eqTable } from '../../protocol/mle.ts';
import type { OpenedRows, StackClaim } from '../../protocol/opening.ts';
import { addTo, type Bench, bench, expectAccepted, expectRefused, judge, type Lie, seeded, tell, verdictOn, withKey } from '../lies.ts';

const net = bench('net1-i1');

describe('sumcheck and columns', () => {
  it.each<[string, Lie, string]>([
    ['O01 refuses a changed round', { messages: { 'O.r2': addTo(0) } }, 'V9'],
    ['O02 refuses one changed column value', { messages: { 'O.u': addTo(3) } }, 'V9'],
    ['O03 refuses one changed coefficient of G', { messages: { 'O.G': addTo(4) } }, 'V10'],
  ])('%s', async (_, lie, code) => expectRefused(await verdictOn(net, lie), code));

  /** The point z as the prover draws it. */
  function watchPoint(): { z: F4[]; believes: NonNullable<Lie['believes']> } {
    const z: F4[] = [];
    return {
      z,
      believes: (label, drawn) => {
        if (label.startsWith('O.x')) z.push(drawn[0] as F4);
        return drawn;
      },
    };
  }

  it('O11 refuses two column values changed so that V9 still holds', async () => {
    const { z, believes } = watchPoint();
    let claims: readonly StackClaim[] = [];
    let gamma: readonly F4[] = [];
    const verdict = await verdictOn(net, {
      believes,
      kernels: (honest) => ({
        opening: async (groups, h) => {
          const columns = await honest.opening(groups, h);
          return {
            ...columns,
            batch: (list, powers) => {
              claims = list;
              gamma = powers;
              return columns.batch(list, powers);
            },
          };
        },
      }),
      messages: {
        'O.u': (u) => {
          // V9 reads Σ κ_c u_c with public κ: move along its kernel.
          const kappa = u.map(() => ZERO);
          claims.forEach((c, j) => {
            const high = eqTable(c.high, mul(gamma[j] as F4, eqPoints(c.z, z)));
            for (let k = 0; k < high.length / 4; k++) kappa[c.first + k] = add(kappa[c.first + k] as F4, get(high, k));
          });
          const [i, j] = kappa.flatMap((k, c) => (isZero(k) ? [] : [c])) as [number, number];
          return u.map((v, c) => (c === i ? add(v, kappa[j] as F4) : c === j ? sub(v, kappa[i] as F4) : v));
        },
      },
    });
    expectRefused(verdict, 'V10');
  });

  it('O04 refuses G changed with its value at z kept', async () => {
    const { z, believes } = watchPoint();
    const verdict = await verdictOn(net, {
      believes,
      messages: {
        'O.G': (g) => {
          const eq = eqTable(z);
          return g.map((v, i) => (i === 0 ? add(v, get(eq, 1)) : i === 1 ? sub(v, get(eq, 0)) : v));
        },
      },
    });
    expectRefused(verdict, 'V12');
  });
});

const ofA =
  (change: (rows: Uint32Array) => Uint32Array): NonNullable<Lie['opened']> =>
  (group, _, { rows, siblings }) => ({ rows: group === 'A' ? change(rows) : rows, siblings });

describe('rows and paths', () => {
  it('O05 refuses changed rows', async () =>
    expectRefused(await verdictOn(net, { opened: ofA((r) => r.map((v) => addBase(v, 1))) }), 'V11'));

  it('O05 refuses one changed limb of one row, in every group', async () => {
    const b = bench('net5-i1-committed');
    for (const wanted of ['W', 'X', 'A']) {
      const verdict = await verdictOn(b, {
        opened: (group, _, o) => ({ ...o, rows: group === wanted ? o.rows.map((v, i) => (i === 0 ? addBase(v, 1) : v)) : o.rows }),
      });
      expect(verdict).toMatchObject({ ok: false, code: 'V11', detail: { group: wanted } });
    }
  });

  it('O06 refuses a limb v + p in a row', async () =>
    expectRefused(await verdictOn(net, { opened: ofA((r) => r.map((v, i) => (i === 5 ? v + P : v))) }), 'C2'));

  it('O07 refuses a root of other rows', async () => expectRefused(await verdictOn(net, { root: () => new Uint8Array(32) }), 'V11'));

  it.each(['grind.lookup', 'grind.batch', 'grind.query'])('O08 refuses a nonce of %s without its bits', async (label) => {
    // The honest nonce is the least that works, so the one before it does not; contexts are tried until it is not zero.
    for (let k = 0; ; k++) {
      const context = Uint8Array.of(k);
      let least = 0;
      const before = (n: number): number => {
        least = n;
        return Math.max(0, n - 1);
      };
      const { envelope } = await tell(net, { context, nonces: { [label]: before } });
      if (least === 0) continue;
      expect(judge(net, envelope, { context })).toMatchObject({ ok: false, code: 'C3', detail: { label } });
      return;
    }
  });

  const siblings = (change: (s: readonly Uint8Array[]) => readonly Uint8Array[], wanted = 'A'): Lie => ({
    opened: (group, _, o) => (group === wanted ? { ...o, siblings: change(o.siblings) } : o),
  });

  it.each<[string, Lie, string]>([
    ['O12 refuses two siblings in the other order', siblings(([a, b, ...s]) => [b, a, ...s] as Uint8Array[]), 'V11'],
    ['O12 refuses an extra sibling at the end', siblings((s) => [...s, new Uint8Array(32)]), 'C4'],
    ['O12 refuses an extra sibling of an earlier group', siblings((s) => [...s, new Uint8Array(32)], 'W'), 'V11'],
    ['O12 refuses a missing sibling', siblings((s) => s.slice(0, -1)), 'C1'],
  ])('%s', async (_, lie, code) => expectRefused(await verdictOn(net, lie), code));

  /** Opens group A elsewhere than asked. */
  function openedAt(positions: (asked: readonly number[]) => readonly number[]): Lie {
    let open: ((at: readonly number[]) => Promise<OpenedRows>) | null = null;
    return {
      kernels: (honest) => ({
        commit: async (stack, h, lr, pace) => {
          const g = await honest.commit(stack, h, lr, pace);
          return {
            ...g,
            open: async (asked) => {
              open = g.open;
              return open(asked.length === 0 ? asked : positions(asked));
            },
          };
        },
      }),
    };
  }

  it('O12 refuses the rows and path of another index', async () =>
    expectRefused(
      await verdictOn(
        net,
        openedAt(([first, ...rest]) => [(first as number) ^ 1, ...rest]),
      ),
      'V11',
    ));

  it('O12 refuses a position given twice', async () =>
    expectRefused(
      await verdictOn(net, {
        opened: (group, positions, o) => {
          if (group !== 'A') return o;
          const width = o.rows.length / positions.length;
          return { ...o, rows: Uint32Array.from([...o.rows.slice(0, width), ...o.rows]) };
        },
      }),
      // The second copy stands where the next row belongs.
      'V11',
    ));

  it('O13 refuses a node presented as a leaf: leaves and nodes are hashed under different keys', async () => {
    const b = withSixteenColumns();
    const honest = await tell(b);
    expectAccepted(judge(b, honest.envelope));
    const asNode = (row: Uint32Array): Uint32Array => {
      const out = new Uint32Array(8);
      hashWords(modes.node, row, 0, 64, out, 0);
      return out;
    };
    expectRefused(await verdictOn(b, { leaf: asNode }), 'V11');
  });
});

/** A sample network whose witness has 16 columns: rows as long as two digests. */
function withSixteenColumns(): Bench {
  const b = bench('random-01');
  const h = 5;
  const weights = stackOf(planOf({ ...b.key, h }), h, 'W', (t) => b.contents.get(t) as Int32Array);
  const other = withKey(b, { h, wroot: rootOf(commitStack(weights, h, b.key.lr).tree) });
  expect(other.plan.groups.at(-1)).toMatchObject({ group: 'A', columns: 16 });
  return other;
}

describe('commitments that are no codewords', () => {
  it('O10 refuses a column with every other row shifted', async () =>
    expectRefused(
      await verdictOn(net, {
        code: (group, code, n) => {
          if (group === 'A') for (let j = 0; j < n; j += 2) code[j] = addBase(code[j] as number, 1);
        },
      }),
      'V12',
    ));

  /**
   * The best cheat of the unique-decoding regime corrupts e = (n − 2^h)/2 rows; it passes if no query hits one: with probability
   * (1 − e/n)^t = ((1+ρ)/2)^t (term L12 of the ledger). Measured with the real prover and verifier, t queries, one context a trial.
   */
  it.each([
    [1, 200],
    [2, 300],
    [4, 300],
  ])('O10 accepts (n − 2^h)/2 corrupted rows with probability ((1+ρ)/2)^t at t = %i', async (t, trials) => {
    const b = withKey(bench('random-23'), { t, grinding: [0, 0, 0] });
    const random = seeded(1000 + t);
    let accepted = 0;
    for (let k = 0; k < trials; k++) {
      const context = Uint8Array.of(k & 255, k >> 8);
      const told = await tell(b, {
        context,
        code: (_, code, n) => {
          const order = Array.from({ length: n }, (_, j) => j);
          for (let j = 0; j < (n - 2 ** b.key.h) / 2; j++) {
            const other = j + random(n - j);
            [order[j], order[other]] = [order[other] as number, order[j] as number];
            const bad = order[j] as number;
            code[bad] = addBase(code[bad] as number, 1 + random(P - 1));
          }
        },
      });
      const verdict = judge(b, told.envelope, { context });
      if (verdict.ok) accepted++;
      else expectRefused(verdict, 'V12');
    }
    const rate = (1 + 2 ** -b.key.lr) / 2;
    const wanted = rate ** t;
    const deviation = Math.sqrt((wanted * (1 - wanted)) / trials);
    expect(Math.abs(accepted / trials - wanted)).toBeLessThan(3.5 * deviation);
  });
});
