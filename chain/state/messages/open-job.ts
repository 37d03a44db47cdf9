/** openJob (settlement §4.2): a prover brings a signed order and its answer; the price goes to escrow, the prover's bond is locked. */
import { create } from '@bufbuild/protobuf';
import { equalBytes, toHex } from '../../../protocol/bytes.ts';
import { addressOf, isGoodKey, showAddress } from '../../accounts.ts';
import { readAmount } from '../../amounts.ts';
import { decodeStrict } from '../../codec.ts';
import { Rejected } from '../../codes.ts';
import { signedBytes } from '../../domains.ts';
import { type OpenJob, type Order, OrderSchema, type Result } from '../../generated/messages_pb.ts';
import { JobSchema } from '../../generated/records_pb.ts';
import { jobIdOf } from '../../identities.ts';
import { BLOCK_COUNTS, MAX_KEPT_OUTPUT } from '../../limits.ts';
import { JOB_STATES, MODES, SETTLEMENT_MODES } from '../../states.ts';
import type { ProofSystem } from '../../systems/system.ts';
import { outputCommitment } from '../../tensors.ts';
import type { Work } from '../env.ts';
import { checkOrder } from '../fields.ts';
import { changeJob } from '../jobs.ts';
import { balance, escrow, free, holds, locked, move, type Pot, tab } from '../moves.ts';
import { jobs, paramsOf, provers, tabs } from '../records.ts';
import { activeModel } from './models.ts';
import { knownDenom } from './money.ts';

/** Longest encoding of an order, with room. */
export const MAX_ORDER_BYTES = 1024;

export function openJob(work: Work, sender: Uint8Array, m: OpenJob): Uint8Array {
  const { state, height } = work;
  const order = readOrder(work, m);
  const params = paramsOf(state);
  if (!equalBytes(order.chainId, params.chainId)) throw new Rejected('E_CHAIN', 'the order is for another chain');
  if (height > order.openBy) throw new Rejected('E_LATE', `the order opens by block ${order.openBy}, this is block ${height}`);
  const id = jobIdOf(m.order);
  if (jobs.get(state, id) !== undefined) throw new Rejected('E_JOB_EXISTS', `the job ${toHex(id)} exists already`);
  const { system } = activeModel(work, order.modelId);
  if (order.ppId.length > 0) throw new Rejected('E_PP', 'pp_id: this version has no plot points');
  checkMode(work, order);
  const denom = knownDenom(work, order.denom, 'order.denom');
  const bond = readAmount(order.bond, 'order.bond');
  const result = checkTerms(order, m.result, system, readAmount(params.minJobBond, 'min_job_bond'));
  if (!equalBytes(sender, order.prover)) throw new Rejected('E_NOT_PROVER', `the order is for ${showAddress(order.prover)} alone`);
  const atHand = holds(state, free(sender), 'opg');
  if (atHand < bond) throw new Rejected('E_BOND', `${atHand} opg of the prover's bond are free, the order wants ${bond}`);
  if (result.output.length > 0 && !equalBytes(outputCommitment(result.output), result.outputCommitment))
    throw new Rejected('E_OUTPUT', 'result.output does not hash to result.output_commitment');
  const purse = purseOf(work, order, denom);

  jobs.put(
    state,
    id,
    create(JobSchema, {
      order: m.order,
      requester: order.requester,
      prover: order.prover,
      denom: order.denom,
      modelId: order.modelId,
      openedAt: height,
      proveBy: height + BigInt(order.proveBlocks),
      outputCommitment: result.outputCommitment,
      output: result.output,
    }),
  );
  move(state, { from: purse, to: escrow(id), denom, amount: readAmount(order.price, 'price'), why: 'price' }, work.record);
  move(state, { from: free(sender), to: locked(id), denom: 'opg', amount: bond, why: 'lock' }, work.record);
  changeJob(work, id, { state: JOB_STATES.PENDING });
  return id;
}

/** The order behind its signature; everything that is wrong with it as such is E_ORDER. */
function readOrder(work: Work, m: OpenJob): Order {
  let order: Order;
  try {
    order = decodeStrict(OrderSchema, m.order, MAX_ORDER_BYTES);
    checkOrder(order);
  } catch (e) {
    if (e instanceof Rejected) throw new Rejected('E_ORDER', `order: ${e.message}`);
    throw e;
  }
  if (!isGoodKey(m.requesterPubkey) || !equalBytes(addressOf(m.requesterPubkey), order.requester))
    throw new Rejected('E_ORDER', 'requester_pubkey is not the key of the order’s requester');
  if (!work.env.verifySignature(m.requesterPubkey, signedBytes('opg/order/v1', m.order), m.orderSig))
    throw new Rejected('E_ORDER', 'order_sig: not the signature of the requester over this order');
  return order;
}

