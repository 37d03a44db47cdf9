/**
 * `npm run demo:chain`: a devnet, an inference node and a client in this process. A job that is answered, proven and paid; a lie that is
 * challenged and slashed; a bad proof that pays its burn. Balances before and after, and that they sum. Exit 0 only if all of it goes as it
 * should.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { showAddress } from '../chain/accounts.ts';
import { readAmount, showAmount, writeAmount } from '../chain/amounts.ts';
import { inlinePool } from '../chain/app/index.ts';
import {
  Chain,
  ledgerInference,
  ledgerModel,
  modelIdFor,
  type Signer,
  signerOf,
  signOrder,
  statementFor,
  TxRefused,
} from '../chain/client/index.ts';
import { Json, readCommit, readHeader } from '../chain/comet/json.ts';
import { openDevnet } from '../chain/devnet/index.ts';
import { DEFAULT_PARAMS } from '../chain/genesis.ts';
import { jobIdOf, soloIdOf } from '../chain/identities.ts';
import { type Checkpoint, checkpointOf } from '../chain/light/checkpoint.ts';
import { LightClient } from '../chain/light/follow.ts';
import { httpRpc } from '../chain/rpc/rpc.ts';
import { describeState, MODES, SETTLEMENT_MODES } from '../chain/states.ts';
import { SYSTEMS } from '../chain/systems/index.ts';
import { outputCommitment } from '../chain/tensors.ts';
import { columns } from '../cli/text.ts';
import { compile, openCircuit } from '../index.ts';
import { ask, makeOrder, readOffer, serveModel, startInferenceNode } from '../node/index.ts';
import { ascii } from '../protocol/bytes.ts';
import { decodeEnvelope } from '../protocol/envelope.ts';
import { recorded } from './recorded.ts';

const OPG = 10n ** 18n;
const line = (label: string, text = ''): void => console.log(`${label.padEnd(14)}${text}`.trimEnd());
const bytes = (n: number): Uint8Array => new Uint8Array(32).fill(n);

const people = {
  owner: signerOf(bytes(1)),
  prover: signerOf(bytes(2)),
  liar: signerOf(bytes(3)),
  client: signerOf(bytes(4)),
} satisfies Record<string, Signer>;
type Name = keyof typeof people;

/** What did not go as it should. */
const wrong: string[] = [];
const should = (holds: boolean, sentence: string): void => {
  if (!holds) wrong.push(sentence);
};

/** What everybody holds: balances, bonds, tabs; and whether it sums to what was minted. */
class Books {
  readonly #chain: Chain;
  readonly #tabs: Uint8Array[] = [];
  readonly #jobs: Uint8Array[] = [];

  constructor(chain: Chain) {
    this.#chain = chain;
  }

  tab(id: Uint8Array): void {
    this.#tabs.push(id);
  }

  job(id: Uint8Array): void {
    this.#jobs.push(id);
  }

  async read(): Promise<{
    readonly of: Record<Name, { opg: bigint; usd: bigint; bond: bigint }>;
    readonly burned: bigint;
    readonly sums: boolean;
  }> {
    const of = {} as Record<Name, { opg: bigint; usd: bigint; bond: bigint }>;
    const total: Record<string, bigint> = { opg: 0n, usd: 0n };
    const add = (denom: string, n: bigint): void => {
      total[denom] = (total[denom] ?? 0n) + n;
    };
    for (const [name, signer] of Object.entries(people) as [Name, Signer][]) {
      const account = await this.#chain.account(signer.address);
      const held = (denom: string): bigint => {
        const coin = account?.balances.find((b) => new TextDecoder().decode(b.denom) === denom);
        return coin === undefined ? 0n : readAmount(coin.amount, 'balance');
      };
      const prover = await this.#chain.prover(signer.address);
      const bond = prover === null ? 0n : readAmount(prover.free, 'free') + readAmount(prover.locked, 'locked');
      of[name] = { opg: held('opg'), usd: held('usd'), bond };
      add('opg', of[name].opg + bond);
      add('usd', of[name].usd);
    }
    for (const id of this.#tabs) {
      const tab = await this.#chain.tab(id);
      if (tab !== null) add('usd', readAmount(tab.amount, 'tab'));
    }
    for (const id of this.#jobs) {
      const job = await this.#chain.job(id);
      if (job !== null) {
        add('usd', readAmount(job.escrow, 'escrow'));
        add('opg', readAmount(job.bounty, 'bounty'));
      }
    }
    const supply = await this.#chain.ask('/supply');
    const burned = supply.get('opg').get('burned').amount();
    add('opg', burned);
    const sums = ['opg', 'usd'].every((d) => total[d] === supply.get(d).get('minted').amount());
    return { of, burned, sums };
  }

