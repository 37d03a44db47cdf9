/**
 * One node: the application behind its socket, and CometBFT as a child process that drives it (settlement §8.2, §8.3).
 *
 * The socket is there before the node starts, since the node retries only every 3 s. They end together: a node whose application is gone
 * exits by itself within seconds, so that even a killed owner leaves no orphan; a socket whose node is gone is closed here.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Application } from '../application.ts';
import { nodeIdOf, rpcUrl } from './config.ts';
import { serveAbci } from './server.ts';

export type NodeEnd =
  | { readonly reason: 'stopped' }
  /** CometBFT ended by itself: its log says why. The code is 0 when it lost the application. */
  | { readonly reason: 'exited'; readonly code: number | null; readonly signal: NodeJS.Signals | null }
  /** The application threw: the owner MUST end its process (§8.3). */
  | { readonly reason: 'fatal'; readonly error: unknown };

export interface CometNode {
  readonly rpcUrl: string;
  readonly pid: number;
  /** When the node and the socket are gone. The application stays open: it is its owner's. */
  readonly ended: Promise<NodeEnd>;
  /** SIGTERM, and SIGKILL to a node that has not ended in time. */
  stop(): Promise<NodeEnd>;
}

export interface CometNodeOptions {
  readonly app: Application;
  readonly home: string;
  readonly binary: string;
  /** Where the application listens; `data/app.sock` of the home where absent. */
  readonly socket?: string;
  /** Added to this process's. */
  readonly env?: Readonly<Record<string, string>>;
  /** Takes what CometBFT prints; where absent it is appended to `comet.log` in the home. */
  readonly onLog?: (text: string) => void;
  /** How long the RPC may take to answer; a node that replays blocks needs more. */
  readonly startMs?: number;
  /** How long the node may take to end after SIGTERM. */
  readonly stopMs?: number;
}

/** Of the log, told with a start that failed. */
const KEPT_LOG = 4000;
const POLL_MS = 25;
const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Resolves when the node's RPC answers. Throws, with nothing left running, when it ends before or takes longer than `startMs`. */
export async function runCometNode(options: CometNodeOptions): Promise<CometNode> {
  const { app, binary, env = {}, startMs = 30_000, stopMs = 10_000 } = options;
  const home = resolve(options.home);
  const url = await rpcUrl(home);
  const id = await nodeIdOf(home);
  let child: ChildProcess | undefined;
  let fatal: { readonly error: unknown } | undefined;
  let asked = false;

  const file = options.onLog === undefined ? createWriteStream(join(home, 'comet.log'), { flags: 'a' }) : undefined;
  // A full disk costs the log, and CometBFT says the rest.
  file?.on('error', () => {});
  let said = '';
  const log = (text: string): void => {
    said = (said + text).slice(-KEPT_LOG);
    if (file === undefined) options.onLog?.(text);
    else file.write(text);
  };

  const server = await serveAbci(app, {
    socket: options.socket ?? `unix://${join(home, 'data', 'app.sock')}`,
    onFatal(error) {
      fatal = { error };
      void end();
    },
    onMalformed: (why) => log(`a connection to the application was closed: ${why}\n`),
  });

  child = spawn(binary, ['start', '--home', home, '--proxy_app', server.address, '--abci', 'socket'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', log);
  child.once('error', (e) => log(`${e.message}\n`));
  const gone = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((done) =>
    child?.once('close', (code, signal) => done({ code, signal })),
  );

  async function end(): Promise<void> {
    child?.kill('SIGTERM');
    await Promise.race([gone, sleep(stopMs, undefined, { ref: false })]);
    child?.kill('SIGKILL');
    await gone;
  }

  async function stop(): Promise<NodeEnd> {
    asked = true;
    await end();
    return ended;
  }

  // For an owner that ends without stopping. A signal that nobody else handles does what it would have done, once the node is gone.
  const onExit = (): void => void child?.kill('SIGKILL');
  const onSignal = (signal: NodeJS.Signals): void =>
    void stop().then(() => {
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  process.once('exit', onExit);
  for (const signal of SIGNALS) process.on(signal, onSignal);

  const over = new AbortController();
  const ended = gone.then(async (status): Promise<NodeEnd> => {
    over.abort();
    await server.close();
    if (file !== undefined) await new Promise<void>((done) => file.end(done));
    process.off('exit', onExit);
    for (const signal of SIGNALS) process.off(signal, onSignal);
    if (fatal !== undefined) return { reason: 'fatal', error: fatal.error };
    return asked ? { reason: 'stopped' } : { reason: 'exited', ...status };
  });

  const first = await Promise.race([answers(url, id, AbortSignal.any([over.signal, AbortSignal.timeout(startMs)])), ended]);
  if (first === 'up') return { rpcUrl: url, pid: child.pid as number, ended, stop };
  const how = first === 'silent' && !over.signal.aborted ? `does not answer at ${url} within ${startMs} ms` : 'ended before it answered';
  const last = await stop();
  if (last.reason === 'fatal') throw last.error;
  throw new Error(`CometBFT ${how}\n${said}`);
}

/** Asks until the RPC answers as the node `id`, and not as another that has its port, or the time is over. */
async function answers(url: string, id: string, signal: AbortSignal): Promise<'up' | 'silent'> {
  while (!signal.aborted) {
    const status = (await fetch(`${url}/status`, { signal })
      .then((response) => response.json())
      .catch(() => null)) as { result?: { node_info?: { id?: unknown } } } | null;
    if (status?.result?.node_info?.id === id) return 'up';
    await sleep(POLL_MS);
  }
  return 'silent';
}
