/**
 * Whether onnxruntime computes u8 x s8 products exactly on this machine. Without VNNI its AVX2 kernels add two products in 16 bits and saturate
 * (255·127·2 > 2^15), so no integer formula is what it computes; weights within ±64 cannot reach that.
 */
import { ModelBuilder, onnxruntime } from './onnx.helpers.ts';

async function weightLimit(): Promise<number> {
  const ort = await onnxruntime();
  if (typeof ort === 'string') return 127;
  const [n, m] = [64, new ModelBuilder(17)];
  const [one, zero] = [m.scalar('float32', 1), m.scalar('uint8', 0)];
  const w = m.constant(
    'int8',
    [n, 1],
    Int32Array.from({ length: n }, (_, i) => (i < n / 2 ? 127 : -127)),
  );
  const y = m.node('QLinearMatMul', [m.input('x', 'uint8', [1, n]), one, zero, w, one, m.scalar('int8', 0), one, zero]);
  m.output(y, 'uint8', [1, 1]);
  // 32 products of 255·127 and 32 of −254·127: 32·127 in all, which the output clips; saturated sums cancel to nothing.
  const data = Int32Array.from({ length: n }, (_, i) => (i < n / 2 ? 255 : 254));
  const [out] = await ort(m.bytes(), { x: { dtype: 'uint8', shape: [1, n], data } });
  if (out?.data[0] === 255) return 127;
  console.info('onnxruntime saturates 16-bit sums on this machine (no VNNI): compared with weights within ±64');
  return 64;
}

/** Largest magnitude of int8 weights for which onnxruntime is exact here. */
export const WEIGHT_LIMIT = await weightLimit();
