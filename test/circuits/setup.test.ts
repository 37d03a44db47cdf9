/** Keys of the sample networks equal the executable model's, byte for byte; the evaluator gives its outputs. */
import { describe, expect, it } from 'vitest';
import { checkKey } from '../../circuits/check.ts';
import { evaluate, outputsOf } from '../../circuits/evaluate.ts';
import { decodeKey, encodeKey } from '../../circuits/key.ts';
import { planOf } from '../../circuits/plan.ts';
import { setup } from '../../circuits/setup.ts';
import { blake3 } from '../../protocol/blake3.ts';
import { toHex } from '../../protocol/bytes.ts';
import { netFixture, netNames, networkOf } from '../nets.ts';

describe.each(netNames)('network %s', (name) => {
  const fixture = netFixture(name);
  const { key, plan, contents } = setup(networkOf(fixture), { mode: fixture.mode, profile: 'toy' });

  it('has the key of the model', () => {
    expect(toHex(key.wroot)).toBe(fixture.expect.wroot);
    expect(toHex(blake3(key.bytes))).toBe(fixture.expect.vkBytesHash);
    expect(toHex(key.hash)).toBe(fixture.expect.vkHash);
  });

  it('meets its static conditions, decoded again, with and without its contents', () => {
    const again = decodeKey(key.bytes);
    expect(encodeKey(again)).toEqual(key.bytes);
    checkKey(again, planOf(again), { allowToy: true });
    checkKey(again, planOf(again), { allowToy: true, contents });
  });

  it('computes the outputs of the model', () => {
    const runnable = { fields: key, plan, contents };
    const values = evaluate(
      runnable,
      fixture.inputs.map((i) => i.values),
    );
    outputsOf(runnable, values).forEach((out, i) => {
      const { values: centred, zp } = fixture.outputs[i] as { values: number[]; zp: number };
      expect([...out]).toEqual(centred.map((v) => v + zp));
    });
  });
});
