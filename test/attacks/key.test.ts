/**
 * Lies told by whoever makes the key (attacks.md T20–T26, Z, N02, N04, N05, N07, K05, K06, S12, S15–S17). Every field of a good key is
 * changed, the key is sealed again and decoded from its bytes, and the condition of protocol §6.4 that fails is named.
 */
import { describe, expect, it } from 'vitest';
import { cellsOf } from '../../circuits/cells.ts';
import { type Contents, checkKey } from '../../circuits/check.ts';
import { weightsHash } from '../../circuits/contents.ts';
import { decodeKey, type KeyFields, sealKey } from '../../circuits/key.ts';
import { NetworkBuilder } from '../../circuits/network.ts';
import { planOf } from '../../circuits/plan.ts';
import type { BinOp, ConvForm, IoTensor, MaxOp, Op, RangeOp, ReqOp, Tensor } from '../../circuits/types.ts';
import { decodeValue, encodeValue, type Value } from '../../protocol/encoding.ts';
import { HALF, P } from '../../protocol/field.ts';
import type { Verdict } from '../../verifier/verify.ts';
import { type Bench, bench, benchOf, expectAccepted, expectRefused, judge, refusalOf, tell, withKey } from '../lies.ts';

type Draft = {
  -readonly [K in keyof Omit<KeyFields, 'runs' | 'tensors' | 'ops' | 'omega' | 'grinding' | 'inputs' | 'outputs'>]: KeyFields[K];
} & {
  tensors: Tensor[];
  ops: Op[];
  runs: [number, number][];
  omega: number[];
  grinding: [number, number, number];
  inputs: IoTensor[];
  outputs: IoTensor[];
};

/** What a verifier says to a changed key, decoded from its bytes. */
function verdictOnKey(b: Bench, change: (key: Draft) => void, contents?: Contents): Verdict {
  const { bytes: _, hash: __, ...fields } = b.key;
  const draft = structuredClone(fields) as Draft;
  change(draft);
  return refusalOf(() => {
    const key = decodeKey(sealKey(draft).bytes);
    checkKey(key, planOf(key), { allowToy: true, ...(contents === undefined ? {} : { contents }) });
  });
}

const net = bench('net1-i1');
const net0 = bench('net1-i0');
const netX = bench('net1-committed');
const net2 = bench('net2-i1');
const net4 = bench('net4-i1');
const net3 = bench('net3-i1');

const reqs = (k: Draft): ReqOp[] => k.ops.filter((o) => o.kind === 'req');
const [req1, req2, req3] = [0, 1, 2].map((i) => (k: Draft) => reqs(k)[i] as ReqOp) as [
  (k: Draft) => ReqOp,
  (k: Draft) => ReqOp,
  (k: Draft) => ReqOp,
];
const max1 = (k: Draft): MaxOp => k.ops.find((o) => o.kind === 'max') as MaxOp;
const tensor = (k: Draft, t: number): Tensor => k.tensors[t] as Tensor;
const y1OfNet4 = (net4.key.ops[0] as ReqOp).y;

type Row = [sentence: string, condition: string, b: Bench, change: (key: Draft) => void];

describe('honest keys', () => {
  it.each([net, net0, netX, net2, net4, net3].map((b) => [b] as const))('pass, with their contents and without', (b) => {
    expectAccepted(verdictOnKey(b, () => {}));
    expectAccepted(verdictOnKey(b, () => {}, b.contents));
  });
});