  async show(title: string): Promise<void> {
    const { of, burned, sums } = await this.read();
    line('balances', title);
    const rows = Object.entries(of).map(([name, b]) => [
      name,
      showAmount(b.opg, 'opg'),
      showAmount(b.usd, 'usd'),
      b.bond > 0n ? `bond ${showAmount(b.bond, 'opg')}` : '',
    ]);
    console.log(columns([...rows, ['burned', showAmount(burned, 'opg'), '', '']], ' '.repeat(14)));
    line('', sums ? 'every pot sums to what was minted' : 'THE POTS DO NOT SUM TO WHAT WAS MINTED');
    should(sums, `the pots sum (${title})`);
  }
}

async function demo(dir: string): Promise<void> {
  const riches = { opg: 1000n * OPG, usd: 100n * 10n ** 6n };
  const started = performance.now();
  const devnet = await openDevnet({
    systems: SYSTEMS,
    pool: inlinePool(SYSTEMS),
    blockMs: 50,
    genesis: {
      params: DEFAULT_PARAMS,
      accounts: Object.values(people).map((p) => ({ address: p.address, balances: riches })),
      supply: { opg: 4n * riches.opg, usd: 4n * riches.usd },
    },
  });
  line('devnet', `${devnet.chainId}, first block after ${(performance.now() - started).toFixed(0)} ms`);
  const rpc = httpRpc(devnet.url);
  const chain = new Chain(rpc);
  const books = new Books(chain);
  try {
    await books.show('at the start');

    const { model, inputs, labels } = recorded('mnist-cnn.qop');
    const { circuit, key } = await compile(model);
    const ledger = ledgerModel(key);
    const modelId = modelIdFor(ledger, people.owner.address);
    await chain.send(people.owner, { case: 'registerModel', value: { commitment: ledger.commitment, key } });
    for (const p of [people.prover, people.liar])
      await chain.send(p, {
        case: 'registerProver',
        value: { endpoint: ascii('http://127.0.0.1'), modes: [MODES.ZKML], addBond: writeAmount(200n * OPG) },
      });
    line('registered', `a model of ${key.length} key bytes, and two provers with 200 opg of bond each`);

    const served = await serveModel('mnist', circuit, () => modelId);
    const node = await startInferenceNode({
      chain,
      signer: people.prover,
      models: [served],
      terms: { denom: 'usd', price: 20_000n, maxBond: 100n * OPG, minProveBlocks: 20 },
      dir: join(dir, 'queue'),
      port: 0,
    });
    try {
      await honest(chain, books, node.url, modelId, inputs(3), labels[3]);
      await books.show('after a proven job: 0.02 usd went to the prover, who burned the gas');
    } finally {
      await node.close();
    }
    await lie(chain, books, circuit, modelId, inputs(4));
    await books.show('after the lie: half of the bond of 10 opg burned, half with the client');
    await badProof(chain, circuit, modelId, inputs(5));
    await books.show('after the bad proof: its sender paid the burn, nothing else moved');
  } finally {
    await devnet.close();
  }
}

/** A node answers, proves, is paid; the client believes its own verifier and light client. */
async function honest(chain: Chain, books: Books, node: string, modelId: Uint8Array, inputs: Inputs, label: unknown): Promise<void> {
  const offer = await readOffer(node);
  const tab = await chain.send(people.client, {
    case: 'openTab',
    value: { denom: ascii('usd'), amount: writeAmount(100_000n), prover: offer.prover },
  });
  books.tab(tab.data);
  const light = new LightClient(chain.rpc, await firstBlock(chain), around);
  const o = { chain, light };
  line('ask', `a handwritten ${String(label)}`);
  const values = Object.fromEntries(Object.entries(inputs).map(([name, t]) => [name, t.data as ArrayLike<number>]));
  const kept = await makeOrder(o, people.client, node, offer, modelId, values, {
    tabId: tab.data,
    bond: 10n * OPG,
    proveBlocks: 100,
    rescueBlocks: 0,
    openBlocks: 50n,
  });
  let last = '';
  for await (const u of ask(kept, o)) {
    last = u.status;
    if (u.status === 'ANSWERED') {
      const [out] = u.outputs;
      const data = Array.from((out?.data ?? []) as ArrayLike<number>);
      line(u.status, `${data.indexOf(Math.max(...data))} after ${u.ms.toFixed(0)} ms; receipt ok, nothing at stake yet`);
      books.job(u.jobId);
    } else if (u.status === 'PENDING')
      line(u.status, `height ${u.height}, bond ${showAmount(u.bond, 'opg')} locked, proof due by ${u.proveBy}`);
    else if (u.status === 'PROVEN/FINAL') {
      const burned = u.burned === null ? '' : `, burned ${showAmount(u.burned, 'opg')}`;
      line(
        u.status,
        `height ${u.height}, paid ${showAmount(u.paid, u.denom)} to ${showAddress(u.prover)}${burned}, proof checked here in ${u.checkMs.toFixed(0)} ms`,
      );
    } else line(u.status, u.reason);
  }
  should(last === 'PROVEN/FINAL', 'the honest job is proven');
}

