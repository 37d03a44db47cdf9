/**
 * `apply(state, tx, block)`: one transaction (settlement §4.1, §8.1). It never throws for what a transaction holds: a failure at the door
 * changes nothing; behind it, nonce and burn stay whatever the message does, and the message acts completely or not at all.
 */

import { toHex } from '../../protocol/bytes.ts';
import type { LedgerEvent, TxResult } from '../application.ts';
import { CODES, Rejected } from '../codes.ts';
import { checkDoor, type OpenedTx, readDoor } from './door.ts';
import type { BlockContext, LedgerEnv, Work } from './env.ts';
import type { Message } from './fields.ts';
import { deprecateModel, registerModel } from './messages/models.ts';
import { burn, transfer } from './messages/money.ts';
import { openJob } from './messages/open-job.ts';
import { challenge, postProof, verifyInference } from './messages/proofs.ts';
import { registerProver, unbond } from './messages/provers.ts';
import { closeTab, openTab } from './messages/tabs.ts';
import { balance, burned, type Move, move } from './moves.ts';
import { priceAt } from './price.ts';
import { accountOf, putAccount } from './records.ts';
import type { State } from './state.ts';

export interface Applied extends TxResult {
  /** It passed the door: it has paid, and its gas counts. */
  readonly door: boolean;
}

const NOTHING = new Uint8Array(0);

export function applyTx(state: State, bytes: Uint8Array, block: BlockContext, env: LedgerEnv): Applied {
  let opened: OpenedTx;
  try {
    opened = readDoor(bytes);
    checkDoor(state, opened, block.height, env);
  } catch (e) {
    return { ...refused(e), gasWanted: 0n, gasUsed: 0n, events: [], door: false };
  }
  const { body, sender, payer, gas } = opened;
  const events: LedgerEvent[] = [];
  const account = accountOf(state, sender);
  account.nonce += 1n;
  putAccount(state, sender, account);
  move(state, { from: balance(payer), to: burned, denom: 'opg', amount: gas * priceAt(state, block.height), why: 'gas' }, recorder(events));
  const paid = { gasWanted: gas, gasUsed: gas, door: true };
  const overlay = state.overlay();
  const told: LedgerEvent[] = [];
  try {
    const work: Work = { state: overlay, height: block.height, env, events: told, record: recorder(told) };
    const data = act(work, sender, body.nonce, body.vgasLimit, body.msg as Message);
    overlay.merge();
    return { code: CODES.OK, data, log: '', ...paid, events: [...events, ...told] };
  } catch (e) {
    return { ...refused(e), ...paid, events };
  }
}

function refused(e: unknown): { readonly code: number; readonly data: Uint8Array; readonly log: string } {
  // Anything else means that this node cannot decide (§8.3).
  if (!(e instanceof Rejected)) throw e;
  return { code: CODES[e.code], data: NOTHING, log: `${e.code}: ${e.message}` };
}

function act(work: Work, sender: Uint8Array, nonce: bigint, vgasLimit: bigint, m: Message): Uint8Array {
  switch (m.case) {
    case 'transfer':
      return transfer(work, sender, m.value);
    case 'burn':
      return burn(work, sender, m.value);
    case 'registerModel':
      return registerModel(work, sender, vgasLimit, m.value);
    case 'deprecateModel':
      return deprecateModel(work, sender, m.value);
    case 'registerProver':
      return registerProver(work, sender, m.value);
    case 'unbond':
      return unbond(work, sender, m.value);
    case 'openTab':
      return openTab(work, sender, nonce, m.value);
    case 'closeTab':
      return closeTab(work, sender, m.value);
    case 'openJob':
      return openJob(work, sender, m.value);
    case 'postProof':
      return postProof(work, sender, vgasLimit, m.value);
    case 'challenge':
      return challenge(work, sender, vgasLimit, m.value);
    case 'verifyInference':
      return verifyInference(work, sender, vgasLimit, m.value);
    default:
      // A new message does not compile until it has a case here.
      return m satisfies never;
  }
}

/** Moves of money as events: for display, and for the checks of the invariants. */
export function recorder(events: LedgerEvent[]): (m: Move) => void {
  return ({ from, to, denom, amount, why }) =>
    events.push({
      type: 'move',
      attributes: { from: from.pot, from_of: toHex(from.of), to: to.pot, to_of: toHex(to.of), denom, amount: amount.toString(), why },
    });
}