describe('structure of the network', () => {
  const rows: Row[] = [
    ['Z04 an op that reads its own output', 'S7', net, (k) => ((req1(k).form as ConvForm).x = req1(k).y)],
    ['Z05 a remainder column used as an operand', 'S7', net, (k) => ((req2(k).form as ConvForm).x = req1(k).rem)],
    ['Z06 a committed input without a range op', 'S7', netX, (k) => (k.ops = k.ops.filter((o) => o.kind !== 'range'))],
    ['N02 an output of home A', 'S10', net, (k) => k.outputs.push({ tensor: (reqs(k)[3] as ReqOp).y, dtype: 'int8', zp: 0 })],
    ['N02 an output named twice', 'S10', net, (k) => k.outputs.push(k.outputs[0] as IoTensor)],
    ['N02 an input named twice', 'S10', net, (k) => k.inputs.push(k.inputs[0] as IoTensor)],
    ['N02 a public output in no list', 'S10', net, (k) => (k.outputs = [])],
    ['N02 an exported public tensor in no list', 'S10', net4, (k) => (k.outputs = k.outputs.filter((o) => o.tensor !== y1OfNet4))],
    ['N02 a committed input that is no input', 'S10', netX, (k) => (k.inputs = [])],
    ['N02 a tensor that is input and output', 'S10', net, (k) => k.inputs.push(k.outputs[0] as IoTensor)],
    ['N02 an output written by no op', 'S10', net4, (k) => k.ops.pop()],
    ['N02 an output written twice', 'S7', net4, (k) => k.ops.push(k.ops.at(-1) as Op)],
    ['N02 a public y read before its op', 'S7', net4, (k) => k.ops.push(k.ops.shift() as Op)],
    ['N02 a weight as an input', 'S10', net, (k) => (tensor(k, 0).home = 'W')],
    ['a weight of home A', 'S7', net, (k) => (tensor(k, (req1(k).form as ConvForm).w).home = 'A')],
    ['a multiplicity column as an operand', 'S7', net, (k) => ((req2(k).form as ConvForm).x = net.plan.mult[0] as number)],
    ['a content column as weights', 'S7', net, (k) => ((req2(k).form as ConvForm).w = net.plan.content[0])],
    ['two committed tensors', 'S10', netX, (k) => (tensor(k, req1(k).y).home = 'X')],
    ['N07 rem of home PUB', 'S11', net, (k) => (tensor(k, req2(k).rem).home = 'PUB')],
    ['one rem column of two ops', 'S7', net, (k) => (req2(k).rem = req1(k).rem)],
    ['a home outside the list', 'S11', net, (k) => (tensor(k, 0).home = 'Q' as 'A')],
    ['a mode outside the list', 'S11', net, (k) => (k.mode = 'I2')],
    ['N07 a wrong output shape', 'S8', net4, (k) => (req1(k).form as ConvForm).pad.splice(0, 1, 2)],
    ['N07 a dimension of 0', 'S8', net, (k) => (tensor(k, req2(k).y).dims = [0, 6, 6])],
    ['a dimension over 2^31', 'S8', net, (k) => (tensor(k, req2(k).y).dims = [2 ** 31 + 1, 1, 1])],
    ['a point of more than 32 coordinates', 'S6', net, (k) => (tensor(k, req2(k).y).dims = [2 ** 20, 2 ** 20, 1])],
    ['2^16 columns or more', 'S6', net, (k) => (tensor(k, req2(k).y).dims = [2 ** 22, 1, 1])],
  ];
  it.each(rows)('refuses %s (%s)', (_, condition, b, change) => expectRefused(verdictOnKey(b, change), 'E6', condition));
});

