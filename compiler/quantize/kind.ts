/** Whether a model is one of floats, for hints: nothing is decided by it. */
import { Refused } from '../../protocol/refused.ts';
import { readModel } from '../onnx/read.ts';
import { isIntegerOp } from './rules.ts';

/** `float`: an ONNX model without any quantized operator; null for bytes that are no model. Never throws on bytes. */
export function modelKind(bytes: Uint8Array): 'float' | 'quantized' | null {
  try {
    const { nodes } = readModel(bytes, [], (_, declared) => (declared ?? []).map((d) => d ?? 1));
    return nodes.some(isIntegerOp) ? 'quantized' : 'float';
  } catch (e) {
    if (e instanceof Refused) return null;
    throw e;
  }
}
