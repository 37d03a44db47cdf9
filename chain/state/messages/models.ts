/** registerModel, deprecateModel (settlement §4.2). A key is checked once, here, and kept for ever: old proofs stay checkable. */
import { create } from '@bufbuild/protobuf';
import { equalBytes, toHex } from '../../../protocol/bytes.ts';
import { readAmount } from '../../amounts.ts';
import { Rejected } from '../../codes.ts';
import type { DeprecateModel, ModelCommitment, RegisterModel } from '../../generated/messages_pb.ts';
import { ModelSchema } from '../../generated/records_pb.ts';
import { modelIdOf } from '../../identities.ts';
import { MAX_TENSOR_BYTES, MAX_TX_BYTES, VERIFIER_VERSION } from '../../limits.ts';
import type { ProofSystem } from '../../systems/system.ts';
import type { Work } from '../env.ts';
import { balance, burned, move } from '../moves.ts';
import { type Model, models, paramsOf } from '../records.ts';

/** What a transaction has besides input, output and proof: signatures, fields, lengths. */
const OVERHEAD = 2048;

/** The system of this id. Throws E_SYSTEM, E_SYSTEM_OFF. */
export function systemOf(work: Work, id: Uint8Array): ProofSystem {
  const system = work.env.systems.find((s) => equalBytes(s.id, id));
  if (system === undefined) throw new Rejected('E_SYSTEM', `proof system ${toHex(id)} is not known here`);
  if (!paramsOf(work.state).systems.some((s) => equalBytes(s, id))) throw new Rejected('E_SYSTEM_OFF', `${system.name} is off`);
  return system;
}

/** The model, whether or not it is deprecated. Throws E_MODEL. */
export function modelOf(work: Work, id: Uint8Array): Model {
  const model = models.get(work.state, id);
  if (model === undefined) throw new Rejected('E_MODEL', `no model ${toHex(id)}`);
  return model;
}

/** A model that takes new work. Throws E_MODEL, E_MODEL_DEPRECATED, E_SYSTEM_OFF. */
export function activeModel(work: Work, id: Uint8Array): { readonly model: Model; readonly system: ProofSystem } {
  const model = modelOf(work, id);
  if (model.deprecated) throw new Rejected('E_MODEL_DEPRECATED', `the model ${toHex(id)} is deprecated`);
  return { model, system: systemOf(work, (model.commitment as ModelCommitment).proofSystemId) };
}

export function registerModel(work: Work, sender: Uint8Array, vgasLimit: bigint, m: RegisterModel): Uint8Array {
  const { state } = work;
  const commitment = m.commitment as ModelCommitment;
  const system = systemOf(work, commitment.proofSystemId);
  const params = paramsOf(state);
  // Paid for before it is looked at: a few hundred bytes of a key can describe millions of rows.
  if (vgasLimit < params.registerVgas)
    throw new Rejected('E_VGAS_LIMIT', `vgas_limit ${vgasLimit}, registering a model takes ${params.registerVgas}`);
  const key = system.parseKey(m.key);
  if (key.vgas > params.maxTxVgas)
    throw new Rejected('E_KEY_BYTES', `a proof of this key takes ${key.vgas} vgas, a transaction at most ${params.maxTxVgas}`);
  if (key.proofCap > system.proofCap || key.proofCap + MAX_TENSOR_BYTES + OVERHEAD > MAX_TX_BYTES)
    throw new Rejected('E_KEY_BYTES', `a proof of this key can have ${key.proofCap} bytes, which fit no transaction`);
  const same = (field: string, given: Uint8Array, wanted: Uint8Array): void => {
    if (!equalBytes(given, wanted)) throw new Rejected('E_KEY_HASH', `${field} ${toHex(given)}, the key has ${toHex(wanted)}`);
  };
  same('vk_hash', commitment.vkHash, key.vkHash);
  same('circuit_hash', commitment.circuitHash, key.circuitHash);
  same('model_hash', commitment.modelHash, key.modelHash);
  const id = modelIdOf(sender, commitment);
  if (models.get(state, id) !== undefined) throw new Rejected('E_MODEL_EXISTS', `the model ${toHex(id)} is registered already`);
  const amount = BigInt(m.key.length) * readAmount(params.keyBurn, 'key_burn');
  move(state, { from: balance(sender), to: burned, denom: 'opg', amount, why: 'key' }, work.record);
  models.put(
    state,
    id,
    create(ModelSchema, {
      owner: sender,
      commitment,
      key: m.key,
      ioSpec: m.ioSpec,
      vgas: key.vgas,
      proofCap: key.proofCap,
      setup: system.setup,
      zkRoot: key.zkRoot,
      verifierVersion: VERIFIER_VERSION,
      registeredAt: work.height,
    }),
  );
  work.events.push({ type: 'model', attributes: { model_id: toHex(id), action: 'registered' } });
  return id;
}

export function deprecateModel(work: Work, sender: Uint8Array, { modelId }: DeprecateModel): Uint8Array {
  const model = modelOf(work, modelId);
  if (!equalBytes(model.owner, sender)) throw new Rejected('E_OWNER', 'only the owner of a model deprecates it');
  if (model.deprecated) throw new Rejected('E_MODEL_DEPRECATED', `the model ${toHex(modelId)} is deprecated already`);
  model.deprecated = true;
  models.put(work.state, modelId, model);
  work.events.push({ type: 'model', attributes: { model_id: toHex(modelId), action: 'deprecated' } });
  return modelId;
}