describe('field and bounds', () => {
  const out3 = net3.key.outputs[0]?.tensor as number;
  const rows: Row[] = [
    ['T22, Z07 A + Tmax + 2^w reaches p', 'S1', net, (k) => Object.assign(req1(k), { bound: HALF, tmax: HALF })],
    ['T22 a cell start past p/2', 'S1', net, (k) => (req1(k).tmax = P - 9)],
    ['N07 A negative', 'S1', net, (k) => (req2(k).bound = -5)],
    ['N07 Tmax negative', 'S1', net, (k) => (req2(k).tmax = -(2 ** 40))],
    ['an accumulator past (p-1)/2', 'S1', net, (k) => (req2(k).bound = HALF + 1)],
    ['N07 A of lin too small', 'S2', net, (k) => (req3(k).bound = 5)],
    ['N07 A of lin too large', 'S2', net, (k) => (req3(k).bound += 1)],
    ['N07 A of pool too small', 'S2', net2, (k) => ((reqs(k).find((o) => o.form.kind === 'pool') as ReqOp).bound = 1)],
    ['N07 A of mul too small', 'S2', net2, (k) => ((reqs(k).find((o) => o.form.kind === 'mul') as ReqOp).bound = 1)],
    ['N05 an out tensor with hi > (p-1)/2', 'S11', net3, (k) => Object.assign(tensor(k, out3), { lo: -(2 ** 31), hi: 2 ** 31 - 1 })],
    ['N05 an out tensor wider than A', 'S8', net3, (k) => ((tensor(k, out3).hi as number) += 1)],
    ['N05 an input with lo below -(p-1)/2', 'S11', net3, (k) => (tensor(k, 0).lo = -(P + 1) / 2)],
    ['N07 lo above hi', 'S11', net, (k) => Object.assign(tensor(k, req2(k).y), { lo: 5, hi: 4 })],
    ['N07 bounds on a remainder', 'S11', net, (k) => Object.assign(tensor(k, req2(k).rem), { lo: 0, hi: 9 })],
    ['bounds missing on an output', 'S11', net, (k) => (tensor(k, req2(k).y).lo = null)],
    ['N07 a zero point out of its dtype', 'S11', net, (k) => ((k.inputs[0] as IoTensor).zp = 4000)],
    ['a dtype outside the list', 'S11', net, (k) => ((k.inputs[0] as IoTensor).dtype = 'int64' as 'int8')],
    ['a dtype named like a property of objects', 'S11', net, (k) => ((k.inputs[0] as IoTensor).dtype = 'toString' as 'int8')],
  ];
  it.each(rows)('refuses %s (%s)', (_, condition, b, change) => expectRefused(verdictOnKey(b, change), 'E6', condition));

  it('T24 refuses an operand of a pair table outside [-511, 511] (S4)', () => {
    const change = (k: Draft): void => {
      const { a } = k.ops.find((o) => o.kind === 'bin') as BinOp;
      tensor(k, a).hi = 600;
    };
    expectRefused(verdictOnKey(net2, change), 'E6', 'S4');
  });

  it('T20, Z02 refuses as many lookups as the field has elements (S3)', () => {
    const n = new NetworkBuilder();
    const x = n.input([2], 0, 3);
    const y = n.unary(x, new Map([0, 1, 2, 3].map((v) => [v, 3 - v])), 0, 3, { home: 'PUB' });
    const b = benchOf(n.finish([{ tensor: x, dtype: 'uint8', zp: 0 }], [{ tensor: y, dtype: 'uint8', zp: 0 }]), 'I1', [[1, 2]]);
    const wide = (size: number) => (k: Draft) => {
      tensor(k, 0).dims = [size];
      tensor(k, 1).dims = [size];
    };
    // Half as many are below p: whatever refuses that key, it is not S3.
    expect(verdictOnKey(b, wide(2 ** 30))).not.toMatchObject({ detail: { condition: 'S3' } });
    expect(2 ** 31).toBeGreaterThan(P);
    expectRefused(verdictOnKey(b, wide(2 ** 31)), 'E6', 'S3');
  });

  it('N05 refuses value v + p under a key that allows it (S11), and under the honest key (E5)', async () => {
    const [tensorOfOut] = [out3];
    const plusP = (values: Map<number, Int32Array>): void => {
      const v = values.get(tensorOfOut) as Int32Array;
      const i = v.findIndex((e) => e < 0);
      expect(i).toBeGreaterThanOrEqual(0);
      v[i] = (v[i] as number) + P;
    };
    const wide = withKey(net3, { tensors: net3.key.tensors.map((t, i) => (i === out3 ? { ...t, lo: -(2 ** 31), hi: 2 ** 31 - 1 } : t)) });
    expectRefused(judge(wide, (await tell(wide, { published: plusP })).envelope), 'E6', 'S11');
    expectRefused(judge(net3, (await tell(net3, { published: plusP })).envelope), 'E5');
  });
});

describe('parameters', () => {
  const s100 = (grinding: [number, number, number], t: number) => (k: Draft) => Object.assign(k, { profile: 'S100', grinding, t });
  const rows: Row[] = [
    ['N04 negative grinding', 'S11', net, s100([0, 0, -3], 200)],
    ['N04 64 bits of grinding', 'S11', net, s100([0, 0, 64], 55)],
    ['N04 101 bits of grinding and one query', 'S11', net, s100([0, 0, 101], 1)],
    ['N04 33 bits of grinding', 'S11', net, s100([0, 0, 33], 127)],
    ['N04 64 bits of grinding before α', 'S11', net, s100([64, 0, 14], 127)],
    ['N04 negative grinding before η', 'S11', net, s100([0, -1, 14], 127)],
    ['N04, S12 one query', 'S9', net, s100([0, 0, 14], 1)],
    ['N04 no query', 'S11', net, s100([0, 0, 14], 0)],
    ['N04 2^16 queries', 'S11', net, s100([0, 0, 14], 2 ** 16)],
    ['N04, S12 too few queries for 100 bits, however much grinding', 'S9', net, s100([0, 0, 32], 99)],
    ['N04 lr = 0', 'S6', net, (k) => (k.lr = 0)],
    ['N04 h = 0', 'S11', net, (k) => (k.h = 0)],
    ['N04 h + lr = 25', 'S6', net, (k) => Object.assign(k, { h: 22, lr: 3 })],
    ['N04 h = 2^40', 'S11', net, (k) => (k.h = 2 ** 40)],
    ['a profile outside the list', 'S9', net, (k) => (k.profile = 'S10')],
  ];
  it.each(rows)('refuses %s (%s)', (_, condition, b, change) => expectRefused(verdictOnKey(b, change), 'E6', condition));

  it('N04 refuses a toy key where toy is not allowed (S9)', async () => {
    const { envelope } = await tell(net);
    expectRefused(judge(net, envelope, { allowToy: false }), 'E6', 'S9');
  });

  it('S12 refuses the proof of an S100 key with too few queries (S9)', async () => {
    const weak = withKey(net, { profile: 'S100' });
    expectRefused(judge(weak, (await tell(weak)).envelope), 'E6', 'S9');
  });
});

