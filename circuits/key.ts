/**
 * The verifying key and its bytes (protocol §6.1, §6.5). vkHash = H_vk(bytes).
 *
 * `decodeKey` checks types and lengths of every field; the conditions on their values are `checkKey` (§6.4).
 */
import { toWords } from '../protocol/blake3.ts';
import { bytesOf, plainBytes } from '../protocol/bytes.ts';
import { decodeValue, encodeValue, type Value } from '../protocol/encoding.ts';
import { hash } from '../protocol/hash.ts';
import { Refused } from '../protocol/refused.ts';
import { type ChannelDescription, describedContent, type StepsChannel, type TableDescription } from './descriptions.ts';
import type { FieldType } from './forms/form.ts';
import { forms } from './forms/index.ts';
import type { Content } from './tables.ts';
import type { Form, Home, IoTensor, Op, Tensor, ViewOp, ViewPart } from './types.ts';

export type Mode = 'I0' | 'I1';
export type Profile = 'S100' | 'toy';

export interface KeyFields {
  /** 1: k1 and k2 are W tensors. 2: the tables are described, k1 and k2 have home T and are derived (§6.8). */
  readonly version: 1 | 2;
  readonly profile: string;
  readonly mode: string;
  /** Rows of the stack are 2^h, the rate is 2^-lr, t queries. */
  readonly h: number;
  readonly lr: number;
  readonly t: number;
  /** Grinding bits before (α, β), before η, before positions. */
  readonly grinding: readonly [number, number, number];
  readonly tensors: readonly Tensor[];
  readonly ops: readonly Op[];
  readonly omega: readonly number[];
  /** [k0, count] of the table rows, k0 strictly ascending. */
  readonly runs: readonly (readonly [number, number])[];
  /** Version 2: what every req and unary table is, and every apply, in op order. */
  readonly descriptions: readonly TableDescription[] | null;
  /** Version 2: the content rows that the descriptions give. */
  readonly tables: Content | null;
  readonly inputs: readonly IoTensor[];
  readonly outputs: readonly IoTensor[];
  /** R_W in mode I1, the hash of the W tensors in mode I0. */
  readonly wroot: Uint8Array;
}

export interface Key extends KeyFields {
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
}

type OpFieldType = FieldType | 'form' | 'optional' | 'list' | 'parts';

/** Fields of every op in the order of the encoding. */
const opFields: { readonly [K in Op['kind']]: readonly (readonly [string, OpFieldType])[] } = {
  req: [
    ['form', 'form'],
    ['rem', 'int'],
    ['wid', 'optional'],
    ['w0', 'optional'],
    ['y', 'int'],
    ['id', 'int'],
    ['per', 'int'],
    ['cd', 'optional'],
    ['bound', 'int'],
    ['tmax', 'int'],
    ['widths', 'list'],
  ],
  unary: [
    ['x', 'int'],
    ['y', 'int'],
    ['id', 'int'],
  ],
  bin: [
    ['a', 'int'],
    ['b', 'int'],
    ['y', 'int'],
    ['id', 'int'],
  ],
  max: [
    ['x', 'int'],
    ['axis', 'int'],
    ['stride', 'int'],
    ['pad', 'int'],
    ['dilation', 'int'],
    ['k0', 'optional'],
    ['k1', 'int'],
    ['prev', 'optional'],
    ['y', 'int'],
    ['id', 'int'],
    ['lo', 'int'],
  ],
  pairmax: [
    ['a', 'int'],
    ['b', 'int'],
    ['y', 'int'],
    ['id', 'int'],
  ],
  range: [
    ['x', 'int'],
    ['w', 'int'],
  ],
  out: [
    ['form', 'form'],
    ['y', 'int'],
    ['bound', 'int'],
  ],
  apply: [
    ['x', 'int'],
    ['y', 'int'],
    ['cd', 'optional'],
  ],
  accumulate: [
    ['form', 'form'],
    ['y', 'int'],
  ],
  maxpool: [
    ['x', 'int'],
    ['kernel', 'pair'],
    ['stride', 'pair'],
    ['pad', 'quad'],
    ['dilation', 'pair'],
    ['y', 'int'],
  ],
  maximum: [
    ['a', 'int'],
    ['b', 'int'],
    ['y', 'int'],
  ],
  softmax: [
    ['x', 'int'],
    ['y', 'int'],
  ],
  layernorm: [
    ['x', 'int'],
    ['y', 'int'],
  ],
  view: [
    ['parts', 'parts'],
    ['fill', 'int'],
    ['y', 'int'],
  ],
  gather: [
    ['x', 'int'],
    ['ids', 'int'],
    ['y', 'int'],
  ],
};

type Loose = Record<string, Value>;

