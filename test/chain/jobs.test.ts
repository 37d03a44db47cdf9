/** Jobs (settlement §5): who is paid on each way, what is in time, and that a late sweep changes nothing but when. */
import { describe, expect, test } from 'vitest';
import { writeAmount } from '../../chain/amounts.ts';
import { inferenceIdOf } from '../../chain/identities.ts';
import { balance, burned, holds } from '../../chain/state/moves.ts';
import { inputCommitment, outputCommitment } from '../../chain/tensors.ts';
import { ascii, toHex } from '../../protocol/bytes.ts';
import { keyOf } from './helpers/keys.ts';
import type { Ledger, LedgerOptions } from './helpers/ledger.ts';
import { answerOf } from './helpers/system.ts';
import { bytes, type Msg, OPG, question, USD } from './helpers/txs.ts';
import {
  challenge,
  type JobOptions,
  jobMsg,
  LIE,
  LONG,
  MODEL,
  OTHER,
  open,
  PROVER,
  postProof,
  REQUESTER,
  SPONSOR,
  VGAS,
  verifyInference,
  world,
} from './helpers/world.ts';

/** Gas is the sponsor's, so that what others have changes by payouts alone. */
const FREE_RIDE = { ...VGAS, sponsoredBy: SPONSOR };

interface Payout {
  readonly requesterUsd: bigint;
  readonly requesterOpg: bigint;
  readonly proverUsd: bigint;
  readonly proverFree: bigint;
  readonly otherOpg: bigint;
  /** Burned for other reasons than gas. */
  readonly burned: bigint;
}

function holdings(l: Ledger): Payout {
  return {
    requesterUsd: l.balance(REQUESTER, 'usd'),
    requesterOpg: l.balance(REQUESTER, 'opg'),
    proverUsd: l.balance(PROVER, 'usd'),
    proverFree: l.free(PROVER),
    otherOpg: l.balance(OTHER, 'opg'),
    burned: holds(l.state, burned, 'opg') + l.balance(SPONSOR, 'opg'),
  };
}

interface Way {
  readonly name: string;
  readonly job?: JobOptions;
  /** From the block after openJob on. */
  readonly run: (l: Ledger, id: Uint8Array) => void;
  readonly state: string;
  /** In prices and bonds: what changed since before openJob. `half` is burned, `rest` is not. */
  readonly pays: (x: { price: bigint; bond: bigint; half: bigint; rest: bigint }) => Partial<Payout>;
}

const toLate = (l: Ledger, id: Uint8Array): void => l.runTo(l.job(id).proveBy);
const rescue = (l: Ledger, id: Uint8Array, by = OTHER): unknown => l.ok(l.tx(by, postProof(l, id, { by }), FREE_RIDE));

const WAYS: readonly Way[] = [
  {
    name: 'a proof in time',
    run: (l, id) => l.ok(l.tx(PROVER, postProof(l, id), FREE_RIDE)),
    state: 'FINAL(PROVEN)',
    pays: ({ price }) => ({ requesterUsd: -price, proverUsd: price }),
  },
  {
    name: 'no proof by prove_by: RESCUE',
    run: (l, id) => l.runTo(l.job(id).proveBy + 1n),
    state: 'RESCUE',
    pays: ({ bond, half }) => ({ proverFree: -bond, burned: half }),
  },
  {
    name: 'no proof, and no time to rescue',
    job: { order: { rescueBlocks: 0 } },
    run: (l, id) => l.runTo(l.job(id).proveBy + 1n),
    state: 'FAILED(unproven)',
    pays: ({ bond, half, rest }) => ({ proverFree: -bond, burned: half, requesterOpg: rest }),
  },
  {
    name: 'nobody rescues',
    run: (l, id) => l.runTo(l.job(id).proveBy + 11n),
    state: 'FAILED(unproven)',
    pays: ({ bond, half, rest }) => ({ proverFree: -bond, burned: half, requesterOpg: rest }),
  },
  {
    name: 'somebody rescues the posted output',
    run: (l, id) => {
      toLate(l, id);
      rescue(l, id);
    },
    state: 'FINAL(PROVEN, late)',
    pays: ({ bond, half, rest }) => ({ proverFree: -bond, burned: half, otherOpg: rest }),
  },
  {
    name: 'the requester rescues the posted output',
    run: (l, id) => {
      toLate(l, id);
      rescue(l, id, REQUESTER);
    },
    state: 'FINAL(PROVEN, late)',
    pays: ({ bond, half, rest }) => ({ proverFree: -bond, burned: half, requesterOpg: rest }),
  },
  {
    name: 'a rescue proves another output',
    job: { output: LIE },
    run: (l, id) => {
      toLate(l, id);
      rescue(l, id);
    },
    state: 'FAILED(fraud)',
    pays: ({ bond, half, rest }) => ({ proverFree: -bond, burned: half, otherOpg: rest }),
  },
  {
    name: 'a challenge proves another output',
    job: { output: LIE },
    run: (l, id) => l.ok(l.tx(OTHER, challenge(l, id, { by: OTHER }), FREE_RIDE)),
    state: 'FAILED(fraud)',
    pays: ({ bond, half, rest }) => ({ proverFree: -bond, burned: half, otherOpg: rest }),
  },
];