describe('tables and widths', () => {
  const range = (k: Draft): RangeOp => k.ops.find((o) => o.kind === 'range') as RangeOp;
  const idOf1 = (net.key.ops[0] as ReqOp).id;
  const wide = net.key.ops.findIndex((o) => o.kind === 'req' && o.wid !== null);
  const single = net2.key.ops.findIndex((o) => o.kind === 'req' && o.wid === null);
  const rows: Row[] = [
    ['N07 a range wider than its interval', 'S11', netX, (k) => (range(k).w = 9)],
    [
      'N07 a range of another width, with its table',
      'S11',
      netX,
      (k) => {
        k.omega = [...new Set([...k.omega, 11])].sort((a, b) => a - b);
        range(k).w = 11;
      },
    ],
    ['N07 a range whose interval is not 2^w', 'S11', netX, (k) => (tensor(k, range(k).x).hi = 100)],
    ['N07 a max with another lo', 'S11', net, (k) => (max1(k).lo = 99)],
    ['N07 a max narrower than its operand', 'S11', net, (k) => Object.assign(tensor(k, max1(k).y), { lo: 0, hi: 0 })],
    ['N07 a tap without meaning', 'S11', net4, (k) => ((k.ops.find((o) => o.kind === 'max' && o.prev !== null) as MaxOp).k0 = 0)],
    [
      'N07 a max table that is too small',
      'S4',
      net,
      (k) => {
        for (const r of k.runs) if (Math.floor(r[0] / 32) === max1(k).id) r[1] -= 2;
      },
    ],
    [
      'a max table with an even number of rows',
      'S4',
      net,
      (k) => {
        for (const r of k.runs) if (Math.floor(r[0] / 32) === max1(k).id) r[1] -= 1;
      },
    ],
    ['T23, N07 the id of another op', 'S11', net, (k) => (req2(k).id = idOf1)],
    ['T23, N07 an id inside the range of another op', 'S11', net, (k) => (req2(k).id = idOf1 + 1)],
    ['T23, N07 id 0', 'S11', net, (k) => (req2(k).id = 0)],
    ['T23, N07 id 1', 'S11', net, (k) => (req2(k).id = 1)],
    ['T23, N07 id 2^25', 'S11', net, (k) => (req2(k).id = 2 ** 25)],
    ['T23, N07 id 2^26', 'S11', net, (k) => (req2(k).id = 2 ** 26)],
    ['T23, N07 a negative id', 'S11', net, (k) => (req2(k).id = -4)],
    ['T23, N07 ids of channels that run into the next op', 'S11', net, (k) => (req1(k).id += 1)],
    ['T23, N07 a max that shares the table of a requantisation', 'S11', net, (k) => (max1(k).id = req2(k).id)],
    ['T23, N07 a run of no table', 'S11', net, (k) => k.runs.splice(-1, 1, [32 * 5000, 3])],
    ['N07 runs out of order', 'S11', net, (k) => k.runs.reverse()],
    ['a run below the ids', 'S11', net, (k) => ((k.runs[0] as [number, number])[0] = 33)],
    ['a run of no row', 'S11', net, (k) => ((k.runs[0] as [number, number])[1] = 0)],
    ['N07 a table without rows', 'S11', net, (k) => (k.runs = k.runs.filter(([k0]) => Math.floor(k0 / 32) !== req1(k).id))],
    [
      'N07 a run with a width its op does not have',
      'S11',
      net,
      (k) => {
        const first = k.runs[0] as [number, number];
        first[0] += 31 - (first[0] % 32);
      },
    ],
    ['N07 widths outside Ω', 'S11', net, (k) => (req2(k).widths = [3, 17])],
    ['widths out of order', 'S11', net, (k) => (k.ops[wide] as ReqOp).widths.reverse()],
    ['no width', 'S11', net, (k) => (req2(k).widths = [])],
    ['Ω out of order', 'S11', net, (k) => k.omega.reverse()],
    ['Ω with width 25', 'S11', net, (k) => k.omega.push(25)],
    ['N07 w0 beside a width column', 'S11', net, (k) => ((k.ops[wide] as ReqOp).w0 = 3)],
    ['w0 of another width', 'S11', net2, (k) => ((k.ops[single] as ReqOp).w0 = (k.ops[single] as ReqOp).w0 === 1 ? 2 : 1)],
    ['per = 2', 'S11', net, (k) => (req1(k).per = 2 as 1)],
    ['K05 the channel coordinate on another axis', 'S11', net, (k) => (req1(k).cd = 1)],
    ['K05 a channel coordinate without channels', 'S11', net, (k) => (req2(k).cd = 0)],
    ['K05 channels without a coordinate', 'S11', net, (k) => (req1(k).cd = null)],
    ['multiplicities of home W', 'S11', net, (k) => (tensor(k, net.plan.mult[0] as number).home = 'W')],
    ['K06 multiplicities of home PUB', 'S11', net, (k) => (tensor(k, net.plan.mult[0] as number).home = 'PUB')],
    ['K06 content of home PUB', 'S11', net, (k) => (tensor(k, net.plan.content[0]).home = 'PUB')],
    ['K06 content of home X', 'S11', net, (k) => (tensor(k, net.plan.content[1]).home = 'X')],
    ['content of another size', 'S11', net, (k) => ((tensor(k, net.plan.content[1]).dims as number[])[0] = 4)],
  ];
  // Runs whose padded number of rows changes need a content column of another size: that is S11 too.
  it.each(rows)('refuses %s (%s)', (_, condition, b, change) => expectRefused(verdictOnKey(b, change), 'E6', condition));

  it('K05 refuses the coordinate of a square output: rows of the image would choose the channel’s table (S11)', () => {
    const n = new NetworkBuilder();
    const x = n.input([3, 3, 3], -8, 7);
    const w = n.weight([3, 3, 1], Int32Array.of(1, 2, 3, -1, 2, -3, 3, 1, 1));
    const bias = n.weight([3], Int32Array.of(0, 1, 2));
    const step = (k: number) => ({ monotone: true, at: (acc: number) => Math.max(-8, Math.min(7, Math.floor(acc / k))) });
    const form = { kind: 'conv', x, w, b: bias, kh: 1, kw: 1, stride: [1, 1], pad: [0, 0, 0, 0], dilation: [1, 1], groups: 1 } as const;
    const y = n.req(structuredClone(form) as unknown as ConvForm, [step(3), step(5), step(7)], -8, 7, { home: 'PUB' });
    const b = benchOf(n.finish([{ tensor: x, dtype: 'int8', zp: 0 }], [{ tensor: y, dtype: 'int8', zp: 0 }]), 'I1', [
      new Array(27).fill(1),
    ]);
    expectAccepted(verdictOnKey(b, () => {}));
    for (const cd of [1, 2])
      expectRefused(
        verdictOnKey(b, (k) => (req1(k).cd = cd)),
        'E6',
        'S11',
      );
  });
});

