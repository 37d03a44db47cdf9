/**
 * The statement: which inputs and outputs, under which key and context (protocol §11.2, §11.3). Its digest is absorbed after the witness
 * root and is the only name of a proof that caches and ledgers may use.
 */
import { ascii, concat, lengthPrefixed, u32 } from './bytes.ts';
import { hash } from './hash.ts';
import { Refused } from './refused.ts';

export type Dtype = 'int8' | 'uint8' | 'int32';

export const DTYPES: {
  readonly [K in Dtype]: { readonly code: number; readonly bytes: number; readonly lo: number; readonly hi: number };
} = {
  int8: { code: 0, bytes: 1, lo: -128, hi: 127 },
  uint8: { code: 1, bytes: 1, lo: 0, hi: 255 },
  int32: { code: 2, bytes: 4, lo: -(2 ** 31), hi: 2 ** 31 - 1 },
};

const header = (form: 0 | 1, dtype: Dtype, dims: readonly number[]): Uint8Array =>
  concat(Uint8Array.of(form, DTYPES[dtype].code, dims.length), ...dims.map(u32));

/** A public tensor item from raw values (centred + zp), row-major. */
export function publicItem(dtype: Dtype, dims: readonly number[], raw: ArrayLike<number>): Uint8Array {
  const { bytes } = DTYPES[dtype];
  const body = new Uint8Array(bytes * raw.length);
  const view = new DataView(body.buffer);
  for (let i = 0; i < raw.length; i++) {
    if (bytes === 4) view.setInt32(4 * i, raw[i] as number, true);
    else body[i] = (raw[i] as number) & 255;
  }
  return concat(header(0, dtype, dims), body);
}

/** A committed tensor item: the root of its stack. */
export function committedItem(dtype: Dtype, dims: readonly number[], root: Uint8Array): Uint8Array {
  return concat(header(1, dtype, dims), root);
}

/** What the key says an item must be. */
export interface ItemShape {
  readonly name: string;
  readonly dtype: Dtype;
  readonly dims: readonly number[];
  readonly zp: number;
  readonly lo: number;
  readonly hi: number;
}

function body(item: Uint8Array, form: 0 | 1, shape: ItemShape, length: number): Uint8Array {
  const wanted = header(form, shape.dtype, shape.dims);
  const refuse = (sentence: string): never => {
    throw new Refused('E4', `${shape.name}: ${sentence}`, { item: shape.name });
  };
  if (item[0] !== form) refuse(`item form ${item[0]}, the key wants ${form === 0 ? 'a public tensor' : 'a committed tensor'}`);
  if (item[1] !== wanted[1]) refuse(`dtype code ${item[1]}, the key wants ${shape.dtype}`);
  if (item[2] !== shape.dims.length) refuse(`rank ${item[2]}, the key wants ${shape.dims.length}`);
  if (item.length !== wanted.length + length) refuse(`${item.length} bytes, the key wants ${wanted.length + length}`);
  if (!wanted.every((b, i) => item[i] === b)) refuse(`other dims than the key's ${shape.dims.join('x')}`);
  return item.subarray(wanted.length);
}

/** The centred values of a public item, each within the bounds of its tensor (E4, E5). */
export function readPublicItem(item: Uint8Array, shape: ItemShape): Int32Array {
  const { bytes } = DTYPES[shape.dtype];
  const count = shape.dims.reduce((n, d) => n * d, 1);
  const raw = body(item, 0, shape, bytes * count);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return Int32Array.from({ length: count }, (_, i) => {
    const v = (bytes === 4 ? view.getInt32(4 * i, true) : shape.dtype === 'int8' ? view.getInt8(i) : view.getUint8(i)) - shape.zp;
    if (v < shape.lo || v > shape.hi)
      throw new Refused('E5', `${shape.name}: value ${i} is ${v + shape.zp}, outside [${shape.lo + shape.zp}, ${shape.hi + shape.zp}]`, {
        item: shape.name,
        index: i,
      });
    return v;
  });
}

/** The root of a committed item (E4). */
export function readCommittedItem(item: Uint8Array, shape: ItemShape): Uint8Array {
  return body(item, 1, shape, 32).slice();
}

export interface StatementParts {
  readonly system: string;
  readonly profile: string;
  readonly vkHash: Uint8Array;
  readonly modelId: Uint8Array;
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
  readonly context: Uint8Array;
}

const itemDigests = (items: readonly Uint8Array[]): Uint8Array =>
  concat(Uint8Array.of(items.length), ...items.map((i) => hash('tensor', i)));

/** H_input(u8 #in ‖ itemDigests ‖ lp(ctx)). */
export function inputDigest(inputs: readonly Uint8Array[], context: Uint8Array): Uint8Array {
  return hash('input', concat(itemDigests(inputs), lengthPrefixed(context)));
}

/** H_output(u8 #out ‖ itemDigests). */
export function outputDigest(outputs: readonly Uint8Array[]): Uint8Array {
  return hash('output', itemDigests(outputs));
}

/** H_statement(lp(system) ‖ lp(profile) ‖ vkHash ‖ modelId ‖ inputDigest ‖ outputDigest ‖ lp(ctx)). */
export function statementDigest(s: StatementParts): Uint8Array {
  return hash(
    'statement',
    concat(
      lengthPrefixed(ascii(s.system)),
      lengthPrefixed(ascii(s.profile)),
      s.vkHash,
      s.modelId,
      inputDigest(s.inputs, s.context),
      outputDigest(s.outputs),
      lengthPrefixed(s.context),
    ),
  );
}
