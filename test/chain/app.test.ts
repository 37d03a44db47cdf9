/**
 * The ledger as a block maker drives it (settlement §8.2, §8.3): proposals and votes on them, proofs that kill their verifier, restarts. The
 * pure ledger of the helpers, fed the same transactions, says what the AppHash must be.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ed25519 } from '@noble/curves/ed25519.js';
import { open } from 'lmdb';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { writeAmount } from '../../chain/amounts.ts';
import { inlinePool, openLedger, VerifierDied, type VerifierPool, workerPool } from '../../chain/app/index.ts';
import type { Application, TxResult } from '../../chain/application.ts';
import type { Msg, Signer } from '../../chain/client/index.ts';
import { codeName } from '../../chain/codes.ts';
import { memoryBlocks } from '../../chain/devnet/blocks.ts';
import { Devnet } from '../../chain/devnet/devnet.ts';
import { devnetGenesis } from '../../chain/devnet/genesis.ts';
import { genesisToJson } from '../../chain/genesis.ts';
import { STORES } from '../../chain/state/index.ts';
import { lmdbStore } from '../../chain/store/lmdb.ts';
import { memoryStore } from '../../chain/store/memory.ts';
import type { Store } from '../../chain/store/store.ts';
import type { ProofSystem } from '../../chain/systems/system.ts';
import { ascii, toHex } from '../../protocol/bytes.ts';
import { bundle } from '../bundle.ts';
import { person } from './helpers/chains.ts';
import { testSystem } from './helpers/hash-system.ts';
import { CHAIN, Market } from './helpers/market.ts';
import { DEATHS, deadly, mortalSystem } from './helpers/mortal.ts';

const never = mortalSystem((death) => {
  throw new Error(`a proof that kills (${death}) was verified in this thread`);
});

const open$: Application[] = [];
afterEach(async () => {
  await Promise.all(open$.splice(0).map((app) => app.close()));
});

function start({
  store = memoryStore(),
  pool,
  systems = [never],
}: {
  store?: Store;
  pool?: VerifierPool;
  systems?: readonly ProofSystem[];
} = {}): Application {
  const app = openLedger({ store, systems, pool: pool ?? inlinePool(systems) });
  open$.push(app);
  return app;
}

const born = (app: Application, market: Market): Promise<unknown> =>
  app.initChain({ chainId: CHAIN, appState: JSON.parse(JSON.stringify(genesisToJson(market.ledger.genesis))), initialHeight: 1n });

const blockOf = (height: bigint, txs: readonly Uint8Array[]) => ({
  height,
  time: height * 1_000_000_000n,
  proposer: new Uint8Array(20),
  txs,
});
const next = (app: Application): bigint => app.info().height + 1n;

/** Votes for a block, runs it, commits it. */
async function run(app: Application, txs: readonly Uint8Array[]): Promise<readonly TxResult[]> {
  const block = blockOf(next(app), txs);
  expect(await app.processProposal(block)).toBe(true);
  const { results } = await app.finalizeBlock(block);
  await app.commit();
  return results;
}

/** An application that has done what the market's ledger did. */
async function following(market: Market, options: Parameters<typeof start>[0] = {}): Promise<Application> {
  const app = start(options);
  await born(app, market);
  for (const txs of market.ledger.blocks) await run(app, txs);
  expect(toHex(app.info().appHash)).toBe(toHex(market.ledger.state.appHash()));
  return app;
}

const proposal = (app: Application, txs: readonly Uint8Array[], maxTxBytes = 4_000_000n): Promise<readonly Uint8Array[]> =>
  app.prepareProposal({ height: next(app), time: 0n, txs, maxTxBytes });

const transfer = (to: Signer, amount = 1n, denom = 'usd'): Msg => ({
  case: 'transfer',
  value: { to: to.address, denom: ascii(denom), amount: writeAmount(amount) },
});
const named = (results: readonly TxResult[]): string[] => results.map((r) => codeName(r.code));

/** Transactions of one sender in a row. */
const row = (market: Market, who: Signer, msgs: readonly Msg[], gas = {}): Uint8Array[] =>
  msgs.map((msg, i) =>
    market.ledger.tx(who, msg, {
      nonce: market.ledger.nonce(who) + 1n + BigInt(i),
      ...(msg.case === 'postProof' || msg.case === 'challenge' ? market.gas : {}),
      ...gas,
    }),
  );

