/** The way from a float model to a proof, for whoever gives one where a quantized model or a circuit belongs. */
import { modelKind } from '../../compiler/quantize/index.ts';
import { Refused } from '../../protocol/refused.ts';
import { printable } from '../text.ts';

/** One sentence, or null for a model that is not of floats. */
export function quantizeHint(path: string, model: Uint8Array): string | null {
  return modelKind(model) === 'float'
    ? `${printable(path)} is a float model: assay quantize ${printable(path)} --calibrate inputs.npz makes a quantized one`
    : null;
}

/** Runs work on a model; its refusal carries the hint. */
export async function withQuantizeHint<T>(path: string, model: Uint8Array, work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const advice = error instanceof Refused ? quantizeHint(path, model) : null;
    if (!(error instanceof Refused) || advice === null) throw error;
    throw new Refused(error.code, error.message, { ...error.detail, hint: advice });
  }
}
