/**
 * The ABCI 2.0 socket server (settlement §8.2): CometBFT opens four connections and sends length-prefixed requests; answers leave in the
 * order of the requests. One queue over all connections: the application sees one call at a time.
 */

import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { Request, Response } from 'cosmjs-types/tendermint/abci/types';
import type { Application } from '../application.ts';
import { answer } from './answer.ts';
import { Frames, frame } from './frames.ts';

export interface AbciServer {
  /** `unix:///abs/x.sock` or `tcp://127.0.0.1:P`, as `--proxy_app` takes it. */
  readonly address: string;
  close(): Promise<void>;
}

export interface AbciOptions {
  /** A path for a socket file, or a TCP port on 127.0.0.1; 0 takes a free one. */
  readonly socket: string | number;
  /** This node cannot decide, or the application failed (settlement §8.3): the process must end. */
  readonly onFatal: (e: Error) => void;
  readonly log?: ((line: string) => void) | undefined;
}

/** Methods of the consensus connection: a staged block belongs to it. */
const CONSENSUS = ['initChain', 'prepareProposal', 'processProposal', 'finalizeBlock', 'commit'] as const;

export function serveAbci(app: Application, { socket: where, onFatal, log = () => {} }: AbciOptions): Promise<AbciServer> {
  const open = new Set<Socket>();
  let turn: Promise<unknown> = Promise.resolve();
  const queued = <T>(run: () => Promise<T> | T): Promise<T> => {
    const next = turn.then(run);
    turn = next.catch(() => {});
    return next;
  };

  const server: Server = createServer((socket) => {
    open.add(socket);
    socket.setNoDelay(true);
    const frames = new Frames();
    let consensus = false;
    /** Answers of this connection, in order. */
    let last: Promise<unknown> = Promise.resolve();
    const drop = (why: string): void => {
      log(`connection closed: ${why}`);
      socket.destroy();
    };
    socket.on('data', (piece: Buffer) => {
      let requests: Request[];
      try {
        requests = frames.push(piece).map((bytes) => Request.decode(bytes));
      } catch (e) {
        return drop((e as Error).message);
      }
      for (const request of requests) {
        if (CONSENSUS.some((m) => request[m] !== undefined)) consensus = true;
        // A flush asks for what is on its way; everything is pushed at once anyway.
        const answered =
          request.flush !== undefined || request.echo !== undefined ? answer(app, request) : queued(() => answer(app, request));
        last = last.then(async () => {
          try {
            const response = await answered;
            if (!socket.destroyed) socket.write(frame(Response.encode(response).finish()));
          } catch (e) {
            const error = (e as Error).message;
            if (!socket.destroyed) socket.write(frame(Response.encode(Response.fromPartial({ exception: { error } })).finish()));
            onFatal(e as Error);
          }
        });
        answered.catch(() => {});
      }
    });
    socket.on('error', (e) => drop(e.message));
    socket.on('close', () => {
      open.delete(socket);
      // The node went away: what it did not commit it will send again.
      if (consensus) queued(() => app.discard()).catch(() => {});
    });
  });

  return new Promise((resolve, reject) => {
    server.on('error', reject);
    const ready = (address: string): void =>
      resolve({
        address,
        close: () =>
          new Promise((done) => {
            for (const socket of open) socket.destroy();
            server.close(() => turn.then(() => done()));
          }),
      });
    if (typeof where === 'string') {
      // A socket file that a killed process left behind.
      rmSync(where, { force: true });
      server.listen(where, () => ready(`unix://${where}`));
    } else server.listen(where, '127.0.0.1', () => ready(`tcp://127.0.0.1:${(server.address() as { port: number }).port}`));
  });
}
