/** Receipts: what a node signs when it answers, before anything is proven (settlement §2.6). */
import { ascii, equalBytes } from '../../protocol/bytes.ts';
import { addressOf, isGoodKey, verifySignature } from '../accounts.ts';
import { decodeStrict, encode } from '../codec.ts';
import { Rejected } from '../codes.ts';
import { signedBytes } from '../domains.ts';
import { type Receipt, ReceiptSchema } from '../generated/messages_pb.ts';
import { MODES } from '../states.ts';
import type { Signer } from './signer.ts';

export interface SignedReceipt {
  readonly receipt: Uint8Array;
  readonly receiptSig: Uint8Array;
}

export function signReceipt(
  signer: Signer,
  r: { readonly chainId: string; readonly jobId: Uint8Array; readonly outputCommitment: Uint8Array; readonly proveByHint: bigint },
): SignedReceipt {
  const receipt = encode(ReceiptSchema, {
    chainId: ascii(r.chainId),
    jobId: r.jobId,
    outputCommitment: r.outputCommitment,
    prover: signer.address,
    mode: MODES.ZKML,
    proveByHint: r.proveByHint,
  });
  return { receipt, receiptSig: signer.sign('opg/receipt/v1', receipt) };
}

/** The receipt of this prover for this job and output. Throws `Rejected` with what does not fit. */
export function checkReceipt(
  { receipt, receiptSig }: SignedReceipt,
  pubkey: Uint8Array,
  wanted: { readonly chainId: string; readonly jobId: Uint8Array; readonly outputCommitment: Uint8Array; readonly prover: Uint8Array },
): Receipt {
  const r = decodeStrict(ReceiptSchema, receipt, 1024);
  if (!isGoodKey(pubkey) || !equalBytes(addressOf(pubkey), wanted.prover))
    throw new Rejected('E_KEY', 'the receipt’s key is not the prover’s');
  if (!verifySignature(pubkey, signedBytes('opg/receipt/v1', receipt), receiptSig))
    throw new Rejected('E_SIG', 'the receipt’s signature is wrong');
  if (!equalBytes(r.chainId, ascii(wanted.chainId))) throw new Rejected('E_CHAIN', 'the receipt is for another chain');
  if (!equalBytes(r.jobId, wanted.jobId)) throw new Rejected('E_JOB', 'the receipt is for another job');
  if (!equalBytes(r.prover, wanted.prover)) throw new Rejected('E_PROVER', 'the receipt names another prover');
  if (!equalBytes(r.outputCommitment, wanted.outputCommitment))
    throw new Rejected('E_OUTPUT', 'the receipt is for another output than the answer');
  if (r.mode !== MODES.ZKML) throw new Rejected('E_MODE', 'the receipt is for another mode');
  return r;
}