const BONDS = [
  ['even', 50n * OPG],
  ['odd', 50n * OPG + 1n],
  ['of one', 1n],
  ['of nothing', 0n],
] as const;

describe.each(BONDS)('payouts, a bond that is %s (§5.2)', (_, bond) => {
  test.each(WAYS.map((w) => [w.name, w] as const))('%s', (_name, { job = {}, run, state, pays }) => {
    const l = world({ params: { minJobBond: 0n } });
    const before = holdings(l);
    const price = 2n * USD + 1n;
    const order = { ...job.order, bond: writeAmount(bond), price: writeAmount(price) };
    const { id, msg } = jobMsg(l, { ...job, order });
    l.ok(l.tx(PROVER, msg, { sponsoredBy: SPONSOR }));
    expect(l.stateOf(id)).toBe('PENDING');
    run(l, id);
    expect(l.stateOf(id)).toBe(state);
    const after = holdings(l);
    const half = (bond + 1n) / 2n;
    const changed = Object.fromEntries(Object.entries(after).map(([k, v]) => [k, v - before[k as keyof Payout]]));
    const nothing = { requesterUsd: 0n, requesterOpg: 0n, proverUsd: 0n, proverFree: 0n, otherOpg: 0n, burned: 0n };
    expect(changed).toEqual({ ...nothing, ...pays({ price, bond, half, rest: bond - half }) });
  });
});

test('a price paid from a tab returns to the requester’s balance', () => {
  const l = world();
  const openTab: Msg = { case: 'openTab', value: { denom: ascii('usd'), amount: writeAmount(5n * USD), prover: PROVER.address } };
  const [tabId] = l.ok(l.tx(REQUESTER, openTab)) as [Uint8Array];
  const id = open(l, { order: { tabId } });
  const before = l.balance(REQUESTER, 'usd');
  l.runTo(l.job(id).proveBy + 1n);
  expect(l.balance(REQUESTER, 'usd') - before).toBe(2n * USD);
  l.ok(l.tx(REQUESTER, { case: 'closeTab', value: { tabId } }));
  const closeAt = l.height + 200n;
  l.runTo(closeAt);
  expect(l.balance(REQUESTER, 'usd') - before).toBe(2n * USD);
  l.runTo(closeAt + 1n);
  expect(l.balance(REQUESTER, 'usd') - before).toBe(5n * USD);
  expect(l.code(l.tx(REQUESTER, { case: 'closeTab', value: { tabId } }))).toBe('E_OWNER');
});

test('accounts that never sent anything may be emptied by their order and by their sponsorship, and be filled again', () => {
  const [poor, patron] = [keyOf(50), keyOf(51)];
  const l = world({
    accounts: [
      { address: poor.address, balances: { usd: 2n * USD } },
      { address: patron.address, balances: { opg: OPG } },
    ],
  });
  const id = open(l, { requester: poor });
  expect(l.state.get('acct', poor.address)).toBeUndefined();
  l.runTo(l.job(id).proveBy + 1n);
  expect(l.balance(poor, 'usd')).toBe(2n * USD);
  l.ok(
    l.tx(
      poor,
      { case: 'transfer', value: { to: OTHER.address, denom: ascii('usd'), amount: writeAmount(2n * USD) } },
      { sponsoredBy: patron },
    ),
  );
  expect(holds(l.state, balance(poor.address), 'usd')).toBe(0n);
});

