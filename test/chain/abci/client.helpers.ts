/** One ABCI connection as CometBFT's client holds it: requests in a row, answers in the same order. */
import { connect } from 'node:net';
import { Request, Response } from 'cosmjs-types/tendermint/abci/types';
import { FrameReader, frame } from '../../../chain/abci/frames.ts';

export interface Client {
  /** Rejects when the connection ends first. */
  call(request: Request): Promise<Response>;
  send(bytes: Uint8Array): void;
  /** Resolves when the connection has ended. */
  readonly ended: Promise<void>;
  /** Everything received so far. */
  received(): Buffer;
  close(): void;
}

export async function dial(address: string): Promise<Client> {
  const socket = address.startsWith('unix://') ? connect(address.slice(7)) : connect(Number(address.split(':').pop()), '127.0.0.1');
  const waiting: { done: (r: Response) => void; fail: (e: Error) => void }[] = [];
  const reader = new FrameReader();
  const got: Buffer[] = [];
  await new Promise<void>((done, fail) => socket.once('connect', done).once('error', fail));
  socket.on('error', () => {});
  socket.on('data', (bytes: Buffer) => {
    got.push(bytes);
    for (const message of reader.push(bytes)) waiting.shift()?.done(Response.decode(message));
  });
  const ended = new Promise<void>((done) =>
    socket.on('close', () => {
      for (const { fail } of waiting.splice(0)) fail(new Error('the connection ended'));
      done();
    }),
  );
  const send = (bytes: Uint8Array): void => void socket.write(bytes);
  return {
    call: (request) =>
      new Promise((done, fail) => {
        if (socket.destroyed) return fail(new Error('the connection ended'));
        waiting.push({ done, fail });
        send(frame(Request.encode(request).finish()));
      }),
    send,
    ended,
    received: () => Buffer.concat(got),
    close: () => socket.destroy(),
  };
}

const none = new Uint8Array(0);
const time = (height: number) => ({ seconds: BigInt(1_700_000_000 + height), nanos: 5 });

/** Requests with what the application looks at; the rest as proto3 has it when nothing is said. */
export const requests = {
  flush: (): Request => ({ flush: {} }),
  echo: (message: string): Request => ({ echo: { message } }),
  info: (): Request => ({ info: { version: '0.38.25', blockVersion: 11n, p2pVersion: 8n, abciVersion: '2.0.0' } }),
  initChain: (appStateBytes: Uint8Array): Request => ({
    initChain: { time: time(0), chainId: 'test', validators: [], appStateBytes, initialHeight: 1n },
  }),
  checkTx: (tx: Uint8Array, recheck = false): Request => ({ checkTx: { tx, type: recheck ? 1 : 0 } }),
  query: (path: string, data: Uint8Array = none): Request => ({ query: { path, data, height: 0n, prove: false } }),
  prepare: (height: number, txs: Uint8Array[]): Request => ({
    prepareProposal: { ...block(height, txs), maxTxBytes: 4_000_000n, localLastCommit: { round: 0, votes: [] } },
  }),
  process: (height: number, txs: Uint8Array[]): Request => ({
    processProposal: { ...block(height, txs), hash: none, proposedLastCommit: { round: 0, votes: [] } },
  }),
  finalize: (height: number, txs: Uint8Array[]): Request => ({
    finalizeBlock: { ...block(height, txs), hash: none, decidedLastCommit: { round: 0, votes: [] } },
  }),
  commit: (): Request => ({ commit: {} }),
} as const;

const block = (height: number, txs: Uint8Array[]) => ({
  txs,
  misbehavior: [],
  height: BigInt(height),
  time: time(height),
  nextValidatorsHash: none,
  proposerAddress: none,
});
