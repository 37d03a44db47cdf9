/** Which transactions a proposer takes, and in which order (settlement §8.2, PrepareProposal). */
import { fromBinary } from '@bufbuild/protobuf';
import { sha256 } from '@noble/hashes/sha2.js';
import { equalBytes, toHex } from '../../protocol/bytes.ts';
import { addressOf } from '../accounts.ts';
import { MAX_AMOUNT, readAmount } from '../amounts.ts';
import { signedBytes } from '../domains.ts';
import { type Order, OrderSchema } from '../generated/messages_pb.ts';
import { JobSchema } from '../generated/records_pb.ts';
import { jobIdOf } from '../identities.ts';
import { checkFields } from '../state/fields.ts';
import {
  applyTx,
  type BlockContext,
  beginBlock,
  type LedgerEnv,
  type OpenedTx,
  paramsOf,
  priceAt,
  readDoor,
  type State,
} from '../state/index.ts';
import { balance, holds } from '../state/moves.ts';
import { JOB_STATES } from '../states.ts';
import { textOf } from '../text.ts';

const INTACT = 2n ** 64n;

/** Bytes of a transaction in a block: field, length, itself. */
export function sizeInBlock(bytes: number): bigint {
  let prefix = 1;
  for (let n = bytes; n > 127; n >>>= 7) prefix++;
  return BigInt(1 + prefix + bytes);
}

export const txidOf = (tx: Uint8Array): string => toHex(sha256(tx));

/**
 * Deadline-bearing transactions first, by nearest deadline, each behind its sender's lower nonces; then the rest as received. What a
 * processor would reject or a door would refuse in this block is left out; funded proofs that are invalid stay: they pay.
 * `env.verify` must take proofs as valid. Whether they are decides what later payers have, so a payer must have its max_burn from before the
 * block, less all that it sends away in it: that is there whatever the proofs are, and so is what the block's gas was reserved for.
 */
export function prepare(
  state: State,
  txs: readonly Uint8Array[],
  block: BlockContext,
  env: LedgerEnv,
  limits: { readonly maxTxBytes: bigint; readonly banned: ReadonlySet<string> },
): readonly Uint8Array[] {
  const opened = txs.flatMap((bytes): OpenedTx[] => {
    try {
      if (limits.banned.has(txidOf(bytes))) return [];
      const o = readDoor(bytes);
      checkFields(o.body);
      return [o];
    } catch {
      return [];
    }
  });
  const overlay = state.overlay();
  beginBlock(overlay, block, env);
  const params = paramsOf(state);
  const { blockVgas } = params;
  const keyBurn = readAmount(params.keyBurn, 'key_burn');
  const chosen: Uint8Array[] = [];
  const seen = new Set<string>();
  const spent = new Map<string, bigint>();
  const orders = new Set<string>();
  const spend = (of: Uint8Array, amount: bigint): void => void spent.set(toHex(of), (spent.get(toHex(of)) ?? 0n) + amount);
  const price = priceAt(state, block.height);
  let gas = 0n;
  let bytes = 0n;
  const has = (who: Uint8Array): bigint => holds(state, balance(who), 'opg') - (spent.get(toHex(who)) ?? 0n);
  const take = (o: OpenedTx, order: ReturnType<typeof newOrder>): void => {
    const size = sizeInBlock(o.bytes.length);
    const id = txidOf(o.bytes);
    if (seen.has(id) || gas + o.gas > blockVgas || bytes + size > limits.maxTxBytes) return;
    if (has(o.payer) < amountOf(o.body.maxBurn)) return;
    if (!applyTx(overlay, o.bytes, block, env).door) return;
    spend(o.payer, o.gas * price);
    const own = sends(o, keyBurn);
    if (own > 0n) spend(o.sender, own);
    if (order !== null && !orders.has(order.id)) {
      orders.add(order.id);
      spend(order.requester, order.opg);
    }
    seen.add(id);
    gas += o.gas;
    bytes += size;
    chosen.push(o.bytes);
  };
  // An order that its requester cannot pay comes last, with what its sender has behind it: it opens nothing, and holds nobody else back.
  const last: OpenedTx[] = [];
  const behind = new Set<string>();
  const orderOf = (o: OpenedTx): ReturnType<typeof newOrder> => newOrder(state, o, block.height, env);
  for (const o of inOrder(state, opened)) {
    const sender = toHex(o.sender);
    const order = orderOf(o);
    if (!behind.has(sender) && (order === null || order.opg <= has(order.requester))) take(o, order);
    else {
      behind.add(sender);
      last.push(o);
    }
  }
  for (const o of last) take(o, orderOf(o));
  return chosen;
}

