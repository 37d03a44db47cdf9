/**
 * Taking an order (settlement §12.2): everything is checked before anything is done, the work is on disk before the receipt is signed, and
 * the receipt leaves last.
 */

import { addressOf, isGoodKey, verifySignature } from '../chain/accounts.ts';
import { readAmount, showAmount } from '../chain/amounts.ts';
import { type Chain, HEADROOM, type Signer, signReceipt } from '../chain/client/index.ts';
import { decodeStrict } from '../chain/codec.ts';
import { Rejected } from '../chain/codes.ts';
import { signedBytes } from '../chain/domains.ts';
import { type Order, OrderSchema } from '../chain/generated/messages_pb.ts';
import type { Account, Tab } from '../chain/generated/records_pb.ts';
import { jobIdOf } from '../chain/identities.ts';
import { MAX_KEPT_OUTPUT, MAX_TENSOR_BYTES } from '../chain/limits.ts';
import { checkOrder, gasOf, MAX_ORDER_BYTES } from '../chain/state/index.ts';
import { MODES, SETTLEMENT_MODES } from '../chain/states.ts';
import { textOf } from '../chain/text.ts';
import type { NamedTensor } from '../circuits/named.ts';
import { ascii, equalBytes, toHex } from '../protocol/bytes.ts';
import { Refused } from '../protocol/refused.ts';
import type { NamedInputs } from '../prover/index.ts';
import { Problem } from './problem.ts';
import type { Queue } from './queue.ts';
import type { ServedModel } from './served.ts';

export interface Asked {
  readonly modelId: Uint8Array;
  readonly inputs: NamedInputs;
  readonly order: Uint8Array;
  readonly orderSig: Uint8Array;
  readonly requesterPubkey: Uint8Array;
  readonly inputNonce: Uint8Array;
}

export interface Answered {
  readonly jobId: Uint8Array;
  readonly outputs: readonly NamedTensor[];
  /** Canonical tensors. */
  readonly output: Uint8Array;
  readonly outputCommitment: Uint8Array;
  readonly receipt: Uint8Array;
  readonly receiptSig: Uint8Array;
}

/** What the operator asks for; amounts in the smallest unit. */
export interface Terms {
  readonly denom: string;
  readonly price: bigint;
  /** The most opg that one job may lock. */
  readonly maxBond: bigint;
  /** Least blocks to prove in. */
  readonly minProveBlocks: number;
}

/** Points of an order's way, for tests that end the process at each (settlement §12.2). */
export type Step = 'checked' | 'computed' | 'queued' | 'signed' | 'opening' | 'opened' | 'proved' | 'posting' | 'posted';

/** Blocks that `open_by` must leave, and jobs that may wait. */
const OPEN_BLOCKS = 10n;
const MAX_WAITING = 1000;

export interface IntakeContext {
  readonly chain: Chain;
  readonly signer: Signer;
  readonly queue: Queue;
  readonly models: ReadonlyMap<string, ServedModel>;
  readonly terms: Terms;
  /** Milliseconds that a proof of a model takes here, as measured; and milliseconds a block. */
  readonly pace: (modelId: string) => { readonly proofMs: number; readonly blockMs: number };
  readonly onStep?: ((step: Step) => void) | undefined;
}

/** Answers an order. Throws Problem; after a receipt is signed nothing throws. */
export async function takeOrder(c: IntakeContext, asked: Asked): Promise<Answered> {
  const served = c.models.get(toHex(asked.modelId));
  if (served === undefined)
    throw new Problem(404, 'E_MODEL', `this node does not serve model ${toHex(asked.modelId)}`, 'GET /v1/models lists what it serves');
  const order = readOrder(asked);
  const jobId = jobIdOf(asked.order);
  if (c.queue.get(toHex(jobId)) !== undefined) return again(c, served, asked, jobId);
  const height = await checkTerms(c, order, served);
  c.onStep?.('checked');
  const { inference, outputs } = await compute(served, asked);
  if (!equalBytes(inference.inputCommitment, order.inputCommitment))
    throw new Problem(422, 'E_INPUT', 'inputNonce and model_input do not hash to the order’s input_commitment');
  if (inference.input.length + inference.output.length > MAX_TENSOR_BYTES)
    throw new Problem(
      422,
      'E_SIZE',
      `input and output have ${inference.input.length + inference.output.length} bytes, a chain takes ${MAX_TENSOR_BYTES}`,
    );
  c.onStep?.('computed');
  const signed = signReceipt(c.signer, {
    chainId: new TextDecoder().decode(order.chainId),
    jobId,
    outputCommitment: inference.outputCommitment,
    proveByHint: height + BigInt(order.proveBlocks),
  });
  c.queue.add({
    jobId: toHex(jobId),
    modelId: toHex(served.modelId),
    state: 'queued',
    order: asked.order,
    orderSig: asked.orderSig,
    requesterPubkey: asked.requesterPubkey,
    inputNonce: asked.inputNonce,
    input: inference.input,
    output: inference.output,
    ...signed,
    takenAt: Date.now(),
    deadline: order.openBy,
    proof: null,
    attempts: 0,
    trouble: '',
    retryAt: 0,
    leasedUntil: 0,
  });
  c.onStep?.('queued');
  return { jobId, outputs, output: inference.output, outputCommitment: inference.outputCommitment, ...signed };
}

