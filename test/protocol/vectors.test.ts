/** Every entry of the published vectors is reproduced (protocol §15). */
import { describe, expect, it } from 'vitest';
import { cellsCover, cellsOf, type Interval, regionsOf, regionsToCover } from '../../circuits/cells.ts';
import { evaluate } from '../../circuits/evaluate.ts';
import { contentK0At } from '../../circuits/lookups.ts';
import { CONTENT } from '../../circuits/plan.ts';
import { unpad } from '../../circuits/shape.ts';
import { requantize } from '../../circuits/step.ts';
import { k0Column } from '../../circuits/tables.ts';
import { blake3 } from '../../protocol/blake3.ts';
import { ascii, bytesOf, toHex, u64 } from '../../protocol/bytes.ts';
import { decodeEnvelope } from '../../protocol/envelope.ts';
import { type F4, inverse, mul } from '../../protocol/extension.ts';
import * as field from '../../protocol/field.ts';
import { type HashName, keyOf } from '../../protocol/hash.ts';
import { digestAt, leafOf, rootFrom, rootOf, siblingOrder, treeOf } from '../../protocol/merkle.ts';
import { elements, eqTable, evaluateBase, lessThan } from '../../protocol/mle.ts';
import { encode, evaluateAt } from '../../protocol/ntt.ts';
import { statementDigest } from '../../protocol/statement.ts';
import { type LogEntry, ProverTranscript } from '../../protocol/transcript.ts';
import { reference } from '../../prover/kernels/reference/index.ts';
import { prove } from '../../prover/prove.ts';
import { verify } from '../../verifier/verify.ts';
import { bench } from '../lies.ts';
import { CONTEXT, MODEL_ID, netFixture } from '../nets.ts';
import { type ProofVector, vectors as v } from './vectors.helpers.ts';

const scaleOf = (bits: string): number => {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, Number(bits));
  return view.getFloat32(0);
};

describe('arithmetic', () => {
  it('field', () => {
    expect(field.P).toBe(v.field.p);
    expect(field.TWO_ADICITY).toBe(v.field.two_adicity);
    expect((v.field.p - 1) / 2 ** v.field.two_adicity).toBe(127);
    for (const [a, b, c] of v.field.mul) expect(field.mul(a, b)).toBe(c);
    for (const [a, b] of v.field.inv) expect(field.inverse(a)).toBe(b);
    for (const [n, w] of Object.entries(v.field.omega)) expect(field.rootOfUnity(Number(n))).toBe(w);
    for (const [n, w] of Object.entries(v.field.omega)) expect(field.pow(v.field.generator, (v.field.p - 1) / Number(n))).toBe(w);
    for (const [a, b] of v.field.centred) expect([field.residue(a), field.centred(b)]).toEqual([b, a]);
  });

  it('extension', () => {
    expect(mul(v.f4.a, v.f4.b)).toEqual(v.f4.mul);
    expect(inverse(v.f4.a)).toEqual(v.f4.inv_a);
    expect(inverse(v.f4.b)).toEqual(v.f4.inv_b);
  });

  it('eq, lt and a multilinear extension', () => {
    expect(elements(eqTable(v.eq.point))).toEqual(v.eq.table);
    expect(lessThan(v.eq.point, 5)).toEqual(v.eq.lt5);
    expect(
      evaluateBase(
        Int32Array.from({ length: 8 }, (_, i) => i),
        v.eq.point,
      ),
    ).toEqual(v.eq.mle_of_0_to_7);
  });

  it('NTT', () => {
    const out = new Uint32Array(v.ntt.n);
    encode(Uint32Array.from(v.ntt.coeffs), v.ntt.coeffs.length, out, v.ntt.n);
    expect([...out]).toEqual(v.ntt.out);
    expect(v.ntt.out.map((_, j) => evaluateAt(v.ntt.coeffs, v.ntt.n, j))).toEqual(v.ntt.out);
  });
});

