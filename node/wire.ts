/** The HTTP side's JSON, both ways: bytes are hexadecimal, tensors `{dtype, shape, data}` by name (settlement §12.1). */
import type { NamedTensor } from '../circuits/named.ts';
import { fromHex, toHex } from '../protocol/bytes.ts';
import type { NamedInputs } from '../prover/index.ts';
import type { Answered, Asked } from './intake.ts';
import { Problem } from './problem.ts';

export interface AnswerJson {
  readonly jobId: string;
  readonly status: 'PENDING';
  readonly output: Readonly<
    Record<string, { readonly dtype: string; readonly shape: readonly number[]; readonly data: readonly (number | string)[] }>
  >;
  /** Canonical tensors of the integers that will be proven. */
  readonly outputTensors: string;
  readonly outputCommitment: string;
  readonly receipt: string;
  readonly receiptSig: string;
  readonly proverPubkey: string;
}

export const tensorsJson = (tensors: readonly NamedTensor[]): AnswerJson['output'] =>
  Object.fromEntries(
    tensors.map((t) => [
      t.name,
      {
        dtype: t.dtype,
        shape: t.shape,
        data: Array.from<number | bigint, number | string>(t.data, (v) => (typeof v === 'bigint' ? v.toString() : v)),
      },
    ]),
  );

export const answerJson = (a: Answered, proverPubkey: Uint8Array): AnswerJson => ({
  jobId: toHex(a.jobId),
  status: 'PENDING',
  output: tensorsJson(a.outputs),
  outputTensors: toHex(a.output),
  outputCommitment: toHex(a.outputCommitment),
  receipt: toHex(a.receipt),
  receiptSig: toHex(a.receiptSig),
  proverPubkey: toHex(proverPubkey),
});

/** The order in a request's body. Throws Problem 400 with the field that is wrong. */
export function readAsk(body: unknown): Asked {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new Problem(400, 'E_FIELD', 'the body is no JSON object');
  const v = body as Record<string, unknown>;
  const bytes = (name: string, length?: number): Uint8Array => {
    const text = v[name];
    const b = typeof text === 'string' && text.length <= 4096 ? fromHex(text.replace(/^0x/, '')) : null;
    if (b === null) throw new Problem(400, 'E_FIELD', `${name}: hexadecimal is wanted`);
    if (length !== undefined && b.length !== length)
      throw new Problem(400, 'E_FIELD', `${name}: ${b.length} bytes, exactly ${length} are wanted`);
    return b;
  };
  const input = v.model_input;
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new Problem(400, 'E_FIELD', 'model_input: an object of tensors by name is wanted');
  if (v.order === undefined) throw new Problem(402, 'E_ORDER', 'no order: this node works for signed orders', 'assay ask makes one');
  if (v.mode !== undefined && v.mode !== 'ZKML' && v.mode !== 1) throw new Problem(422, 'E_MODE', 'mode: only ZKML is served');
  return {
    modelId: bytes('model', 32),
    inputs: Object.fromEntries(Object.entries(input).map(([name, value]) => [name, numbers(name, value)])),
    order: bytes('order'),
    orderSig: bytes('orderSig', 64),
    requesterPubkey: bytes('requesterPubkey', 32),
    inputNonce: bytes('inputNonce', 32),
  };
}

/** A tensor: a (nested) array of numbers, one number, or {shape, data}. */
function numbers(name: string, value: unknown): NamedInputs[string] {
  if (typeof value === 'number') return [value];
  if (Array.isArray(value)) {
    const flat = value.flat(8) as unknown[];
    if (flat.every((n) => typeof n === 'number')) return flat as number[];
  } else if (typeof value === 'object' && value !== null) {
    const { shape, data } = value as { shape?: unknown; data?: unknown };
    const isList = (x: unknown): x is number[] => Array.isArray(x) && x.every((n) => typeof n === 'number');
    if (isList(data) && (shape === undefined || isList(shape))) return shape === undefined ? data : { shape, data };
  }
  throw new Problem(400, 'E_FIELD', `model_input.${name.slice(0, 64)}: numbers, or {shape, data}, are wanted`);
}
