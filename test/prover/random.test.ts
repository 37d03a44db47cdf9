/**
 * Random small networks under the real profile: shapes, strides, pads, dilations, groups, scales, zero points, both modes, both key
 * records, public and committed inputs. Each is proven and accepted; then one activation anywhere is wrong, everything downstream is
 * consistent with it, and it is refused.
 */
import { describe, expect, it } from 'vitest';
import { auditKey } from '../../circuits/audit.ts';
import { describeTables } from '../../circuits/descriptions.ts';
import { evaluate, type ValueMap } from '../../circuits/evaluate.ts';
import { decodeKey, type Mode } from '../../circuits/key.ts';
import { type Network, NetworkBuilder } from '../../circuits/network.ts';
import { proofSize } from '../../circuits/proof-size.ts';
import { setup } from '../../circuits/setup.ts';
import { forEachValid, product } from '../../circuits/shape.ts';
import { requantize, type StepFunction } from '../../circuits/step.ts';
import { type ConvForm, type IoTensor, isLookup, type Op, type Tensor } from '../../circuits/types.ts';
import { decodeEnvelope } from '../../protocol/envelope.ts';
import { centredInputs, type ProvingCircuit, proveValues } from '../../prover/prove.ts';
import { verify } from '../../verifier/verify.ts';
import { Random } from '../random.ts';

interface Sample {
  readonly network: Network;
  readonly mode: Mode;
  readonly version: 1 | 2;
  readonly raw: Int32Array[];
}

/** The coordinates of [C, H, W] as three digits. */
const AXES: number[][] = [
  [0, 1, 0, 0],
  [0, 0, 1, 0],
  [0, 0, 0, 1],
];

