/**
 * JSON as we print it: one object a line, every number reads back to the same value.
 *
 * A float32 is printed as the shortest decimal of its (exact) double value, so a parser gives the same bits whether it reads doubles or
 * float32. Minus zero is `-0.0` (Python reads `-0` as the integer 0). JSON has no NaN and no infinities: they are the strings "NaN",
 * "Infinity", "-Infinity". Bytes outside of tensors are a string of 0x and hex digits; int64 values are plain digits of any length.
 */
import type { NamedTensor } from './library.ts';
import { hex } from './text.ts';

/** One JSON text without line breaks. `undefined` members are left out. */
export function encode(value: unknown): string {
  switch (typeof value) {
    case 'number':
      return number(value);
    case 'bigint':
      return value.toString();
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'object':
      return value === null ? 'null' : compound(value);
    default:
      return 'null';
  }
}

function number(value: number): string {
  if (Object.is(value, -0)) return '-0.0';
  return Number.isFinite(value) ? String(value) : `"${value}"`;
}

function compound(value: object): string {
  if (value instanceof Uint8Array) return `"0x${hex(value)}"`;
  if (Array.isArray(value)) return list(value);
  if (ArrayBuffer.isView(value)) return list(value as unknown as ArrayLike<number | bigint>);
  const members = Object.entries(value).filter(([, member]) => member !== undefined && typeof member !== 'function');
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${encode(member)}`).join(',')}}`;
}

function list(values: ArrayLike<unknown>): string {
  const parts: string[] = [];
  for (let i = 0; i < values.length; i++) parts.push(encode(values[i]));
  return `[${parts.join(',')}]`;
}

/** A tensor with its values, or the root of a committed one. */
type Shown = NamedTensor | { readonly name: string; readonly dtype: string; readonly shape: readonly number[]; readonly root: Uint8Array };

/** `{name: {dtype, shape, data}}`, data flat and row-major; a committed tensor has its root instead of data. */
export function tensorsToJson(tensors: readonly Shown[]): Record<string, unknown> {
  // fromEntries defines members, so a tensor called __proto__ is a name like any other
  return Object.fromEntries(
    tensors.map((tensor) => {
      const { name, dtype, shape } = tensor;
      const content = 'data' in tensor ? { data: Array.from<number | bigint>(tensor.data) } : { root: tensor.root };
      return [name, { dtype, shape, ...content }];
    }),
  );
}