function encodeForm(form: Form): Value {
  const fields = forms[form.kind].fields as readonly (readonly [string, FieldType])[];
  return [form.kind, ...fields.map(([name]) => (form as unknown as Loose)[name] as Value)];
}

function encodeOp(op: Op): Value {
  return [
    op.kind,
    ...opFields[op.kind].map(([name, type]) =>
      type === 'form'
        ? encodeForm((op as { form: Form }).form)
        : type === 'parts'
          ? (op as ViewOp).parts.map((p) => [p.x, p.counts, p.from, p.to])
          : ((op as unknown as Loose)[name] as Value),
    ),
  ];
}

/** The canonical bytes of a key. */
export function encodeKey(k: KeyFields): Uint8Array {
  const io = (list: readonly IoTensor[]): Value => list.map((e) => [e.tensor, e.dtype, e.zp]);
  return encodeValue([
    'xt',
    k.version,
    k.profile,
    k.mode,
    k.h,
    k.lr,
    k.t,
    [...k.grinding],
    k.tensors.map((t) => [t.dims, t.home, t.lo, t.hi]),
    k.ops.map(encodeOp),
    k.omega,
    k.descriptions === null ? k.runs : k.descriptions.map(encodeDescription),
    io(k.inputs),
    io(k.outputs),
    k.wroot,
  ]);
}

/** A key with its bytes and hash. */
export function sealKey(fields: KeyFields): Key {
  const bytes = encodeKey(fields);
  return { ...fields, bytes, hash: hash('vk', bytes) };
}

/** The key these bytes hold, or a refusal E6 that names the field. */
export function decodeKey(encoded: Uint8Array): Key {
  const bytes = plainBytes(encoded);
  const v = decodeValue(bytes, 'E6', 'key');
  const at = new Reader('key', v);
  const fields = at.record(15);
  const version = fields[0]?.text() === 'xt' ? fields[1]?.int() : 0;
  if (version !== 1 && version !== 2) throw new Refused('E6', 'the key is not of version 1 or 2');
  const [, , profile, mode, h, lr, t, g, tensors, ops, omega, runs, inputs, outputs, wroot] = fields as Reader[] as [
    Reader,
    Reader,
    ...Reader[],
  ] &
    Record<number, Reader>;
  const io = (list: Reader): IoTensor[] =>
    list.list().map((e) => {
      const [tensor, dtype, zp] = e.record(3) as [Reader, Reader, Reader];
      return { tensor: tensor.int(), dtype: dtype.text() as IoTensor['dtype'], zp: zp.int() };
    });
  const opList = (ops as Reader).list().map(decodeOp);
  const tensorList = (tensors as Reader).list().map((e) => {
    const [dims, home, lo, hi] = e.record(4) as [Reader, Reader, Reader, Reader];
    return { dims: dims.ints(), home: home.text() as Home, lo: lo.optional(), hi: hi.optional() };
  });
  const key: KeyFields = {
    version,
    profile: (profile as Reader).text(),
    mode: (mode as Reader).text(),
    h: (h as Reader).int(),
    lr: (lr as Reader).int(),
    t: (t as Reader).int(),
    grinding: (g as Reader).ints(3) as [number, number, number],
    tensors: tensorList,
    ops: opList,
    omega: (omega as Reader).ints(),
    ...(version === 1
      ? committedTables(runs as Reader)
      : describedTables(tensorList, opList, (runs as Reader).list().map(decodeDescription))),
    inputs: io(inputs as Reader),
    outputs: io(outputs as Reader),
    wroot: (wroot as Reader).bytes(32),
  };
  return { ...key, bytes: bytes.slice(), hash: hash('vk', bytes) };
}

type Tables = Pick<KeyFields, 'runs' | 'descriptions' | 'tables'>;

const committedTables = (runs: Reader): Tables => ({
  runs: runs.list().map((r) => r.ints(2) as [number, number]),
  descriptions: null,
  tables: null,
});

/** Everything a described key says about its tables. */
export function describedTables(tensors: readonly Tensor[], ops: readonly Op[], descriptions: readonly TableDescription[]): Tables {
  const { runs, content } = describedContent(tensors, ops, descriptions);
  return { runs, descriptions, tables: content };
}

/**
 * softmax: ["softmax", table, factor, fused, zp, lo, hi]; layernorm: ["layernorm", scale, gamma, beta|none, epsilon, outScale, zp, lo, hi], floats as
 * their 32 bits, lists of them u32le; cells: ["cells", zp, lo, hi, map|none, channels]; step: ["step", zp, lo, hi, map|none, scales]; unary: ["unary", values]. Maps and values are
 * i16le; a channel is R u32le, from i32le, to i32le; a scale R u32le. steps: ["steps", [channel…]], see encodeSteps.
 */