const post = (market: Market, jobId: Uint8Array, input: number, output: number, proof?: Uint8Array): Msg => {
  const evidence = market.evidence(jobId, market.prover, input, output);
  return { case: 'postProof', value: proof === undefined ? evidence : { ...evidence, proof } };
};

describe('proposals', () => {
  test('what has no job’s or payer’s name is left out, however long it is', async () => {
    const market = new Market();
    const app = await following(market);
    const long = new Uint8Array(600_000);
    const named = market.evidence(new Uint8Array(32), market.prover, 1, 2);
    const bad = market.ledger.tx(market.prover, { case: 'postProof', value: { ...named, jobId: long } }, market.gas);
    const sponsor = { ...person(9), address: long };
    const good = market.ledger.tx(market.other, transfer(market.prover));
    expect(await proposal(app, [bad, market.ledger.tx(market.other, transfer(market.prover), { sponsor }), good])).toEqual([good]);
  });

  test('proofs come first, by deadline, each behind its sender’s lower nonces; the rest as received', async () => {
    const market = new Market();
    const late = market.open(1, 2, { proveBlocks: 60 });
    const soon = market.open(3, 4, { proveBlocks: 30 });
    const between = market.open(5, 6, { proveBlocks: 45 });
    const app = await following(market);
    const [t, a, b] = row(market, market.prover, [transfer(market.other), post(market, late, 1, 2), post(market, soon, 3, 4)]) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    const [x, y] = row(market, market.requester, [transfer(market.other), transfer(market.owner)]) as [Uint8Array, Uint8Array];
    const [c] = row(market, market.other, [{ case: 'challenge', value: market.evidence(between, market.other, 5, 9) }]) as [Uint8Array];
    // `soon` is the nearest, behind two lower nonces; then the challenge; then what is left, in order.
    expect(await proposal(app, [y, x, c, b, a, t])).toEqual([t, a, b, c, x]);
    expect(await proposal(app, [x, y, c, b, a, t])).toEqual([t, a, b, c, x, y]);
    // Without the lower nonce the proofs cannot act.
    expect(await proposal(app, [x, c, b, a])).toEqual([c, x]);
    expect(named(await run(app, await proposal(app, [x, y, c, b, a, t])))).toEqual(['OK', 'OK', 'OK', 'OK', 'OK', 'OK']);
  });

  test('bytes and gas end a proposal, what is smaller still fits', async () => {
    const market = new Market();
    const app = await following(market);
    const txs = row(
      market,
      market.other,
      Array.from({ length: 5 }, () => transfer(market.owner)),
    );
    const size = BigInt((txs[0] as Uint8Array).length + 3);
    expect(await proposal(app, txs, 3n * size)).toEqual(txs.slice(0, 3));
    expect(await proposal(app, txs, 3n * size - 1n)).toEqual(txs.slice(0, 2));
    expect(await proposal(app, txs, 0n)).toEqual([]);

    // Two million gas a block: one proof that reserves a million fits, and not a second beside it, but a transfer does.
    const jobs = [market.open(1, 2), market.open(3, 4)] as [Uint8Array, Uint8Array];
    const full = await following(market);
    const dear = row(market, market.prover, [post(market, jobs[0], 1, 2), post(market, jobs[1], 3, 4)], { vgasLimit: 1_000_000n });
    const [small] = row(market, market.other, [transfer(market.owner)]) as [Uint8Array];
    const chosen = await proposal(full, [...dear, small]);
    expect(chosen).toEqual([dear[0], small]);
    expect(await full.processProposal(blockOf(next(full), [...dear, small]))).toBe(false);
    expect(await full.processProposal(blockOf(next(full), chosen))).toBe(true);
  });

  test('what is no transaction, comes twice, or would fail at a door is left out', async () => {
    const market = new Market();
    const app = await following(market);
    const [good] = row(market, market.other, [transfer(market.owner)]) as [Uint8Array];
    const [, later] = row(market, market.requester, [transfer(market.owner), transfer(market.owner)]) as [Uint8Array, Uint8Array];
    const expired = market.ledger.tx(market.owner, transfer(market.other), { validUntil: 1n });
    const padded = Uint8Array.of(...good, 0x78, 0);
    expect(await proposal(app, [Uint8Array.of(1, 2), padded, good, good, later, expired, new Uint8Array(0)])).toEqual([good]);
  });

  test('gas that is reserved is paid: transfers reserve none, and who empties the account first reserves nothing', async () => {
    const market = new Market();
    const app = await following(market);
    const greedy = [1n, 2n].map((n) => market.ledger.tx(market.other, transfer(market.owner, n), { vgasLimit: 1_000_000n }));
    for (const tx of greedy) expect(codeName((await app.checkTx(tx, false)).code)).toBe('E_VGAS_LIMIT');
    expect(await proposal(app, greedy)).toEqual([]);

    // All of the money goes away first; what follows would reserve a million each, and pay nothing.
    const held = market.ledger.balance(market.other.address, 'opg');
    const [first] = row(market, market.other, [transfer(market.owner, 1n, 'opg')]) as [Uint8Array];
    const gas = BigInt(1000 + Math.ceil((first.length + 16) / 2));
    const price = 2n * 10n ** 11n;
    const empty = transfer(market.owner, held - 2n * gas * price, 'opg');
    const solo: Msg = {
      case: 'verifyInference',
      value: { ...market.evidence(new Uint8Array(32), market.other, 1, 2), modelId: market.modelId, salt: new Uint8Array(32) },
    };
    const txs = [
      ...row(market, market.other, [empty]),
      ...[2n, 3n].map((n) => market.ledger.tx(market.other, solo, { nonce: market.ledger.nonce(market.other) + n, vgasLimit: 900_000n })),
    ];
    const chosen = await proposal(app, txs);
    expect(chosen).toEqual(txs.slice(0, 1));
    expect(named(await run(app, chosen))).toEqual(['OK']);
  });

  test('a funded proof that is invalid stays: it pays', async () => {
    const market = new Market();
    const jobId = market.open(1, 2);
    const app = await following(market);
    const bad = row(market, market.prover, [post(market, jobId, 1, 2, new Uint8Array(32).fill(7))]);
    expect(await proposal(app, bad)).toEqual(bad);
    const [result] = await run(app, bad);
    expect([codeName(result?.code ?? 0), (result?.gasUsed ?? 0n) > 1000n]).toEqual(['E_PROOF_INVALID', true]);
  });

  test('a vote against: what is no transaction, one that comes twice, too much gas; nothing else', async () => {
    const market = new Market();
    const app = await following(market);
    const [good] = row(market, market.other, [transfer(market.owner)]) as [Uint8Array];
    const vote = (txs: readonly Uint8Array[]): Promise<boolean> => app.processProposal(blockOf(next(app), txs));
    expect(await vote([])).toBe(true);
    expect(await vote([good])).toBe(true);
    expect(await vote([good, Uint8Array.of(1, 2)])).toBe(false);
    expect(await vote([Uint8Array.of(...good, 0x78, 0)])).toBe(false);
    expect(await vote([new Uint8Array(720_897)])).toBe(false);
    expect(await vote([good, good])).toBe(false);
    // A door that is shut is no reason: the transaction gets its code.
    const wrong = market.ledger.tx(market.owner, transfer(market.other), { nonce: 99n });
    expect(await vote([wrong, good])).toBe(true);
    expect(named(await run(app, [wrong, good]))).toEqual(['E_NONCE', 'OK']);
  });

  test('a transaction that is in two blocks acts once, and pays once', async () => {
    const market = new Market();
    const app = await following(market);
    const [tx] = row(market, market.other, [transfer(market.owner, 5n)]) as [Uint8Array];
    expect(named(await run(app, [tx]))).toEqual(['OK']);
    const { appHash } = app.info();
    const [again] = await run(app, [tx]);
    expect([codeName(again?.code ?? 0), again?.gasUsed]).toEqual(['E_NONCE', 0n]);
    expect(app.info().appHash).toEqual(appHash);
    expect(codeName((await app.checkTx(tx, true)).code)).toBe('E_NONCE');
  });

  test('what waits counts at the door: nonces in a row, burns in sum, sixty-four of a sender', async () => {
    const market = new Market();
    const app = await following(market);
    const txs = row(
      market,
      market.other,
      Array.from({ length: 66 }, () => transfer(market.owner)),
    );
    const check = async (tx: Uint8Array | undefined): Promise<string> => codeName((await app.checkTx(tx as Uint8Array, false)).code);
    expect(await check(txs[1])).toBe('E_NONCE');
    for (const tx of txs.slice(0, 64)) expect(await check(tx)).toBe('OK');
    expect(await check(txs[64])).toBe('E_NONCE');
    app.discard();
    expect(await check(txs[0])).toBe('OK');
    // Three quarters of the money can be burned once.
    const most = market.ledger.balance(market.requester.address, 'opg') / 1500n;
    const rich = row(market, market.requester, [transfer(market.owner), transfer(market.owner)], { maxPrice: most });
    expect([await check(rich[0]), await check(rich[1])]).toEqual(['OK', 'E_FUNDS']);
  });
});