/** The same order again: the same answer, from the same run. */
async function again(c: IntakeContext, served: ServedModel, asked: Asked, jobId: Uint8Array): Promise<Answered> {
  const entry = c.queue.get(toHex(jobId));
  if (entry === undefined) throw new Error('queue: the job went away');
  const { inference, outputs } = await compute(served, asked);
  if (!equalBytes(inference.output, entry.output) || !equalBytes(inference.input, entry.input))
    throw new Problem(409, 'E_JOB_EXISTS', 'this order was answered for another input');
  return {
    jobId,
    outputs,
    output: entry.output,
    outputCommitment: inference.outputCommitment,
    receipt: entry.receipt,
    receiptSig: entry.receiptSig,
  };
}

async function compute(served: ServedModel, asked: Asked): ReturnType<ServedModel['answer']> {
  try {
    return await served.answer(asked.inputs, asked.inputNonce);
  } catch (e) {
    if (e instanceof Refused) throw new Problem(422, e.code, e.message, 'GET /v1/models says what inputs the model takes');
    throw e;
  }
}

function readOrder(asked: Asked): Order {
  let order: Order;
  try {
    order = decodeStrict(OrderSchema, asked.order, MAX_ORDER_BYTES);
    checkOrder(order);
  } catch (e) {
    if (e instanceof Rejected) throw new Problem(400, 'E_ORDER', `order: ${e.message}`);
    throw e;
  }
  if (!isGoodKey(asked.requesterPubkey) || !equalBytes(addressOf(asked.requesterPubkey), order.requester))
    throw new Problem(400, 'E_ORDER', 'requesterPubkey is not the key of the order’s requester');
  if (!verifySignature(asked.requesterPubkey, signedBytes('opg/order/v1', asked.order), asked.orderSig))
    throw new Problem(400, 'E_ORDER', 'orderSig is not the requester’s signature over the order');
  if (!equalBytes(order.modelId, asked.modelId)) throw new Problem(400, 'E_MODEL', 'the order is for another model');
  return order;
}

/** The order against this node's terms and the chain's newest state, less what other orders here will take. Returns the chain's height. */
async function checkTerms(c: IntakeContext, order: Order, served: ServedModel): Promise<bigint> {
  const bad = (code: string, what: string, hint = ''): never => {
    throw new Problem(422, code, what, hint);
  };
  const [{ chainId, height }, params, model, prover, account, gasPrice, tab] = await Promise.all([
    c.chain.status(),
    c.chain.params(),
    c.chain.model(order.modelId),
    c.chain.prover(c.signer.address),
    c.chain.account(c.signer.address),
    c.chain.price(),
    order.tabId.length === 0 ? null : c.chain.tab(order.tabId),
  ]);
  if (!equalBytes(order.chainId, ascii(chainId))) bad('E_CHAIN', `the order is for another chain than ${chainId}`);
  if (!equalBytes(order.prover, c.signer.address)) bad('E_NOT_PROVER', 'the order is for another prover');
  if (order.mode !== MODES.ZKML) bad('E_MODE', `mode ${order.mode} is not served, ZKML (${MODES.ZKML}) is`);
  if (order.settlementMode !== SETTLEMENT_MODES.individual && order.settlementMode !== SETTLEMENT_MODES.batch)
    bad('E_FIELD', 'settlement_mode must be batch (1) or individual (2): a proof shows input and output');
  if (order.resultBlocks !== 0 || order.challengeBlocks !== 0 || order.ramp !== undefined || order.ppId.length > 0)
    bad('E_FIELD', 'the order has fields of a later stage');
  const denom = new TextDecoder().decode(order.denom);
  const [price, bond] = [readAmount(order.price, 'price'), readAmount(order.bond, 'bond')];
  if (denom !== c.terms.denom || price < c.terms.price)
    bad('E_FUNDS', `the price here is ${showAmount(c.terms.price, c.terms.denom)}, the order offers ${showAmount(price, denom)}`);
  if (model === null || model.deprecated) bad('E_MODEL_DEPRECATED', 'the chain takes no new jobs for this model');
  if (bond < params.minJobBond) bad('E_BOND', `the bond must be at least ${showAmount(params.minJobBond, 'opg')}`);
  if (bond > c.terms.maxBond) bad('E_BOND', `at most ${showAmount(c.terms.maxBond, 'opg')} are locked for one job here`);
  if (order.proveBlocks < c.terms.minProveBlocks || order.proveBlocks > 10_000 || order.rescueBlocks > 10_000)
    bad('E_FIELD', `prove_blocks must lie in [${c.terms.minProveBlocks}, 10000], rescue_blocks in [0, 10000]`);
  if (order.openBy < height + OPEN_BLOCKS) bad('E_LATE', `open_by ${order.openBy} leaves less than ${OPEN_BLOCKS} blocks from ${height}`);
  if (order.openBy > height + params.tabDelay)
    bad('E_LATE', `open_by ${order.openBy} lies beyond the delay of tabs, ${params.tabDelay} blocks`);
  const held = c.queue
    .waiting()
    .filter((e) => e.state === 'queued')
    .map((e) => decodeStrict(OrderSchema, e.order, MAX_ORDER_BYTES))
    // Orders for a chain that is no more (a devnet that began anew) take nothing here.
    .filter((o) => equalBytes(o.chainId, order.chainId));
  checkTab(c, order, tab, { price, height, held });
  const free = prover === null ? 0n : readAmount(prover.free, 'free');
  const promised = held.reduce((n, o) => n + readAmount(o.bond, 'bond'), 0n);
  if (free < promised + bond)
    throw new Problem(503, 'E_BOND', 'this node has no bond left for another job', 'try again when its jobs have settled');
  checkGas(c, served, account, gasPrice);
  checkQueue(c, order.proveBlocks, toHex(order.modelId));
  return height;
}

