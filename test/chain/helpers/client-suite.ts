/** What a client does on a chain, the same on every kind of chain (settlement §11.3). */
import { fromBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readAmount } from '../../../chain/amounts.ts';
import { type Signer, TxRefused } from '../../../chain/client/index.ts';
import { JobSchema } from '../../../chain/generated/records_pb.ts';
import { LightClient } from '../../../chain/light/follow.ts';
import { openRecord } from '../../../chain/light/record.ts';
import { JOB_STATES } from '../../../chain/states.ts';
import { ascii } from '../../../protocol/bytes.ts';
import { around, type TestChain } from './chains.ts';
import { openOn, openShop, owner, prover, requester, type SettledChain, soloOf } from './settled.ts';
import { inferenceOf, proveFor, reluModel, statementFor, type TestModel } from './settling.ts';

export function clientSuite(name: string, start: () => Promise<TestChain>): void {
  describe(name, () => {
    let net: TestChain;
    let m: TestModel;
    let shop: Pick<SettledChain, 'modelId' | 'tabId'>;
    let light: LightClient;
    const balance = async (who: Signer, denom: string): Promise<bigint> => {
      const coin = (await net.chain.account(who.address))?.balances.find((b) => new TextDecoder().decode(b.denom) === denom);
      return coin === undefined ? 0n : readAmount(coin.amount, 'balance');
    };

    beforeAll(async () => {
      [net, m] = await Promise.all([start(), reluModel()]);
      light = new LightClient(net.rpc, await net.checkpoint(), around);
    }, 60_000);
    afterAll(async () => {
      m?.circuit.close();
      await net?.close();
    });

    test('registers a model and a prover, and opens a tab', async () => {
      shop = await openShop(net, m);
      expect((await net.chain.prover(prover.address))?.modes).toEqual([1]);
      const record = await openRecord(net.rpc, light, 'model', shop.modelId);
      expect(record?.value).not.toBeNull();
      expect(readAmount((await net.chain.tab(shop.tabId))?.amount as Uint8Array, 'amount')).toBe(10n ** 6n);
    });

    test('settles a proof on its own, once', async () => {
      const { jobId, msg } = await soloOf(net, m, shop.modelId, 5);
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
      const { msg } = await soloOf(net, m, shop.modelId, 6, 7);
      const before = await balance(requester, 'opg');
      await expect(net.chain.send(requester, msg, { vgasLimit: m.model.key.vgas })).rejects.toThrow('E_PROOF_INVALID');
      expect(await balance(requester, 'opg')).toBeLessThan(before);
    });

    test('an order on a tab is answered, proven and paid', async () => {
      const { jobId } = await openOn(net, m, shop, 8);
      expect((await net.chain.job(jobId))?.state).toBe(JOB_STATES.PENDING);
      const paid = await balance(prover, 'usd');
      const i = inferenceOf(m, 8);
      const context = statementFor(m.model, i, { chainId: net.chainId, modelId: shop.modelId, jobId, prover: prover.address });
      const proof = await proveFor(m, 8, context);
      await net.chain.send(
        prover,
        { case: 'postProof', value: { jobId, inputNonce: i.inputNonce, input: i.input, output: i.output, proof } },
        { vgasLimit: m.model.key.vgas },
      );
      expect(await balance(prover, 'usd')).toBe(paid + 20_000n);
      const record = await openRecord(net.rpc, light, 'job', jobId);
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