function randomNetwork(seed: number): Sample {
  const r = new Random(seed);
  const described = r.int(0, 3) > 0;
  const b = new NetworkBuilder({
    reveal: described ? r.pick([0, 4, 32]) : Number.POSITIVE_INFINITY,
    sizing: r.pick(['compact', 'specification'] as const),
  });
  const committed = r.int(0, 3) === 0;
  const signed = r.int(0, 1) === 1;
  const zp = committed ? 0 : signed ? r.int(-128, 127) : r.int(0, 255);
  const [lo, hi] = signed || committed ? [-128, 127] : [0, 255];
  const dims = [r.int(1, 4), r.int(2, 7), r.int(1, 7)];
  const x = b.input(dims, lo - zp, hi - zp, committed ? 'X' : 'PUB');
  // Indices of the rows that `gather` takes.
  const ids = b.input([dims[0] as number], 0, 4);
  if (committed) b.range(x);
  const io: IoTensor[] = [];
  const step = (scale: number, z: number): StepFunction => requantize(Math.fround(scale), z, -128, 127);
  let current = x;
  for (let i = r.int(1, 4); i > 0; i--) {
    const at = b.tensors[current] as Tensor;
    const [c, h, w] = at.dims as [number, number, number];
    const [kh, kw] = [r.int(1, 3), r.int(1, 3)] as const;
    const stride: [number, number] = [r.int(1, 2), r.int(1, 2)];
    const dilation: [number, number] = [r.int(1, 2), r.int(1, 2)];
    const pad: [number, number, number, number] = [r.int(0, 1), r.int(0, 2), r.int(0, 1), r.int(0, 1)];
    const fits = h + pad[0] + pad[2] > dilation[0] * (kh - 1) && w + pad[1] + pad[3] > dilation[1] * (kw - 1);
    if (!fits) continue;
    const outSize = (n: number, before: number, after: number, d: number, k: number, s: number): number =>
      Math.floor((n + before + after - d * (k - 1) - 1) / s) + 1;
    const shape = [outSize(h, pad[0], pad[2], dilation[0], kh, stride[0]), outSize(w, pad[1], pad[3], dilation[1], kw, stride[1])] as const;
    const kind = r.pick([
      'conv',
      'conv',
      'grouped',
      'max',
      'pool',
      'mul',
      'lin',
      'unary',
      'view',
      'view',
      'bmm',
      'pairmax',
      'constant',
      'gather',
    ] as const);
    if (kind === 'view') {
      if (at.home !== 'V') current = randomView(r, b, current, at);
      continue;
    }
    // A maximum keeps bounds, and those that come from a view may be those of no type.
    const typed = (kind !== 'max' && kind !== 'pairmax') || ((at.lo as number) < 0 && (at.hi as number) <= (at.lo as number) + 255);
    const home = r.int(0, 4) === 0 && typed ? 'PUB' : 'A';
    const z = r.int(-128, 127);
    const options = { home } as const;
    if (kind === 'conv' || kind === 'grouped') {
      const groups = kind === 'grouped' ? c : 1;
      const co = kind === 'grouped' ? c * r.pick([1, 2]) : r.int(1, 5);
      const ci = c / groups;
      const form: ConvForm = {
        kind: 'conv',
        x: current,
        w: b.weight([co, ci, kh * kw], r.ints(co * ci * kh * kw, -127, 127)),
        b: b.weight([co], r.ints(co, -3000, 3000)),
        kh,
        kw,
        stride,
        pad,
        dilation,
        groups,
      };
      const scales = Array.from({ length: co }, () => step(0.001 + r.next() / 60, z));
      current = b.req(form, r.int(0, 1) === 1 ? scales : (scales[0] as StepFunction), -128 - z, 127 - z, options);
    } else if (kind === 'max') {
      if (c * shape[0] * shape[1] < 2 || c * h * shape[1] < 2) continue;
      const before = current;
      current = b.maxPool(current, [kh, kw], stride, pad, dilation, options);
      if (current === before) continue;
    } else if (kind === 'pool') {
      current = b.req({ kind: 'pool', x: current, kh, kw, stride, pad, dilation }, step(0.9 / (kh * kw), z), -128 - z, 127 - z, options);
    } else if (kind === 'mul') current = b.req({ kind: 'mul', a: current, b: current }, step(0.004, z), -128 - z, 127 - z, options);
    else if (kind === 'lin')
      current = b.req(
        {
          kind: 'lin',
          terms: [
            [3, current],
            [-1, current],
          ],
          constant: r.int(-9, 9),
        },
        step(r.pick([0.5, 0.31, 1]), z),
        -128 - z,
        127 - z,
        options,
      );
    else if (kind === 'bmm') {
      if (at.home === 'V') continue;
      const turned = b.view([{ x: current, counts: [c, h, w], from: AXES, to: [AXES[0], AXES[2], AXES[1]] as number[][] }], [c, w, h]);
      current = b.req({ kind: 'bmm', a: current, b: turned }, step(0.0003, z), -128 - z, 127 - z, options);
    } else if (kind === 'pairmax') {
      if (at.home === 'V' || product(at.dims) < 2) continue;
      const flipped = b.view(
        [{ x: current, counts: [c, h, w], from: [AXES[0], AXES[1], [w - 1, 0, 0, -1]] as number[][], to: AXES }],
        at.dims,
      );
      current = b.pairmax(current, flipped);
    } else if (kind === 'constant' || kind === 'gather') {
      const rows = kind === 'gather' ? 5 : c;
      if (kind === 'gather' && c !== dims[0]) continue;
      const k = b.constant([rows, h, w], r.ints(rows * h * w, -100, 100));
      const terms: [number, number][] = [
        [2, current],
        [-3, kind === 'gather' ? b.gather(k, ids) : k],
      ];
      current = b.req({ kind: 'lin', terms, constant: 1 }, step(0.2, z), -128 - z, 127 - z, options);
    } else {
      if (product(at.dims) < 2) continue;
      const rows = new Map<number, number>();
      for (let v = at.lo as number; v <= (at.hi as number); v++) rows.set(v, Math.abs(v) % 64);
      current = b.unary(current, rows, 0, 63, options);
    }
    if ((b.tensors[current] as Tensor).home === 'PUB') {
      const { lo: from } = b.tensors[current] as { lo: number };
      const dtype = from >= 0 ? 'uint8' : 'int8';
      io.push({ tensor: current, dtype, zp: kind === 'max' ? zpOf(io, from) : kind === 'unary' ? 0 : z });
    }
  }
  const k = (b.tensors[current] as Tensor).dims;
  const n = r.int(2, 6);
  const dense = {
    kind: 'dense',
    x: current,
    w: b.weight([n, ...k], r.ints(n * product(k), -127, 127)),
    b: b.weight([n], r.ints(n, -99, 99)),
    sp: 0,
  } as const;
  if (r.int(0, 1) === 1) io.push({ tensor: b.out(dense), dtype: 'int32', zp: 0 });
  else io.push({ tensor: b.req(dense, step(0.002, 0), -128, 127, { home: 'PUB' }), dtype: 'int8', zp: 0 });
  const inputs: IoTensor[] = [
    { tensor: x, dtype: signed || committed ? 'int8' : 'uint8', zp },
    { tensor: ids, dtype: 'uint8', zp: 0 },
  ];
  const network = b.finish(inputs, dedupe(io));
  return {
    network,
    mode: r.pick(['I0', 'I1'] as const),
    version: described && describeTables(network) !== null ? 2 : 1,
    raw: [r.ints(product(dims), lo, hi), r.ints(dims[0] as number, 0, 4)],
  };
}

