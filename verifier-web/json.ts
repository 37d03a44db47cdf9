/** A verdict as JSON, in the shape of `assay verify --json`: digests as hexadecimal, tensors by name. */
import { toHex } from '../protocol/bytes.ts';
import type { Accepted } from '../verifier/index.ts';
import type { Report } from './messages.ts';

type Stated = Accepted['inputs'][number] | Accepted['outputs'][number];

const tensors = (list: readonly Stated[]): Record<string, unknown> =>
  Object.fromEntries(
    list.map((t) => [
      t.name,
      {
        dtype: t.dtype,
        shape: t.shape,
        ...('root' in t ? { root: toHex(t.root) } : { data: Array.from<number | bigint, number>(t.data, Number) }),
      },
    ]),
  );

export function verdictJson({ verdict, milliseconds, proofBytes, kernels }: Report): string {
  const about = { proofBytes, milliseconds: Math.round(milliseconds * 10) / 10, kernels };
  const body =
    verdict.verdict === 'refused'
      ? verdict
      : { ...verdict, inputs: tensors(verdict.inputs), outputs: tensors(verdict.outputs), proven: tensors(verdict.proven) };
  return JSON.stringify({ ...body, ...about }, (_, v: unknown) => (v instanceof Uint8Array ? toHex(v) : v), 1);
}
