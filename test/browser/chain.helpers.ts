/** A devnet with jobs for the chain view, and a node between page and devnet that can lie. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeAmount } from '../../chain/amounts.ts';
import { showCheckpoint } from '../../chain/light/checkpoint.ts';
import type { Rpc } from '../../chain/rpc/rpc.ts';
import { ascii, toHex } from '../../protocol/bytes.ts';
import { person, startDevnet, type TestChain } from '../chain/helpers/chains.ts';
import { inferenceOf, modelIdFor, orderOf, proveFor, reluModel, soloIdOf, statementFor } from '../chain/helpers/settling.ts';

export interface Settled {
  readonly net: TestChain;
  readonly checkpoint: string;
  readonly modelId: string;
  /** FINAL(PROVEN), and PENDING. */
  readonly proven: string;
  readonly pending: string;
}

export async function settledDevnet(): Promise<Settled> {
  const [net, m] = await Promise.all([startDevnet(), reluModel()]);
  const [owner, prover, requester] = [person(1), person(2), person(3)];
  for (const who of [owner, prover, requester]) await net.give(who.address);
  const modelId = modelIdFor(m.model, owner.address);
  await net.chain.send(owner, { case: 'registerModel', value: { commitment: m.model.commitment, key: m.model.keyFile } });
  await net.chain.send(prover, {
    case: 'registerProver',
    value: { endpoint: ascii('http://127.0.0.1:1'), modes: [1], addBond: writeAmount(100n * 10n ** 18n) },
  });

  const i = inferenceOf(m, 5);
  const salt = new Uint8Array(32).fill(9);
  const proven = soloIdOf(requester.address, salt);
  const context = statementFor(m.model, i, { chainId: net.chainId, modelId, jobId: proven, prover: requester.address });
  const proof = await proveFor(m, 5, context);
  await net.chain.send(
    requester,
    { case: 'verifyInference', value: { modelId, salt, inputNonce: i.inputNonce, input: i.input, output: i.output, proof } },
    { vgasLimit: m.model.key.vgas },
  );

  const later = inferenceOf(m, 8);
  const { height } = await net.chain.status();
  const o = orderOf({
    chainId: net.chainId,
    requester,
    prover: prover.address,
    modelId,
    inputCommitment: later.inputCommitment,
    nonce: 1,
    openBy: height + 100n,
    proveBlocks: 10_000,
  });
  const result = { outputCommitment: later.outputCommitment, output: later.output };
  await net.chain.send(prover, {
    case: 'openJob',
    value: { order: o.order, requesterPubkey: requester.pubkey, orderSig: o.orderSig, result },
  });
  m.circuit.close();
  return {
    net,
    checkpoint: showCheckpoint(await net.checkpoint()),
    modelId: toHex(modelId),
    proven: toHex(proven),
    pending: toHex(o.jobId),
  };
}

/** What a lying node makes of an answer; it may change it, or throw for no answer at all. */
export type Lie = (method: string, params: Readonly<Record<string, unknown>>, result: unknown) => unknown;

/** A node that passes on what a page asks of another, until it is told to lie. */
export class Between {
  lie: Lie | null = null;
  /** Methods asked for, in order. */
  readonly asked: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static start(rpc: Rpc): Promise<Between> {
    const server = createServer(async (request, response) => {
      const cors = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': 'content-type' };
      if (request.method === 'OPTIONS') return void response.writeHead(204, cors).end();
      try {
        let text = '';
        for await (const part of request) text += part;
        const { id, method, params } = JSON.parse(text) as { id: number; method: string; params: Record<string, unknown> };
        self.asked.push(method);
        const result = await rpc.call(method, params);
        const told = self.lie === null ? result : self.lie(method, params, structuredClone(result));
        response.writeHead(200, { ...cors, 'Content-Type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result: told }));
      } catch {
        request.socket.destroy();
      }
    });
    const self = new Between(server);
    return new Promise((done) => server.listen(0, '127.0.0.1', () => done(self)));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((done) => this.#server.close(() => done()));
  }
}
