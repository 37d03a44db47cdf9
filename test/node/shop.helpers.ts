/** An inference node with its chain, and orders for it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { readAmount, writeAmount } from '../../chain/amounts.ts';
import { type Chain, modelIdFor, type Signer, signOrder } from '../../chain/client/index.ts';
import type { OrderSchema } from '../../chain/generated/messages_pb.ts';
import { jobIdOf, tabIdOf } from '../../chain/identities.ts';
import { compile } from '../../compiler/compile.ts';
import { type InferenceNode, type InferenceNodeOptions, type ServedModel, serveModel, startInferenceNode } from '../../node/index.ts';
import { ascii, toHex } from '../../protocol/bytes.ts';
import { startDevnet, type TestChain } from '../chain/helpers/chains.ts';
import { openShop, owner, prover, requester } from '../chain/helpers/settled.ts';
import { inferenceOf, inputsFor, reluModel, type TestModel } from '../chain/helpers/settling.ts';

export const OPG = 10n ** 18n;
export const PRICE = 20_000n;
export const TERMS = { denom: 'usd', price: PRICE, maxBond: 10n * OPG, minProveBlocks: 20 } as const;

/** The smallest model of the fixtures as a node serves it. */
export async function reluServed(): Promise<ServedModel> {
  const { circuit } = await compile(new Uint8Array(readFileSync('fixtures/envelopes/relu.onnx')));
  return serveModel('relu', circuit, (model) => modelIdFor(model, owner.address));
}

export type OrderChange = MessageInitShape<typeof OrderSchema>;

export interface Shop {
  readonly net: TestChain;
  readonly chain: Chain;
  readonly m: TestModel;
  readonly modelId: Uint8Array;
  readonly tabId: Uint8Array;
  /** The body of `POST /v1/infer` for input `seed`; changes to the order are signed over, changes to the body are not. */
  body(seed: number, change?: OrderChange, more?: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>;
  tab(who: Signer, amount: bigint, forProver?: Uint8Array): Promise<Uint8Array>;
  balance(who: Uint8Array, denom: string): Promise<bigint>;
  left(tabId: Uint8Array): Promise<bigint>;
  close(): Promise<void>;
}

export const jobOf = (body: Record<string, unknown>): Uint8Array => jobIdOf(Buffer.from(body.order as string, 'hex'));

let orders = 0;

/** A devnet with a registered model, a bonded prover, and a tab of one usd. */
export async function openedShop(idleMs?: number): Promise<Shop> {
  const [net, m] = await Promise.all([startDevnet(idleMs === undefined ? {} : { idleMs }), reluModel()]);
  const { modelId, tabId } = await openShop(net, m);
  const { chain } = net;
  return {
    net,
    chain,
    m,
    modelId,
    tabId,
    async body(seed, change = {}, more = {}) {
      const { height } = await chain.status();
      const i = inferenceOf(m, seed);
      const { order, orderSig } = signOrder(requester, {
        chainId: ascii(net.chainId),
        requester: requester.address,
        orderNonce: new Uint8Array(32).fill(++orders),
        modelId,
        mode: 1,
        inputCommitment: i.inputCommitment,
        denom: ascii('usd'),
        price: writeAmount(PRICE),
        bond: writeAmount(2n * OPG),
        prover: prover.address,
        tabId,
        openBy: height + 190n,
        proveBlocks: 10_000,
        settlementMode: 2,
        ...change,
      });
      return {
        model: toHex(modelId),
        mode: 'ZKML',
        model_input: inputsFor(m, seed),
        order: toHex(order),
        orderSig: toHex(orderSig),
        requesterPubkey: toHex(requester.pubkey),
        inputNonce: toHex(i.inputNonce),
        ...more,
      };
    },
    async tab(who, amount, forProver = prover.address) {
      const id = tabIdOf(who.address, ((await chain.account(who.address))?.nonce ?? 0n) + 1n);
      await chain.send(who, { case: 'openTab', value: { denom: ascii('usd'), amount: writeAmount(amount), prover: forProver } });
      return id;
    },
    async balance(who, denom) {
      const coin = (await chain.account(who))?.balances.find((b) => new TextDecoder().decode(b.denom) === denom);
      return coin === undefined ? 0n : readAmount(coin.amount, 'balance');
    },
    left: async (id) => readAmount((await chain.tab(id))?.amount ?? new Uint8Array(0), 'amount'),
    async close() {
      m.circuit.close();
      await net.close();
    },
  };
}

export interface Running {
  readonly node: InferenceNode;
  close(): Promise<void>;
}

/** A node of the shop's prover, in this process, with a queue of its own. */
export async function runNode(shop: Shop, more: Partial<InferenceNodeOptions> = {}): Promise<Running> {
  const dir = mkdtempSync(join(tmpdir(), 'queue-'));
  const models = more.models ?? [await reluServed()];
  const node = await startInferenceNode({ chain: shop.chain, signer: prover, terms: TERMS, dir, port: 0, ...more, models });
  return {
    node,
    async close() {
      await node.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** An HTTP answer as status and JSON. */
export async function post(url: string, body: unknown): Promise<{ readonly status: number; readonly json: Record<string, string> }> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${url}/v1/infer`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: text });
  return { status: response.status, json: (await response.json()) as Record<string, string> };
}

/** Asks until the answer is not null, at most `ms`. */
export async function until<T>(what: string, ms: number, ask: () => Promise<T | null> | T | null): Promise<T> {
  for (const end = Date.now() + ms; ; await new Promise((done) => setTimeout(done, 20))) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
  }
}
