/** Messages and transactions of tests: what is not said has a value that is accepted. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { writeAmount } from '../../../chain/amounts.ts';
import { encode } from '../../../chain/codec.ts';
import { sponsoredBytes } from '../../../chain/domains.ts';
import {
  type ModelCommitmentSchema,
  type Order,
  OrderSchema,
  type RampSchema,
  type Result,
  type ResultSchema,
  TxBodySchema,
  TxSchema,
} from '../../../chain/generated/messages_pb.ts';
import { type Fields, jobIdOf, modelIdOf } from '../../../chain/identities.ts';
import type { ProofSystem } from '../../../chain/systems/system.ts';
import { encodeTensors, inputCommitment, outputCommitment } from '../../../chain/tensors.ts';
import { ascii } from '../../../protocol/bytes.ts';
import { type Key, type Sign, sign } from './keys.ts';

export const CHAIN = 'test-chain';
/** 1 opg, 1 usd in their smallest units. */
export const OPG = 10n ** 18n;
export const USD = 10n ** 6n;

export type Body = MessageInitShape<typeof TxBodySchema>;
export type Msg = NonNullable<Body['msg']>;
export type OrderFields = Partial<Omit<Fields<Order>, 'ramp'>> & { readonly ramp?: MessageInitShape<typeof RampSchema> };

export const bytes = (n: number, fill = 1): Uint8Array => new Uint8Array(n).fill(fill);

/** The bytes of a transaction: `body`, signed by `sender` and `sponsor`. `change` sees the envelope before it is encoded. */
export function sealTx(
  sender: Key,
  body: Uint8Array,
  {
    sponsor,
    with: signWith = sign,
    change = {},
  }: { sponsor?: Key | undefined; with?: Sign; change?: MessageInitShape<typeof TxSchema> } = {},
): Uint8Array {
  return encode(TxSchema, {
    body,
    pubkey: sender.pubkey,
    sig: signWith(sender, 'opg/tx/v1', body),
    ...(sponsor === undefined
      ? {}
      : { sponsorPubkey: sponsor.pubkey, sponsorSig: signWith(sponsor, 'opg/sponsor/v1', sponsoredBytes(sender.address, body)) }),
    ...change,
  });
}

/** The bytes of a body; `msg` and `nonce` are the caller's. */
export function bodyOf(fields: Body): Uint8Array {
  return encode(TxBodySchema, { chainId: ascii(CHAIN), validUntil: 500n, maxBurn: writeAmount(OPG), ...fields });
}

/** What a model of the test system was asked: an input, and the nonce that hides it. */
export interface Question {
  readonly nonce: Uint8Array;
  readonly input: Uint8Array;
}
export const question = (i = 0): Question => ({
  nonce: bytes(32, i + 1),
  input: encodeTensors([{ name: 'x', dtype: 'int32', shape: [1], data: Uint8Array.of(i, 0, 0, 0) }]),
});

export interface ModelFixture {
  readonly owner: Key;
  readonly key: Uint8Array;
  readonly id: Uint8Array;
  readonly system: ProofSystem;
  readonly commitment: Required<Omit<MessageInitShape<typeof ModelCommitmentSchema>, '$typeName' | '$unknown'>>;
}

/** A model as its owner registers it. */
export function modelFixture(owner: Key, system: ProofSystem, key: Uint8Array): ModelFixture {
  const { vkHash, circuitHash, modelHash } = system.parseKey(key);
  const commitment = { vkHash, circuitHash, modelHash, proofSystemId: system.id, uri: ascii('https://models.example/m') };
  return { owner, key, system, commitment, id: modelIdOf(owner.address, commitment) };
}

export const registerModel = (m: ModelFixture): Msg & { case: 'registerModel' } => ({
  case: 'registerModel',
  value: { commitment: m.commitment, key: m.key, ioSpec: ascii('{}') },
});

/** An order for one model and one prover: 2 usd, 50 opg of bond, 20 blocks to prove and 10 to rescue. */
export function orderFields(requester: Key, prover: Key, model: ModelFixture, q: Question, change: OrderFields = {}): OrderFields {
  return {
    chainId: ascii(CHAIN),
    requester: requester.address,
    orderNonce: bytes(32, 7),
    modelId: model.id,
    mode: 1,
    inputCommitment: inputCommitment(q.nonce, q.input),
    denom: ascii('usd'),
    price: writeAmount(2n * USD),
    bond: writeAmount(50n * OPG),
    prover: prover.address,
    openBy: 400n,
    proveBlocks: 20,
    rescueBlocks: 10,
    ...change,
  };
}

/** The message that opens `order`, posting `output`. */
export function openJob(
  requester: Key,
  order: OrderFields,
  output: Uint8Array,
  { result, with: signWith = sign }: { result?: MessageInitShape<typeof ResultSchema> | null; with?: Sign } = {},
): { readonly id: Uint8Array; readonly msg: Msg & { case: 'openJob' } } {
  const order_ = encode(OrderSchema, order);
  const posted: Partial<Fields<Result>> = {
    outputCommitment: outputCommitment(output),
    ...(order.settlementMode === 2 && output.length <= 4096 ? { output } : {}),
  };
  return {
    id: jobIdOf(order_),
    msg: {
      case: 'openJob',
      value: {
        order: order_,
        requesterPubkey: requester.pubkey,
        orderSig: signWith(requester, 'opg/order/v1', order_),
        ...(result === null ? {} : { result: { ...posted, ...result } }),
      },
    },
  };
}