describe('indices and attributes', () => {
  const index = (name: string, change: (k: Draft) => void): Row => [`N07 the index of ${name} out of range`, 'S11', net, change];
  const rows: Row[] = [
    index('an operand', (k) => ((req2(k).form as ConvForm).x = -1)),
    index('an operand (too large)', (k) => ((req2(k).form as ConvForm).x = 10 ** 6)),
    index('y', (k) => (req2(k).y = -1)),
    index('rem', (k) => (req2(k).rem = -1)),
    index('a weight', (k) => ((req2(k).form as ConvForm).w = -3)),
    index('an input', (k) => ((k.inputs[0] as IoTensor).tensor = -1)),
    index('an output', (k) => ((k.outputs[0] as IoTensor).tensor = 10 ** 6)),
    ['N07 stride 0', 'S11', net4, (k) => ((req1(k).form as ConvForm).stride[0] = 0)],
    ['N07 a negative pad', 'S11', net4, (k) => ((req1(k).form as ConvForm).pad[3] = -1)],
    ['dilation 0', 'S11', net4, (k) => ((req1(k).form as ConvForm).dilation[1] = 0)],
    ['no group', 'S11', net4, (k) => ((req1(k).form as ConvForm).groups = 0)],
    ['a max of stride 0', 'S11', net4, (k) => (max1(k).stride = 0)],
    ['a max along the channels', 'S8', net4, (k) => (max1(k).axis = 0 as 1)],
    ['N07 a grouped convolution whose groups are no power of two', 'S5', net4, (k) => ((req2(k).form as ConvForm).groups = 3)],
    [
      'a coefficient past (p-1)/2',
      'S11',
      net,
      (k) => (((req3(k).form as { terms: [number, number][] }).terms[0] as [number, number])[0] = HALF + 1),
    ],
  ];
  it.each(rows)('refuses %s (%s)', (_, condition, b, change) => expectRefused(verdictOnKey(b, change), 'E6', condition));
});

