/** openTab, closeTab (settlement §4.2): money that one prover alone may draw, on orders of its owner, until the owner closes it. */
import { create } from '@bufbuild/protobuf';
import { equalBytes, toHex } from '../../../protocol/bytes.ts';
import { showAddress } from '../../accounts.ts';
import { readAmount } from '../../amounts.ts';
import { Rejected } from '../../codes.ts';
import type { CloseTab, OpenTab } from '../../generated/messages_pb.ts';
import { TabSchema } from '../../generated/records_pb.ts';
import { tabIdOf } from '../../identities.ts';
import type { Work } from '../env.ts';
import { balance, holds, move, tab } from '../moves.ts';
import { paramsOf, provers, removeTab, tabs } from '../records.ts';
import { knownDenom } from './money.ts';

export function openTab(work: Work, sender: Uint8Array, nonce: bigint, m: OpenTab): Uint8Array {
  const { state } = work;
  const denom = knownDenom(work, m.denom, 'open_tab.denom');
  if (provers.get(state, m.prover) === undefined) throw new Rejected('E_PROVER', `${showAddress(m.prover)} is no prover`);
  const amount = readAmount(m.amount, 'amount');
  const held = holds(state, balance(sender), denom);
  if (held < amount) throw new Rejected('E_FUNDS', `the balance is ${held} ${denom}, ${amount} are asked for`);
  const id = tabIdOf(sender, nonce);
  tabs.put(state, id, create(TabSchema, { owner: sender, prover: m.prover, denom: m.denom }));
  move(state, { from: balance(sender), to: tab(id), denom, amount, why: 'open tab' }, work.record);
  return id;
}

export function closeTab(work: Work, sender: Uint8Array, { tabId }: CloseTab): Uint8Array {
  const record = tabs.get(work.state, tabId);
  // What the sweep will return any block now is gone already: how far the sweep got must not show.
  const over = record !== undefined && record.closeAt !== 0n && work.height > record.closeAt;
  if (record === undefined || over || !equalBytes(record.owner, sender))
    throw new Rejected('E_OWNER', `${showAddress(sender)} has no tab ${toHex(tabId)}`);
  if (record.closeAt !== 0n) throw new Rejected('E_STATE', `the tab is closing already: its rest returns after block ${record.closeAt}`);
  record.closeAt = work.height + paramsOf(work.state).tabDelay;
  tabs.put(work.state, tabId, record);
  return tabId;
}

/** What the sweep does with a tab whose time is over: the rest goes to its owner, the record away. */
export function returnTab(work: Work, id: Uint8Array): void {
  const record = tabs.get(work.state, id);
  if (record === undefined) throw new Error(`state: no tab ${toHex(id)}`);
  const denom = new TextDecoder().decode(record.denom);
  const amount = holds(work.state, tab(id), denom);
  move(work.state, { from: tab(id), to: balance(record.owner), denom, amount, why: 'close tab' }, work.record);
  removeTab(work.state, id);
}
