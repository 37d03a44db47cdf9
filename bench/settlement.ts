/**
 * `npm run bench:settlement`: what the ledger does on this machine. Every figure is checked before it is printed: transactions are in blocks,
 * proofs are accepted, headers verify. Figures on a real node need CometBFT (COMETBFT_BIN); without it they are reported as not run.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeHome, runCometNode } from '../chain/abci/index.ts';
import { writeAmount } from '../chain/amounts.ts';
import { openLedger, workerPool } from '../chain/app/index.ts';
import type { Application } from '../chain/application.ts';
import { Chain, ledgerInference, ledgerModel, modelIdFor, type Signer, signerOf, signTx, statementFor } from '../chain/client/index.ts';
import { Json, readCommit, readHeader, readValidators } from '../chain/comet/json.ts';
import { openDevnet } from '../chain/devnet/index.ts';
import { DEFAULT_PARAMS, type Genesis, genesisToJson } from '../chain/genesis.ts';
import { soloIdOf } from '../chain/identities.ts';
import { checkSigned } from '../chain/light/verify.ts';
import { httpRpc } from '../chain/rpc/rpc.ts';
import { lmdbStore } from '../chain/store/lmdb.ts';
import { SYSTEMS } from '../chain/systems/index.ts';
import { compile, openCircuit } from '../index.ts';
import { serveModel } from '../node/index.ts';
import { ascii, equalBytes } from '../protocol/bytes.ts';
import { decodeEnvelope } from '../protocol/envelope.ts';
import { recorded } from '../scripts/recorded.ts';
import { chromiumBench } from './chromium.ts';
import { median } from './statistics.ts';

const SENDERS = 25;
const EACH = 40;
const PROOFS = 60;
const rows: { what: string; goal: string; value: string }[] = [];
const row = (what: string, goal: string, value: string): void => {
  rows.push({ what, goal, value });
  process.stderr.write(`${what}: ${value}\n`);
};

const people: Signer[] = Array.from({ length: SENDERS }, (_, i) => signerOf(new Uint8Array(32).fill(i + 1)));
const riches = { opg: 10n ** 22n, usd: 10n ** 12n };
const genesis: Genesis = {
  denoms: ['usd'],
  systems: SYSTEMS.map((s) => s.name),
  params: DEFAULT_PARAMS,
  accounts: people.map((p) => ({ address: p.address, balances: riches })),
  supply: { opg: riches.opg * BigInt(SENDERS), usd: riches.usd * BigInt(SENDERS) },
};
const pool = () => workerPool(new URL('../chain/app/verify.worker.js', import.meta.url), 2);
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const s = createServer().listen(0, '127.0.0.1', () => {
      const { port } = s.address() as { port: number };
      s.close(() => resolve(port));
    });
  });

/** A transaction of 6 kB that passes the door and fails behind it: the model does not exist. */
const large = (chainId: string, who: Signer, nonce: bigint): Uint8Array =>
  signTx(who, {
    chainId,
    nonce,
    validUntil: 900n,
    maxPrice: 10n ** 13n,
    msg: {
      case: 'verifyInference',
      value: {
        modelId: new Uint8Array(32),
        salt: new Uint8Array(32),
        inputNonce: new Uint8Array(32),
        proof: new Uint8Array(5700).fill(Number(nonce)),
      },
    },
  }).bytes;

interface Running {
  readonly chain: Chain;
  readonly chainId: string;
  close(): Promise<void>;
}

