/**
 * One wrong activation anywhere: in 24 random networks (every op kind, both modes, public and committed inputs) each op in turn gets one
 * output changed right after it, and everything downstream is computed from the lie.
 */
import { describe, expect, it } from 'vitest';
import { validMask } from '../../circuits/shape.ts';
import type { Tensor } from '../../circuits/types.ts';
import { bench, expectAccepted, expectRefused, judge, seeded, tell } from '../lies.ts';
import { netNames } from '../nets.ts';

describe.each(netNames.filter((n) => n.startsWith('random')))('%s', (name) => {
  const b = bench(name);
  const random = seeded(40 + Number(name.slice(-2)));

  it('accepts the honest run', async () => {
    const told = await tell(b);
    expect(told.missing).toBe(0);
    expectAccepted(judge(b, told.envelope));
  });

  const ops = b.key.ops.flatMap((op, i) => (op.kind === 'range' ? [] : [[op.kind, i, op.y] as const]));
  it.each(ops)('refuses one wrong output of %s (op %i)', async (kind, index, y) => {
    const { dims, lo, hi } = b.key.tensors[y] as Tensor & { lo: number; hi: number };
    const valid = [...validMask(dims)].flatMap((v, p) => (v === 1 ? [p] : []));
    const position = valid[random(valid.length)] as number;
    const step = random(2) === 0 ? 1 : -1;
    const told = await tell(b, {
      afterOp: (i, _, values) => {
        if (i !== index) return;
        const v = values.get(y) as Int32Array;
        const old = v[position] as number;
        v[position] = old + step >= lo && old + step <= hi ? old + step : old - step;
      },
    });
    if (kind === 'out') {
      // No lookup: the public accumulator itself is false.
      expect(told.missing).toBe(0);
      const { form } = b.key.ops[index] as { form: { kind: string } };
      expectRefused(judge(b, told.envelope), form.kind === 'lin' ? 'V13' : form.kind === 'pool' ? 'V7' : 'V6');
    } else {
      expect(told.missing).toBeGreaterThan(0);
      expectRefused(judge(b, told.envelope), 'V2');
    }
  });
});
