/**
 * Asking a node, and following the answer until it is proven (settlement §12.5). The order and the input's nonce are kept before anything is
 * sent, so that a client that dies finds its job again: `resume` goes on from what `keep` was given.
 */
import { randomBytes } from 'node:crypto';
import { fromBinary } from '@bufbuild/protobuf';
import { parseAddress } from '../chain/accounts.ts';
import { readAmount, writeAmount } from '../chain/amounts.ts';
import { type Chain, checkReceipt, type LedgerModel, ledgerModel, type Signer, signOrder } from '../chain/client/index.ts';
import { Rejected } from '../chain/codes.ts';
import { Json, Malformed } from '../chain/comet/json.ts';
import { OrderSchema } from '../chain/generated/messages_pb.ts';
import { ModelSchema } from '../chain/generated/records_pb.ts';
import { jobIdOf, modelIdOf } from '../chain/identities.ts';
import type { LightClient } from '../chain/light/follow.ts';
import { type JobView, viewJob } from '../chain/light/lamps.ts';
import { openRecord } from '../chain/light/record.ts';
import { boundedText } from '../chain/rpc/rpc.ts';
import { describeState, isTerminal, JOB_STATES, MODES, SETTLEMENT_MODES } from '../chain/states.ts';
import { portsToTensors, tensorsToPorts } from '../chain/systems/gkr-tensors.ts';
import { SYSTEMS } from '../chain/systems/index.ts';
import { decodeTensors, inputCommitment, outputCommitment } from '../chain/tensors.ts';
import { decodeKeyFile } from '../circuits/files.ts';
import { applyHead } from '../circuits/interface.ts';
import { type NamedTensor, namedOutputs } from '../circuits/named.ts';
import { ascii, equalBytes, fromHex, toHex } from '../protocol/bytes.ts';

/** A node's offer, as `GET /v1/models` has it. */
export interface Offer {
  readonly prover: Uint8Array;
  readonly proverPubkey: Uint8Array;
  readonly denom: string;
  readonly price: bigint;
  readonly maxBond: bigint;
  readonly minProveBlocks: number;
  readonly models: readonly { readonly name: string; readonly modelId: Uint8Array }[];
}

/** What is kept of an asking: bytes as hexadecimal. It holds the input. */
export interface KeptAsk {
  readonly node: string;
  readonly modelId: string;
  readonly order: string;
  readonly orderSig: string;
  readonly requesterPubkey: string;
  readonly inputNonce: string;
  readonly proverPubkey: string;
  readonly modelInput: Readonly<Record<string, readonly number[]>>;
  /** The node's answer with its receipt, once it came: what is asked for again is held to it. */
  readonly answer?: KeptAnswer | undefined;
}

/** Canonical tensors, and what the node signed for them. */
export interface KeptAnswer {
  readonly outputTensors: string;
  readonly receipt: string;
  readonly receiptSig: string;
}

export interface Terms {
  readonly tabId: Uint8Array;
  readonly bond: bigint;
  readonly proveBlocks: number;
  readonly rescueBlocks: number;
  readonly openBlocks: bigint;
}

export type AskUpdate =
  /** The receipt is checked; nothing is at stake yet. */
  | {
      readonly status: 'ANSWERED';
      readonly outputs: readonly NamedTensor[];
      readonly ms: number;
      readonly jobId: Uint8Array;
      /** To be kept: evidence against a node that opens the job with another output, or never. */
      readonly answer: KeptAnswer;
    }
  /** On chain, with the output of the receipt. */
  | { readonly status: 'PENDING'; readonly height: bigint; readonly bond: bigint; readonly proveBy: bigint }
  /** Light client and verifier agree here. `burned` is what the proof's transaction cost, where the node still knows the price. */
  | {
      readonly status: 'PROVEN/FINAL';
      readonly height: bigint;
      readonly paid: bigint;
      readonly denom: string;
      readonly prover: Uint8Array;
      readonly burned: bigint | null;
      readonly view: JobView;
      /** Milliseconds of the verifier alone. */
      readonly checkMs: number;
    }
  | { readonly status: 'FAILED'; readonly reason: string; readonly view: JobView | null };