describe('contents that are not what the key says (mode I0)', () => {
  const { plan, contents } = net0;
  const [c1, c2] = plan.content;
  const used = 2 + net0.key.runs.reduce((s, [, n]) => s + n, 0);
  const rowOf = (id: number): number => {
    let row = 2;
    for (const [k0, n] of net0.key.runs) {
      if (Math.floor(k0 / 32) >= id) return row;
      row += n;
    }
    return row;
  };
  const { id: maxId } = net0.key.ops.find((o) => o.kind === 'max') as MaxOp;
  const { id: id2 } = net0.key.ops[1] as ReqOp;

  /** The key of changed contents, with the hash that goes with them. */
  function withContents(change: (held: Map<number, Int32Array>) => void, edit: (k: Draft) => void = () => {}): Verdict {
    const held = new Map([...contents].map(([t, v]) => [t, v.slice()] as const));
    change(held);
    return verdictOnKey(
      net0,
      (k) => {
        edit(k);
        k.wroot = weightsHash(k, held);
      },
      held,
    );
  }
  const put = (t: number, i: number, v: number) => (held: Map<number, Int32Array>) => {
    (held.get(t) as Int32Array)[i] = v;
  };
  const w2 = ((net0.key.ops[1] as ReqOp).form as ConvForm).w;

  it.each<[string, string, (held: Map<number, Int32Array>) => void, ((k: Draft) => void)?]>([
    ['T26, N07 a content row with k2 = ZETA', 'S12', put(c2, 40, 2 ** 20)],
    ['T26, N07 a pad row that is not (32, 0, 0)', 'S12', put(c2, 1, 4)],
    ['T26, N07 a pad row that is not (0, 0, ZETA)', 'S12', put(c2, 0, 1)],
    ['T26 a filler row that is not (32, 0, 0)', 'S12', put(c1, used + 1, 4)],
    ['T26, N07 a cell that starts beyond Tmax', 'S12', () => {}, (k) => (req2(k).tmax = 3)],
    ['T26 a y outside the bounds of its tensor', 'S12', put(c2, rowOf(id2) + 3, 125)],
    ['N07 a max table with a false row', 'S12', put(c1, rowOf(maxId) + 3, 7)],
    [
      'N07 a max table with a row twice',
      'S12',
      (held) => {
        put(c1, rowOf(maxId) + 3, (held.get(c1) as Int32Array)[rowOf(maxId) + 4] as number)(held);
        put(c2, rowOf(maxId) + 3, (held.get(c2) as Int32Array)[rowOf(maxId) + 4] as number)(held);
      },
    ],
    ['N07 A of a convolution too small', 'S2', () => {}, (k) => (req2(k).bound = 5)],
    ['a weight at a padded position', 'S12', put(w2, 15, 1)],
    ['a weight past (p-1)/2: it breaks the bound first', 'S2', put(w2, 0, HALF + 1)],
  ])('refuses %s (%s)', (_, condition, change, edit) => {
    expectRefused(withContents(change, edit), 'E6', condition);
  });

  it('N07 refuses bounds of y that the table leaves: the add that reads it has another bound (S2)', () =>
    expectRefused(
      withContents(
        () => {},
        (k) => Object.assign(tensor(k, req2(k).y), { lo: 0, hi: 0 }),
      ),
      'E6',
      'S2',
    ));

  it('K06 refuses a verifier that holds other weights than the key’s (S12)', async () => {
    const { envelope } = await tell(net0);
    const other = new Map(contents);
    other.set(
      w2,
      (contents.get(w2) as Int32Array).map((v) => 2 * v),
    );
    // Another sum of magnitudes: the accumulator bound is checked with the weights at hand.
    expectRefused(judge({ ...net0, contents: other }, envelope), 'E6', 'S2');
    // The same sum of magnitudes: only the hash differs.
    const signs = new Map(contents);
    signs.set(
      w2,
      (contents.get(w2) as Int32Array).map((v, i) => (i === 0 ? -v : v)),
    );
    expectRefused(judge({ ...net0, contents: signs }, envelope), 'E6', 'S12');
  });

  it('K06 refuses a verifier without the weights, or without one of them (S12)', async () => {
    const { envelope } = await tell(net0);
    expectRefused(judge(net0, envelope, { contents: undefined }), 'E6', 'S12');
    const fewer = new Map(contents);
    fewer.delete(c2);
    expectRefused(judge({ ...net0, contents: fewer }, envelope), 'E6', 'S12');
  });
});

