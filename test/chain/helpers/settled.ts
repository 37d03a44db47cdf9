/** A chain on which something happened: a model, a prover with a tab, one proven job, one that waits for its proof. */
import { writeAmount } from '../../../chain/amounts.ts';
import type { Signer } from '../../../chain/client/index.ts';
import { ascii } from '../../../protocol/bytes.ts';
import { person, type TestChain } from './chains.ts';
import { inferenceOf, modelIdFor, orderOf, proveFor, reluModel, soloIdOf, statementFor, type TestModel, tabIdOf } from './settling.ts';

const OPG = 10n ** 18n;

export const [owner, prover, requester] = [person(1), person(2), person(3)] as [Signer, Signer, Signer];

export interface SettledChain {
  readonly net: TestChain;
  readonly m: TestModel;
  readonly modelId: Uint8Array;
  readonly tabId: Uint8Array;
  /** A proof on its own, and the height that has it. */
  readonly solo: { readonly jobId: Uint8Array; readonly height: bigint; readonly output: Uint8Array };
  /** A job that was answered and not proven. */
  readonly pending: { readonly jobId: Uint8Array; readonly output: Uint8Array };
}

/** Registers model and prover, and opens a tab of one usd. */
export async function openShop(net: TestChain, m: TestModel): Promise<Pick<SettledChain, 'modelId' | 'tabId'>> {
  for (const who of [owner, prover, requester]) await net.give(who.address);
  await net.chain.send(owner, { case: 'registerModel', value: { commitment: m.model.commitment, key: m.model.keyFile } });
  await net.chain.send(prover, {
    case: 'registerProver',
    value: { endpoint: ascii('http://127.0.0.1:1'), modes: [1], addBond: writeAmount(100n * OPG) },
  });
  const tabId = tabIdOf(requester.address, ((await net.chain.account(requester.address))?.nonce ?? 0n) + 1n);
  const usd = { denom: ascii('usd'), amount: writeAmount(10n ** 6n) };
  await net.chain.send(requester, { case: 'openTab', value: { ...usd, prover: prover.address } });
  return { modelId: modelIdFor(m.model, owner.address), tabId };
}

/** The message that settles a proof of input `seed` on its own; with `claimed`, beside the output of another input. */
export async function soloOf(net: TestChain, m: TestModel, modelId: Uint8Array, seed: number, claimed = seed) {
  const i = inferenceOf(m, seed);
  const salt = new Uint8Array(32).fill(seed);
  const jobId = soloIdOf(requester.address, salt);
  const proof = await proveFor(m, seed, statementFor(m.model, i, { chainId: net.chainId, modelId, jobId, prover: requester.address }));
  const value = { modelId, salt, inputNonce: i.inputNonce, input: i.input, output: inferenceOf(m, claimed).output, proof };
  return { jobId, output: value.output, msg: { case: 'verifyInference', value } as const };
}

/** Settles a proof of input `seed` on its own. */
export async function settleSolo(net: TestChain, m: TestModel, modelId: Uint8Array, seed: number): Promise<SettledChain['solo']> {
  const { jobId, output, msg } = await soloOf(net, m, modelId, seed);
  const { height } = await net.chain.send(requester, msg, { vgasLimit: m.model.key.vgas });
  return { jobId, height, output };
}

/** Opens a job for input `seed` on a tab, answered and not proven. */
export async function openOn(
  net: TestChain,
  m: TestModel,
  { modelId, tabId }: Pick<SettledChain, 'modelId' | 'tabId'>,
  seed: number,
): Promise<SettledChain['pending']> {
  const i = inferenceOf(m, seed);
  const { height } = await net.chain.status();
  const { jobId, order, orderSig } = orderOf({
    chainId: net.chainId,
    requester,
    prover: prover.address,
    modelId,
    inputCommitment: i.inputCommitment,
    nonce: seed,
    openBy: height + 100n,
    tabId,
    proveBlocks: 10_000,
  });
  const result = { outputCommitment: i.outputCommitment, output: i.output };
  await net.chain.send(prover, { case: 'openJob', value: { order, requesterPubkey: requester.pubkey, orderSig, result } });
  return { jobId, output: i.output };
}

export async function settledChain(start: () => Promise<TestChain>): Promise<SettledChain> {
  const [net, m] = await Promise.all([start(), reluModel()]);
  const shop = await openShop(net, m);
  const solo = await settleSolo(net, m, shop.modelId, 5);
  return { net, m, ...shop, solo, pending: await openOn(net, m, shop, 6) };
}