describe('hashes', () => {
  it('keys of every use', () => {
    for (const [name, key] of Object.entries(v.keys)) expect(toHex(keyOf(name as HashName))).toBe(key);
  });

  it('Merkle root, leaf and sibling order', () => {
    const { rows, leaf0, root, positions, siblings_level_index, siblings } = v.merkle;
    const leaves = new Uint32Array(8 * rows.length);
    rows.forEach((r, j) => {
      leaves.set(leafOf(Uint32Array.from(r)), 8 * j);
    });
    const tree = treeOf(leaves);
    expect(toHex(bytesOf(leafOf(Uint32Array.from(rows[0] as number[]))))).toBe(leaf0);
    expect(toHex(rootOf(tree))).toBe(root);
    const order = siblingOrder(positions, 3);
    expect(order.map(({ level, index }) => [level, index])).toEqual(siblings_level_index);
    expect(order.map(({ level, index }) => toHex(digestAt(tree, level, index)))).toEqual(siblings);
    const joined = (list: readonly Uint32Array[]): Uint32Array => Uint32Array.from(list.flatMap((d) => [...d]));
    const path = joined(order.map(({ level, index }) => (tree[level] as Uint32Array).slice(8 * index, 8 * index + 8)));
    const opened = joined(positions.map((p) => leafOf(Uint32Array.from(rows[p] as number[]))));
    expect(toHex(rootFrom(positions, opened, 3, path))).toBe(root);
  });

  it('transcript', async () => {
    const t = new ProverTranscript('toy');
    const steps: Record<string, () => unknown> = {
      init: () => undefined,
      'absorb digest root = 32 x 0x11': () => t.sendDigest('root', new Uint8Array(32).fill(17)),
      'absorb field x = [a, b]': () => t.sendElements('x', [v.f4.a, v.f4.b]),
      'chal alpha, 2 elements': () => t.challenges('alpha', 2),
      'grind g, 8 bits, least nonce': async () => {
        await t.sendNonce('g', 8, (state, bits) => reference.grind(state, bits));
        const nonce = t.proof().slice(-8);
        return new DataView(nonce.buffer).getUint32(0, true);
      },
      'positions pos, 8 of 64': () => t.positions('pos', 8, 6),
      'delay 64': () => t.delay(64),
      'chal none, 0 elements': () => t.challenges('none', 0),
    };
    for (const [step, ...expected] of v.transcript) {
      const value = await steps[step]?.();
      const state = toHex(t.state);
      expect([step, ...(expected.length === 2 ? [value, state] : [state])]).toEqual([step, ...expected]);
    }
    expect(v.transcript.map(([s]) => s)).toEqual(Object.keys(steps));
  });
});

describe('tables', () => {
  it('k0 from its run lengths, at a point and as a column', () => {
    expect(contentK0At(v.k0.runs, v.k0.point)).toEqual(v.k0.value);
    expect(evaluateBase(k0Column(v.k0.runs), v.k0.point)).toEqual(v.k0.value);
  });

  it.each(['cells', 'cells_half'] as const)('%s', (name) => {
    const c = v[name];
    const f = requantize('R_f32_bits' in c ? scaleOf(c.R_f32_bits) : c.R, c.zy, c.clip[0], c.clip[1]);
    const reach: Interval = [-c.A, c.A];
    const cells = cellsOf(regionsToCover(f, reach, c.A), c.Ws, name);
    expect(cells.map(({ t, y, w }) => [t, y, w])).toEqual(c.rows_T_y_w);
    expect(cellsCover(f, reach, cells)).toBe(true);
  });

  it('regions', () => {
    const r = v.regions;
    const f = requantize(scaleOf(r.R_f32_bits), r.zy, r.clip[0], r.clip[1]);
    expect(regionsOf(f, [-r.A, r.A]).map(({ a }) => a)).toEqual(r.first_acc_of_each_value);
  });
});

/** The log in the form of the vectors: the state after what was absorbed, the first element of a challenge, no positions. */
const shown = ({ kind, label, value }: LogEntry): [string, unknown][] => {
  if (kind === 'positions') return [];
  return kind === 'challenge' ? [[`chal ${label}`, (value.split(', ')[0] as string).split(' ').map(Number)]] : [[label, value]];
};

