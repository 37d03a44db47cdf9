/**
 * Cases of checks: a transaction that gets code 0 and one defect of it, in the transaction or in the state it meets. Without the defect it
 * must pass, with it it must get the code. A failure at the door leaves no trace; a message's failure leaves nonce and burn.
 */
import { expect, test } from 'vitest';
import { writeAmount } from '../../../chain/amounts.ts';
import type { encode } from '../../../chain/codec.ts';
import { type CodeName, codeName } from '../../../chain/codes.ts';
import type { TxSchema } from '../../../chain/generated/messages_pb.ts';
import { type Applied, beginBlock, endBlock, gasOf, priceAt, State } from '../../../chain/state/index.ts';
import { balance, burned, move } from '../../../chain/state/moves.ts';
import { accountOf, putAccount } from '../../../chain/state/records.ts';
import { ascii, toHex } from '../../../protocol/bytes.ts';
import type { Key } from './keys.ts';
import type { Ledger, TxOptions } from './ledger.ts';
import { bodyOf, bytes, type Msg, sealTx, USD } from './txs.ts';
import { LIE, LOOSE, OTHER, open, PROVER, REQUESTER, SPONSOR, world } from './world.ts';

/** What the good transactions refer to. */
interface Known {
  /** Posted the truth; posted a lie; a model whose proofs are bound to nothing. */
  readonly job: Uint8Array;
  readonly lie: Uint8Array;
  readonly loose: Uint8Array;
  /** REQUESTER's, for PROVER: 100 usd. */
  readonly tab: Uint8Array;
}
export const base = world();
const openTab: Msg = { case: 'openTab', value: { denom: ascii('usd'), amount: writeAmount(100n * USD), prover: PROVER.address } };
const [tab] = base.ok(base.tx(REQUESTER, openTab)) as [Uint8Array];
export const known: Known = {
  job: open(base, { order: { orderNonce: bytes(32, 1) } }),
  lie: open(base, { order: { orderNonce: bytes(32, 2) }, output: LIE }),
  loose: open(base, { order: { orderNonce: bytes(32, 3), settlementMode: 2 }, model: LOOSE }),
  tab,
};

/** A transaction to be: who sends what, how; `bytes` changes what was signed and encoded. */
export interface Draft {
  by: Key;
  msg: Msg;
  options: TxOptions;
  bytes: (tx: Uint8Array) => Uint8Array;
}
/** Changes a draft, or the chain that it meets (a fork, which nobody else sees). */
export type Defect = (d: Draft, l: Ledger) => void;
export interface Case {
  readonly name: string;
  readonly code: CodeName;
  readonly good: (l: Ledger) => Draft;
  readonly defect: Defect;
}

export const draft = (by: Key, msg: Msg, options: TxOptions = {}): Draft => ({ by, msg, options, bytes: (tx) => tx });
export const made = (d: Draft, l: Ledger): Uint8Array => d.bytes(l.tx(d.by, d.msg, d.options));

function appliedWithout({ good }: Case): Applied {
  const l = base.fork();
  return l.block(made(good(l), l))[0] as Applied;
}

interface Outcome {
  readonly result: Applied;
  readonly before: State;
  readonly after: State;
  readonly tx: Uint8Array;
  readonly height: bigint;
  readonly d: Draft;
}
function applied({ good, defect }: Case): Outcome {
  const l = base.fork();
  const d = good(l);
  defect(d, l);
  const tx = made(d, l);
  const before = State.fromRows(l.state.rows());
  const [result] = l.block(tx) as [Applied];
  return { result, before, after: l.state, tx, height: l.height, d };
}

/** The state with nothing but the sender's nonce and the payer's burn changed. */
function charged({ before, height, tx, d }: Outcome): State {
  const state = before.overlay();
  const env = base.env;
  const block = { height, time: 0n, proposer: bytes(20) };
  beginBlock(state, block, env);
  const account = accountOf(state, d.by.address);
  account.nonce += 1n;
  putAccount(state, d.by.address, account);
  const gas = gasOf(tx.length, (d.options.vgasLimit as bigint | undefined) ?? 0n);
  const payer = d.options.sponsoredBy ?? d.by;
  move(state, { from: balance(payer.address), to: burned, denom: 'opg', amount: gas * priceAt(state, height), why: 'gas' }, () => {});
  endBlock(state, block, gas);
  return state;
}

export function runs(cases: readonly Case[], where: 'door' | 'message'): void {
  test.each(cases.map((c) => [c.code, c.name, c] as const))('%s: %s', (code, _, c) => {
    expect(appliedWithout(c).log).toBe('');
    const outcome = applied(c);
    const { result, before, after } = outcome;
    expect(`${codeName(result.code)} ${result.log}`).toBe(`${code} ${result.log}`);
    expect(result.log).toMatch(new RegExp(`^${code}: .{8}`));
    expect(result.door).toBe(where === 'message');
    expect(toHex(after.appHash())).toBe(toHex((where === 'door' ? before : charged(outcome)).appHash()));
    expect(result.data).toHaveLength(0);
  });
}

export const transfer = (): Draft =>
  draft(REQUESTER, { case: 'transfer', value: { to: OTHER.address, denom: ascii('usd'), amount: writeAmount(USD) } });
export const sponsored = (): Draft => ({ ...transfer(), options: { sponsoredBy: SPONSOR } });

/** Cases of one good transaction. */
export const cases =
  (good: (l: Ledger) => Draft) =>
  (...list: readonly (readonly [CodeName, string, Defect])[]): Case[] =>
    list.map(([code, name, defect]) => ({ code, name, good, defect }));

/** Defects of the envelope, signed anew where `body` is given. */
export const envelope =
  (change: Parameters<typeof encode<typeof TxSchema>>[1], sponsor?: Key): Defect =>
  (d, l) => {
    d.bytes = () => {
      const body = bodyOf({ nonce: accountOf(l.state, d.by.address).nonce + 1n, msg: d.msg, ...(sponsor && { sponsor: sponsor.address }) });
      return sealTx(d.by, body, { sponsor, change });
    };
  };
/** A body in other bytes, signed. */
export const otherBody =
  (change: (body: Uint8Array) => Uint8Array): Defect =>
  (d, l) => {
    d.bytes = () => sealTx(d.by, change(bodyOf({ nonce: accountOf(l.state, d.by.address).nonce + 1n, msg: d.msg })));
  };
export const options =
  (change: TxOptions | ((l: Ledger) => TxOptions)): Defect =>
  (d, l) => {
    d.options = { ...d.options, ...(typeof change === 'function' ? change(l) : change) };
  };
