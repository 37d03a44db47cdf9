/** The checks of the invariants (settlement §14) themselves: a block that is right passes, and each lie about it is named. */
import { describe, expect, test } from 'vitest';
import { readAmount, writeAmount } from '../../chain/amounts.ts';
import type { LedgerEvent } from '../../chain/application.ts';
import type { Account, Coin, Prover } from '../../chain/generated/records_pb.ts';
import { recorder } from '../../chain/state/apply.ts';
import { type Applied, applyTx, beginBlock, endBlock, type Pot, type State } from '../../chain/state/index.ts';
import { type BlockRun, checkInvariants } from '../../chain/state/invariants.ts';
import { balance, burned, escrow, free, holds, locked, type Move, move, type Why } from '../../chain/state/moves.ts';
import { accountOf, jobs, provers, putAccount, putSupply, supplyOf } from '../../chain/state/records.ts';
import type { Key } from './helpers/keys.ts';
import type { Ledger } from './helpers/ledger.ts';
import { bytes, USD } from './helpers/txs.ts';
import { challenge, jobMsg, LIE, OTHER, open, PROVER, postProof, RIVAL, VGAS, world } from './helpers/world.ts';

interface Run {
  readonly before: State;
  readonly after: State;
  readonly block: { height: bigint; txs: Uint8Array[]; begun: readonly LedgerEvent[]; results: Applied[] };
  readonly l: Ledger;
  /** Opened in the block; proven, challenged and gone to RESCUE in it; over before it. */
  readonly opened: Uint8Array;
  readonly proven: Uint8Array;
  readonly lied: Uint8Array;
  readonly late: Uint8Array;
  readonly over: Uint8Array;
}

/** A block in which a job is opened, one proven, one challenged, and one goes to RESCUE. */
function run(): Run {
  const l = world();
  const late = open(l, { order: { orderNonce: bytes(32, 1) } });
  const over = open(l, { order: { orderNonce: bytes(32, 4) } });
  l.ok(l.tx(PROVER, postProof(l, over), VGAS));
  l.runTo(l.job(late).proveBy - 2n);
  const proven = open(l, { order: { orderNonce: bytes(32, 2) } });
  const lied = open(l, { order: { orderNonce: bytes(32, 3) }, output: LIE });
  const { id: opened, msg } = jobMsg(l);
  const txs = [l.tx(PROVER, msg), l.tx(PROVER, postProof(l, proven), VGAS), l.tx(OTHER, challenge(l, lied, { by: OTHER }), VGAS)];
  const height = l.height + 1n;
  const context = { height, time: 0n, proposer: bytes(20) };
  const after = l.state.overlay();
  const begun = beginBlock(after, context, l.env);
  const results = txs.map((tx) => applyTx(after, tx, context, l.env));
  endBlock(
    after,
    context,
    results.reduce((n, r) => n + r.gasUsed, 0n),
  );
  return { before: l.state, after, block: { height, txs, begun, results }, l, opened, proven, lied, late, over };
}

const check = ({ before, after, block, l }: Run): void => checkInvariants(before, after, block as BlockRun, l.env);

/** Moves money, and says nothing of it; or says so at the block's end. */
const moved = (r: Run, m: Move): void => move(r.after, m, () => {});
function told(r: Run, m: Move): void {
  const events: LedgerEvent[] = [];
  move(r.after, m, recorder(events));
  const last = r.block.results.pop() as Applied;
  r.block.results.push({ ...last, events: [...last.events, ...events] });
}
const opg = (from: Pot, to: Pot, amount: bigint, why: Why): Move => ({ from, to, denom: 'opg', amount, why });
const account = (r: Run, of: Key, edit_: (a: Account) => void): void => {
  const record = accountOf(r.after, of.address);
  edit_(record);
  putAccount(r.after, of.address, record);
};

const change = (r: Run, id: Uint8Array, fields: Partial<ReturnType<Ledger['job']>>): void => {
  jobs.put(r.after, id, { ...(jobs.get(r.after, id) as ReturnType<Ledger['job']>), ...fields });
};
const edit = (r: Run, find: (e: LedgerEvent) => boolean, fields: Record<string, string> | null): void => {
  const edited = (events: readonly LedgerEvent[]): LedgerEvent[] =>
    events.flatMap((e) => (find(e) ? (fields === null ? [] : [{ ...e, attributes: { ...e.attributes, ...fields } }]) : [e]));
  r.block.begun = edited(r.block.begun);
  r.block.results = r.block.results.map((x) => ({ ...x, events: edited(x.events) }));
};
const why = (reason: string) => (e: LedgerEvent) => e.attributes.why === reason;