/** A view of [C, H, W] that is again of three dimensions: a slice, a transpose, a padded image, two of them side by side, a reshape. */
function randomView(r: Random, b: NetworkBuilder, x: number, { dims }: Tensor): number {
  const [c, h, w] = dims as [number, number, number];
  const counts = [c, h, w];
  const plain = AXES;
  const kind = r.pick(['slice', 'flip', 'transpose', 'pad', 'concat', 'reshape', 'sum', 'nearest'] as const);
  if (kind === 'slice') {
    const step = r.int(1, 2);
    const from = r.int(0, w - 1);
    const n = r.int(1, Math.floor((w - 1 - from) / step) + 1);
    return b.view([{ x, counts: [c, h, n], from: [plain[0], plain[1], [from, 0, 0, step]] as number[][], to: plain }], [c, h, n]);
  }
  if (kind === 'flip') return b.view([{ x, counts, from: [plain[0], [h - 1, 0, -1, 0], plain[2]] as number[][], to: plain }], dims);
  if (kind === 'transpose') return b.view([{ x, counts, from: plain, to: [plain[2], plain[0], plain[1]] as number[][] }], [w, c, h]);
  if (kind === 'pad') {
    const [top, left] = [r.int(0, 2), r.int(0, 2)];
    const to = [plain[0], [top, 0, 1, 0], [left, 0, 0, 1]] as number[][];
    return b.view([{ x, counts, from: plain, to }], [c, h + top + r.int(0, 1), w + left + 1], r.int(-5, 5));
  }
  if (kind === 'concat') {
    const part = (offset: number) => ({ x, counts, from: plain, to: [[offset, 1, 0, 0], plain[1], plain[2]] as number[][] });
    return b.view([part(0), part(c)], [2 * c, h, w]);
  }
  if (kind === 'reshape') {
    const n = c * h * w;
    const flat = [[0, 1]];
    return b.view(
      [{ x, counts: [n], from: flat, to: flat }],
      r.pick([
        [1, 1, n],
        [h, c, w],
        [w, h, c],
      ]) as number[],
    );
  }
  if (kind === 'nearest')
    return b.view(
      [
        {
          x,
          counts: [c, h, w, 2],
          from: plain.map((e) => [...e, 0]),
          to: [
            [0, 1, 0, 0, 0],
            [0, 0, 1, 0, 0],
            [0, 0, 0, 2, 1],
          ],
        },
      ],
      [c, h, 2 * w],
    );
  // Sums of neighbours, the last one alone.
  return b.view(
    [
      {
        x,
        counts: [c, h, w, 2],
        from: [
          [0, 1, 0, 0, 0],
          [0, 0, 1, 0, 0],
          [0, 0, 0, 1, 1],
        ],
        to: plain.map((e) => [...e, 0]),
      },
    ],
    dims,
  );
}

/** Raw = centred + zp stays in int8 when zp = -128 - lo. */
const zpOf = (_: readonly IoTensor[], lo: number): number => Math.max(-128, Math.min(127, -128 - lo));

const dedupe = (io: readonly IoTensor[]): IoTensor[] => io.filter((e, i) => io.findIndex((f) => f.tensor === e.tensor) === i);

describe.each(Array.from({ length: 60 }, (_, i) => i))('random network %i', (seed) => {
  const { network, mode, version, raw } = randomNetwork(seed);
  const { key, plan, contents } = setup(network, { mode, version });
  const circuit: ProvingCircuit = { fields: key, plan, contents };
  const options = { ...(mode === 'I0' ? { contents } : {}) };

  it('is proven, accepted and no longer than the key says; its key passes the audit', async () => {
    auditKey(network, decodeKey(key.bytes), contents);
    const { envelope } = await proveValues(circuit, evaluate(circuit, centredInputs(key, raw)));
    expect(verify(envelope, decodeKey(key.bytes), options)).toMatchObject({ ok: true });
    const size = proofSize(key, plan);
    const { length } = decodeEnvelope(envelope).proof;
    expect(length).toBeLessThanOrEqual(size.maximum);
    expect(length).toBeGreaterThanOrEqual(size.fixed);
  });

  it('refuses one wrong activation anywhere', async () => {
    const r = new Random(seed + 1000);
    const lookups = key.ops.flatMap((op, i) => (isLookup(op) && op.kind !== 'range' ? [i] : []));
    const shown = key.ops.flatMap((op, i) => ((op.kind === 'view' && key.tensors[op.y]?.home === 'V') || op.kind === 'out' ? [i] : []));
    const victim = r.pick(lookups.length > 0 && (shown.length === 0 || r.int(0, 1) === 0) ? lookups : shown);
    const change = (values: ValueMap, t: number): void => {
      const tensor = key.tensors[t] as Tensor;
      const places: number[] = [];
      forEachValid(tensor.dims, (p) => places.push(p));
      const y = (values.get(t) as Int32Array).slice();
      const at = r.pick(places);
      const v = y[at] as number;
      y[at] = v < (tensor.hi as number) ? v + 1 : v - 1;
      values.set(t, y);
    };
    const values = evaluate(circuit, centredInputs(key, raw), (i, op, now) => {
      if (i === victim && op.kind !== 'range') change(now, op.y);
    });
    const { envelope } = await proveValues(circuit, values);
    const verdict = verify(envelope, key, options);
    expect(verdict.ok).toBe(false);
    // A wrong lookup is in no table; a wrong accumulator in the clear is not what its operands give; a wrong view not what it shows.
    const { kind } = key.ops[victim] as Op;
    expect(verdict).toMatchObject({ code: kind === 'view' ? 'V7c' : kind === 'out' ? expect.stringMatching(/^V(6|7|13)$/) : 'V2' });
  });
});
