/**
 * Verification of EZKL proofs (halo2 with KZG on BN254) in our envelope: protocol §11.4.
 *
 * The engine's word alone is not enough: it takes bytes behind a proof's end, other settings and other bits in the vk for the same thing,
 * and reads what people see from fields that it does not check. So everything but the proof comes from the key, whose hash the envelope
 * names, and from the statement; the proof has the one length that the key says.
 */

import { decodeEzklKey, type EzklKey, itemOf, trustOf } from '../../circuits/ezkl/key.ts';
import { integersOf, realsOf } from '../../circuits/ezkl/named.ts';
import { proofJson } from '../../circuits/ezkl/proof.ts';
import type { FixedPoint } from '../../circuits/ezkl/settings.ts';
import { verifierSrs } from '../../circuits/ezkl/srs.ts';
import { hash } from '../../protocol/hash.ts';
import { Refused } from '../../protocol/refused.ts';
import { readPublicItem, statementDigest } from '../../protocol/statement.ts';
import type { AnyOptions } from '../any.ts';
import { expectedEnvelope, requireKeyDigest } from '../expected.ts';
import type { Verdict } from '../verdict.ts';
import { type EzklFiles, TRAP } from './engine.ts';

/** Throws `Refused` for bytes, an Error where there is no engine or it could not be run. */
export async function verify(envelope: Uint8Array, keyFile: Uint8Array, options: AnyOptions): Promise<Verdict> {
  options.onProgress?.({ stage: 'read the key', fraction: 0 });
  // Copies: what is checked here is what the engine gets, even if the memory is shared.
  const file = Uint8Array.from(keyFile);
  const key = decodeEzklKey(file);
  const keyDigest = hash('key', file);
  requireKeyDigest(keyDigest, options.keyDigest);
  const { context = new Uint8Array(0) } = options;
  if (!(context instanceof Uint8Array)) throw new TypeError('the context is no Uint8Array');
  if (context.length > 0)
    throw new Refused(
      'E3',
      'a proof under a key of EZKL is bound to no context: it could be shown under any, so it is not taken for the expected',
      {
        field: 'context',
        bindsContext: false,
      },
    );
  const e = expectedEnvelope(Uint8Array.from(envelope), key, options);
  const inputs = readItems('input', e.inputs, key.read.inputs);
  const outputs = readItems('output', e.outputs, key.read.outputs);
  requireLength(e.proof, key.proofBytes);
  if (options.ezkl === undefined) throw new Error('no EZKL engine was given: assay/ezkl has one for Node');
  options.onProgress?.({ stage: 'start EZKL’s engine', fraction: 0.1 });
  const engine = await options.ezkl();
  options.onProgress?.({ stage: 'EZKL’s engine verifies', fraction: 0.3 });
  requireAccepted(await engine.verify(engineFiles(key, [...inputs, ...outputs], e.proof)));
  const trust = trustOf(key);
  return {
    verdict: 'accepted',
    securityBits: trust.securityBits,
    ledger: [],
    system: e.system,
    profile: e.profile,
    mode: 'public',
    trust,
    vkHash: e.vkHash,
    keyDigest,
    modelId: e.modelId,
    statementDigest: statementDigest(e),
    context: e.context,
    inputs: inputs.map((v, i) => integersOf(key.read.inputs[i] as FixedPoint, v)),
    outputs: outputs.map((v, i) => realsOf(key.read.outputs[i] as FixedPoint, v)),
    proven: outputs.map((v, i) => integersOf(key.read.outputs[i] as FixedPoint, v)),
  };
}

/** C1, C4: the engine would take a longer one. */
function requireLength({ length }: Uint8Array, wanted: number): void {
  if (length < wanted) throw new Refused('C1', `the EZKL proof has ${length} bytes; one of this key has ${wanted}`, { at: length });
  if (length > wanted)
    throw new Refused('C4', `${length - wanted} bytes follow the ${wanted} of an EZKL proof of this key`, { at: wanted });
}

function readItems(what: string, items: readonly Uint8Array[], wanted: readonly FixedPoint[]): Int32Array[] {
  if (items.length !== wanted.length) throw new Refused('E4', `${items.length} ${what}s, the key has ${wanted.length}`);
  return items.map((item, i) => readPublicItem(item, itemOf(wanted[i] as FixedPoint)));
}

/** What the engine is asked about: the key's own files, and a proof.json of the statement's integers. */
export const engineFiles = (
  key: Pick<EzklKey, 'vk' | 'settings' | 'sG2'>,
  integers: readonly Int32Array[],
  proof: Uint8Array,
): EzklFiles => ({
  proof: proofJson(integers, proof),
  vk: key.vk,
  settings: key.settings,
  srs: verifierSrs(key.sG2),
});

/** Throws `key.vk`, `key.settings` or `key.srs` where the engine cannot read the key, `Z1` for its no, `Z2` where its code gave up. */
export function requireAccepted(answer: string | null): void {
  if (answer === null) return;
  if (answer.startsWith(TRAP)) {
    const reason = answer.slice(TRAP.length);
    throw new Refused('Z2', `EZKL’s engine gave up on these bytes: ${reason}`, { reason });
  }
  const unread = /Failed to deserialize (vk|settings|params)/.exec(answer)?.[1];
  if (unread !== undefined)
    throw new Refused(`key.${unread === 'params' ? 'srs' : unread}`, `EZKL’s engine cannot read the key: ${answer}`, { reason: answer });
  throw new Refused('Z1', `EZKL’s engine refuses the proof: ${answer}`, { reason: answer });
}