test('a block that is right passes', () => {
  const r = run();
  check(r);
  expect(r.block.results.map((x) => x.log)).toEqual(['', '', '']);
});

describe('lies', () => {
  test.each<[string, string, (r: Run) => void]>([
    ['I1', 'money that nobody minted', (r) => account(r, OTHER, (a) => Object.assign(a.balances[1] as Coin, { amount: writeAmount(USD) }))],
    ['I1', 'more minted', (r) => putSupply(r.after, 'usd', { ...supplyOf(r.after, 'usd'), minted: writeAmount(20_000n * USD) })],
    ['I1', 'a move that was not told', (r) => moved(r, opg(balance(OTHER.address), balance(RIVAL.address), 1n, 'transfer'))],
    ['I1', 'a move told otherwise', (r) => edit(r, why('paid'), { amount: '1' })],
    [
      'I2',
      'burned money back',
      (r) => {
        const supply = supplyOf(r.after, 'opg');
        const back = readAmount(supply.burned, 'burned') + holds(r.after, balance(OTHER.address), 'opg');
        putSupply(r.after, 'opg', { ...supply, burned: bytes(0) });
        account(r, OTHER, (a) => Object.assign(a.balances[0] as Coin, { amount: writeAmount(back) }));
      },
    ],
    [
      'I3',
      'a nonce skipped',
      (r) =>
        account(r, OTHER, (a) => {
          a.nonce += 1n;
        }),
    ],
    [
      'I3',
      'a transaction twice',
      (r) => {
        r.block.txs.push(r.block.txs[2] as Uint8Array);
        r.block.results.push({ ...(r.block.results[2] as Applied), events: [] });
      },
    ],
    ['I3', 'a job that was over and changed', (r) => change(r, r.over, { endedAt: 1n })],
    [
      'I4',
      'a job that is over and holds money',
      (r) => told(r, { ...opg(balance(OTHER.address), escrow(r.proven), 1n, 'price'), denom: 'usd' }),
    ],
    ['I4', 'a way that does not exist', (r) => edit(r, (e) => e.attributes.state === 'RESCUE', { state: 'FAILED(unproven)' })],
    ['I4', 'a state that was not told', (r) => edit(r, (e) => e.attributes.state === 'RESCUE', null)],
    [
      'I5',
      'final without a proof',
      (r) => {
        const [gone] = r.block.results.splice(1, 1);
        r.block.txs.splice(1, 1);
        r.block.begun = [...r.block.begun, ...(gone?.events ?? [])];
        account(r, PROVER, (a) => {
          a.nonce -= 1n;
        });
      },
    ],
    ['I5', 'another statement than the proof’s', (r) => change(r, r.proven, { statement: bytes(32) })],
    ['I5', 'another prover than the proof’s', (r) => change(r, r.proven, { provenBy: OTHER.address })],
    ['I6', 'a bond that is not locked', (r) => told(r, opg(locked(r.opened), free(PROVER.address), 1n, 'unlock'))],
    [
      'I6',
      'a sum of bonds that is not',
      (r) => provers.put(r.after, PROVER.address, { ...(provers.get(r.after, PROVER.address) as Prover), locked: writeAmount(1n) }),
    ],
    ['I7', 'a fee that is burned', (r) => edit(r, why('paid'), { to: 'burned', to_of: '' })],
    ['I7', 'a reason that is none', (r) => edit(r, why('unlock'), { why: 'gift' })],
    [
      'I10',
      'more burned than declared',
      (r) => {
        const [first] = r.block.results;
        const burn = first?.events.find(why('gas')) as LedgerEvent;
        moved(r, opg(balance(PROVER.address), burned, 1n, 'gas'));
        edit(r, (e) => e === burn, { amount: `${BigInt(burn.attributes.amount as string) + 1n}` });
      },
    ],
    ['I11', 'a deadline that passed', (r) => change(r, r.opened, { proveBy: 1n })],
  ])('%s: %s', (invariant, _, lie) => {
    const r = run();
    lie(r);
    expect(() => check(r)).toThrow(new RegExp(`^${invariant}: `));
  });
});