describe('what is in time (§5.2)', () => {
  // A sweep that never comes must change no code: a transaction brings its own job up to date.
  describe.each<[string, LedgerOptions]>([
    ['swept', {}],
    ['never swept', { env: { sweepCap: 0 } }],
  ])('%s', (_, options) => {
    test.each<[string, bigint, string, string]>([
      ['at prove_by', 0n, 'OK', 'FINAL(PROVEN)'],
      ['one past prove_by', 1n, 'OK', 'FINAL(PROVEN, late)'],
      ['at hard_by', 10n, 'OK', 'FINAL(PROVEN, late)'],
      ['one past hard_by', 11n, 'E_LATE', 'FAILED(unproven)'],
    ])('a proof %s', (_name, past, code, state) => {
      const l = world(options);
      const id = open(l);
      l.runTo(l.job(id).proveBy + past - 1n);
      expect(l.code(l.tx(PROVER, postProof(l, id), VGAS))).toBe(code);
      if (code === 'OK' || options.env === undefined) expect(l.stateOf(id)).toBe(state);
    });

    test.each<[string, bigint, string]>([
      ['at prove_by', 0n, 'OK'],
      ['one past prove_by', 1n, 'E_LATE'],
      ['one past hard_by', 11n, 'E_LATE'],
    ])('a challenge %s', (_name, past, code) => {
      const l = world(options);
      const id = open(l, { output: LIE });
      l.runTo(l.job(id).proveBy + past - 1n);
      expect(l.code(l.tx(OTHER, challenge(l, id, { by: OTHER }), VGAS))).toBe(code);
    });

    test('without time to rescue, a proof one past prove_by is late', () => {
      const l = world(options);
      const id = open(l, { order: { rescueBlocks: 0 } });
      l.runTo(l.job(id).proveBy);
      expect(l.code(l.tx(PROVER, postProof(l, id), VGAS))).toBe('E_LATE');
    });

    test('the second of two proofs in one block gets E_STATE', () => {
      const l = world(options);
      const id = open(l);
      l.runTo(l.job(id).proveBy);
      const codes = l
        .block(...[OTHER, REQUESTER].map((by) => l.tx(by, postProof(l, id, { by }), VGAS)))
        .map((r) => r.log.split(':')[0] || 'OK');
      expect(codes).toEqual(['OK', 'E_STATE']);
      expect(toHex(l.job(id).provenBy)).toBe(toHex(OTHER.address));
    });
  });

  test.each<[string, bigint, string]>([
    ['at open_by', 0n, 'OK'],
    ['one past open_by', 1n, 'E_LATE'],
  ])('an order %s', (_, past, code) => {
    const l = world();
    l.runTo(29n + past);
    expect(l.code(l.tx(PROVER, jobMsg(l, { order: { openBy: 30n } }).msg))).toBe(code);
  });

  test.each<[string, bigint, string]>([
    ['at close_at', 0n, 'OK'],
    ['one past close_at', 1n, 'E_ESCROW'],
  ])('an order on a closing tab %s', (_, past, code) => {
    const l = world();
    const openTab: Msg = { case: 'openTab', value: { denom: ascii('usd'), amount: writeAmount(5n * USD), prover: PROVER.address } };
    const [tabId] = l.ok(l.tx(REQUESTER, openTab)) as [Uint8Array];
    l.ok(l.tx(REQUESTER, { case: 'closeTab', value: { tabId } }));
    l.runTo(l.height + 199n + past);
    expect(l.code(l.tx(PROVER, jobMsg(l, { order: { tabId } }).msg))).toBe(code);
  });
});

