/** What `assay node` does. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { makeHome, rpcUrl, runCometNode } from '../../chain/abci/index.ts';
import { openLedger, workerPool } from '../../chain/app/index.ts';
import { openDevnet } from '../../chain/devnet/index.ts';
import { checkGenesis, DEFAULT_PARAMS, type Genesis, genesisFromJson, genesisToJson } from '../../chain/genesis.ts';
import { lmdbStore } from '../../chain/store/lmdb.ts';
import { FolderInUse, lockFolder } from '../../chain/store/lock.ts';
import { DamagedStore, UnwritableStore } from '../../chain/store/store.ts';
import { SYSTEMS } from '../../chain/systems/index.ts';
import type { CometFlags, GenesisFlags, NodeFlags } from '../commands/node.ts';
import { readFile } from '../files.ts';
import { CannotTell, conclude, crash } from '../outcome.ts';
import { Stopped, stoppable } from '../stop.ts';
import { print, say } from '../talk.ts';
import { printable } from '../text.ts';
import { addressFrom, amountFrom } from './session.ts';

/** A whole number in a range. */
export function numberFrom(text: string, flag: string, lo: number, hi: number): number {
  const n = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(n >= lo && n <= hi)) throw new CannotTell('usage', `${flag} takes a number from ${lo} to ${hi}, not ${printable(text)}`);
  return n;
}

const verifiers = () => workerPool(new URL('../../chain/app/verify.worker.js', import.meta.url), Math.min(4, availableParallelism()));

/** Waits for Ctrl-C or SIGTERM; that is how a server ends well. */
export async function untilStopped(failed: Promise<never>): Promise<void> {
  try {
    await stoppable((signal) =>
      Promise.race([failed, new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))]),
    );
  } catch (e) {
    if (!(e instanceof Stopped)) throw e;
    say('stopping');
  }
}

/** This node cannot decide (settlement §8.3): the process must end before anything wrong is signed. */
function fatal(e: Error): never {
  if (e instanceof UnwritableStore) say(printable(`${e.message}; what was committed is there when it can be`));
  else crash(e);
  process.exit(2);
}

/** What the system says of folders that are missing, somebody else's, full, or for reading only. */
const UNUSABLE: ReadonlySet<string> = new Set(['EACCES', 'EDQUOT', 'EEXIST', 'ENOENT', 'ENOSPC', 'ENOTDIR', 'EPERM', 'EROFS']);

/** What a port or folder that cannot be used is called. */
export function unusable(e: unknown): unknown {
  const { code, message } = e as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE')
    return new CannotTell('port.used', 'the port is in use by another program', '--port takes another; 0 takes a free one');
  if (e instanceof DamagedStore)
    return new CannotTell('folder.damaged', e.message, 'another folder begins anew; this one is left as it is');
  if (e instanceof UnwritableStore) return new CannotTell('file.unwritable', e.message);
  if (e instanceof FolderInUse) return new CannotTell('folder.used', e.message);
  if (UNUSABLE.has(code ?? '')) return new CannotTell('file.unwritable', message);
  return e;
}

export const runDevnet = (flags: NodeFlags): Promise<void> =>
  conclude(async () => {
    const devnet = await openDevnet({
      dir: flags.dir,
      systems: SYSTEMS,
      pool: verifiers(),
      port: numberFrom(flags.port, '--port', 0, 65_535),
      blockMs: numberFrom(flags.blockTime, '--block-time', 10, 60_000),
      idleMs: numberFrom(flags.idleTime, '--idle-time', 100, 600_000),
      onFatal: fatal,
      log: say,
    }).catch((e) => {
      throw unusable(e);
    });
    await print(`${devnet.url}  chain ${devnet.chainId}, block ${devnet.net.height}`);
    say(
      flags.dir === undefined
        ? 'a devnet in memory; Ctrl-C ends it and everything on it'
        : `a devnet in ${printable(flags.dir)}; Ctrl-C ends it`,
    );
    say('assay wallet new makes a wallet, assay wallet faucet fills it');
    devnet.net.onBlock(({ header, txs, results }) => {
      if (txs.length > 0) say(`block ${header.height}: ${txs.length} transactions, ${results.filter((r) => r.code !== 0).length} refused`);
    });
    await untilStopped(new Promise<never>(() => {})).finally(() => devnet.close());
    return 0;
  });