/** Room for what a transaction has besides order, tensors and proof. */
const ENVELOPE = 1024;

/** The most gas that opening a job of this model and proving it takes. */
const gasOfJob = ({ model: { key } }: ServedModel): bigint =>
  gasOf(MAX_ORDER_BYTES + MAX_KEPT_OUTPUT + ENVELOPE, 0n) + gasOf(MAX_TENSOR_BYTES + key.proofCap + ENVELOPE, key.vgas);

/** Whether there is opg for the gas of this job and of all that wait: one that was opened and cannot be proven costs its bond. */
function checkGas(c: IntakeContext, served: ServedModel, account: Account | null, price: bigint): void {
  const coin = account?.balances.find((b) => textOf(b.denom) === 'opg');
  const gas = c.queue.waiting().reduce((n, e) => n + gasOfJob(c.models.get(e.modelId) ?? served), gasOfJob(served));
  if ((coin === undefined ? 0n : readAmount(coin.amount, 'balance')) < gas * price * HEADROOM)
    throw new Problem(503, 'E_FUNDS', 'this node has no opg left for the gas of another job', 'its operator must send it some');
}

interface TabTerms {
  readonly price: bigint;
  readonly height: bigint;
  readonly held: readonly Order[];
}

function checkTab(c: IntakeContext, order: Order, tab: Tab | null, { price, height, held }: TabTerms): void {
  const hint = 'assay tab open sets money aside for this prover';
  if (order.tabId.length === 0)
    throw new Problem(402, 'E_ESCROW', 'orders are paid from a tab here: a balance could be spent before the job is opened', hint);
  if (tab === null) throw new Problem(402, 'E_ESCROW', `there is no tab ${toHex(order.tabId)}`, hint);
  if (!equalBytes(tab.owner, order.requester)) throw new Problem(402, 'E_OWNER', 'the tab is not the requester’s', hint);
  if (!equalBytes(tab.prover, c.signer.address)) throw new Problem(402, 'E_ESCROW', 'the tab is for another prover', hint);
  if (!equalBytes(tab.denom, order.denom)) throw new Problem(402, 'E_ESCROW', 'the tab holds another asset', hint);
  if (tab.closeAt !== 0n && tab.closeAt < order.openBy)
    throw new Problem(402, 'E_ESCROW', `the tab closes after block ${tab.closeAt}, at ${height} already`, hint);
  const promised = held.filter((o) => equalBytes(o.tabId, order.tabId)).reduce((n, o) => n + readAmount(o.price, 'price'), 0n);
  const left = readAmount(tab.amount, 'amount') - promised;
  if (left < price) throw new Problem(402, 'E_ESCROW', `the tab has ${left < 0n ? 0n : left} left, the price is ${price}`, hint);
}

/** Whether the queue will be through in time for one more. */
function checkQueue(c: IntakeContext, proveBlocks: number, modelId: string): void {
  const waiting = c.queue.waiting().filter((e) => e.state !== 'proved');
  const { proofMs, blockMs } = c.pace(modelId);
  const needed = waiting.reduce((ms, e) => ms + c.pace(e.modelId).proofMs, proofMs);
  if (waiting.length >= MAX_WAITING || needed > 0.8 * proveBlocks * blockMs)
    throw new Problem(503, 'busy', `${waiting.length} proofs wait, and another would not be made in time`, 'try again later');
}
