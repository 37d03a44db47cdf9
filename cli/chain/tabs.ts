/** What `assay tab` does. */
import { showAddress } from '../../chain/accounts.ts';
import { readAmount, showAmount, writeAmount } from '../../chain/amounts.ts';
import { ascii } from '../../protocol/bytes.ts';
import type { TabFlags } from '../commands/tab.ts';
import { parseHash } from '../context.ts';
import { CannotTell } from '../outcome.ts';
import { hex } from '../text.ts';
import type { ChainFlags } from './flags.ts';
import { addressFrom, amountFrom, onChain, type Session, show } from './session.ts';

async function showRecord(s: Session, id: Uint8Array): Promise<void> {
  const tab = await s.chain.tab(id);
  if (tab === null) throw new CannotTell('chain.no-record', `the node knows no tab ${hex(id)}, or it is closed and paid back`);
  const denom = new TextDecoder().decode(tab.denom);
  const amount = readAmount(tab.amount, 'amount');
  const closing = tab.closeAt === 0n ? null : tab.closeAt.toString();
  await show(
    s,
    { tabId: hex(id), owner: showAddress(tab.owner), prover: showAddress(tab.prover), denom, amount: amount.toString(), closeAt: closing },
    [
      ['tab', hex(id)],
      ['owner', showAddress(tab.owner)],
      ['prover', showAddress(tab.prover)],
      ['holds', showAmount(amount, denom)],
      ...(closing === null ? [] : [['closes', `after block ${closing}`] as [string, string]]),
    ],
  );
}

export const openTab = (flags: TabFlags): Promise<void> =>
  onChain(flags, async (s) => {
    const amount = writeAmount(amountFrom(flags.amount, flags.denom, '--amount'));
    const prover = addressFrom(flags.prover, '--prover');
    const done = await s.chain.send(s.signer(), { case: 'openTab', value: { denom: ascii(flags.denom), amount, prover } });
    await showRecord(s, done.data);
    return 0;
  });

export const closeTab = (id: string, flags: ChainFlags): Promise<void> =>
  onChain(flags, async (s) => {
    const tabId = parseHash(id, 'the id');
    await s.chain.send(s.signer(), { case: 'closeTab', value: { tabId } });
    await showRecord(s, tabId);
    return 0;
  });

export const showTab = (id: string, flags: ChainFlags): Promise<void> =>
  onChain(flags, async (s) => {
    await showRecord(s, parseHash(id, 'the id'));
    return 0;
  });