/** A pool in which these proofs kill their worker. */
const dying = (): VerifierPool => {
  const system = mortalSystem((death) => {
    throw new VerifierDied(death);
  });
  return { ask: async (_, question) => system.verify(question), close: async () => {} };
};

describe('a proof that kills its verifier', () => {
  test('is voted down, never proposed, never decided; others settle', async () => {
    const market = new Market();
    const [bad, good] = [market.open(1, 2), market.open(3, 4)] as [Uint8Array, Uint8Array];
    const app = await following(market, { pool: dying() });
    const [killer, behind] = row(market, market.prover, [post(market, bad, 1, 2, deadly('exit')), post(market, good, 3, 4)]) as [
      Uint8Array,
      Uint8Array,
    ];
    const [honest] = row(market, market.prover, [post(market, good, 3, 4)]) as [Uint8Array];
    expect((await app.checkTx(killer, false)).code).toBe(0);
    const first = await proposal(app, [killer, behind]);
    expect(first).toEqual([killer, behind]);
    expect(await app.processProposal(blockOf(next(app), first))).toBe(false);
    expect(await proposal(app, [killer, honest])).toEqual([honest]);
    expect(codeName((await app.checkTx(killer, true)).code)).toBe('E_PROOF_INVALID');
    expect(named(await run(app, [honest]))).toEqual(['OK']);
    market.ledger.block(honest);
    // The same proof in another transaction.
    const again = row(market, market.prover, [post(market, bad, 1, 2, deadly('exit'))]);
    expect(await app.processProposal(blockOf(next(app), again))).toBe(false);
  });

  test('in a block that others decided, this node cannot: it throws, and keeps nothing', async () => {
    const market = new Market();
    const jobId = market.open(1, 2);
    const app = await following(market, { pool: dying() });
    const before = app.info();
    const [killer] = row(market, market.prover, [post(market, jobId, 1, 2, deadly('exit'))]) as [Uint8Array];
    await expect(app.finalizeBlock(blockOf(next(app), [killer]))).rejects.toThrow(/cannot decide/);
    await expect(app.commit()).rejects.toThrow(/without a finalized block/);
    expect(app.info()).toEqual(before);
  });

  test('hides behind no other proof: one that is invalid first, of the same job', async () => {
    const market = new Market();
    const jobId = market.open(1, 2);
    const app = await following(market, { pool: dying() });
    // Were the first proof valid, the second would not be looked at; a third hides behind both.
    const txs = row(market, market.prover, [
      post(market, jobId, 1, 2, new Uint8Array(32).fill(1)),
      post(market, jobId, 1, 2, new Uint8Array(32).fill(2)),
      post(market, jobId, 1, 2, deadly('exit')),
    ]);
    expect(await app.processProposal(blockOf(next(app), txs))).toBe(false);
    await expect(app.finalizeBlock(blockOf(next(app), txs))).rejects.toThrow(/cannot decide/);
    expect(await proposal(app, txs)).toEqual(txs.slice(0, 2));
  });
});

