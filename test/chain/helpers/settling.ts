/** A real model with its circuit, and the steps from an order to a proof. */
import { readFileSync } from 'node:fs';
import { writeAmount } from '../../../chain/amounts.ts';
import {
  type LedgerInference,
  type LedgerModel,
  ledgerInference,
  ledgerModel,
  modelIdFor,
  type Signer,
  signOrder,
  statementFor,
} from '../../../chain/client/index.ts';
import { jobIdOf, soloIdOf, tabIdOf } from '../../../chain/identities.ts';
import { compile } from '../../../compiler/compile.ts';
import { ascii } from '../../../protocol/bytes.ts';
import { decodeEnvelope } from '../../../protocol/envelope.ts';
import { type OpenCircuit, openCircuit } from '../../../prover/index.ts';

export interface TestModel {
  readonly model: LedgerModel;
  readonly circuit: OpenCircuit;
}

/** The smallest model of the fixtures. */
export async function reluModel(): Promise<TestModel> {
  const { circuit, key } = await compile(new Uint8Array(readFileSync('fixtures/envelopes/relu.onnx')));
  return { model: ledgerModel(key), circuit: openCircuit(circuit) };
}

/** Values for every input, from a number. */
export function inputsFor({ circuit }: TestModel, seed: number): Record<string, number[]> {
  return Object.fromEntries(
    circuit.inputs.map((i) => [
      i.name,
      Array.from({ length: i.shape.reduce((n, d) => n * d, 1) }, (_, k) =>
        i.dtype === 'float32' ? ((seed * 37 + k * 11) % 100) / 50 - 1 : (seed * 37 + k * 11) % 128,
      ),
    ]),
  );
}

export const inferenceOf = (m: TestModel, seed: number): LedgerInference =>
  ledgerInference(m.model, m.circuit.run(inputsFor(m, seed)).integers, new Uint8Array(32).fill(seed));

/** The raw proof for a statement. */
export async function proveFor(m: TestModel, seed: number, context: Uint8Array): Promise<Uint8Array> {
  const { envelope } = await m.circuit.prove(inputsFor(m, seed), { context });
  return decodeEnvelope(envelope).proof;
}

export interface OrderTerms {
  readonly chainId: string;
  readonly requester: Signer;
  readonly prover: Uint8Array;
  readonly modelId: Uint8Array;
  readonly inputCommitment: Uint8Array;
  readonly nonce: number;
  readonly openBy: bigint;
  readonly tabId?: Uint8Array;
  readonly price?: bigint;
  readonly bond?: bigint;
  readonly proveBlocks?: number;
  readonly rescueBlocks?: number;
}

export const orderOf = (t: OrderTerms): { readonly order: Uint8Array; readonly orderSig: Uint8Array; readonly jobId: Uint8Array } => {
  const signed = signOrder(t.requester, {
    chainId: ascii(t.chainId),
    requester: t.requester.address,
    orderNonce: new Uint8Array(32).fill(t.nonce),
    modelId: t.modelId,
    mode: 1,
    inputCommitment: t.inputCommitment,
    denom: ascii('usd'),
    price: writeAmount(t.price ?? 20_000n),
    bond: writeAmount(t.bond ?? 10n ** 18n),
    prover: t.prover,
    ...(t.tabId === undefined ? {} : { tabId: t.tabId }),
    openBy: t.openBy,
    proveBlocks: t.proveBlocks ?? 100,
    rescueBlocks: t.rescueBlocks ?? 0,
    settlementMode: 2,
  });
  return { ...signed, jobId: jobIdOf(signed.order) };
};

export { jobIdOf, modelIdFor, soloIdOf, statementFor, tabIdOf };
