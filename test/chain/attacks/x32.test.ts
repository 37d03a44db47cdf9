/** X32: keys whose proofs cost more than their products, rows and hashes say: many ops, long images, steps without rows, big files. */
import { expect, test } from 'vitest';
import { gkr } from '../../../chain/systems/gkr.ts';
import { gkrVgas } from '../../../chain/systems/gkr-vgas.ts';
import { encodeKeyFile } from '../../../circuits/files.ts';
import type { Interface } from '../../../circuits/interface.ts';
import { type Key, type KeyFields, sealKey } from '../../../circuits/key.ts';
import { type Network, NetworkBuilder } from '../../../circuits/network.ts';
import { planOf } from '../../../circuits/plan.ts';
import { draftKey } from '../../../circuits/setup.ts';
import type { MaxOp, ReqOp, Tensor } from '../../../circuits/types.ts';

const face = (dims: number[], out: number[]): Interface => ({
  inputs: [{ name: 'x', dtype: 'int8', shape: dims }],
  head: [{ input: 0, steps: [], quantize: null }],
  outputs: [{ name: 'y', dtype: 'int8', shape: out, source: 0, dims: out, steps: [] }],
});
const sealed = (fields: KeyFields): Key => sealKey({ ...fields, wroot: new Uint8Array(32) });
const io = (x: number, y: number): Parameters<NetworkBuilder['finish']> => [
  [{ tensor: x, dtype: 'int8', zp: 0 }],
  [{ tensor: y, dtype: 'int8', zp: 0 }],
];

/** Gas of a key, in milliseconds of the reference machine. */
const cost = (fields: KeyFields, dims: number[], out: number[]): number => {
  const key = sealed(fields);
  return Number(gkrVgas(key, planOf(key), encodeKeyFile(key, face(dims, out)).length)) / 1000;
};

test('an op pays for its claims: 3,000 that look up one bit each took 240 ms, and 170 to read', () => {
  const b = new NetworkBuilder();
  const x = b.input([2], 0, 1);
  const rows = new Map([0, 1].map((v) => [v, v]));
  let t = x;
  for (let i = 0; i < 3000; i++) t = b.unary(t, rows, 0, 1, i === 2999 ? { home: 'PUB' } : {});
  expect(cost(draftKey(b.finish(...io(x, t))).fields, [2], [2])).toBeGreaterThan(410);
});

test('an axis pays for the vectors over it: 2^20 positions, pooled, took 1.3 s', () => {
  const image = (dims: number[], home: Tensor['home']): Tensor => ({ dims, home, lo: 0, hi: 1 });
  const max = (from: number, y: number): MaxOp => {
    return { kind: 'max', x: from, axis: 2, stride: 1, pad: 0, dilation: 1, k0: 0, k1: 1, prev: null, y, id: 2, lo: 0 };
  };
  const network: Network = {
    tensors: [image([1, 1, 2], 'PUB'), image([1, 1, 2 ** 20], 'A'), image([1, 1, 4], 'PUB')],
    weights: new Map(),
    ops: [max(0, 1), max(1, 2)],
    meanings: new Map(),
    labels: ['wide', 'narrow'],
    rows: [],
    omega: new Set(),
    inputs: [{ tensor: 0, dtype: 'int8', zp: 0 }],
    outputs: [{ tensor: 2, dtype: 'int8', zp: 0 }],
  };
  expect(cost(draftKey(network).fields, [1, 1, 2], [1, 1, 4])).toBeGreaterThan(1300);
});

test('a window pays for every row of it: 64 rows over 2^14 took 600 ms', () => {
  const b = new NetworkBuilder();
  const x = b.input([1, 2 ** 14, 1], 0, 1);
  const [w, bias] = [b.weight([1, 1, 64], new Int32Array(64).fill(1)), b.weight([1], new Int32Array(1))];
  const y = b.out({ kind: 'conv', x, w, b: bias, kh: 64, kw: 1, stride: [2 ** 14, 1], pad: [0, 0, 0, 0], dilation: [1, 1], groups: 1 });
  b.unary(b.input([2], 0, 1), new Map([0, 1].map((v) => [v, v])), 0, 1);
  expect(cost(draftKey(b.finish(...io(x, y))).fields, [1, 2 ** 14, 1], [1])).toBeGreaterThan(600);
});

test('a described table pays for its steps, however few rows remain: 4 million took 450 ms', () => {
  const b = new NetworkBuilder();
  const x = b.input([2], 0, 1);
  const { fields } = draftKey(b.finish(...io(x, b.unary(x, new Map([0, 1].map((v) => [v, v])), 0, 1, { home: 'PUB' }))));
  const channels = Array.from({ length: 8190 }, () => ({ scaleBits: 0x35000001, interval: [0, 0] as const }));
  const descriptions = [{ kind: 'cells' as const, zp: 0, lo: -255, hi: 255, map: new Int16Array(511), channels }];
  const key = sealed(fields);
  expect(Number(gkrVgas({ ...key, descriptions }, planOf(key), 100_000)) / 1000).toBeGreaterThan(450);
});

test('a key is read once for all the runs of its block, taken or not', () => {
  const b = new NetworkBuilder();
  const x = b.input([2], 0, 1);
  const y = b.unary(x, new Map([0, 1].map((v) => [v, v])), 0, 1, { home: 'PUB' });
  const key = sealed(draftKey(b.finish(...io(x, y))).fields);
  const file = encodeKeyFile(key, face([2], [2]));
  expect(gkr.parseKey(file)).toBe(gkr.parseKey(file.slice()));
  const bad = encodeKeyFile(sealed({ ...key, ops: key.ops.map((op) => ({ ...op, id: 2 ** 26 }) as ReqOp) }), face([2], [2]));
  for (let i = 0; i < 2; i++) expect(() => gkr.parseKey(bad)).toThrow(/^key: /);
});