function binaryOf(flags: CometFlags): string {
  const path = flags.cometbft ?? process.env.COMETBFT_BIN ?? 'cometbft';
  if (path.includes('/') && !existsSync(path)) throw new CannotTell('file.missing', `there is no file ${printable(path)} (cometbft)`);
  return path;
}

/** Every validator of a chain needs the same: there is no clock and no chance in it. */
export const printGenesis = (flags: GenesisFlags): Promise<void> =>
  conclude(async () => {
    const named = flags.account ?? [];
    if (named.length === 0) throw new CannotTell('usage', '--account is missing: a chain without money takes no transaction');
    const balances = { opg: amountFrom(flags.opg, 'opg', '--opg'), usd: amountFrom(flags.usd, 'usd', '--usd') };
    const accounts = named.map((a) => ({ address: addressFrom(a, '--account'), balances }));
    const count = BigInt(accounts.length);
    const genesis: Genesis = {
      denoms: ['usd'],
      systems: SYSTEMS.map((s) => s.name),
      params: DEFAULT_PARAMS,
      accounts,
      supply: { opg: balances.opg * count, usd: balances.usd * count },
    };
    try {
      checkGenesis(genesis);
    } catch (e) {
      throw new CannotTell('genesis', (e as Error).message);
    }
    await print(JSON.stringify(genesisToJson(genesis), null, 2));
    return 0;
  });

export const initComet = (flags: CometFlags): Promise<void> =>
  conclude(async () => {
    const binary = binaryOf(flags);
    if (!/^[!-9;-~]{1,50}$/.test(flags.chainId))
      throw new CannotTell('usage', '--chain-id takes 1 to 50 printable characters without spaces and colons');
    const text = new TextDecoder().decode(readFile(flags.genesis as string, 'genesis', 16 * 2 ** 20));
    let genesis: ReturnType<typeof genesisFromJson>;
    try {
      genesis = genesisFromJson(JSON.parse(text));
    } catch (e) {
      throw new CannotTell('genesis', `${printable(flags.genesis as string)}: ${(e as Error).message}`);
    }
    await makeHome(binary, flags.home, {
      chainId: flags.chainId,
      appState: genesisToJson(genesis),
      maxGas: genesis.params.blockVgas,
      settings: {
        moniker: 'assay',
        rpcPort: numberFrom(flags.rpcPort, '--rpc-port', 1, 65_535),
        p2pPort: numberFrom(flags.p2pPort, '--p2p-port', 1, 65_535),
        cors: ['*'],
      },
    }).catch((e) => {
      throw new CannotTell('comet.init', (e as Error).message);
    });
    await print(flags.home);
    say(`assay node start --home ${printable(flags.home)} runs it`);
    return 0;
  });

function takeFolder(dir: string): () => void {
  try {
    return lockFolder(dir);
  } catch (e) {
    throw unusable(e);
  }
}

function openKept(dir: string): ReturnType<typeof openLedger> {
  try {
    return openLedger({ store: lmdbStore(dir), systems: SYSTEMS, pool: verifiers(), log: say });
  } catch (e) {
    throw unusable(e);
  }
}

export const startComet = (flags: CometFlags): Promise<void> =>
  conclude(async () => {
    const binary = binaryOf(flags);
    await rpcUrl(flags.home).catch((e) => {
      throw new CannotTell('file.missing', (e as Error).message, 'assay node init makes a home');
    });
    const unlock = takeFolder(join(flags.home, 'ledger'));
    const app = openKept(join(flags.home, 'ledger'));
    const node = await runCometNode({ app, home: flags.home, binary }).catch((e) => {
      throw new CannotTell('comet.start', (e as Error).message);
    });
    await print(`${node.rpcUrl}  height ${app.info().height}`);
    say(`CometBFT writes its log to ${printable(join(flags.home, 'comet.log'))}`);
    const ended = node.ended.then((end): never => {
      if (end.reason === 'fatal') fatal(end.error as Error);
      throw new CannotTell('comet.ended', end.reason === 'exited' ? `CometBFT ended by itself (exit ${end.code})` : 'CometBFT was stopped');
    });
    ended.catch(() => {});
    await untilStopped(ended).finally(async () => {
      await node.stop();
      await app.close();
      unlock();
    });
    return 0;
  });
