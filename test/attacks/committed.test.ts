/** Lies about a committed input (attacks.md X). Fixture: net 1 with a committed input, I1, profile toy, unless said. */
import { describe, expect, it } from 'vitest';
import { commitStack, stackOf } from '../../circuits/contents.ts';
import { toHex } from '../../protocol/bytes.ts';
import { decodeEnvelope } from '../../protocol/envelope.ts';
import { rootOf } from '../../protocol/merkle.ts';
import { committedItem } from '../../protocol/statement.ts';
import { type Bench, bench, expectAccepted, expectRefused, judge, tell } from '../lies.ts';

const net = bench('net1-committed');

const rootOfInput = (b: Bench, x: Int32Array): Uint8Array =>
  rootOf(
    commitStack(
      stackOf(b.plan, b.key.h, 'X', () => x),
      b.key.h,
      b.key.lr,
    ).tree,
  );

describe('committed input', () => {
  it('X01 refuses a value out of int8: its range key is no row', async () => {
    const wide: Bench = { ...net, inputs: [(net.inputs[0] as number[]).map((v, i) => (i === 0 ? 300 : v))] };
    const { envelope, missing } = await tell(wide);
    expect(missing).toBeGreaterThan(0);
    expectRefused(judge(net, envelope), 'V2');
  });

  it('X02 refuses the root of another input in the statement: the rows lead to another root', async () => {
    const { envelope } = await tell(net, {
      statement: (s) => ({
        ...s,
        inputs: [committedItem('int8', [1, 6, 6], rootOfInput(net, new Int32Array(64).fill(1)))],
      }),
    });
    expect(judge(net, envelope)).toMatchObject({ ok: false, code: 'V11', detail: { group: 'X' } });
  });

  it('X02 refuses another input than the one behind the root, evaluated as if it were the committed one', async () => {
    // The run is over an input of the prover's own; the commitment and the opened rows are those of the owner's.
    const own: Bench = { ...net, inputs: [(net.inputs[0] as number[]).map((v) => -v - 1)] };
    const owners = await tell(net);
    const root = (decodeEnvelope(owners.envelope).inputs[0] as Uint8Array).slice(-32);
    const x = owners.witness.values.get(0) as Int32Array;
    expect(rootOfInput(net, x)).toEqual(root);
    const { envelope } = await tell(own, {
      statement: (s) => ({ ...s, inputs: [committedItem('int8', [1, 6, 6], root)] }),
      kernels: (kernels) => ({
        commit: async (stack, h, lr) =>
          stack.length === 2 ** h
            ? kernels.commit(
                stackOf(net.plan, h, 'X', () => x),
                h,
                lr,
              )
            : kernels.commit(stack, h, lr),
      }),
    });
    expectRefused(judge(net, envelope), 'V12');
  });

  it('X04 accepts the same input with another tail of its stack: another root and digest, the same input, output and context', async () => {
    const b = bench('net5-i1-committed');
    const { size } = b.plan;
    const plain = await tell(b);
    const tailed = await tell(b, {
      stack: (group, stack) => {
        if (group === 'X') stack.fill(77, size[b.key.inputs[0]?.tensor as number] as number);
      },
    });
    const [v, w] = [judge(b, plain.envelope), judge(b, tailed.envelope)];
    expectAccepted(v);
    expectAccepted(w);
    if (!v.ok || !w.ok) return;
    expect(toHex(v.statement.digest)).not.toBe(toHex(w.statement.digest));
    expect(v.statement.inputs).not.toEqual(w.statement.inputs);
    expect(v.statement.outputs).toEqual(w.statement.outputs);
    expect(v.statement.context).toEqual(w.statement.context);
  });

  it('accepts another tail of the witness stack, refuses another tail of the weights', async () => {
    const b = bench('net5-i1-committed');
    const tail = (wanted: string) => ({
      stack: (group: string, stack: Int32Array): void => {
        if (group === wanted) stack[stack.length - 1] = 5;
      },
    });
    expectAccepted(judge(b, (await tell(b, tail('A'))).envelope));
    expect(judge(b, (await tell(b, tail('W'))).envelope)).toMatchObject({ ok: false, code: 'V11', detail: { group: 'W' } });
  });
});