/** What a transaction takes from its sender's opg besides its burn, if it does all that it says. */
function sends({ body: { msg } }: OpenedTx, keyBurn: bigint): bigint {
  switch (msg.case) {
    case 'transfer':
    case 'openTab':
      return textOf(msg.value.denom) === 'opg' ? amountOf(msg.value.amount) : 0n;
    case 'burn':
      return amountOf(msg.value.amount);
    case 'registerModel':
      return BigInt(msg.value.key.length) * keyBurn;
    case 'registerProver':
      return amountOf(msg.value.addBond);
    default:
      return 0n;
  }
}

/** The opg that a requester signed away to this sender, if the job can be opened at all: nobody else may count against it. */
function newOrder(
  state: State,
  { body: { msg, chainId }, sender }: OpenedTx,
  height: bigint,
  env: Pick<LedgerEnv, 'verifySignature'>,
): { readonly id: string; readonly requester: Uint8Array; readonly opg: bigint } | null {
  if (msg.case !== 'openJob') return null;
  const { order: bytes, requesterPubkey, orderSig } = msg.value;
  const order = orderIn(bytes);
  if (order === null || textOf(order.denom) !== 'opg' || order.tabId.length > 0 || !equalBytes(order.prover, sender)) return null;
  // Old orders, and those for other chains, are in the prover's hands for ever.
  if (height > order.openBy || !equalBytes(order.chainId, chainId)) return null;
  const id = jobIdOf(bytes);
  if (state.get('job', id) !== undefined || !equalBytes(addressOf(requesterPubkey), order.requester)) return null;
  if (!env.verifySignature(requesterPubkey, signedBytes('opg/order/v1', bytes), orderSig)) return null;
  return { id: toHex(id), requester: order.requester, opg: amountOf(order.price) };
}

function orderIn(bytes: Uint8Array): Order | null {
  try {
    return fromBinary(OrderSchema, bytes);
  } catch {
    return null;
  }
}

/** More than anybody has for bytes that are no amount. */
function amountOf(bytes: Uint8Array): bigint {
  try {
    return readAmount(bytes, 'amount');
  } catch {
    return MAX_AMOUNT + 1n;
  }
}

function inOrder(state: State, txs: readonly OpenedTx[]): OpenedTx[] {
  const urgent = txs
    .map((tx) => ({ tx, deadline: deadlineOf(state, tx) }))
    .filter(({ deadline }) => deadline < INTACT)
    .sort((a, b) => (a.deadline < b.deadline ? -1 : a.deadline > b.deadline ? 1 : 0));
  const out: OpenedTx[] = [];
  const taken = new Set<OpenedTx>();
  const take = (tx: OpenedTx): void => {
    if (taken.has(tx)) return;
    taken.add(tx);
    out.push(tx);
  };
  const of = new Map<string, OpenedTx[]>();
  for (const tx of txs) of.set(toHex(tx.sender), [...(of.get(toHex(tx.sender)) ?? []), tx]);
  for (const { tx } of urgent) {
    const lower = (of.get(toHex(tx.sender)) ?? []).filter((o) => o.body.nonce < tx.body.nonce);
    for (const o of lower.sort((a, b) => (a.body.nonce < b.body.nonce ? -1 : 1))) take(o);
    take(tx);
  }
  for (const tx of txs) take(tx);
  return out;
}

/** The height until which a proof or challenge acts; far away for what has none. */
function deadlineOf(state: State, { body: { msg } }: OpenedTx): bigint {
  if (msg.case !== 'postProof' && msg.case !== 'challenge') return INTACT;
  const bytes = state.get('job', msg.value.jobId);
  if (bytes === undefined) return INTACT;
  const job = fromBinary(JobSchema, bytes);
  return job.state === JOB_STATES.PENDING ? job.proveBy : job.state === JOB_STATES.RESCUE ? job.hardBy : INTACT;
}