async function comet(binary: string): Promise<Running> {
  const dir = mkdtempSync(join(tmpdir(), 'bench-'));
  const home = join(dir, 'home');
  const settings = { moniker: 'bench', rpcPort: await freePort(), p2pPort: await freePort() };
  await makeHome(binary, home, { chainId: 'bench-1', appState: genesisToJson(genesis), maxGas: genesis.params.blockVgas, settings });
  const app = openLedger({ store: lmdbStore(join(dir, 'ledger')), systems: SYSTEMS, pool: pool() });
  const node = await runCometNode({ app, home, binary, socket: `unix://${join(dir, 's')}` });
  const chain = new Chain(httpRpc(node.rpcUrl));
  while ((await chain.status()).height < 1n) await chain.pause(50);
  return {
    chain,
    chainId: 'bench-1',
    async close() {
      await node.stop();
      await app.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Transactions a second from the first broadcast to the last commit. */
async function throughput({ chain, chainId }: Running): Promise<string> {
  const txs = people.flatMap((who) => Array.from({ length: EACH }, (_, i) => ({ who, nonce: BigInt(i + 1) })));
  const signed = people.map((who) => Array.from({ length: EACH }, (_, i) => large(chainId, who, BigInt(i + 1))));
  const started = performance.now();
  await Promise.all(
    signed.map(async (own) => {
      for (const bytes of own) await chain.broadcast(bytes);
    }),
  );
  for (;;) {
    const nonces = await Promise.all(people.map(async (p) => (await chain.account(p.address))?.nonce ?? 0n));
    if (nonces.every((n) => n === BigInt(EACH))) break;
    await chain.pause(20);
  }
  const seconds = (performance.now() - started) / 1000;
  return `${(txs.length / seconds).toFixed(0)} tx/s (${txs.length} of ${signed[0]?.[0]?.length} bytes in ${seconds.toFixed(1)} s)`;
}

/** Proofs of mnist-cnn settled a minute, verification included; the proofs are made before. */
async function settlements({ chain, chainId }: Running, from: bigint): Promise<string> {
  const { model, inputs } = recorded('mnist-cnn.qop');
  const { circuit, key } = await compile(model);
  const open = openCircuit(circuit);
  const ledger = ledgerModel(key);
  const [owner] = people as [Signer];
  await chain.send(owner, { case: 'registerModel', value: { commitment: ledger.commitment, key } });
  const modelId = modelIdFor(ledger, owner.address);
  const txs: Uint8Array[] = [];
  const values = Object.fromEntries(Object.entries(inputs(0)).map(([name, t]) => [name, t.data as ArrayLike<number>]));
  const inference = ledgerInference(ledger, open.run(values).integers, new Uint8Array(32));
  for (let i = 0; i < PROOFS; i++) {
    const who = people[1 + (i % (SENDERS - 1))] as Signer;
    const salt = new Uint8Array(32).fill(i + 1);
    const context = statementFor(ledger, inference, { chainId, modelId, jobId: soloIdOf(who.address, salt), prover: who.address });
    const { envelope } = await open.prove(values, { context });
    const { input, output, inputNonce } = inference;
    txs.push(
      signTx(who, {
        chainId,
        nonce: from + 1n + BigInt(Math.floor(i / (SENDERS - 1))),
        validUntil: 900n,
        maxPrice: 10n ** 13n,
        vgasLimit: ledger.key.vgas,
        msg: { case: 'verifyInference', value: { modelId, salt, inputNonce, input, output, proof: decodeEnvelope(envelope).proof } },
      }).bytes,
    );
  }
  open.close();
  const started = performance.now();
  for (const bytes of txs) await chain.broadcast(bytes);
  for (;;) {
    const counts = (await chain.ask('/jobs')).get('counts');
    const done = counts.get('FINAL(PROVEN)').missing ? 0 : counts.get('FINAL(PROVEN)').small(1e6);
    if (done === PROOFS) break;
    await chain.pause(20);
  }
  const seconds = (performance.now() - started) / 1000;
  return `${((60 * PROOFS) / seconds).toFixed(0)} a minute (${PROOFS} proofs in ${seconds.toFixed(1)} s)`;
}

/** Milliseconds of FinalizeBlock and Commit of 20 transfers, on disk. */
async function blocks(): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'bench-'));
  const app: Application = openLedger({ store: lmdbStore(dir), systems: SYSTEMS, pool: pool() });
  await app.initChain({ chainId: 'bench-1', appState: genesisToJson(genesis), initialHeight: 1n });
  const times: number[] = [];
  for (let h = 1n; h <= 30n; h++) {
    const txs = people.slice(0, 20).map(
      (who) =>
        signTx(who, {
          chainId: 'bench-1',
          nonce: h,
          validUntil: 900n,
          maxPrice: 10n ** 13n,
          msg: { case: 'transfer', value: { to: people[20]?.address ?? new Uint8Array(20), denom: ascii('usd'), amount: writeAmount(1n) } },
        }).bytes,
    );
    for (const tx of txs) if ((await app.checkTx(tx, false)).code !== 0) throw new Error('a transfer is refused');
    const started = performance.now();
    const { results } = await app.finalizeBlock({ height: h, time: h * 1_000_000_000n, txs, proposer: new Uint8Array(20) });
    await app.commit();
    times.push(performance.now() - started);
    if (results.some((r) => r.code !== 0)) throw new Error('a transfer failed');
  }
  await app.close();
  rmSync(dir, { recursive: true, force: true });
  return `${median(times.slice(5)).toFixed(1)} ms`;
}

/** Milliseconds from nothing to a first block that can be asked for. */
async function firstBlock(): Promise<string> {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const started = performance.now();
    const devnet = await openDevnet({ systems: SYSTEMS, pool: pool() });
    if (devnet.net.height < 1n) throw new Error('no block');
    times.push(performance.now() - started);
    await devnet.close();
  }
  return `${median(times).toFixed(0)} ms`;
}