export function encodeDescription(d: TableDescription): Value {
  const shorts = (v: Int16Array): Uint8Array => new Uint8Array(v.buffer, v.byteOffset, v.byteLength).slice();
  const words = (v: readonly number[]): Uint8Array => bytesOf(Uint32Array.from(v));
  if (d.kind === 'unary' || d.kind === 'pair') return [d.kind, shorts(d.values)];
  if (d.kind === 'steps') return ['steps', d.channels.map(encodeSteps)];
  if (d.kind === 'softmax') return ['softmax', words(d.table), d.factor, d.fused, d.zp, d.lo, d.hi];
  if (d.kind === 'layernorm')
    return ['layernorm', d.scale, words(d.gamma), d.beta === null ? null : words(d.beta), d.epsilon, d.outScale, d.zp, d.lo, d.hi];
  const map = d.map === null ? null : shorts(d.map);
  if (d.kind === 'step') return ['step', d.zp, d.lo, d.hi, map, words(d.scales)];
  const channels = new DataView(new ArrayBuffer(12 * d.channels.length));
  d.channels.forEach(({ scaleBits, interval }, c) => {
    channels.setUint32(12 * c, scaleBits, true);
    channels.setInt32(12 * c + 4, interval[0], true);
    channels.setInt32(12 * c + 8, interval[1], true);
  });
  return ['cells', d.zp, d.lo, d.hi, map, new Uint8Array(channels.buffer)];
}

/** from i32le, to i32le, the first value i16le, then 6 bytes a step: start i32le, value i16le. */
function encodeSteps({ interval, starts, ys }: StepsChannel): Uint8Array {
  const view = new DataView(new ArrayBuffer(10 + 6 * starts.length));
  view.setInt32(0, interval[0], true);
  view.setInt32(4, interval[1], true);
  ys.forEach((y, i) => {
    view.setInt16(8 + 6 * i, y, true);
  });
  starts.forEach((start, i) => {
    view.setInt32(10 + 6 * i, start, true);
  });
  return new Uint8Array(view.buffer);
}

function decodeSteps(r: Reader): StepsChannel {
  const bytes = r.anyBytes();
  if (bytes.length < 10 || (bytes.length - 10) % 6 !== 0) return r.refuse('steps are not 10 bytes and 6 for each start');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = (bytes.length - 10) / 6;
  return {
    interval: [view.getInt32(0, true), view.getInt32(4, true)],
    starts: Int32Array.from({ length: count }, (_, i) => view.getInt32(10 + 6 * i, true)),
    ys: Int16Array.from({ length: count + 1 }, (_, i) => view.getInt16(8 + 6 * i, true)),
  };
}

function decodeDescription(r: Reader): TableDescription {
  if (r.kind() === 'softmax') {
    const [, table, factor, fused, zp, lo, hi] = r.record(7) as [Reader, Reader, Reader, Reader, Reader, Reader, Reader];
    return { kind: 'softmax', table: table.words(), factor: factor.int(), fused: fused.flag(), zp: zp.int(), lo: lo.int(), hi: hi.int() };
  }
  if (r.kind() === 'layernorm') {
    const [, scale, gamma, beta, epsilon, outScale, zp, lo, hi] = r.record(9) as [Reader, Reader, Reader, Reader, Reader] & Reader[];
    const [a, b, c] = [zp, lo, hi].map((e) => (e as Reader).int()) as [number, number, number];
    return {
      kind: 'layernorm',
      scale: scale.int(),
      gamma: gamma.words(),
      beta: beta.isNone() ? null : beta.words(),
      epsilon: epsilon.int(),
      outScale: (outScale as Reader).int(),
      zp: a,
      lo: b,
      hi: c,
    };
  }
  const known = r.kind();
  if (known === 'unary' || known === 'pair') return { kind: known, values: (r.record(2)[1] as Reader).shorts() };
  if (r.kind() === 'steps') return { kind: 'steps', channels: (r.record(2)[1] as Reader).list().map(decodeSteps) };
  const [kind, zp, lo, hi, map, blob] = r.record(6) as [Reader, Reader, Reader, Reader, Reader, Reader];
  const bytes = blob.anyBytes();
  const step = { zp: zp.int(), lo: lo.int(), hi: hi.int(), map: map.isNone() ? null : map.shorts() };
  if (kind.text() === 'step') return { kind: 'step', ...step, scales: blob.words() };
  if (kind.text() !== 'cells') return r.refuse('unknown description');
  if (bytes.length === 0 || bytes.length % 12 !== 0) return r.refuse('channels are not 12 bytes each');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const channels = Array.from(
    { length: bytes.length / 12 },
    (_, c): ChannelDescription => ({
      scaleBits: view.getUint32(12 * c, true),
      interval: [view.getInt32(12 * c + 4, true), view.getInt32(12 * c + 8, true)],
    }),
  );
  return { kind: 'cells', ...step, channels };
}