describe('bytes of a key (Refused because: they do not decode, or do not encode to themselves; protocol §6.5)', () => {
  const value = decodeValue(net4.key.bytes, 'E6', 'key') as Value[];
  /** The key bytes with the value at a path replaced. */
  function replaced(path: readonly number[], by: (old: Value) => Value): Uint8Array {
    const go = (v: Value, [k, ...rest]: readonly number[]): Value =>
      k === undefined ? by(v) : (v as Value[]).map((e, i) => (i === k ? go(e, rest) : e));
    return encodeValue(go(value, path));
  }
  const refused = (bytes: Uint8Array): void => {
    const v = refusalOf(() => {
      const key = decodeKey(bytes);
      checkKey(key, planOf(key), { allowToy: true });
    });
    expectRefused(v, 'E6');
  };
  const integers = (v: Value): Uint8Array => Uint8Array.from(v as number[]);
  // Fields: 8 tensors, 9 ops, 10 omega, 11 runs, 12 inputs, 13 outputs, 14 wroot.
  it.each<[string, () => Uint8Array]>([
    ['S15 a trailing byte', () => Uint8Array.of(...net4.key.bytes, 0)],
    ['S16 truncated bytes', () => net4.key.bytes.slice(0, -9)],
    ['S16 no bytes', () => new Uint8Array(0)],
    ['K06 dims given as bytes', () => replaced([8, 0, 0], integers)],
    ['K06 widths given as bytes', () => replaced([9, 0, 11], integers)],
    ['K06 Ω given as bytes', () => replaced([10], integers)],
    ['K06 a stride given as bytes', () => replaced([9, 0, 1, 6], integers)],
    ['K06 an input record with a fourth field', () => replaced([12, 0], (v) => [...(v as Value[]), 0])],
    ['an output record with two fields', () => replaced([13, 0], (v) => (v as Value[]).slice(0, 2))],
    ['a tensor record with a fifth field', () => replaced([8, 0], (v) => [...(v as Value[]), null])],
    ['an op record with a field too many', () => replaced([9, 0], (v) => [...(v as Value[]), null])],
    ['an op of an unknown kind', () => replaced([9, 0, 0], () => 'softmax')],
    ['an op named like a property of objects', () => replaced([9, 0, 0], () => 'constructor')],
    ['a form of an unknown kind', () => replaced([9, 0, 1, 0], () => 'toString')],
    ['a form without fields', () => replaced([9, 0, 1], () => ['conv'])],
    ['a root of 31 bytes', () => replaced([14], (v) => (v as Uint8Array).slice(1))],
    ['a root given as a text', () => replaced([14], () => 'x'.repeat(32))],
    ['a number given as a text', () => replaced([4], () => '6')],
    ['no value where one is wanted', () => replaced([6], () => null)],
    ['another magic', () => replaced([0], () => 'xu')],
    ['version 3', () => replaced([1], () => 3)],
    ['version 2 with the tables of version 1', () => replaced([1], () => 2)],
    ['a field too many', () => encodeValue([...value, 0])],
    ['grinding of four steps', () => replaced([7], (v) => [...(v as Value[]), 0])],
    [
      'an integer past 2^53',
      () => {
        const bytes = net4.key.bytes.slice();
        const at = encodeValue([...value.slice(0, 4)]).length; // the tag of h
        bytes.fill(0x7f, at + 1, at + 9);
        return bytes;
      },
    ],
    [
      'S17 a text that is not ASCII',
      () => {
        const bytes = net4.key.bytes.slice();
        const at = encodeValue(value.slice(0, 2)).length + 5; // the first letter of the profile
        bytes[at] = 0xe9;
        return bytes;
      },
    ],
    [
      'S17 an unknown tag',
      () => {
        const bytes = net4.key.bytes.slice();
        bytes[0] = 5;
        return bytes;
      },
    ],
    [
      'S17 a list that says it is longer than the bytes',
      () => {
        const bytes = net4.key.bytes.slice();
        bytes.fill(255, 1, 5);
        return bytes;
      },
    ],
    [
      'S17 lists nested without end',
      () => {
        const deep = new Uint8Array(5 * 100_000);
        for (let i = 0; i < deep.length; i += 5) deep.set([4, 1, 0, 0, 0], i);
        return deep;
      },
    ],
  ])('refuses %s', (_, bytes) => refused(bytes()));
});

