/**
 * Why the separator exists (protocol §5.2, attacks.md T10): the same prover and verifier with ZETA = 0 accept a false value.
 *
 * Fixture: net 1, I1, with the constant replaced in every module that uses it, and row 0 of the content as it would then be.
 */
import { describe, expect, it, vi } from 'vitest';
import { commitStack, stackOf } from '../../circuits/contents.ts';
import { rootOf } from '../../protocol/merkle.ts';
import { type Bench, bench, expectAccepted, expectRefused, judge, opOf, tell, withKey } from '../lies.ts';
import { forgedCell } from './forge.helpers.ts';

vi.mock('../../circuits/tables.ts', async (original) => ({ ...(await original<typeof import('../../circuits/tables.ts')>()), ZETA: 0 }));

function withoutZeta(): Bench {
  const b = bench('net1-i1');
  const [, k2] = b.plan.content;
  const column = (b.contents.get(k2) as Int32Array).slice();
  column[0] = 0;
  const contents = new Map([...b.contents, [k2, column]]);
  const wroot = rootOf(
    commitStack(
      stackOf(b.plan, b.key.h, 'W', (t) => contents.get(t) as Int32Array),
      b.key.h,
      b.key.lr,
    ).tree,
  );
  const sealed = withKey({ ...b, contents }, { wroot });
  return { ...sealed, circuit: { ...sealed.circuit, contents } };
}

describe('the relation without its separator', () => {
  const b = withoutZeta();
  const op = opOf(b, 'req', 0);

  it('still accepts an honest run and refuses a plain false value', async () => {
    expectAccepted(judge(b, (await tell(b)).envelope));
    const lie = await tell(b, {
      afterOp: (i, _, values) => {
        if (i === op.index) (values.get(op.y) as Int32Array)[0] = ((values.get(op.y) as Int32Array)[0] as number) + 1;
      },
    });
    expectRefused(judge(b, lie.envelope), 'V2');
  });

  it('T10 is accepted: a false value whose range key is answered by a row of a cell table', async () => {
    let change: [number, number] = [0, 0];
    const { envelope, missing } = await tell(b, {
      afterOp: (i, _, values) => {
        if (i !== op.index) return;
        const { position, rem, y, wid } = forgedCell(b, op, values);
        change = [(values.get(op.y) as Int32Array)[position] as number, y];
        (values.get(op.rem) as Int32Array)[position] = rem;
        (values.get(op.wid as number) as Int32Array)[position] = wid;
        (values.get(op.y) as Int32Array)[position] = y;
      },
    });
    expect(change[0]).not.toBe(change[1]);
    expect(missing).toBe(0);
    expectAccepted(judge(b, envelope));
  });
});