function decodeOp(r: Reader): Op {
  const kind = r.kind();
  const fields = Object.hasOwn(opFields, kind) ? opFields[kind as Op['kind']] : r.refuse(`unknown op ${JSON.stringify(kind)}`);
  return { kind, ...r.named(fields, (f) => decodeForm(f)) } as unknown as Op;
}

function decodeForm(r: Reader): Form {
  const kind = r.kind();
  const spec = Object.hasOwn(forms, kind) ? forms[kind as Form['kind']] : r.refuse(`unknown form ${JSON.stringify(kind)}`);
  return {
    kind,
    ...r.named(spec.fields as readonly (readonly [string, OpFieldType])[], () => r.refuse('a form inside a form')),
  } as unknown as Form;
}

/** A decoded value with the path to it, so that a refusal names the field. */
class Reader {
  readonly #path: string;
  readonly #value: Value;

  constructor(path: string, value: Value) {
    this.#path = path;
    this.#value = value;
  }

  refuse(sentence: string): never {
    throw new Refused('E6', `${this.#path}: ${sentence}`, { field: this.#path });
  }

  list(): Reader[] {
    const v = this.#value;
    if (!Array.isArray(v)) return this.refuse('not a list');
    return v.map((e, i) => new Reader(`${this.#path}[${i}]`, e as Value));
  }

  record(n: number): Reader[] {
    const items = this.list();
    return items.length === n ? items : this.refuse(`${items.length} fields, not ${n}`);
  }

  int(): number {
    const v = this.#value;
    return typeof v === 'number' ? v : this.refuse('not an integer');
  }

  optional(): number | null {
    return this.#value === null ? null : this.int();
  }

  text(): string {
    const v = this.#value;
    return typeof v === 'string' ? v : this.refuse('not a text');
  }

  bytes(n: number): Uint8Array {
    const v = this.#value;
    return v instanceof Uint8Array && v.length === n ? v : this.refuse(`not ${n} bytes`);
  }

  isNone(): boolean {
    return this.#value === null;
  }

  anyBytes(): Uint8Array {
    const v = this.#value;
    return v instanceof Uint8Array ? v : this.refuse('not bytes');
  }

  /** Bytes as u32le. */
  words(): number[] {
    const b = this.anyBytes();
    if (b.length === 0 || b.length % 4 !== 0) return this.refuse('not a whole number of 32-bit integers');
    return [...toWords(b)];
  }

  /** 0 or 1. */
  flag(): 0 | 1 {
    const v = this.int();
    return v === 0 || v === 1 ? v : this.refuse('not 0 or 1');
  }

  /** Bytes as i16le. */
  shorts(): Int16Array {
    const b = this.anyBytes();
    if (b.length % 2 !== 0) return this.refuse('not a whole number of 16-bit integers');
    return new Int16Array(b.slice().buffer);
  }

  ints(n?: number): number[] {
    const items = this.list().map((r) => r.int());
    return n === undefined || items.length === n ? items : this.refuse(`${items.length} integers, not ${n}`);
  }

  /** The first item of a tagged record. */
  kind(): string {
    const first = this.list()[0];
    return first === undefined ? this.refuse('an empty record') : first.text();
  }

  /** The fields after the tag, by name. */
  named(fields: readonly (readonly [string, OpFieldType])[], form: (r: Reader) => Form): Record<string, unknown> {
    const items = this.record(fields.length + 1);
    return Object.fromEntries(
      fields.map(([name, type], i) => {
        const r = new Reader(`${this.#path}.${name}`, (items[i + 1] as Reader).#value);
        return [name, read(r, type, form)];
      }),
    );
  }
}

function partOf(r: Reader): ViewPart {
  const [x, counts, from, to] = r.record(4) as [Reader, Reader, Reader, Reader];
  const rows = (list: Reader): number[][] => list.list().map((row) => row.ints());
  return { x: x.int(), counts: counts.ints(), from: rows(from), to: rows(to) };
}

function read(r: Reader, type: OpFieldType, form: (r: Reader) => Form): unknown {
  const readers: { readonly [K in OpFieldType]: () => unknown } = {
    int: () => r.int(),
    optional: () => r.optional(),
    pair: () => r.ints(2),
    quad: () => r.ints(4),
    list: () => r.ints(),
    terms: () => r.list().map((t) => t.ints(2)),
    parts: () => r.list().map(partOf),
    form: () => form(r),
  };
  return readers[type]();
}
