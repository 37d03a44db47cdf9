/** `assay audit` of a groth16 key. */
import { Refused } from '../../protocol/refused.ts';
import { progressLine } from '../progress.ts';
import { stoppable } from '../stop.ts';
import { withGroth16 } from './load.ts';

export type AuditAnswer =
  | { readonly ok: true; readonly canonical: boolean }
  | { readonly ok: false; readonly code: string; readonly sentence: string };

export async function auditForGroth16(model: Uint8Array, key: Uint8Array): Promise<AuditAnswer> {
  const line = progressLine('audit');
  try {
    await stoppable((signal) => withGroth16((g) => g.auditGroth16(model, key, { signal, onProgress: line.update }))).finally(line.end);
    return { ok: true, canonical: true };
  } catch (e) {
    if (e instanceof Refused) return { ok: false, code: e.code, sentence: e.message };
    throw e;
  }
}
