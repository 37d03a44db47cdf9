/** A node: the application's socket first, then CometBFT on it (settlement §8.2, §8.8). One goes down with the other. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Application } from '../application.ts';
import { httpRpc } from '../rpc/rpc.ts';
import { serveAbci } from './server.ts';

export interface CometNodeOptions {
  readonly app: Application;
  readonly home: string;
  readonly binary: string;
  readonly rpcPort: number;
  readonly onFatal: (e: Error) => void;
  /** CometBFT's own lines. */
  readonly onLine?: ((line: string) => void) | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Milliseconds until the RPC must answer. */
  readonly startMs?: number | undefined;
}

export interface CometNode {
  readonly url: string;
  /** Resolves when CometBFT has ended, with its exit code (null: by a signal). */
  readonly ended: Promise<number | null>;
  readonly process: ChildProcess;
  /** SIGTERM, then SIGKILL after ten seconds; closes the application's socket, not the application. */
  stop(): Promise<void>;
}

export async function runCometNode(o: CometNodeOptions): Promise<CometNode> {
  // A path of its own: those of sockets are at most 107 bytes long.
  const dir = mkdtempSync(join(tmpdir(), 'abci-'));
  const server = await serveAbci(o.app, { socket: join(dir, 's'), onFatal: o.onFatal });
  const child = spawn(o.binary, ['start', '--home', o.home, '--proxy_app', server.address, '--abci', 'socket'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...o.env },
  });
  let tail = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (b: Buffer) => {
      tail = `${tail}${b}`.slice(-4000);
      for (const line of b.toString().split('\n')) if (line !== '') o.onLine?.(line);
    });
  const ended = new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(-1));
    child.on('exit', (code) => resolve(code));
  });
  let over = false;
  ended.then(() => {
    over = true;
  });
  const stop = async (): Promise<void> => {
    if (!over) child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(late);
    await server.close();
    rmSync(dir, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${o.rpcPort}`;
  const rpc = httpRpc(url, { timeoutMs: 2000 });
  for (const deadline = Date.now() + (o.startMs ?? 30_000); ; ) {
    try {
      await rpc.call('health');
      return { url, ended, process: child, stop };
    } catch {
      if (over || Date.now() > deadline) {
        await stop();
        throw new Error(`CometBFT ${over ? 'ended' : 'does not answer'}: ${tail.trim().split('\n').slice(-3).join(' | ')}`);
      }
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}