export interface AskOptions {
  readonly chain: Chain;
  readonly light: LightClient;
  readonly signal?: AbortSignal | undefined;
}

/** A node said no before it signed anything: its code and sentence. */
export class NodeRefused extends Error {
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, hint: string) {
    super(message);
    this.name = 'NodeRefused';
    this.code = code;
    this.hint = hint;
  }
}

/** The node does not answer: no connection, or nothing in time. */
export class NodeUnreachable extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NodeUnreachable';
  }
}

/** What would prove the job cannot be seen: the chain's node hides it, or answers with what cannot be read. */
export class NotShown extends Error {
  readonly view: JobView;

  constructor(message: string, view: JobView) {
    super(message);
    this.name = 'NotShown';
    this.view = view;
  }
}

const MAX_ANSWER = 8 * 2 ** 20;
const ANSWER_MS = 30_000;

/** A node's JSON. Throws NodeRefused for its refusals, Malformed for what is no answer, NodeUnreachable where it does not answer. */
async function http(url: string, body: unknown | undefined, signal?: AbortSignal): Promise<Json> {
  const limit = AbortSignal.timeout(ANSWER_MS);
  let response: Response;
  let text: string | null;
  try {
    response = await fetch(url, {
      ...(body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    });
    text = await boundedText(response, MAX_ANSWER);
  } catch (e) {
    signal?.throwIfAborted();
    const cause = (e as { cause?: { code?: string; message?: string } }).cause;
    const why = limit.aborted ? `no answer within ${ANSWER_MS} ms` : (cause?.code ?? cause?.message ?? (e as Error).message);
    throw new NodeUnreachable(`${url} does not answer: ${why}`);
  }
  if (text === null) throw new Malformed(url, `an answer of more than ${MAX_ANSWER} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Malformed(url, 'the node answers with no JSON');
  }
  const json = new Json(value, new URL(url).pathname);
  if (!response.ok) {
    const field = (name: string): string => (json.get(name).missing ? '' : json.get(name).text());
    throw new NodeRefused(field('code') || String(response.status), field('message'), field('hint'));
  }
  return json;
}

const bytesOf = (j: Json, cap = 65_536): Uint8Array => fromHex(j.text(2 * cap)) ?? j.refuse('no hexadecimal');

export async function readOffer(node: string, signal?: AbortSignal): Promise<Offer> {
  const j = await http(`${node}/v1/models`, undefined, signal);
  const terms = j.get('terms');
  return {
    prover: parseAddress(j.get('prover').text(64)) ?? j.get('prover').refuse('no address'),
    proverPubkey: bytesOf(j.get('proverPubkey'), 32),
    denom: terms.get('denom').text(16),
    price: terms.get('price').amount(),
    maxBond: terms.get('maxBond').amount(),
    minProveBlocks: terms.get('minProveBlocks').small(10_000),
    models: j
      .get('models')
      .list(1000)
      .map((m) => ({ name: m.get('name').text(200), modelId: bytesOf(m.get('modelId'), 32) })),
  };
}

/** The model's key from its record, proven by the light client. Throws `Rejected` E_MODEL where the chain has none. */
export async function provenModel({ chain, light, signal }: AskOptions, modelId: Uint8Array): Promise<LedgerModel> {
  const record = await openRecord(chain.rpc, light, 'model', modelId, signal);
  if (record?.value == null) throw new Rejected('E_MODEL', `the chain shows no model ${toHex(modelId)}`);
  const model = fromBinary(ModelSchema, record.value);
  if (model.commitment === undefined || !equalBytes(modelIdOf(model.owner, model.commitment), modelId))
    throw new Rejected('E_MODEL', 'the record is of another model');
  return ledgerModel(model.key, new TextDecoder().decode(model.commitment.uri));
}

/** Makes and signs an order for one input. */
export async function makeOrder(
  o: AskOptions,
  signer: Signer,
  node: string,
  offer: Offer,
  modelId: Uint8Array,
  inputs: Readonly<Record<string, ArrayLike<number | bigint>>>,
  terms: Terms,
): Promise<KeptAsk> {
  const model = await provenModel(o, modelId);
  const { interface: face } = decodeKeyFile(model.keyFile);
  const modelInput = Object.fromEntries(Object.entries(inputs).map(([name, v]) => [name, Array.from(v, Number)]));
  const named = Object.fromEntries(face.inputs.map((i) => [i.name, { dtype: i.dtype, shape: i.shape, data: modelInput[i.name] ?? [] }]));
  const raw = applyHead(face, named);
  const inputNonce = new Uint8Array(randomBytes(32));
  // By the light client: a node that makes up chain or height would get an order for another chain, or one that stays open for years.
  const { chainId, height } = (await o.light.latest(o.signal)).block.header;
  const { order, orderSig } = signOrder(signer, {
    chainId: ascii(chainId),
    requester: signer.address,
    orderNonce: new Uint8Array(randomBytes(32)),
    modelId,
    mode: MODES.ZKML,
    inputCommitment: inputCommitment(inputNonce, portsToTensors(model.inputs, raw)),
    denom: ascii(offer.denom),
    price: writeAmount(offer.price),
    bond: writeAmount(terms.bond),
    prover: offer.prover,
    tabId: terms.tabId,
    openBy: height + terms.openBlocks,
    proveBlocks: terms.proveBlocks,
    rescueBlocks: terms.rescueBlocks,
    settlementMode: SETTLEMENT_MODES.individual,
  });
  return {
    node,
    modelId: toHex(modelId),
    order: toHex(order),
    orderSig: toHex(orderSig),
    requesterPubkey: toHex(signer.pubkey),
    inputNonce: toHex(inputNonce),
    proverPubkey: toHex(offer.proverPubkey),
    modelInput,
  };
}

const POLL_MS = 250;
const BURN_GRACE = 5n;
/** Looks at a job that is over, until all of it is seen. */
const LAST_LOOKS = 120;

/** Sends a kept order and follows its job to the end. Sending it again is harmless: the node and the chain know it by its job's id. */
export async function* ask(kept: KeptAsk, o: AskOptions): AsyncGenerator<AskUpdate> {
  const [order, modelId] = [fromHex(kept.order), fromHex(kept.modelId)] as [Uint8Array, Uint8Array];
  const terms = fromBinary(OrderSchema, order);
  const jobId = jobIdOf(order);
  const model = await provenModel(o, modelId);
  const answer = await getAnswer(kept, o, jobId, model);
  yield { status: 'ANSWERED', outputs: answer.outputs, ms: answer.ms, jobId, answer: answer.kept };

  let pending = false;
  for (let lastLooks = 0; ; ) {
    o.signal?.throwIfAborted();
    const job = await o.chain.job(jobId, o.signal);
    if (job === null) {
      const { height } = (await o.light.latest(o.signal)).block.header;
      if (height > terms.openBy + BURN_GRACE)
        return yield {
          status: 'FAILED',
          reason:
            'the order lapsed, and the chain’s node shows no job of it: if so, nothing was paid, and the receipt says that the node answered',
          view: null,
        };
      await o.chain.pause(POLL_MS);
      continue;
    }
    if (job.state === JOB_STATES.PENDING && pending) {
      await o.chain.pause(POLL_MS);
      continue;
    }
    let checkMs = 0;
    const view = await viewJob({
      rpc: o.chain.rpc,
      light: o.light,
      jobId,
      modelId,
      answer: answer.output,
      systems: SYSTEMS,
      async verify(system, question) {
        const started = performance.now();
        const verdict = system.verify(question);
        checkMs = performance.now() - started;
        return verdict;
      },
      signal: o.signal,
    });
    const proven = view.job;
    if (view.answer.color === 'red') return yield { status: 'FAILED', reason: view.answer.text, view };
    const broken = [view.chain, view.record, view.proof].find((l) => l.code === 'node.malformed');
    if (broken !== undefined) throw new NotShown(broken.text, view);
    const lie = proven === null ? [view.chain, view.record].find((l) => l.color === 'red') : undefined;
    if (lie !== undefined) return yield { status: 'FAILED', reason: lie.text, view };
    if (proven !== null && proven.state === JOB_STATES.PENDING && !pending) {
      pending = true;
      yield { status: 'PENDING', height: proven.openedAt, bond: readAmount(proven.bond, 'bond'), proveBy: proven.proveBy };
    } else if (proven !== null && proven.state === JOB_STATES.FINAL) {
      const red = [view.chain, view.record, view.proof].find((l) => l.color === 'red');
      if (red !== undefined) return yield { status: 'FAILED', reason: red.text, view };
      if ([view.chain, view.record, view.proof, view.answer].every((l) => l.color === 'green')) {
        if (!pending) yield { status: 'PENDING', height: proven.openedAt, bond: readAmount(terms.bond, 'bond'), proveBy: proven.proveBy };
        return yield {
          status: 'PROVEN/FINAL',
          height: proven.endedAt,
          paid: proven.late ? 0n : readAmount(terms.price, 'price'),
          denom: new TextDecoder().decode(terms.denom),
          prover: proven.provenBy,
          burned: await burnOf(o, jobId, proven.endedAt),
          view,
          checkMs,
        };
      }
    } else if (proven !== null && (proven.state === JOB_STATES.FAILED || proven.state === JOB_STATES.REFUNDED))
      return yield { status: 'FAILED', reason: describeState(proven), view };
    if (isTerminal(job.state) && ++lastLooks === LAST_LOOKS) {
      const grey = [view.chain, view.record, view.proof, view.answer].find((l) => l.color === 'grey');
      throw new NotShown(`the node says that the job is ${describeState(job)}, and does not show it: ${grey?.text}`, view);
    }
    await o.chain.pause(POLL_MS);
  }
}

/** The node's answer, or the one that was kept, checked: its receipt, and outputs that this reader computes from the integers it will prove. */
async function getAnswer(
  kept: KeptAsk,
  o: AskOptions,
  jobId: Uint8Array,
  model: LedgerModel,
): Promise<{ readonly output: Uint8Array; readonly outputs: readonly NamedTensor[]; readonly ms: number; readonly kept: KeptAnswer }> {
  const started = performance.now();
  const { node, modelId, order, orderSig, requesterPubkey, inputNonce } = kept;
  const j =
    kept.answer === undefined
      ? await http(
          `${node}/v1/infer`,
          { model: modelId, mode: 'ZKML', model_input: kept.modelInput, order, orderSig, requesterPubkey, inputNonce },
          o.signal,
        )
      : new Json(kept.answer, 'answer');
  const ms = performance.now() - started;
  const output = bytesOf(j.get('outputTensors'), 2 ** 18);
  const signed = { receipt: bytesOf(j.get('receipt'), 1024), receiptSig: bytesOf(j.get('receiptSig'), 64) };
  const terms = fromBinary(OrderSchema, fromHex(order) as Uint8Array);
  checkReceipt(signed, fromHex(kept.proverPubkey) as Uint8Array, {
    chainId: o.light.checkpoint.chainId,
    jobId,
    outputCommitment: outputCommitment(output),
    prover: terms.prover,
  });
  const raw = tensorsToPorts(model.outputs, decodeTensors(output), 'output');
  if (typeof raw === 'string') throw new Rejected('E_OUTPUT', raw);
  return {
    output,
    outputs: namedOutputs(decodeKeyFile(model.keyFile).interface, raw),
    ms,
    kept: { outputTensors: toHex(output), receipt: toHex(signed.receipt), receiptSig: toHex(signed.receiptSig) },
  };
}

/** opg that the proof's transaction burned, as far as the node's history goes: for display. */
async function burnOf(o: AskOptions, jobId: Uint8Array, height: bigint): Promise<bigint | null> {
  try {
    const prices = new Map(
      (await o.chain.ask('/history', o.signal)).list(10_000).map((h) => [h.get('height').text(20), h.get('price').amount()] as const),
    );
    const price = prices.get((height - 1n).toString());
    const tx = (await o.chain.block(height, o.signal)).find(({ outcome }) => outcome.code === 0 && equalBytes(outcome.data, jobId));
    return price === undefined || tx === undefined ? null : tx.outcome.gasUsed * price;
  } catch (e) {
    if (e instanceof Error && e.name === 'RpcError') return null;
    throw e;
  }
}
