/** Money for whoever asks, on a devnet alone: `POST /faucet {"address": "opg1…"}`. */
import { fromBinary } from '@bufbuild/protobuf';
import type { Hono } from 'hono';
import { ascii, toHex } from '../../protocol/bytes.ts';
import { parseAddress } from '../accounts.ts';
import { writeAmount } from '../amounts.ts';
import type { Signer } from '../client/signer.ts';
import { signTx } from '../client/transactions.ts';
import { AccountSchema } from '../generated/records_pb.ts';
import type { Devnet } from './devnet.ts';

/** What one asking gives. */
export const GIFT = { opg: 1000n * 10n ** 18n, usd: 100n * 10n ** 6n } as const;
/** opg a unit of gas: far above what a devnet's price comes to. */
const MAX_PRICE = 10n ** 14n;

export interface Faucet {
  readonly address: Uint8Array;
  /** Sends the gift; resolves when the transfers wait for their block. Throws an Error where the ledger refuses them. */
  give(to: Uint8Array, gift?: Readonly<Record<string, bigint>>): Promise<readonly string[]>;
}

export function openFaucet(net: Devnet, signer: Signer): Faucet {
  /** The last nonce this process used. */
  let used = 0n;
  let turn: Promise<unknown> = Promise.resolve();
  const give = async (to: Uint8Array, gift: Readonly<Record<string, bigint>>): Promise<string[]> => {
    const ids: string[] = [];
    for (const [denom, amount] of Object.entries(gift)) {
      const { value } = net.app.query({ path: '/store/acct/key', data: signer.address, height: 0n, prove: false });
      const committed = value.length === 0 ? 0n : fromBinary(AccountSchema, value).nonce;
      const nonce = (committed > used ? committed : used) + 1n;
      const tx = signTx(signer, {
        chainId: net.genesis.chain_id,
        nonce,
        validUntil: net.height + 500n,
        maxPrice: MAX_PRICE,
        msg: { case: 'transfer', value: { to, denom: ascii(denom), amount: writeAmount(amount) } },
      });
      const { id, result } = await net.broadcast(tx.bytes);
      if (result.code !== 0) {
        used = committed;
        throw new Error(`the faucet's transfer is refused: ${result.log}`);
      }
      used = nonce;
      ids.push(id);
    }
    return ids;
  };
  return {
    address: signer.address,
    give(to, gift = GIFT) {
      const next = turn.then(() => give(to, gift));
      turn = next.catch(() => {});
      return next;
    },
  };
}

export function faucetRoutes(app: Hono, faucet: Faucet): void {
  app.post('/faucet', async (c) => {
    let body: unknown;
    try {
      body = JSON.parse(await c.req.text());
    } catch {
      return c.json({ code: 'E_FIELD', message: 'the body is no JSON', hint: '{"address": "opg1…"}' }, 400);
    }
    const text = (body as { address?: unknown } | null)?.address;
    const address = typeof text === 'string' ? parseAddress(text) : null;
    if (address === null)
      return c.json({ code: 'E_FIELD', message: 'address: no address of the form opg1…', hint: '{"address": "opg1…"}' }, 400);
    try {
      const ids = await faucet.give(address);
      return c.json({ txs: ids, address: text, given: Object.fromEntries(Object.entries(GIFT).map(([d, n]) => [d, n.toString()])) });
    } catch (e) {
      return c.json({ code: 'E_FUNDS', message: (e as Error).message, hint: `the faucet is ${toHex(faucet.address)}` }, 503);
    }
  });
}