describe.each([
  ['proof_I0', 'net3-i0'],
  ['proof_I1', 'net3-i1'],
] as const)('%s', (entry, name) => {
  const p: ProofVector = v[entry];
  const b = bench(name);
  const fixture = netFixture(name);

  it('has the model, input and output of the vector', () => {
    expect(b.inputs[0]).toEqual(p.input.flat());
    for (const [t, values] of Object.entries(p.weights))
      expect([...(b.network.weights.get(Number(t)) as Int32Array)]).toEqual((values as number[]).flat());
    const out = b.key.outputs[0]?.tensor as number;
    expect([...unpad(evaluate(b.circuit, b.inputs).get(out) as Int32Array, b.key.tensors[out]?.dims as number[])]).toEqual(p.output.flat());
    expect(fixture.outputs[0]?.values).toEqual(p.output.flat());
    expect([toHex(MODEL_ID), new TextDecoder().decode(CONTEXT)]).toEqual([p.modelId, p.ctx]);
  });

  it('has the key of the vector', () => {
    expect(b.key.ops.flatMap((o) => (o.kind === 'req' ? [o.widths] : []))).toEqual(p.widths);
    expect(b.key.runs).toEqual(p.runs);
    expect(p.runs.reduce((s, [, n]) => s + n, 0)).toBe(p.content_rows);
    expect(b.plan.contentBits).toBe(p.nct);
    const [k1, k2] = b.plan.content.map((t) => b.contents.get(t) as Int32Array) as [Int32Array, Int32Array];
    const rows = new BigInt64Array(3 * k1.length);
    k0Column(b.key.runs).forEach((k0, i) => {
      rows.set([BigInt(k0), BigInt(k1[i] as number), BigInt(k2[i] as number)], 3 * i);
    });
    expect(toHex(blake3(new Uint8Array(rows.buffer)))).toBe(p.content_hash);
    expect(toHex(blake3(b.key.bytes))).toBe(p.vk_bytes_hash);
    if (p.vk_bytes_hex !== undefined) expect(toHex(b.key.bytes)).toBe(p.vk_bytes_hex);
    expect(toHex(b.key.hash)).toBe(p.vkHash);
    expect(toHex(b.key.wroot)).toBe(p.wroot);
  });

  it('has the stack and the instances of the vector', () => {
    expect(Object.fromEntries([...b.plan.place].map(([t, { group, address }]) => [t, [group, address]]))).toEqual(p.placement);
    const list = (instances: typeof b.plan.lookups) => instances.map((i) => [i.bits, i.segments.map((s) => [s.bits, s.offset, s.op])]);
    expect(list(b.plan.lookups)).toEqual(p.instances.L);
    expect(list(b.plan.tables)).toEqual(p.instances.T);
    expect(b.plan.tables[0]?.segments[0]?.op).toBe(CONTENT);
  });

  it('has the proof of the vector, with its log', async () => {
    const raw = fixture.inputs.map((i) => i.values.map((x) => x + i.zp));
    const { envelope, log } = await prove(b.circuit, raw, { context: CONTEXT, modelId: MODEL_ID, log: true });
    const { proof, ...statement } = decodeEnvelope(envelope);
    expect(toHex(statementDigest(statement))).toBe(p.statementDigest);
    expect(proof.length).toBe(p.proof_bytes);
    expect(toHex(blake3(proof))).toBe(p.proof_hash);
    expect(toHex(blake3(envelope))).toBe(p.envelope_hash);
    if (p.envelope_base64 !== undefined) expect(Buffer.from(envelope).toString('base64')).toBe(p.envelope_base64);
    // The vectors log 24 entries of the start and 4 of the end.
    const cut = p.states.findIndex(([label]) => label === '...');
    const lines = log.flatMap(shown);
    expect(lines.slice(0, cut)).toEqual(p.states.slice(0, cut));
    const tail = p.states.slice(cut + 1);
    expect(lines.slice(-tail.length)).toEqual(tail);
    // The verifier walks the same states.
    let seen: readonly LogEntry[] = [];
    const options = {
      context: CONTEXT,
      modelId: MODEL_ID,
      contents: b.contents,
      allowToy: true,
      onLog: (l: readonly LogEntry[]) => (seen = l),
    };
    expect(verify(envelope, b.key, options)).toMatchObject({ ok: true });
    expect(seen).toEqual(log);
  });
});

describe('net4_I1', () => {
  const b = bench('net4-i1');
  const p = v.net4_I1;

  it('has the key, outputs and proof of the vector', async () => {
    expect(b.inputs[0]).toEqual(p.input.flat(2));
    expect(toHex(b.key.bytes)).toBe(p.vk_bytes_hex);
    expect(toHex(b.key.hash)).toBe(p.vkHash);
    const values = evaluate(b.circuit, b.inputs);
    const flat = (x: unknown): number[] => (Array.isArray(x) ? x.flatMap(flat) : [x as number]);
    for (const [t, out] of Object.entries(p.outputs))
      expect([...unpad(values.get(Number(t)) as Int32Array, b.key.tensors[Number(t)]?.dims as number[])]).toEqual(flat(out));
    const { envelope } = await prove(b.circuit, b.inputs, { context: CONTEXT, modelId: MODEL_ID });
    const { proof } = decodeEnvelope(envelope);
    expect(proof.length).toBe(p.proof_bytes);
    expect(toHex(blake3(proof))).toBe(p.proof_hash);
    expect(toHex(blake3(envelope))).toBe(p.envelope_hash);
  });
});

describe('the list of vectors', () => {
  it('holds nothing that is not tested here', () => {
    const tested = ['field', 'f4', 'eq', 'ntt', 'keys', 'transcript', 'k0', 'merkle', 'cells', 'cells_half', 'regions'];
    expect(Object.keys(v).sort()).toEqual([...tested, 'proof_I0', 'proof_I1', 'net4_I1'].sort());
    expect(toHex(ascii('a'))).toBe('61');
    expect(toHex(u64(2 ** 40 + 7))).toBe('0700000000010000');
    const one: F4 = [1, 0, 0, 0];
    expect(mul(one, v.f4.a)).toEqual(v.f4.a);
  });
});