/** The liar answers with another output; the client proves the right one. */
async function lie(chain: Chain, books: Books, circuitFile: Uint8Array, modelId: Uint8Array, inputs: Inputs): Promise<void> {
  const circuit = openCircuit(circuitFile);
  const model = ledgerModel(circuit.key);
  const values = Object.fromEntries(Object.entries(inputs).map(([name, t]) => [name, t.data as ArrayLike<number>]));
  const ran = circuit.run(values);
  const truth = ledgerInference(model, ran.integers, bytes(9));
  const lied = ledgerInference(
    model,
    { inputs: ran.integers.inputs, outputs: ran.integers.outputs.map((o) => Int32Array.from(o).reverse()) },
    bytes(9),
  );
  const { chainId, height } = await chain.status();
  const { order, orderSig } = signOrder(people.client, {
    chainId: ascii(chainId),
    requester: people.client.address,
    orderNonce: bytes(8),
    modelId,
    mode: MODES.ZKML,
    inputCommitment: truth.inputCommitment,
    denom: ascii('usd'),
    price: writeAmount(20_000n),
    bond: writeAmount(10n * OPG),
    prover: people.liar.address,
    openBy: height + 50n,
    proveBlocks: 100,
    settlementMode: SETTLEMENT_MODES.individual,
  });
  const jobId = jobIdOf(order);
  books.job(jobId);
  const result = { outputCommitment: outputCommitment(lied.output), output: lied.output };
  await chain.send(people.liar, { case: 'openJob', value: { order, orderSig, requesterPubkey: people.client.pubkey, result } });
  line('the lie', 'another prover posts an output that the model does not give, with 10 opg at stake');
  const context = statementFor(model, truth, { chainId, modelId, jobId, prover: people.client.address });
  const { envelope } = await circuit.prove(values, { context });
  circuit.close();
  const { input, output, inputNonce } = truth;
  await chain.send(
    people.client,
    { case: 'challenge', value: { jobId, inputNonce, input, output, proof: decodeEnvelope(envelope).proof } },
    { vgasLimit: model.key.vgas },
  );
  const job = await chain.job(jobId);
  const state = job === null ? 'gone' : describeState(job);
  line('challenged', `the client proves the right output: the job is ${state}`);
  should(state === 'FAILED(fraud)', 'the lie is slashed');
}

/** A proof of something else: refused, and its sender pays. */
async function badProof(chain: Chain, circuitFile: Uint8Array, modelId: Uint8Array, inputs: Inputs): Promise<void> {
  const circuit = openCircuit(circuitFile);
  const model = ledgerModel(circuit.key);
  const values = Object.fromEntries(Object.entries(inputs).map(([name, t]) => [name, t.data as ArrayLike<number>]));
  const inference = ledgerInference(model, circuit.run(values).integers, bytes(7));
  const { chainId } = await chain.status();
  const salt = bytes(6);
  const context = statementFor(model, inference, {
    chainId,
    modelId,
    jobId: soloIdOf(people.client.address, salt),
    prover: people.client.address,
  });
  const { envelope } = await circuit.prove(values, { context });
  circuit.close();
  const proof = decodeEnvelope(envelope).proof.slice();
  proof[5000] = (proof[5000] as number) ^ 1;
  const { input, output, inputNonce } = inference;
  try {
    await chain.send(
      people.client,
      { case: 'verifyInference', value: { modelId, salt, inputNonce, input, output, proof } },
      { vgasLimit: model.key.vgas },
    );
    should(false, 'a proof with a flipped bit is refused');
  } catch (e) {
    if (!(e instanceof TxRefused)) throw e;
    line('a bad proof', `one bit flipped: ${e.message.slice(0, 80)}`);
  }
}

type Inputs = ReturnType<ReturnType<typeof recorded>['inputs']>;
const around = {
  now: (): bigint => BigInt(Date.now()) * 1_000_000n,
  pause: (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms)),
};

/** Trust begins with the first block: this process made it. */
async function firstBlock(chain: Chain): Promise<Checkpoint> {
  const signed = new Json(await chain.rpc.call('commit', { height: '1' })).get('signed_header');
  return checkpointOf({ header: readHeader(signed.get('header')), commit: readCommit(signed.get('commit')) });
}

const dir = mkdtempSync(join(tmpdir(), 'demo-chain-'));
try {
  await demo(dir);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
for (const sentence of wrong) line('NOT SO', sentence);
process.exitCode = wrong.length === 0 ? 0 : 1;
