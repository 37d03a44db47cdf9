/**
 * Fits an array from a file to a tensor of the model: shape first, then every value. Nothing is guessed, scaled or clipped.
 *
 * An array fits if its shape is the tensor's up to dimensions of size 1, or if it is flat and has as many elements. Where several inputs
 * are allowed, one more leading dimension counts them.
 */
import { Refused } from '../../protocol/refused.ts';
import type { NamedTensor } from '../library.ts';
import { printable, shapeText } from '../text.ts';

export type Dtype = NamedTensor['dtype'];
export type Data = NamedTensor['data'];

/** An input tensor of the model. */
export interface Wanted {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** An array as a file holds it, row-major. `type` names it in sentences; `integers` says that every value is one by type. */
export interface Given {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number | bigint>;
  readonly type: string;
  readonly integers: boolean;
}

/** The data of one inference, by tensor name. */
export type Input = Record<string, Data>;

const RANGES = {
  uint8: [0, 255],
  int8: [-128, 127],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
} as const;

/** How many inputs an array of this shape holds, or a refusal that says what was expected. */
export function countInputs(given: Pick<Given, 'shape'>, wanted: Wanted, several: boolean): number {
  if (fits(given.shape, wanted.shape)) return 1;
  if (several && fits(given.shape.slice(1), wanted.shape)) {
    const inputs = given.shape[0] as number;
    if (inputs === 0) throw new Refused('input.none', `${of(wanted)}: the array ${shapeText(given.shape)} holds no input`);
    return inputs;
  }
  const more = several ? ', with one more leading dimension for several inputs' : '';
  throw new Refused(
    'input.shape',
    `${of(wanted)} wants the shape ${shapeText(wanted.shape)}${more}, but ${shapeText(given.shape)} is given`,
    {
      expected: wanted.shape,
      given: given.shape,
    },
  );
}

function fits(given: readonly number[], wanted: readonly number[]): boolean {
  if (given.length === 1 && given[0] === elements(wanted)) return true;
  const a = given.filter((n) => n !== 1);
  const b = wanted.filter((n) => n !== 1);
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

export function elements(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** The `inputs` arrays that `given` holds, each in the tensor's type. The counts must come from `countInputs`. */
export function fitTo(given: Given, wanted: Wanted, inputs: number): Data[] {
  if (wanted.dtype !== 'float32' && !given.integers) {
    throw new Refused('input.type', `${of(wanted)} holds ${wanted.dtype}, but the array is ${given.type}`);
  }
  const size = elements(wanted.shape);
  return Array.from({ length: inputs }, (_, i) => cast(given.values, i * size, size, wanted));
}

function cast(values: ArrayLike<number | bigint>, from: number, size: number, wanted: Wanted): Data {
  const data = allocate(wanted.dtype, size);
  for (let i = 0; i < size; i++) {
    const value = values[from + i] as number | bigint;
    data[i] = wanted.dtype === 'float32' ? float(value, i, wanted) : integer(value, wanted.dtype, i, wanted);
  }
  return data;
}

function allocate(dtype: Dtype, size: number): Data {
  switch (dtype) {
    case 'float32':
      return new Float32Array(size);
    case 'uint8':
      return new Uint8Array(size);
    case 'int8':
      return new Int8Array(size);
    case 'int32':
      return new Int32Array(size);
    case 'int64':
      return new BigInt64Array(size);
  }
}

/** Rounds to float32, once; what float32 cannot hold is refused. */
function float(value: number | bigint, at: number, wanted: Wanted): number {
  const rounded = Math.fround(Number(value));
  if (Number.isFinite(rounded)) return rounded;
  throw new Refused('input.not-finite', `${of(wanted)}: element ${at} is ${value}, which is no finite float32`, { element: at });
}

function integer(value: number | bigint, dtype: Exclude<Dtype, 'float32'>, at: number, wanted: Wanted): number | bigint {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    const what = Number.isInteger(value) ? 'too large for an exact number' : 'not an integer';
    throw new Refused('input.not-integer', `${of(wanted)}: element ${at} is ${value}, which is ${what}`, { element: at });
  }
  const [low, high] = RANGES[dtype];
  if (value < low || value > high) {
    throw new Refused('input.range', `${of(wanted)}: element ${at} is ${value}, outside ${dtype} (${low} to ${high})`, { element: at });
  }
  return dtype === 'int64' ? BigInt(value) : Number(value);
}

/** How a sentence opens. */
export function of(wanted: Wanted): string {
  return `input "${printable(wanted.name)}"`;
}
