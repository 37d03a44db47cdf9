/** T25: an average whose windows leave out padding has weights that differ along the border (protocol §7.2 average). */
import { describe, expect, it } from 'vitest';
import { NetworkBuilder } from '../../circuits/network.ts';
import { requantize } from '../../circuits/step.ts';
import type { AverageForm, Form } from '../../circuits/types.ts';
import { Refused } from '../../protocol/refused.ts';
import { type Bench, benchOf, expectAccepted, expectRefused, verdictOn } from '../lies.ts';

function net(): Bench {
  const n = new NetworkBuilder();
  const x = n.input([2, 5, 6], -100, 100);
  const window: AverageForm = { kind: 'average', x, kh: 3, kw: 2, stride: [2, 1], pad: [1, 1, 1, 0], dilation: [1, 1] };
  const y = n.req(window, requantize(Math.fround(1 / 12), 0, -128, 127), -128, 127, { home: 'PUB' });
  const network = n.finish([{ tensor: x, dtype: 'int8', zp: 0 }], [{ tensor: y, dtype: 'int8', zp: 0 }]);
  return benchOf(network, 'I1', [Array.from({ length: 60 }, (_, i) => ((i * 53) % 201) - 100)], 2);
}

const b = net();
const other = (change: (f: AverageForm) => Form) => verdictOn(b, { forms: (f) => change(f as AverageForm), until: 'end' });

it('accepts the honest run', async () => expectAccepted(await verdictOn(b, {})));

describe('T25 (Refused because: the windows do not end in the image)', () => {
  it('refuses a sum whose border is not weighted', async () => expectRefused(await other((f) => ({ ...f, kind: 'pool' })), 'V7'));
  it('refuses windows that begin one further', async () => expectRefused(await other((f) => ({ ...f, pad: [0, 1, 2, 0] })), 'V7'));
  it('refuses other steps between the taps', async () =>
    expectRefused(await other((f) => ({ ...f, dilation: [2, 1], pad: [2, 1, 2, 0] })), 'V7'));
  it('refuses other weights from the accumulator on', async () =>
    expectRefused(await verdictOn(b, { forms: (f) => ({ ...f, kind: 'pool' }) as Form, until: 'segs' }), 'V7'));
});

it('is no form where a window meets nothing', () => {
  const n = new NetworkBuilder();
  const x = n.input([1, 4, 4], 0, 10);
  const form: AverageForm = { kind: 'average', x, kh: 1, kw: 1, stride: [1, 1], pad: [1, 0, 0, 0], dilation: [1, 1] };
  expect(() => n.req(form, requantize(1, 0, 0, 255), 0, 255)).toThrow(Refused);
});

it('is no form where no integer weighs all its windows', () => {
  const n = new NetworkBuilder();
  const x = n.input([1, 2048, 1], 0, 10);
  const form: AverageForm = { kind: 'average', x, kh: 2048, kw: 1, stride: [1, 1], pad: [2047, 0, 2047, 0], dilation: [1, 1] };
  expect(() => n.req(form, requantize(1, 0, 0, 255), 0, 255)).toThrow(Refused);
});