/** Milliseconds to check one header with its commit (one validator), in Node and in a worker of a page. */
async function lightHeader({ chain }: Running): Promise<void> {
  const goal = '≤ 20 ms in the page';
  const { signed_header } = (await chain.rpc.call('commit', { height: '1' })) as { signed_header: { header: unknown; commit: unknown } };
  const { validators } = (await chain.rpc.call('validators', { height: '1' })) as { validators: unknown };
  const told = { ...signed_header, validators };
  const json = new Json(told);
  const block = {
    header: readHeader(json.get('header')),
    commit: readCommit(json.get('commit')),
    validators: readValidators(json.get('validators')),
  };
  const times: number[] = [];
  for (let i = 0; i < 30; i++) {
    const started = performance.now();
    if (checkSigned(block) !== 100) throw new Error('not signed');
    times.push(performance.now() - started);
  }
  row('light client, one header of one validator, Node', goal, `${median(times.slice(5)).toFixed(1)} ms`);
  const dir = mkdtempSync(join(tmpdir(), 'bench-'));
  const subject = join(dir, 'subject');
  mkdirSync(subject);
  writeFileSync(join(subject, 'header.json'), JSON.stringify(told));
  const browser = await chromiumBench(join(dir, 'page'), subject);
  let inPage = 'not run: no Chromium';
  if (browser !== null) {
    const { answer } = await browser.headers({ task: 'headers', repeats: 30 });
    inPage = `${median(answer.slice(5)).toFixed(1)} ms (the first ${(answer[0] as number).toFixed(1)} ms), Chromium ${browser.version}`;
    browser.close();
  }
  row('light client, one header of one validator, page', goal, inPage);
  rmSync(dir, { recursive: true, force: true });
}

/**
 * What an answer costs before it is signed: the model's run, its integers, canonical tensors and commitments. By onnxruntime and by the
 * integers of the circuit, against onnxruntime alone with the same options; the order of the three changes from input to input.
 */
async function answers(name: string): Promise<void> {
  const goal = '≤ 1.5 × onnxruntime alone';
  const ort = await import('onnxruntime-node').catch(() => null);
  if (ort === null) return row(`answer, ${name}`, goal, 'not run: onnxruntime-node is not there');
  const { model, inputs, count } = recorded(name);
  const { circuit } = await compile(model);
  const nonce = new Uint8Array(32);
  const session = await ort.InferenceSession.create(model, { executionProviders: ['cpu'] });
  const [byRuntime, byCircuit] = await Promise.all([
    serveModel(name, circuit, () => nonce, { onnx: model }),
    serveModel(name, circuit, () => nonce),
  ]);
  const cases = Array.from({ length: Math.min(count, 20) }, (_, i) => ({
    values: Object.fromEntries(Object.entries(inputs(i)).map(([n, t]) => [n, t.data as ArrayLike<number>])),
    feeds: Object.fromEntries(
      Object.entries(inputs(i)).map(([n, t]) => [n, new ort.Tensor(t.dtype as 'float32', t.data as Float32Array, [...t.shape])]),
    ),
  }));
  for (const { values } of cases) {
    const [a, b] = [await byRuntime.answer(values, nonce), await byCircuit.answer(values, nonce)];
    if (!equalBytes(a.inference.output, b.inference.output)) throw new Error('onnxruntime and the circuit differ');
  }
  const times = new Map<string, number[]>();
  const clock = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    const started = performance.now();
    await work();
    times.set(what, [...(times.get(what) ?? []), performance.now() - started]);
  };
  for (let i = 0; i < 200; i++) {
    const { values, feeds } = cases[i % cases.length] as (typeof cases)[number];
    const three = [
      () => clock('alone', () => session.run(feeds)),
      () => clock('runtime', () => byRuntime.answer(values, nonce)),
      () => clock('circuit', () => byCircuit.answer(values, nonce)),
    ];
    for (let k = 0; k < 3; k++) await three[(i + k) % 3]?.();
  }
  const ms = (what: string): number => median((times.get(what) ?? []).slice(20));
  const ratio = (what: string): string => `${ms(what).toFixed(2)} ms (× ${(ms(what) / ms('alone')).toFixed(2)})`;
  row(
    `answer, ${name}`,
    goal,
    `onnxruntime alone ${ms('alone').toFixed(2)} ms; answer by it ${ratio('runtime')}, by the circuit ${ratio('circuit')}`,
  );
  await Promise.all([byRuntime.close(), byCircuit.close(), session.release()]);
}

const binary = process.env.COMETBFT_BIN ?? '';
row('devnet, start to first block', '≤ 1 s', await firstBlock());
row('FinalizeBlock + Commit, 20 transfers', '≤ 20 ms', await blocks());
for (const name of ['mnist-cnn.qop', 'lenet5-max.qop', 'cifar-cnn-264k.qop', 'dense-4m.qop']) await answers(name);
if (existsSync(binary)) {
  const node = await comet(binary);
  try {
    await lightHeader(node);
    row('CheckTx to commit, 6 kB, one CometBFT node', '≥ 150 tx/s', await throughput(node));
    row('mnist-cnn.qop proofs settled, one validator', '≥ 100 a minute', await settlements(node, BigInt(EACH)));
  } finally {
    await node.close();
  }
} else row('figures on CometBFT', '', 'not run: COMETBFT_BIN names no file');

const cpu = cpus();
const head = `Settlement, ${new Date().toISOString().slice(0, 10)}: ${cpu.length} cores (${cpu[0]?.model.trim()}), Node ${process.version.slice(1)}. \`npm run bench:settlement\`, medians.\n`;
const table = ['| what | goal | measured |', '|---|---|---|', ...rows.map((r) => `| ${r.what} | ${r.goal} | ${r.value} |`)].join('\n');
process.stdout.write(`${head}\n${table}\n`);
writeFileSync('bench/results/settlement.md', `${head}\n${table}\n`);
