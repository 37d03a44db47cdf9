/**
 * The door: checks 1–10 of every transaction, in order (settlement §4.1). Failing one changes nothing and charges nothing; behind it, the
 * burn is paid whatever happens.
 */

import { equalBytes } from '../../protocol/bytes.ts';
import { addressOf, isGoodKey } from '../accounts.ts';
import { readAmount } from '../amounts.ts';
import { decodeStrict } from '../codec.ts';
import { Rejected } from '../codes.ts';
import { signedBytes, sponsoredBytes } from '../domains.ts';
import { type Tx, type TxBody, TxBodySchema, TxSchema } from '../generated/messages_pb.ts';
import { MAX_TX_BYTES, MAX_VALIDITY, TX_GAS } from '../limits.ts';
import { textOf } from '../text.ts';
import type { LedgerEnv } from './env.ts';
import { checkFields } from './fields.ts';
import { balance, holds } from './moves.ts';
import { priceAt } from './price.ts';
import { accountOf, paramsOf } from './records.ts';
import type { State } from './state.ts';

/** A transaction that decoded (steps 1 and 2). */
export interface OpenedTx {
  readonly bytes: Uint8Array;
  readonly tx: Tx;
  readonly body: TxBody;
  /** Address of the key in the transaction; whether it may sign is step 6. */
  readonly sender: Uint8Array;
  /** Who pays the burn. */
  readonly payer: Uint8Array;
  readonly gas: bigint;
}

/** `1000 + ⌈bytes/2⌉ + vgas_limit`. */
export const gasOf = (bytes: number, vgasLimit: bigint): bigint => TX_GAS + BigInt(Math.ceil(bytes / 2)) + vgasLimit;

/** Steps 1 and 2. Throws E_SIZE, E_DECODE, E_NONCANONICAL. */
export function readDoor(bytes: Uint8Array): OpenedTx {
  const tx = decodeStrict(TxSchema, bytes, MAX_TX_BYTES);
  const body = decodeStrict(TxBodySchema, tx.body, MAX_TX_BYTES);
  const sender = addressOf(tx.pubkey);
  return { bytes, tx, body, sender, payer: body.sponsor.length === 0 ? sender : body.sponsor, gas: gasOf(bytes.length, body.vgasLimit) };
}

/** Messages that bring a proof. */
export const VERIFYING: ReadonlySet<string | undefined> = new Set(['postProof', 'challenge', 'verifyInference']);

/** What waits in a mempool before this transaction: the sender's transactions, and what its payer will have burned. */
export interface Pending {
  readonly nonces: number;
  readonly burns: bigint;
}

/** Steps 3 to 10. Throws `Rejected`. */
export function checkDoor(
  state: State,
  { tx, body, sender, payer, gas }: OpenedTx,
  height: bigint,
  env: Pick<LedgerEnv, 'verifySignature'>,
  pending: Pending = { nonces: 0, burns: 0n },
): void {
  const params = paramsOf(state);
  if (!equalBytes(body.chainId, params.chainId))
    throw new Rejected('E_CHAIN', `chain_id ${JSON.stringify(textOf(body.chainId.subarray(0, 50)))}, this is ${textOf(params.chainId)}`);
  checkFields(body);
  if (body.validUntil < height) throw new Rejected('E_EXPIRED', `valid_until ${body.validUntil}, this is block ${height}`);
  if (body.validUntil > height + MAX_VALIDITY)
    throw new Rejected('E_EXPIRED', `valid_until ${body.validUntil}, at most ${height + MAX_VALIDITY} in block ${height}`);
  // A check fails for a key that may not sign, so one that passes needs no second look at the key.
  if (!env.verifySignature(tx.pubkey, signedBytes('opg/tx/v1', tx.body), tx.sig))
    throw isGoodKey(tx.pubkey)
      ? new Rejected('E_SIG', 'sig: not the signature of this key over this body')
      : new Rejected('E_KEY', 'pubkey: no canonical ed25519 key, or one of small order');
  checkSponsor(tx, body, sender, env);
  const expected = accountOf(state, sender).nonce + 1n + BigInt(pending.nonces);
  if (body.nonce !== expected) throw new Rejected('E_NONCE', `nonce ${body.nonce}, the account expects ${expected}`);
  if (body.vgasLimit > params.maxTxVgas) throw new Rejected('E_VGAS_LIMIT', `vgas_limit ${body.vgasLimit}, at most ${params.maxTxVgas}`);
  if (body.vgasLimit > 0n && !VERIFYING.has(body.msg.case) && body.msg.case !== 'registerModel')
    throw new Rejected('E_VGAS_LIMIT', `vgas_limit ${body.vgasLimit}, but ${body.msg.case} verifies nothing`);
  const maxBurn = readAmount(body.maxBurn, 'max_burn');
  const price = priceAt(state, height);
  if (gas * price > maxBurn) throw new Rejected('E_MAXBURN', `max_burn ${maxBurn}, ${gas} gas at ${price} burn ${gas * price}`);
  const held = holds(state, balance(payer), 'opg') - pending.burns;
  if (held < maxBurn) throw new Rejected('E_FUNDS', `the payer has ${held < 0n ? 0n : held} opg, max_burn is ${maxBurn}`);
}

/** Step 7: named, present, of this address, and signed for this sender; or none of it. */
function checkSponsor(tx: Tx, body: TxBody, sender: Uint8Array, env: Pick<LedgerEnv, 'verifySignature'>): void {
  const named = body.sponsor.length > 0;
  if (!named && tx.sponsorPubkey.length === 0 && tx.sponsorSig.length === 0) return;
  const fail = (what: string): never => {
    throw new Rejected('E_SPONSOR', what);
  };
  if (!named) fail('a sponsor signs, but the body names none');
  if (!isGoodKey(tx.sponsorPubkey)) fail('sponsor_pubkey: no canonical ed25519 key, or one of small order');
  if (!equalBytes(addressOf(tx.sponsorPubkey), body.sponsor)) fail('sponsor_pubkey is not the key of the sponsor that the body names');
  if (!env.verifySignature(tx.sponsorPubkey, signedBytes('opg/sponsor/v1', sponsoredBytes(sender, tx.body)), tx.sponsorSig))
    fail('sponsor_sig: not the signature of this key over this sender and body');
}
