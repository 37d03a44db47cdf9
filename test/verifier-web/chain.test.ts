/** The chain view without a browser: its address, and the axes of its charts. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NOTHING, parseInputs, showInputs, troubleOf } from '../../verifier-web/chain/address.ts';
import { ticksOf } from '../../verifier-web/chain/ticks.ts';
import { isChainView } from '../../verifier-web/link.ts';

describe('address', () => {
  test('what is shown is what is read', () => {
    const text = fc.string({ maxLength: 80, unit: 'binary' }).map((s) => s.trim());
    fc.assert(
      fc.property(fc.record({ node: text, checkpoint: text, job: text, model: text, answer: text }), (inputs) => {
        expect(parseInputs(showInputs(inputs))).toEqual(inputs);
      }),
    );
  });

  test('a checkpoint and the address of a node stay readable', () => {
    const inputs = { ...NOTHING, node: 'https://node.example/rpc', checkpoint: 'devnet-1a2b3c4d:1:ab:cd' };
    expect(showInputs(inputs)).toBe('#chain&node=https://node.example/rpc&checkpoint=devnet-1a2b3c4d:1:ab:cd');
  });

  test.each(['', '#', '#statement=00&key=00', '#chainsaw', '#proof', '#x&chain'])('%j is another view’s', (hash) => {
    expect(isChainView(hash)).toBe(false);
    expect(parseInputs(hash)).toBeNull();
  });

  test.each([
    [{ node: 'ws://127.0.0.1' }, 'node'],
    [{ node: 'http://' }, 'node'],
    [{ job: 'ab' }, 'job'],
    [{ job: 'xy'.repeat(32) }, 'job'],
    [{ model: 'ab'.repeat(33) }, 'model'],
    [{ answer: 'abc' }, 'answer'],
    [{ answer: 'xy' }, 'answer'],
    [{ job: 'AB'.repeat(32), model: 'ab'.repeat(32), answer: '0a0E' }, undefined],
  ])('%j', (some, field) => {
    expect(troubleOf({ ...NOTHING, node: 'http://127.0.0.1:26657', ...some })?.field).toBe(field);
  });
});

test('ticks ascend evenly around the values, three or four of them', () => {
  const number = fc.double({ min: -1e15, max: 1e30, noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(number, number, (a, b) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      const spread = high - low;
      fc.pre(spread === 0 || spread > 1e-9 * Math.max(Math.abs(low), Math.abs(high)));
      const ticks = ticksOf(low, high);
      const slack = 1e-6 * (spread || Math.abs(high) || 1);
      expect(ticks.length).toBeGreaterThanOrEqual(3);
      expect(ticks.length).toBeLessThanOrEqual(4);
      expect(ticks[0]).toBeLessThanOrEqual(low + slack);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(high - slack);
      for (let i = 1; i < ticks.length; i++) expect(ticks[i]).toBeGreaterThan(ticks[i - 1] as number);
    }),
  );
});