describe('a sweep of one at a time ends where one of all does (§5.2)', () => {
  /** Jobs and tabs whose times are over at heights near each other, some of them at the same; then nothing but time. */
  function many(sweepCap?: number): Ledger {
    const l = world({ ...(sweepCap === undefined ? {} : { env: { sweepCap } }), params: { tabDelay: 12n } });
    for (let i = 0; i < 9; i++) {
      const { msg } = jobMsg(l, {
        order: {
          orderNonce: bytes(32, i),
          bond: writeAmount(OPG + BigInt(i)),
          proveBlocks: 20 + (i % 3),
          rescueBlocks: i % 4 === 0 ? 0 : i,
        },
        requester: keyOf(i % 5),
      });
      l.ok(l.tx(PROVER, msg));
    }
    const tabs = l.ok(
      ...[REQUESTER, OTHER, SPONSOR].map((owner) =>
        l.tx(owner, { case: 'openTab', value: { denom: ascii('usd'), amount: writeAmount(3n), prover: PROVER.address } }),
      ),
    );
    l.ok(...[REQUESTER, OTHER, SPONSOR].map((owner, i) => l.tx(owner, { case: 'closeTab', value: { tabId: tabs[i] as Uint8Array } })));
    l.runTo(80n);
    return l;
  }

  test('to the same AppHash', () => {
    const [one, all] = [many(1), many()];
    expect([...one.state.rows()].map((r) => [r.store, toHex(r.key), toHex(r.value)])).toEqual(
      [...all.state.rows()].map((r) => [r.store, toHex(r.key), toHex(r.value)]),
    );
    expect(toHex(one.state.appHash())).toBe(toHex(all.state.appHash()));
    expect(one.state.deadlines()).toEqual([]);
  });

  test('by deadline, then id, and no more than the cap', () => {
    const l = world({ env: { sweepCap: 2 } });
    const ids = [1, 2, 3].map((i) => jobMsg(l, { order: { orderNonce: bytes(32, i), rescueBlocks: 0 } }));
    l.ok(...ids.map(({ msg }) => l.tx(PROVER, msg)));
    l.runTo((l.job((ids[0] as (typeof ids)[0]).id).proveBy as bigint) + 1n);
    const order = ids.map(({ id }) => toHex(id)).sort();
    const swept = (): unknown[] => l.begun.filter((e) => e.type === 'job').map((e) => e.attributes.job_id);
    expect(swept()).toEqual(order.slice(0, 2));
    l.block();
    expect(swept()).toEqual(order.slice(2));
  });
});

describe('what a record says', () => {
  test('of a proof: who, what, and the name that ERC-7992 gives it', () => {
    const l = world();
    const q = question();
    const output = answerOf(MODEL.key, q.input);
    const id = open(l);
    l.ok(l.tx(PROVER, postProof(l, id), VGAS));
    const job = l.job(id);
    expect(toHex(job.provenBy)).toBe(toHex(PROVER.address));
    expect(toHex(job.provenCommitment)).toBe(toHex(outputCommitment(output)));
    expect(toHex(job.inferenceId)).toBe(toHex(inferenceIdOf(MODEL.id, inputCommitment(q.nonce, q.input), output)));
    expect(job.endedAt).toBe(l.height);
    expect(job.late).toBe(false);
    expect(job.output).toHaveLength(0);
    expect(job.provenOutput).toHaveLength(0);
  });

  test('of a fraud: both outputs, where the order keeps them', () => {
    const l = world();
    const id = open(l, { order: { settlementMode: 2 }, output: LIE });
    l.ok(l.tx(OTHER, challenge(l, id, { by: OTHER }), VGAS));
    expect(toHex(l.job(id).output)).toBe(toHex(LIE));
    expect(toHex(l.job(id).provenOutput)).toBe(toHex(answerOf(MODEL.key, question().input)));
  });

  test('of an output longer than 4 KiB: its commitment', () => {
    const l = world();
    const id = open(l, { order: { settlementMode: 2 }, model: LONG });
    l.ok(l.tx(PROVER, postProof(l, id, { model: LONG }), VGAS));
    expect(l.job(id).provenOutput).toHaveLength(0);
    expect(l.job(id).provenCommitment).toHaveLength(32);
  });

  test('of time: the height at which it was over, whoever noticed when', () => {
    const l = world({ env: { sweepCap: 0 } });
    const id = open(l);
    const { proveBy } = l.job(id);
    l.runTo(proveBy + 30n);
    expect(l.stateOf(id)).toBe('PENDING');
    const late = l.fork({ env: { sweepCap: 9 } });
    late.block();
    expect(late.stateOf(id)).toBe('FAILED(unproven)');
    expect(late.job(id).endedAt).toBe(proveBy + 11n);
  });

  test('of a proof on its own: FINAL at once, without money', () => {
    const l = world();
    const [id] = l.ok(l.tx(OTHER, verifyInference(l, { by: OTHER }), VGAS)) as [Uint8Array];
    expect(l.stateOf(id)).toBe('FINAL(PROVEN)');
    expect(l.job(id).solo?.salt).toEqual(bytes(32, 1));
    expect(l.code(l.tx(OTHER, postProof(l, id, { by: OTHER }), VGAS))).toBe('E_STATE');
  });
});
