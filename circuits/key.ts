/**
 * The verifying key and its bytes (protocol §6.1, §6.5). vkHash = H_vk(bytes).
 *
 * `decodeKey` checks types and lengths of every field; the conditions on their values are `checkKey` (§6.4).
 */
import { decodeValue, encodeValue, type Value } from '../protocol/encoding.ts';
import { hash } from '../protocol/hash.ts';
import { Refused } from '../protocol/refused.ts';
import type { FieldType } from './forms/form.ts';
import { forms } from './forms/index.ts';
import type { Form, Home, IoTensor, Op, Tensor } from './types.ts';

export type Mode = 'I0' | 'I1';
export type Profile = 'S100' | 'toy';

export interface KeyFields {
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
  readonly inputs: readonly IoTensor[];
  readonly outputs: readonly IoTensor[];
  /** R_W in mode I1, the hash of the W tensors in mode I0. */
  readonly wroot: Uint8Array;
}

export interface Key extends KeyFields {
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
}

type OpFieldType = FieldType | 'form' | 'optional' | 'list';

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
  range: [
    ['x', 'int'],
    ['w', 'int'],
  ],
  out: [
    ['form', 'form'],
    ['y', 'int'],
    ['bound', 'int'],
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
      type === 'form' ? encodeForm((op as { form: Form }).form) : ((op as unknown as Loose)[name] as Value),
    ),
  ];
}

/** The canonical bytes of a key. */
export function encodeKey(k: KeyFields): Uint8Array {
  const io = (list: readonly IoTensor[]): Value => list.map((e) => [e.tensor, e.dtype, e.zp]);
  return encodeValue([
    'xt',
    1,
    k.profile,
    k.mode,
    k.h,
    k.lr,
    k.t,
    [...k.grinding],
    k.tensors.map((t) => [t.dims, t.home, t.lo, t.hi]),
    k.ops.map(encodeOp),
    k.omega,
    k.runs,
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
export function decodeKey(bytes: Uint8Array): Key {
  const v = decodeValue(bytes, 'E6', 'key');
  const at = new Reader('key', v);
  const fields = at.record(15);
  if (fields[0]?.text() !== 'xt' || fields[1]?.int() !== 1) throw new Refused('E6', 'the key is not of version 1');
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
  const key: KeyFields = {
    profile: (profile as Reader).text(),
    mode: (mode as Reader).text(),
    h: (h as Reader).int(),
    lr: (lr as Reader).int(),
    t: (t as Reader).int(),
    grinding: (g as Reader).ints(3) as [number, number, number],
    tensors: (tensors as Reader).list().map((e) => {
      const [dims, home, lo, hi] = e.record(4) as [Reader, Reader, Reader, Reader];
      return { dims: dims.ints(), home: home.text() as Home, lo: lo.optional(), hi: hi.optional() };
    }),
    ops: (ops as Reader).list().map(decodeOp),
    omega: (omega as Reader).ints(),
    runs: (runs as Reader).list().map((r) => r.ints(2) as [number, number]),
    inputs: io(inputs as Reader),
    outputs: io(outputs as Reader),
    wroot: (wroot as Reader).bytes(32),
  };
  return { ...key, bytes: bytes.slice(), hash: hash('vk', bytes) };
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

function read(r: Reader, type: OpFieldType, form: (r: Reader) => Form): unknown {
  const readers: { readonly [K in OpFieldType]: () => unknown } = {
    int: () => r.int(),
    optional: () => r.optional(),
    pair: () => r.ints(2),
    quad: () => r.ints(4),
    list: () => r.ints(),
    terms: () => r.list().map((t) => t.ints(2)),
    form: () => form(r),
  };
  return readers[type]();
}
