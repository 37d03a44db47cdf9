/** Transactions, orders and receipts: built, measured and signed (settlement §2.4, §2.6, §4.1). */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { ascii } from '../../protocol/bytes.ts';
import { writeAmount } from '../amounts.ts';
import { encode } from '../codec.ts';
import { sponsoredBytes } from '../domains.ts';
import { OrderSchema, TxBodySchema, TxSchema } from '../generated/messages_pb.ts';
import { gasOf } from '../state/index.ts';
import type { Signer } from './signer.ts';

export type Msg = NonNullable<MessageInitShape<typeof TxBodySchema>['msg']>;

export interface TxTerms {
  readonly chainId: string;
  readonly nonce: bigint;
  readonly validUntil: bigint;
  readonly msg: Msg;
  /** Verification gas to reserve; 0 for messages that verify nothing. */
  readonly vgasLimit?: bigint | undefined;
  /** opg a unit of gas that the sender is ready to burn; what is not needed stays. */
  readonly maxPrice: bigint;
  readonly sponsor?: Signer | undefined;
}

export interface SignedTx {
  readonly bytes: Uint8Array;
  readonly nonce: bigint;
  readonly validUntil: bigint;
  readonly gas: bigint;
  readonly maxBurn: bigint;
}

/** Signs a transaction. Its max_burn is what its own size and gas cost at `maxPrice`. */
export function signTx(signer: Signer, t: TxTerms): SignedTx {
  const vgasLimit = t.vgasLimit ?? 0n;
  const make = (maxBurn: bigint): Uint8Array => {
    const body = encode(TxBodySchema, {
      chainId: ascii(t.chainId),
      nonce: t.nonce,
      validUntil: t.validUntil,
      maxBurn: writeAmount(maxBurn),
      vgasLimit,
      sponsor: t.sponsor?.address ?? new Uint8Array(0),
      msg: t.msg,
    });
    return encode(TxSchema, {
      body,
      pubkey: signer.pubkey,
      sig: signer.sign('opg/tx/v1', body),
      ...(t.sponsor === undefined
        ? {}
        : { sponsorPubkey: t.sponsor.pubkey, sponsorSig: t.sponsor.sign('opg/sponsor/v1', sponsoredBytes(signer.address, body)) }),
    });
  };
  // The amount's own bytes are part of the size: room for the longest.
  const maxBurn = gasOf(make(2n ** 128n - 1n).length, vgasLimit) * t.maxPrice;
  const bytes = make(maxBurn);
  return { bytes, nonce: t.nonce, validUntil: t.validUntil, gas: gasOf(bytes.length, vgasLimit), maxBurn };
}

/** An order's canonical bytes with the requester's signature. */
export function signOrder(
  signer: Signer,
  fields: MessageInitShape<typeof OrderSchema>,
): { readonly order: Uint8Array; readonly orderSig: Uint8Array } {
  const order = encode(OrderSchema, fields);
  return { order, orderSig: signer.sign('opg/order/v1', order) };
}