describe('keys of other models', () => {
  it('K00 refuses a false row on the table side, weight tree honest', async () => {
    const [, c2] = net.plan.content;
    const { id } = net.key.ops[5] as ReqOp;
    let row = 2;
    for (const [k0, n] of net.key.runs) {
      if (Math.floor(k0 / 32) >= id) break;
      row += n;
    }
    const column = (net.contents.get(c2) as Int32Array).slice();
    const i = column.findIndex((v, k) => k >= row && v > 3);
    column[i] = (column[i] as number) + 1;
    const contents = new Map([...net.contents, [c2, column]]);
    const liar: Bench = { ...net, contents, circuit: { ...net.circuit, contents } };
    const told = await tell(liar, { committed: net.contents, columns: net.contents });
    expectRefused(judge(net, told.envelope), 'V9');
  });

  it('K00, K02 refuses a false row of a described table: the verifier evaluates the table itself', async () => {
    const b = bench('net1-i1', 2);
    const [, c2] = b.plan.content;
    const column = (b.contents.get(c2) as Int32Array).slice();
    const i = column.findIndex((v, k) => k > 1 && v > 3);
    column[i] = (column[i] as number) + 1;
    const contents = new Map([...b.contents, [c2, column]]);
    expectAccepted(judge(b, (await tell(b)).envelope));
    const told = await tell({ ...b, contents, circuit: { ...b.circuit, contents } });
    expectRefused(judge(b, told.envelope), 'V5');
  });

  /** Proves with one key's network under the name of another's. */
  const renamed = async (own: Bench, named: Bench): Promise<Verdict> => {
    const { envelope } = await tell(own, { statement: (s) => ({ ...s, vkHash: named.key.hash }) });
    return judge(named, envelope);
  };

  it('K01 refuses other weights of the same architecture under the copied vkHash: its own columns do not lead to the root', async () => {
    const scaled = new Map(net3.contents);
    const [w, bias] = [1, 2].map((t) => net3.contents.get(t) as Int32Array) as [Int32Array, Int32Array];
    scaled.set(
      1,
      w.map((v, i) => (i === 0 ? v + 1 : v)),
    );
    scaled.set(2, bias);
    const own: Bench = { ...net3, contents: scaled, circuit: { ...net3.circuit, contents: scaled } };
    const told = await tell(own);
    expect(told.missing).toBe(0);
    expectRefused(judge(net3, told.envelope), 'V11');
  });

  it('K02 refuses one y of a cell table changed, with the table root swapped', async () => {
    const [, c2] = net.plan.content;
    const column = (net.contents.get(c2) as Int32Array).slice();
    const i = column.findIndex((v, k) => k > 1 && v > 3);
    column[i] = (column[i] as number) + 1;
    const contents = new Map([...net.contents, [c2, column]]);
    const told = await tell({ ...net, contents, circuit: { ...net.circuit, contents } });
    expectRefused(judge(net, told.envelope), 'V11');
  });

  it('K02 refuses the key of the swapped table when the hash is honest (E3)', async () => {
    const other = withKey(net, { wroot: new Uint8Array(32) });
    expectRefused(judge(net, (await tell(other)).envelope), 'E3');
  });

  it('K03 refuses a proof of mode I0 for the key of mode I1 (E3), also under its name', async () => {
    expectRefused(judge(net, (await tell(net0)).envelope), 'E3');
    expect((await renamed(net0, net)).ok).toBe(false);
  });

  it('Z01 refuses to compile an accumulator past (p-1)/2', () => {
    const n = new NetworkBuilder();
    const x = n.input([1, 4, 4], -128, 127);
    const w = n.weight([1, 1, 9], new Int32Array(9).fill(2 ** 20));
    const bias = n.weight([1], Int32Array.of(0));
    const form: ConvForm = { kind: 'conv', x, w, b: bias, kh: 3, kw: 3, stride: [1, 1], pad: [0, 0, 0, 0], dilation: [1, 1], groups: 1 };
    expectRefused(
      refusalOf(() => n.out(form)),
      'compile.accumulator',
    );
  });

  it('Z03 refuses to compile a region shorter than the shortest cell', () => {
    const regions = [
      { a: -9, b: -3, y: 0 },
      { a: -3, b: -1, y: 1 },
      { a: -1, b: 10, y: 2 },
    ];
    expectRefused(
      refusalOf(() => cellsOf(regions, [2], 'op')),
      'compile.cells',
    );
  });
});