function checkMode(work: Work, order: Order): void {
  if (order.mode !== MODES.ZKML)
    throw new Rejected('E_MODE', `mode ${order.mode} comes with a later stage; this version has ZKML (${MODES.ZKML})`);
  if (order.prover.length === 0) throw new Rejected('E_MODE', 'orders without a prover come with a later stage');
  const prover = provers.get(work.state, order.prover);
  if (prover === undefined) throw new Rejected('E_PROVER', `${showAddress(order.prover)} is no prover`);
  if (!prover.modes.includes(order.mode)) throw new Rejected('E_MODE', `the prover does not offer mode ${order.mode}`);
}

/** Bond, settlement mode, block counts and the presence of a result: E_FIELD. */
function checkTerms(order: Order, result: Result | undefined, system: ProofSystem, minJobBond: bigint): Result {
  const fail = (field: string, what: string): never => {
    throw new Rejected('E_FIELD', `${field}: ${what}`);
  };
  const bond = readAmount(order.bond, 'order.bond');
  if (bond < minJobBond) fail('order.bond', `${bond} opg, at least ${minJobBond} are wanted`);
  const mode = order.settlementMode;
  if (mode > SETTLEMENT_MODES.individual) fail('order.settlement_mode', `${mode} is unknown`);
  if (mode === SETTLEMENT_MODES.private && !system.hidesTensors)
    fail('order.settlement_mode', `private, but a proof of ${system.name} shows input and output`);
  for (const [name, n] of [
    ['prove', order.proveBlocks],
    ['rescue', order.rescueBlocks],
  ] as const) {
    const [lo, hi] = BLOCK_COUNTS[name];
    if (n < lo || n > hi) fail(`order.${name}_blocks`, `${n}, from ${lo} to ${hi} are possible`);
  }
  if (order.resultBlocks !== 0) fail('order.result_blocks', `${order.resultBlocks}, but a direct order has its result`);
  if (order.challengeBlocks !== 0) fail('order.challenge_blocks', `${order.challengeBlocks}, but mode ZKML has no window`);
  if (order.ramp !== undefined) fail('order.ramp', 'a direct order has a fixed price');
  if (result === undefined) return fail('result', 'a direct order is opened with its result');
  if (mode !== SETTLEMENT_MODES.individual && result.output.length > 0)
    fail('result.output', 'only settlement mode individual (2) keeps the output');
  if (result.output.length > MAX_KEPT_OUTPUT)
    fail('result.output', `${result.output.length} bytes, at most ${MAX_KEPT_OUTPUT} are kept; leave longer ones out`);
  return result;
}

/** Where the price comes from. Throws E_OWNER, E_ESCROW. */
function purseOf(work: Work, order: Order, denom: string): Pot {
  const { state, height } = work;
  const price = readAmount(order.price, 'order.price');
  if (order.tabId.length === 0) {
    const held = holds(state, balance(order.requester), denom);
    if (held < price) throw new Rejected('E_ESCROW', `the requester has ${held} ${denom}, the price is ${price}`);
    return balance(order.requester);
  }
  const record = tabs.get(state, order.tabId);
  if (record === undefined) throw new Rejected('E_ESCROW', `no tab ${toHex(order.tabId)}`);
  if (!equalBytes(record.owner, order.requester)) throw new Rejected('E_OWNER', 'the tab is not the requester’s');
  if (!equalBytes(record.prover, order.prover)) throw new Rejected('E_ESCROW', 'the tab is for another prover');
  if (!equalBytes(record.denom, order.denom)) throw new Rejected('E_ESCROW', `the tab holds another asset than ${denom}`);
  if (record.closeAt !== 0n && height > record.closeAt) throw new Rejected('E_ESCROW', `the tab closed after block ${record.closeAt}`);
  const held = holds(state, tab(order.tabId), denom);
  if (held < price) throw new Rejected('E_ESCROW', `the tab has ${held} ${denom}, the price is ${price}`);
  return tab(order.tabId);
}
