/** What a client does on a chain, the same on every kind of chain (settlement §11.3). */
import { fromBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readAmount, writeAmount } from '../../../chain/amounts.ts';
import { type Signer, TxRefused } from '../../../chain/client/index.ts';
import { JobSchema } from '../../../chain/generated/records_pb.ts';
import { LightClient } from '../../../chain/light/follow.ts';
import { openRecord } from '../../../chain/light/record.ts';
import { JOB_STATES } from '../../../chain/states.ts';
import { ascii } from '../../../protocol/bytes.ts';
import { around, person, type TestChain } from './chains.ts';
import { inferenceOf, modelIdFor, orderOf, proveFor, reluModel, soloIdOf, statementFor, type TestModel, tabIdOf } from './settling.ts';

const OPG = 10n ** 18n;

export function clientSuite(name: string, start: () => Promise<TestChain>): void {
  describe(name, () => {
    let net: TestChain;
    let m: TestModel;
    let modelId: Uint8Array;
    let light: LightClient;
    const [owner, prover, requester] = [person(1), person(2), person(3)] as [Signer, Signer, Signer];
    const balance = async (who: Signer, denom: string): Promise<bigint> => {
      const coin = (await net.chain.account(who.address))?.balances.find((b) => new TextDecoder().decode(b.denom) === denom);
      return coin === undefined ? 0n : readAmount(coin.amount, 'balance');
    };

    beforeAll(async () => {
      [net, m] = await Promise.all([start(), reluModel()]);
      for (const who of [owner, prover, requester]) await net.give(who.address);
      light = new LightClient(net.rpc, await net.checkpoint(), around);
      modelId = modelIdFor(m.model, owner.address);
    }, 60_000);
    afterAll(async () => {
      m?.circuit.close();
      await net?.close();
    });

    test('registers a model and a prover', async () => {
      const made = await net.chain.send(owner, { case: 'registerModel', value: { commitment: m.model.commitment, key: m.model.keyFile } });
      expect(made.data).toEqual(modelId);
      await net.chain.send(prover, {
        case: 'registerProver',
        value: { endpoint: ascii('http://127.0.0.1:1'), modes: [1], addBond: writeAmount(100n * OPG) },
      });
      expect((await net.chain.prover(prover.address))?.modes).toEqual([1]);
      const record = await openRecord(net.rpc, light, 'model', modelId);
      expect(record?.value).not.toBeNull();
    });

    test('settles a proof on its own, once', async () => {
      const i = inferenceOf(m, 5);
      const salt = new Uint8Array(32).fill(9);
      const jobId = soloIdOf(requester.address, salt);
      const context = statementFor(m.model, i, { chainId: net.chainId, modelId, jobId, prover: requester.address });
      const proof = await proveFor(m, 5, context);
      const msg = {
        case: 'verifyInference',
        value: { modelId, salt, inputNonce: i.inputNonce, input: i.input, output: i.output, proof },
      } as const;
      const before = await balance(requester, 'opg');
      const price = await net.chain.price();
      const done = await net.chain.send(requester, msg, { vgasLimit: m.model.key.vgas });
      expect(done.data).toEqual(jobId);
      expect(before - (await balance(requester, 'opg'))).toBeGreaterThanOrEqual((done.gasUsed * price * 7n) / 8n);
      const record = await openRecord(net.rpc, light, 'job', jobId);
      const job = fromBinary(JobSchema, record?.value as Uint8Array);
      expect([job.state, job.basis]).toEqual([JOB_STATES.FINAL, 1]);
      await expect(net.chain.send(requester, msg, { vgasLimit: m.model.key.vgas })).rejects.toThrow('E_JOB_EXISTS');
    });

    test('a bad proof is refused and pays its burn', async () => {
      const i = inferenceOf(m, 6);
      const salt = new Uint8Array(32).fill(10);
      const context = statementFor(m.model, i, {
        chainId: net.chainId,
        modelId,
        jobId: soloIdOf(requester.address, salt),
        prover: requester.address,
      });
      const proof = await proveFor(m, 6, context);
      const other = inferenceOf(m, 7);
      const before = await balance(requester, 'opg');
      const sent = net.chain.send(
        requester,
        { case: 'verifyInference', value: { modelId, salt, inputNonce: i.inputNonce, input: i.input, output: other.output, proof } },
        { vgasLimit: m.model.key.vgas },
      );
      await expect(sent).rejects.toThrow('E_PROOF_INVALID');
      expect(await balance(requester, 'opg')).toBeLessThan(before);
    });

    test('an order on a tab is answered, proven and paid', async () => {
      const account = await net.chain.account(requester.address);
      const tabId = tabIdOf(requester.address, (account?.nonce ?? 0n) + 1n);
      const opened = await net.chain.send(requester, {
        case: 'openTab',
        value: { denom: ascii('usd'), amount: writeAmount(10n ** 6n), prover: prover.address },
      });
      expect(opened.data).toEqual(tabId);
      const i = inferenceOf(m, 8);
      const { height } = await net.chain.status();
      const o = orderOf({
        chainId: net.chainId,
        requester,
        prover: prover.address,
        modelId,
        inputCommitment: i.inputCommitment,
        nonce: 1,
        openBy: height + 100n,
        tabId,
      });
      const result = { outputCommitment: i.outputCommitment, output: i.output };
      await net.chain.send(prover, {
        case: 'openJob',
        value: { order: o.order, requesterPubkey: requester.pubkey, orderSig: o.orderSig, result },
      });
      const pending = await net.chain.job(o.jobId);
      expect(pending?.state).toBe(JOB_STATES.PENDING);
      const paid = await balance(prover, 'usd');
      const context = statementFor(m.model, i, { chainId: net.chainId, modelId, jobId: o.jobId, prover: prover.address });
      const proof = await proveFor(m, 8, context);
      await net.chain.send(
        prover,
        { case: 'postProof', value: { jobId: o.jobId, inputNonce: i.inputNonce, input: i.input, output: i.output, proof } },
        { vgasLimit: m.model.key.vgas },
      );
      expect(await balance(prover, 'usd')).toBe(paid + 20_000n);
      const record = await openRecord(net.rpc, light, 'job', o.jobId);
      const job = fromBinary(JobSchema, record?.value as Uint8Array);
      expect([job.state, job.basis, job.provenBy]).toEqual([JOB_STATES.FINAL, 1, prover.address]);
    });

    test('refusals have a code and a sentence', async () => {
      await expect(net.chain.send(owner, { case: 'transfer', value: { to: new Uint8Array(20), denom: ascii('eur') } })).rejects.toThrow(
        /E_DENOM: .*eur/,
      );
      await expect(net.chain.broadcast(Uint8Array.of(1, 2, 3))).rejects.toThrow(TxRefused);
      await expect(net.rpc.call('abci_query', { path: '/nothing', data: '', height: '0', prove: false })).resolves.toMatchObject({
        response: { code: 5 },
      });
      await expect(net.rpc.call('no_such_method')).rejects.toThrow(/[Mm]ethod not found/);
      await expect(net.rpc.call('block', { height: '999999' })).rejects.toThrow();
    });
  });
}
