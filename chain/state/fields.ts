/** Ranges of a transaction's fields (settlement §2.3, §4.1 step 4): lengths, amounts, text. All E_FIELD, and all before the signature. */
import { readAmount } from '../amounts.ts';
import { Rejected } from '../codes.ts';
import type { ModelCommitment, Order, Result, TxBody } from '../generated/messages_pb.ts';
import { MAX_DENOM, MAX_ENDPOINT, MAX_IO_SPEC, MAX_KEY_BYTES, MAX_TENSOR_BYTES, MAX_URI } from '../limits.ts';
import { isPrintable } from '../text.ts';

const fail = (field: string, what: string): never => {
  throw new Rejected('E_FIELD', `${field}: ${what}`);
};

/** Exactly `n` bytes. */
export function exactly(n: number, bytes: Uint8Array, field: string): void {
  if (bytes.length !== n) fail(field, `${bytes.length} bytes, exactly ${n} are wanted`);
}

/** Exactly `n` bytes, or none. */
function optional(n: number, bytes: Uint8Array, field: string): void {
  if (bytes.length !== 0) exactly(n, bytes, field);
}

function text(bytes: Uint8Array, cap: number, field: string): void {
  if (bytes.length > cap) fail(field, `${bytes.length} bytes, at most ${cap} are taken`);
  if (!isPrintable(bytes)) fail(field, 'no printable ASCII');
}

function none(bytes: Uint8Array, field: string): void {
  if (bytes.length !== 0) fail(field, 'must be empty in this version');
}

/** The reason a message of a later stage is refused; null for one of this stage. */
const LATER: ReadonlySet<string> = new Set([
  'lockJob',
  'releaseLock',
  'postResult',
  'demandProof',
  'settleBatch',
  'createSpace',
  'postPlotPoint',
  'reportEquivocation',
  'setSwitch',
  'validatorVote',
]);

/** A message of this stage, after `checkFields`. */
export type Message = Exclude<TxBody['msg'], { value: Uint8Array } | { case: undefined }>;

/** Throws E_FIELD for the first field that is out of range; returns the message. */
export function checkFields(body: TxBody): Message {
  readAmount(body.maxBurn, 'max_burn');
  optional(20, body.sponsor, 'sponsor');
  const { msg } = body;
  if (msg.case === undefined) return fail('msg', 'a transaction has exactly one message');
  if (LATER.has(msg.case)) return fail(msg.case, 'this message comes with a later stage');
  checkMessage(msg as Message);
  return msg as Message;
}

function checkMessage(m: Message): void {
  switch (m.case) {
    case 'transfer':
      exactly(20, m.value.to, 'transfer.to');
      text(m.value.denom, MAX_DENOM, 'transfer.denom');
      readAmount(m.value.amount, 'transfer.amount');
      return;
    case 'burn':
      readAmount(m.value.amount, 'burn.amount');
      return;
    case 'registerModel': {
      const { commitment, key, ioSpec, zkRootMode } = m.value;
      if (commitment === undefined) fail('register_model.commitment', 'missing');
      checkCommitment(commitment as ModelCommitment);
      if (key.length > MAX_KEY_BYTES) fail('register_model.key', `${key.length} bytes, at most ${MAX_KEY_BYTES} are taken`);
      text(ioSpec, MAX_IO_SPEC, 'register_model.io_spec');
      if (zkRootMode !== 0) fail('register_model.zk_root_mode', `${zkRootMode}; this version has 0 (baked) alone`);
      return;
    }
    case 'deprecateModel':
      exactly(32, m.value.modelId, 'deprecate_model.model_id');
      return;
    case 'registerProver': {
      const { endpoint, modes, addBond, teeKeys } = m.value;
      text(endpoint, MAX_ENDPOINT, 'register_prover.endpoint');
      if (modes.length === 0 || modes.some((x, i) => x > 2 || (i > 0 && x <= (modes[i - 1] as number))))
        fail('register_prover.modes', 'one or more of 0, 1, 2, ascending, are wanted');
      readAmount(addBond, 'register_prover.add_bond');
      for (const k of teeKeys) exactly(32, k, 'register_prover.tee_keys');
      return;
    }
    case 'unbond':
      readAmount(m.value.amount, 'unbond.amount');
      return;
    case 'openTab':
      text(m.value.denom, MAX_DENOM, 'open_tab.denom');
      readAmount(m.value.amount, 'open_tab.amount');
      exactly(20, m.value.prover, 'open_tab.prover');
      return;
    case 'closeTab':
      exactly(32, m.value.tabId, 'close_tab.tab_id');
      return;
    case 'openJob':
      exactly(32, m.value.requesterPubkey, 'open_job.requester_pubkey');
      exactly(64, m.value.orderSig, 'open_job.order_sig');
      if (m.value.result !== undefined) checkResult(m.value.result);
      return;
    case 'postProof':
    case 'challenge': {
      const name = m.case === 'postProof' ? 'post_proof' : 'challenge';
      exactly(32, m.value.jobId, `${name}.job_id`);
      checkTensors(name, m.value);
      return;
    }
    case 'verifyInference':
      exactly(32, m.value.modelId, 'verify_inference.model_id');
      optional(32, m.value.ppId, 'verify_inference.pp_id');
      exactly(32, m.value.salt, 'verify_inference.salt');
      checkTensors('verify_inference', m.value);
      return;
    default:
      // A new message does not compile until it has a case here.
      m satisfies never;
  }
}

function checkTensors(
  name: string,
  { inputNonce, input, output }: { readonly inputNonce: Uint8Array; readonly input: Uint8Array; readonly output: Uint8Array },
): void {
  exactly(32, inputNonce, `${name}.input_nonce`);
  if (input.length + output.length > MAX_TENSOR_BYTES)
    fail(`${name}.input and output`, `${input.length + output.length} bytes together, at most ${MAX_TENSOR_BYTES} are taken`);
}

function checkCommitment(c: ModelCommitment): void {
  exactly(32, c.modelHash, 'commitment.model_hash');
  exactly(32, c.circuitHash, 'commitment.circuit_hash');
  exactly(32, c.vkHash, 'commitment.vk_hash');
  exactly(4, c.proofSystemId, 'commitment.proof_system_id');
  text(c.uri, MAX_URI, 'commitment.uri');
}

function checkResult(r: Result): void {
  exactly(32, r.outputCommitment, 'result.output_commitment');
  none(r.teeKey, 'result.tee_key');
  none(r.teeSig, 'result.tee_sig');
}

/** Lengths of an order's fields: what makes it an order at all. Throws E_FIELD; `openJob` says E_ORDER. */
export function checkOrder(o: Order): void {
  exactly(20, o.requester, 'order.requester');
  exactly(32, o.orderNonce, 'order.order_nonce');
  exactly(32, o.modelId, 'order.model_id');
  optional(32, o.ppId, 'order.pp_id');
  exactly(32, o.inputCommitment, 'order.input_commitment');
  text(o.denom, MAX_DENOM, 'order.denom');
  readAmount(o.price, 'order.price');
  readAmount(o.bond, 'order.bond');
  optional(20, o.prover, 'order.prover');
  optional(32, o.tabId, 'order.tab_id');
  if (o.ramp !== undefined) readAmount(o.ramp.minPrice, 'order.ramp.min_price');
}
