/**
 * The native system on the ledger (settlement §9.1, §9.2): keys of mode I1 with public inputs and outputs under profile S100. On chain
 * travels the raw proof; the envelope around it is made here from what the ledger derived, with the statement digest as its context.
 */
import { type Key, sealKey } from '../../circuits/key.ts';
import { proofSize } from '../../circuits/proof-size.ts';
import type { Tensor } from '../../circuits/types.ts';
import { toHex } from '../../protocol/bytes.ts';
import { encodeEnvelope, SYSTEM } from '../../protocol/envelope.ts';
import { hash } from '../../protocol/hash.ts';
import { Refused } from '../../protocol/refused.ts';
import { arithmetic } from '../../verifier/arithmetic.ts';
import { type KnownKey, knownKey } from '../../verifier/keys.ts';
import { verifyWith } from '../../verifier/verify.ts';
import { Rejected } from '../codes.ts';
import { proofSystemId } from '../identities.ts';
import { decodeTensors, MAX_RANK } from '../tensors.ts';
import { itemsOf, type LedgerPorts, ledgerPorts, tensorsToPorts } from './gkr-tensors.ts';
import { gkrVgas } from './gkr-vgas.ts';
import type { ProofQuestion, ProofSystem, ProofVerdict, SystemKey } from './system.ts';

/** Longest proof of any key: 512 KiB. */
const PROOF_CAP = 512 * 1024;

/** Tensors of a statement on the ledger, and their rank (tensors.ts). */
const MAX_PORTS = 64;

/** Refusals that say "no proof has these bytes": too short, a limb that is none, bytes left over (protocol §13). */
const SHAPE: ReadonlySet<string> = new Set(['C1', 'C2', 'C4']);

export const gkr: ProofSystem = {
  name: SYSTEM,
  id: proofSystemId(SYSTEM),
  bindsContext: true,
  hidesTensors: false,
  setup: 0,
  proofCap: PROOF_CAP,

  parseKey(bytes): SystemKey {
    const name = toHex(hash('key', bytes));
    const known = read.get(name);
    if (known instanceof Rejected) throw new Rejected(known.code, known.message);
    if (known !== undefined) return known;
    try {
      return remember(name, readKey(bytes));
    } catch (e) {
      if (e instanceof Rejected) remember(name, e);
      throw e;
    }
  },

  verify({ key: bytes, input, output, context, proof }: ProofQuestion): ProofVerdict {
    const known = knownKey(bytes);
    const { key, interface: face } = known.file;
    const ports = ledgerPorts(key, face);
    const invalid = (sentence: string): ProofVerdict => ({ ok: false, kind: 'invalid', sentence });
    const inputs = tensorsToPorts(ports.inputs, decodeTensors(input), 'input');
    if (typeof inputs === 'string') return invalid(inputs);
    const outputs = tensorsToPorts(ports.outputs, decodeTensors(output), 'output');
    if (typeof outputs === 'string') return invalid(outputs);
    const envelope = gkrEnvelope(key, ports, inputs, outputs, context, proof);
    const verdict = verifyWith(envelope, key, () => known.checked(), { context, arithmetic: arithmetic() });
    if (verdict.ok) return { ok: true, securityBits: verdict.securityBits };
    return { ok: false, kind: SHAPE.has(verdict.code) ? 'shape' : 'invalid', sentence: `${verdict.code}: ${verdict.sentence}` };
  },
};

function readKey(bytes: Uint8Array): SystemKey {
  const known = reading(() => knownKey(bytes));
  const { key, interface: face } = known.file;
  const refuse = (what: string): never => {
    throw new Rejected('E_KEY_BYTES', `key: ${what}`);
  };
  if (key.mode !== 'I1') refuse(`mode ${key.mode}; on chain the weights are committed in the key (I1)`);
  if (key.profile !== 'S100') refuse(`profile ${JSON.stringify(key.profile)}; on chain it is S100`);
  if ([...key.inputs, ...key.outputs].some((io) => (key.tensors[io.tensor] as Tensor).home !== 'PUB'))
    refuse('an input or output that is committed; the ledger takes public ones');
  const io = [...key.inputs, ...key.outputs];
  if (io.length > MAX_PORTS) refuse(`${io.length} inputs and outputs, at most ${MAX_PORTS} are taken`);
  if (io.some((e) => (key.tensors[e.tensor] as Tensor).dims.length > MAX_RANK)) refuse(`an input or output of a rank above ${MAX_RANK}`);
  try {
    ledgerPorts(key, face);
  } catch (e) {
    if (e instanceof RangeError) refuse(e.message);
    throw e;
  }
  const { plan } = reading(() => known.checked());
  const { maximum } = proofSize(key, plan);
  return {
    vkHash: key.hash,
    circuitHash: sealKey({ ...key, wroot: new Uint8Array(32) }).hash,
    modelHash: key.wroot,
    zkRoot: key.wroot,
    vgas: gkrVgas(key, plan, bytes.length),
    proofCap: maximum,
  };
}

/** What reading a key came to: a block is run several times before it is final, and its keys are to be paid for once. */
const read = new Map<string, SystemKey | Rejected>();
const KEPT_READINGS = 64;

function remember<T extends SystemKey | Rejected>(name: string, reading: T): T {
  read.set(name, reading);
  const oldest = read.size > KEPT_READINGS ? read.keys().next().value : undefined;
  if (oldest !== undefined) read.delete(oldest);
  return reading;
}

/** The envelope of a proof that settles: what `assay verify --context` reads. */
export const gkrEnvelope = (
  key: Key,
  ports: LedgerPorts,
  inputs: readonly Int32Array[],
  outputs: readonly Int32Array[],
  context: Uint8Array,
  proof: Uint8Array,
): Uint8Array =>
  encodeEnvelope({
    system: SYSTEM,
    profile: key.profile,
    vkHash: key.hash,
    modelId: key.hash,
    inputs: itemsOf(ports.inputs, inputs),
    outputs: itemsOf(ports.outputs, outputs),
    context,
    proof,
  });

/** Refusals of the verifier's readers as the ledger's. */
function reading<T extends KnownKey | ReturnType<KnownKey['checked']>>(run: () => T): T {
  try {
    return run();
  } catch (e) {
    if (e instanceof Refused) throw new Rejected('E_KEY_BYTES', e.message);
    throw e;
  }
}
