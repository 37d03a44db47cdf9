/** Which transactions a proposer takes, and in which order (settlement §8.2, PrepareProposal). */
import { fromBinary } from '@bufbuild/protobuf';
import { sha256 } from '@noble/hashes/sha2.js';
import { toHex } from '../../protocol/bytes.ts';
import { JobSchema } from '../generated/records_pb.ts';
import { applyTx, type BlockContext, beginBlock, type LedgerEnv, type OpenedTx, paramsOf, readDoor, type State } from '../state/index.ts';
import { JOB_STATES } from '../states.ts';

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
 * `env.verify` must take proofs as valid.
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
      return limits.banned.has(txidOf(bytes)) ? [] : [readDoor(bytes)];
    } catch {
      return [];
    }
  });
  const overlay = state.overlay();
  beginBlock(overlay, block, env);
  const { blockVgas } = paramsOf(state);
  const chosen: Uint8Array[] = [];
  const seen = new Set<string>();
  let gas = 0n;
  let bytes = 0n;
  for (const o of inOrder(state, opened)) {
    const size = sizeInBlock(o.bytes.length);
    const id = txidOf(o.bytes);
    if (seen.has(id) || gas + o.gas > blockVgas || bytes + size > limits.maxTxBytes) continue;
    if (!applyTx(overlay, o.bytes, block, env).door) continue;
    seen.add(id);
    gas += o.gas;
    bytes += size;
    chosen.push(o.bytes);
  }
  return chosen;
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