describe('real threads', () => {
  let program = { file: '', folder: '' };
  beforeAll(async () => {
    program = await bundle('test/chain/helpers/mortal.worker.ts');
  });
  afterAll(() => {
    if (program.folder !== '') rmSync(program.folder, { recursive: true, force: true });
  });
  const threads = (count: number): VerifierPool => workerPool(pathToFileURL(program.file), count);

  test.each(DEATHS)('that die of %s decide nothing, and the devnet goes on', async (death) => {
    const market = new Market();
    const [bad, good] = [market.open(1, 2, { proveBlocks: 100 }), market.open(3, 4, { proveBlocks: 100 })] as [Uint8Array, Uint8Array];
    const validator = new Uint8Array(32).fill(9);
    const doc = { ...devnetGenesis(market.ledger.genesis, ed25519.getPublicKey(validator), 0n), chain_id: CHAIN };
    const fatal: Error[] = [];
    const app = openLedger({ store: memoryStore(), systems: [never], pool: threads(2) });
    const net = await Devnet.start({
      app,
      blocks: memoryBlocks(),
      genesis: doc,
      validator,
      blockMs: 2 ** 30,
      idleMs: 2 ** 30,
      onFatal: (e) => fatal.push(e),
    });
    try {
      for (const txs of market.ledger.blocks) {
        for (const tx of txs) expect((await net.broadcast(tx)).result.log).toBe('');
        await net.step();
      }
      const [killer] = row(market, market.prover, [post(market, bad, 1, 2, deadly(death))]) as [Uint8Array];
      const [money] = row(market, market.other, [transfer(market.owner)]) as [Uint8Array];
      for (const tx of [killer, money]) expect((await net.broadcast(tx)).result.log).toBe('');
      await net.step();
      expect(net.block(net.height)?.txs).toEqual([money]);
      expect(net.waiting()).toEqual([]);
      const [proof] = row(market, market.prover, [post(market, good, 3, 4)]) as [Uint8Array];
      expect((await net.broadcast(proof)).result.log).toBe('');
      await net.step();
      expect(net.block(net.height)?.results.map((r) => codeName(r.code))).toEqual(['OK']);
      expect(fatal).toEqual([]);
    } finally {
      await net.close();
    }
  });

  test('one, four, or none, with verdicts at hand or not: the same results and AppHash', async () => {
    const market = new Market();
    const jobs = Array.from({ length: 6 }, (_, i) => market.open(10 + i, 20 + i));
    const { ledger } = market;
    const proofs = row(
      market,
      market.prover,
      jobs.flatMap((id, i): Msg[] => [
        // Every second first tries a wrong proof, and one of the wrong length.
        ...(i % 2 === 0
          ? [post(market, id, 10 + i, 20 + i, new Uint8Array(32).fill(i)), post(market, id, 10 + i, 20 + i, new Uint8Array(31))]
          : []),
        post(market, id, 10 + i, 20 + i),
        post(market, id, 10 + i, 20 + i),
      ]),
    );
    const wanted = ledger.block(...proofs).map(({ code, data, gasUsed, gasWanted, log }) => ({ code, data, gasUsed, gasWanted, log }));
    expect(new Set(wanted.map((r) => codeName(r.code)))).toEqual(new Set(['OK', 'E_PROOF_INVALID', 'E_PROOF_SHAPE', 'E_STATE']));
    const blocks = ledger.blocks;
    const systems = [testSystem()];
    // The pure ledger of above keeps no verdicts; a node that voted has them all, one that did not asks for them now.
    for (const [pool, votes] of [
      [threads(1), true],
      [threads(1), false],
      [threads(4), true],
      [threads(4), false],
      [inlinePool(systems), true],
    ] as const) {
      const app = start({ pool, systems });
      await born(app, market);
      for (const txs of blocks.slice(0, -1)) await run(app, txs);
      const block = blockOf(next(app), blocks.at(-1) as readonly Uint8Array[]);
      if (votes) expect(await app.processProposal(block)).toBe(true);
      const { results, appHash } = await app.finalizeBlock(block);
      expect(results.map(({ code, data, gasUsed, gasWanted, log }) => ({ code, data, gasUsed, gasWanted, log }))).toEqual(wanted);
      expect(toHex(appHash)).toBe(toHex(ledger.state.appHash()));
    }
  });
});

