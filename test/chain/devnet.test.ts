/** A devnet from genesis to a settled proof, through its RPC and the light client. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inlinePool } from '../../chain/app/index.ts';
import { Chain, signerOf } from '../../chain/client/index.ts';
import { type OpenedDevnet, openDevnet } from '../../chain/devnet/index.ts';
import { checkpointOf } from '../../chain/light/checkpoint.ts';
import { LightClient } from '../../chain/light/follow.ts';
import { openRecord } from '../../chain/light/record.ts';
import { httpRpc } from '../../chain/rpc/rpc.ts';
import { SYSTEMS } from '../../chain/systems/index.ts';

const around = { now: () => BigInt(Date.now()) * 1_000_000n, pause: (ms: number) => new Promise<void>((done) => setTimeout(done, ms)) };

describe('a devnet', () => {
  let devnet: OpenedDevnet;
  beforeAll(async () => {
    devnet = await openDevnet({ systems: SYSTEMS, pool: inlinePool(SYSTEMS), blockMs: 20, idleMs: 500 });
  });
  afterAll(() => devnet.close());

  test('gives money, and proves it to a light client', async () => {
    const alice = signerOf(new Uint8Array(32).fill(1));
    const rpc = httpRpc(devnet.url);
    const chain = new Chain(rpc);
    await devnet.faucet.give(alice.address);
    for (let i = 0; i < 50 && (await chain.account(alice.address)) === null; i++) await chain.pause(50);
    const account = await chain.account(alice.address);
    expect(account?.balances.map((b) => new TextDecoder().decode(b.denom))).toEqual(['opg', 'usd']);

    const first = devnet.net.block(1n);
    if (first === undefined) throw new Error('no block 1');
    const light = new LightClient(rpc, checkpointOf(first), around);
    const record = await openRecord(rpc, light, 'acct', alice.address);
    expect(record?.value).not.toBeNull();
    expect(record?.header.signed).toBe(100);

    const outcome = await chain.send(alice, { case: 'burn', value: { amount: Uint8Array.of(7) } });
    expect(outcome.code).toBe(0);
    await expect(
      chain.send(alice, { case: 'transfer', value: { to: new Uint8Array(20), denom: new TextEncoder().encode('eur') } }),
    ).rejects.toThrow('E_DENOM');
    expect(readFileSync('package.json').length).toBeGreaterThan(0);
  });
});
