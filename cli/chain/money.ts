/** What `assay wallet` does. */
import { showAddress } from '../../chain/accounts.ts';
import { readAmount, showAmount, writeAmount } from '../../chain/amounts.ts';
import type { Chain } from '../../chain/client/index.ts';
import { Json } from '../../chain/comet/json.ts';
import { boundedText } from '../../chain/rpc/rpc.ts';
import { ascii } from '../../protocol/bytes.ts';
import { encode } from '../json.ts';
import { CannotTell, conclude } from '../outcome.ts';
import { print, say } from '../talk.ts';
import { printable } from '../text.ts';
import type { ChainFlags } from './flags.ts';
import { addressFrom, amountFrom, onChain, type Session, show } from './session.ts';
import { createWallet, walletPath } from './wallet.ts';

export function newWallet(flags: ChainFlags): Promise<void> {
  return conclude(async () => {
    const path = walletPath(flags.wallet);
    const address = showAddress(createWallet(path).address);
    await print(flags.json ? encode({ address, wallet: path }) : address);
    say(`${printable(path)} holds its key: whoever has the file has the money`);
    return 0;
  });
}

/** Balances by denomination, as decimal strings of the smallest unit. */
export async function balancesOf(chain: Chain, address: Uint8Array): Promise<Record<string, bigint>> {
  const account = await chain.account(address);
  return Object.fromEntries((account?.balances ?? []).map((c) => [new TextDecoder().decode(c.denom), readAmount(c.amount, 'balance')]));
}

const strings = (o: Readonly<Record<string, bigint>>): Record<string, string> =>
  Object.fromEntries(Object.entries(o).map(([k, v]) => [k, v.toString()]));

async function showAccount(s: Session, address: Uint8Array): Promise<void> {
  const [account, balances] = [await s.chain.account(address), await balancesOf(s.chain, address)];
  const name = showAddress(address);
  await show(s, { address: name, nonce: (account?.nonce ?? 0n).toString(), balances: strings(balances) }, [
    ['address', name],
    ['transactions', (account?.nonce ?? 0n).toString()],
    ...Object.entries(balances).map(([d, n]): [string, string] => ['balance', showAmount(n, d)]),
    ...(Object.keys(balances).length === 0 ? [['balance', 'nothing'] as [string, string]] : []),
  ]);
}

export const showWallet = (flags: ChainFlags): Promise<void> =>
  onChain(flags, async (s) => {
    await showAccount(s, s.signer().address);
    return 0;
  });

export const showBalance = (text: string, flags: ChainFlags): Promise<void> =>
  onChain(flags, async (s) => {
    await showAccount(s, addressFrom(text, 'the address'));
    return 0;
  });

export const sendMoney = (to: string, amount: string, denom: string, flags: ChainFlags): Promise<void> =>
  onChain(flags, async (s) => {
    const n = amountFrom(amount, denom, 'the amount');
    const target = addressFrom(to, 'the address');
    const done = await s.chain.send(s.signer(), { case: 'transfer', value: { to: target, denom: ascii(denom), amount: writeAmount(n) } });
    await show(s, { sent: n.toString(), denom, to, height: done.height.toString() }, [
      [`sent ${showAmount(n, denom)}`, `to ${to} in block ${done.height}`],
    ]);
    return 0;
  });

/** What the faucet says. Throws CannotTell where it refuses, or does not answer. */
async function faucetAnswer(url: string, address: string): Promise<Json> {
  let ok: boolean;
  let text: string | null;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ address }),
      signal: AbortSignal.timeout(10_000),
    });
    ok = response.ok;
    text = await boundedText(response, 65_536);
  } catch (e) {
    throw new CannotTell('chain.faucet', `the faucet does not answer: ${(e as Error).message}`);
  }
  if (!ok) throw new CannotTell('chain.faucet', `the faucet refuses: ${(text ?? '').slice(0, 200)}`);
  try {
    return new Json(JSON.parse(text ?? ''), 'faucet');
  } catch {
    throw new CannotTell('chain.faucet', 'the faucet answers with no JSON');
  }
}

export const askFaucet = (flags: ChainFlags): Promise<void> =>
  onChain(flags, async (s) => {
    const { moniker } = await s.chain.status();
    if (moniker !== 'devnet') throw new CannotTell('chain.no-faucet', 'this chain is no devnet, and only a devnet has a faucet');
    const { address } = s.signer();
    const before = await balancesOf(s.chain, address);
    const given = (await faucetAnswer(`${s.url.replace(/\/$/, '')}/faucet`, showAddress(address))).get('given');
    const wanted = given.entries(64).map(([d, n]) => [d, (before[d] ?? 0n) + n.amount()] as const);
    for (let i = 0; i < 100; i++) {
      const now = await balancesOf(s.chain, address);
      if (wanted.every(([d, n]) => (now[d] ?? 0n) >= n)) break;
      await s.chain.pause();
    }
    await showAccount(s, address);
    return 0;
  });