describe('a store on disk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'store-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let names = 0;
  const newFolder = (): string => join(folder, `s${names++}`);

  /** Every answer that the ledger gives. */
  function answers(app: Application, market: Market, jobId: Uint8Array): unknown[] {
    const keys = [...[1, 2, 3, 4, 5].map((n) => person(n).address), jobId, market.modelId, market.tabId, new Uint8Array(32)];
    const records = STORES.flatMap((store) => keys.map((data) => ({ path: `/store/${store}/key`, data })));
    const plain = ['/price', '/params', '/supply', '/jobs', '/nothing'].map((path) => ({ path, data: new Uint8Array(0) }));
    return [...records, ...plain].map((q) => app.query({ ...q, height: 0n, prove: true }));
  }

  async function busy(dir: string): Promise<{ market: Market; jobId: Uint8Array; app: Application }> {
    const market = new Market();
    const jobId = market.open(1, 2);
    market.ledger.do(market.prover, post(market, jobId, 1, 2), market.gas);
    market.ledger.do(market.requester, { case: 'closeTab', value: { tabId: market.tabId } });
    return { market, jobId, app: await following(market, { store: lmdbStore(dir) }) };
  }

  test('opens as it was, answers the same, and goes on', async () => {
    const dir = newFolder();
    const { market, jobId, app } = await busy(dir);
    const [info, said] = [app.info(), answers(app, market, jobId)];
    expect((said as { value: Uint8Array }[]).filter((a) => a.value.length > 0).length).toBeGreaterThan(10);
    // A block that is finalized and not committed leaves nothing.
    const [tx] = row(market, market.other, [transfer(market.owner)]) as [Uint8Array];
    await app.finalizeBlock(blockOf(next(app), [tx]));
    await open$.pop()?.close();

    const again = start({ store: lmdbStore(dir) });
    expect(again.info()).toEqual(info);
    expect(answers(again, market, jobId)).toEqual(said);
    await expect(born(again, market)).rejects.toThrow(/committed already/);
    expect(named(await run(again, [tx]))).toEqual(['OK']);
    market.ledger.block(tx);
    expect(toHex(again.info().appHash)).toBe(toHex(market.ledger.state.appHash()));
    // The sweep of a tab that was closed before the restart.
    while (market.ledger.height < 230n) {
      market.ledger.block();
      await run(again, []);
    }
    expect(toHex(again.info().appHash)).toBe(toHex(market.ledger.state.appHash()));
  });

  test('that was changed is refused: a value, a key, a record too few or too many, another AppHash', async () => {
    const dir = newFolder();
    await busy(dir);
    await open$.pop()?.close();
    type Db = ReturnType<typeof open<Uint8Array, string | [string, number]>>;
    const spoil = async (change: (db: Db) => void): Promise<() => unknown> => {
      const copy = newFolder();
      cpSync(dir, copy, { recursive: true });
      const db: Db = open({ path: copy, encoding: 'binary', overlappingSync: false });
      db.transactionSync(() => change(db));
      await db.close();
      const store = lmdbStore(copy);
      return () => openLedger({ store, systems: [never], pool: inlinePool([never]) });
    };
    expect(await spoil(() => {})).not.toThrow();
    const flip = (bytes: Uint8Array | undefined, at: number): Uint8Array => {
      const copy = Uint8Array.from(bytes as Uint8Array);
      copy[at < 0 ? copy.length + at : at] = (copy.at(at) as number) ^ 1;
      return copy;
    };
    const acct: [string, number] = ['acct', 1];
    expect(await spoil((db) => db.putSync(acct, flip(db.get(acct), -1)))).toThrow();
    expect(await spoil((db) => db.putSync(acct, flip(db.get(acct), 5)))).toThrow();
    expect(await spoil((db) => db.removeSync(acct))).toThrow();
    expect(await spoil((db) => db.putSync(['acct', 99], db.get(acct) as Uint8Array))).toThrow();
    expect(await spoil((db) => db.putSync(['other', 0], db.get(acct) as Uint8Array))).toThrow(/unknown store/);
    expect(await spoil((db) => db.putSync('committed', flip(db.get('committed'), 30)))).toThrow();
    expect(await spoil((db) => db.putSync(['job', 0], db.get(acct) as Uint8Array))).toThrow();
  });
});
