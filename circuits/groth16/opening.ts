/**
 * The opening of a proof that hides tensors: their values and salts, for whoever shall be able to see them. Secret, and no part of the proof.
 *
 *     {"format": "assay-opening", "version": 1, "tensors": [{"of": "input" | "output", "index": 0, "salt": 62 hex digits, "values": [raw integers]}]}
 */
import { fromHex, toHex } from '../../protocol/bytes.ts';
import { Refused } from '../../protocol/refused.ts';

export interface OpenedTensor {
  readonly of: 'input' | 'output';
  readonly index: number;
  readonly salt: Uint8Array;
  readonly values: readonly number[];
}

export const SALT_BYTES = 31;

export function encodeOpening(tensors: readonly OpenedTensor[]): Uint8Array {
  const list = tensors.map((t) => ({ ...t, salt: toHex(t.salt), values: Array.from(t.values) }));
  return new TextEncoder().encode(`${JSON.stringify({ format: 'assay-opening', version: 1, tensors: list })}\n`);
}

/** Throws `opening.format`. */
export function decodeOpening(bytes: Uint8Array): OpenedTensor[] {
  const ok: (condition: boolean, what: string) => asserts condition = (condition, what) => {
    if (!condition) throw new Refused('opening.format', `the opening ${what}`);
  };
  let v: unknown;
  try {
    v = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Refused('opening.format', 'the opening is no JSON');
  }
  const top = record(v);
  ok(
    top?.format === 'assay-opening' && top.version === 1 && Array.isArray(top.tensors),
    'is not {"format": "assay-opening", "version": 1, …}',
  );
  return (top.tensors as unknown[]).map((item, i) => {
    const t = record(item);
    ok(t !== null && (t.of === 'input' || t.of === 'output'), `: tensor ${i} is neither input nor output`);
    const salt = typeof t.salt === 'string' ? fromHex(t.salt) : null;
    ok(salt !== null && salt.length === SALT_BYTES, `: the salt of tensor ${i} is not ${2 * SALT_BYTES} hex digits`);
    ok(Number.isSafeInteger(t.index) && (t.index as number) >= 0, `: the index of tensor ${i} is none`);
    const { values } = t;
    ok(Array.isArray(values) && values.every((x) => Number.isSafeInteger(x)), `: the values of tensor ${i} are no integers`);
    return { of: t.of, index: t.index as number, salt, values: values as number[] };
  });
}

const record = (v: unknown): Record<string, unknown> | null =>
  typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as Record<string, unknown>) : null;
