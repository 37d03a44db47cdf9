/** The checks of the messages (settlement §4.2), one test a defect: nonce and burn stay, and nothing else. */
import { describe, expect, test } from 'vitest';
import { writeAmount } from '../../chain/amounts.ts';
import { encode } from '../../chain/codec.ts';
import type { CodeName } from '../../chain/codes.ts';
import { OrderSchema } from '../../chain/generated/messages_pb.ts';
import { proofSystemId } from '../../chain/identities.ts';
import { outputCommitment } from '../../chain/tensors.ts';
import { ascii, concat, fromHex } from '../../protocol/bytes.ts';
import { base, type Case, cases, type Defect, type Draft, draft, known, runs, transfer } from './helpers/cases.ts';
import { type Key, sign } from './helpers/keys.ts';
import type { Ledger } from './helpers/ledger.ts';
import { answerOf, keyFile } from './helpers/system.ts';
import {
  bytes,
  type ModelFixture,
  type Msg,
  modelFixture,
  OPG,
  type OrderFields,
  orderFields,
  question,
  registerModel,
  USD,
} from './helpers/txs.ts';
import {
  challenge,
  drain,
  type JobOptions,
  jobMsg,
  LIE,
  LOOSE,
  MODEL,
  OTHER,
  OWNER,
  open,
  PROVER,
  type ProofOptions,
  postProof,
  REQUESTER,
  RIVAL,
  registerProver,
  SYSTEMS,
  switchOff,
  VGAS,
  verifyInference,
} from './helpers/world.ts';

type Defective = readonly [CodeName, string, Defect];
/** The defect of another message. */
const send =
  (msg: (l: Ledger) => Msg, by?: Key): Defect =>
  (d, l) => {
    d.msg = msg(l);
    d.by = by ?? d.by;
  };
const off: Defective = ['E_SYSTEM_OFF', 'the system is off', (_, l) => switchOff(l)];
const deprecate = (l: Ledger): unknown => l.ok(l.tx(OWNER, { case: 'deprecateModel', value: { modelId: MODEL.id } }));
const closeTab = (): Msg => ({ case: 'closeTab', value: { tabId: known.tab } });
const openTab = (change: { denom?: Uint8Array; amount?: bigint; prover?: Key } = {}): Msg => ({
  case: 'openTab',
  value: {
    denom: change.denom ?? ascii('usd'),
    amount: writeAmount(change.amount ?? USD),
    prover: (change.prover ?? PROVER).address,
  },
});

describe('money', () =>
  runs(
    [
      ...cases(transfer)(
        [
          'E_DENOM',
          'an unknown denomination',
          send(() => ({ case: 'transfer', value: { to: OTHER.address, denom: ascii('eur'), amount: writeAmount(1n) } })),
        ],
        ['E_FUNDS', 'one less than the amount', (_, l) => drain(l, REQUESTER, 'usd', USD - 1n)],
      ),
      ...cases(() => draft(REQUESTER, { case: 'burn', value: { amount: writeAmount(OPG) } }))([
        'E_FUNDS',
        'more than the balance',
        (_, l) => drain(l, REQUESTER, 'opg', OPG),
      ]),
    ],
    'message',
  ));

describe('models', () => {
  const fresh = modelFixture(OTHER, SYSTEMS.test, keyFile({ salt: 1 }));
  const wide = (proofCap: number): ModelFixture => modelFixture(OTHER, SYSTEMS.wide, keyFile({ proofCap }));
  const registers = (m: ModelFixture): Defect => send(() => registerModel(m));
  const commits = (change: Partial<ModelFixture['commitment']>): Defect =>
    registers({ ...fresh, commitment: { ...fresh.commitment, ...change } });
  runs(
    [
      ...cases(() => draft(OTHER, registerModel(fresh)))(
        ['E_SYSTEM', 'a system that is not known', commits({ proofSystemId: proofSystemId('nobody-v1') })],
        off,
        ['E_KEY_BYTES', 'no key', send(() => ({ ...registerModel(fresh), value: { ...registerModel(fresh).value, key: bytes(9) } }))],
        [
          'E_KEY_BYTES',
          'proofs that take more gas than a transaction',
          registers(modelFixture(OTHER, SYSTEMS.test, keyFile({ vgas: 1_000_001 }))),
        ],
        ['E_KEY_BYTES', 'proofs longer than the system’s', registers(modelFixture(OTHER, SYSTEMS.test, keyFile({ proofCap: 4097 })))],
        ['E_KEY_BYTES', 'proofs that fit no transaction', registers(wide(720_896 - 131_072 - 2047))],
        ['E_KEY_HASH', 'another vk_hash', commits({ vkHash: bytes(32) })],
        ['E_KEY_HASH', 'another circuit_hash', commits({ circuitHash: bytes(32) })],
        ['E_KEY_HASH', 'another model_hash', commits({ modelHash: bytes(32) })],
        ['E_MODEL_EXISTS', 'registered before', (_, l) => l.ok(l.tx(OTHER, registerModel(fresh)))],
        [
          'E_FUNDS',
          'a balance below what the key burns',
          (d, l) => {
            drain(l, OTHER, 'opg', 6n * 10n ** 14n);
            d.options = { maxBurn: writeAmount(6n * 10n ** 14n) };
          },
        ],
      ),
      ...cases(() => draft(OWNER, { case: 'deprecateModel', value: { modelId: MODEL.id } }))(
        ['E_MODEL', 'no such model', send(() => ({ case: 'deprecateModel', value: { modelId: bytes(32) } }))],
        ['E_OWNER', 'somebody else’s', send(() => ({ case: 'deprecateModel', value: { modelId: MODEL.id } }), OTHER)],
        ['E_MODEL_DEPRECATED', 'deprecated before', (_, l) => deprecate(l)],
      ),
    ],
    'message',
  );

  test('the longest proofs that fit are taken', () => {
    const l = base.fork();
    l.ok(
      l.tx(OTHER, registerModel(wide(720_896 - 131_072 - 2048))),
      l.tx(OTHER, registerModel(modelFixture(OTHER, SYSTEMS.test, keyFile({ vgas: 1_000_000, proofCap: 4096 })))),
    );
  });
});

describe('provers and tabs', () => {
  runs(
    [
      ...cases(() => draft(OTHER, registerProver(100n * OPG)))(
        ['E_BOND', 'one less than the least bond', send(() => registerProver(100n * OPG - 1n))],
        ['E_TEE', 'a key of an enclave', send(() => ({ ...registerProver(), value: { ...registerProver().value, teeKeys: [bytes(32)] } }))],
        ...[0, 2].map(
          (mode): Defective => [
            'E_MODE',
            `mode ${mode}`,
            send(() => ({ ...registerProver(), value: { ...registerProver().value, modes: [mode] } })),
          ],
        ),
        ['E_FUNDS', 'more than the balance', send(() => registerProver(10_001n * OPG))],
      ),
      ...cases(() => draft(PROVER, { case: 'unbond', value: { amount: writeAmount(350n * OPG) } }))(
        ['E_PROVER', 'no prover', send(() => ({ case: 'unbond', value: { amount: writeAmount(1n) } }), OTHER)],
        ['E_BOND', 'one more than is free', send(() => ({ case: 'unbond', value: { amount: writeAmount(350n * OPG + 1n) } }))],
      ),
      ...cases(() => draft(OTHER, openTab()))(
        ['E_DENOM', 'an unknown denomination', send(() => openTab({ denom: ascii('eur') }))],
        ['E_PROVER', 'for nobody who is a prover', send(() => openTab({ prover: REQUESTER }))],
        ['E_FUNDS', 'more than the balance', send(() => openTab({ amount: 1000n * USD + 1n }))],
      ),
      ...cases(() => draft(REQUESTER, closeTab()))(
        ['E_OWNER', 'no such tab', send(() => ({ case: 'closeTab', value: { tabId: bytes(32) } }))],
        ['E_OWNER', 'somebody else’s', send(closeTab, OTHER)],
        ['E_OWNER', 'its prover’s', send(closeTab, PROVER)],
        ['E_STATE', 'closing already', (_, l) => l.ok(l.tx(REQUESTER, closeTab()))],
      ),
    ],
    'message',
  );

  test('a prover may add nothing, and change its endpoint', () => {
    const l = base.fork();
    l.ok(l.tx(PROVER, registerProver(0n)));
  });
});

/** The good order with changes, signed anew. */
const orders = (order: OrderFields | (() => OrderFields), o: JobOptions = {}, by?: Key): Defect =>
  send((l) => jobMsg(l, { ...o, order: { ...o.order, ...(typeof order === 'function' ? order() : order) } }).msg, by);
/** Other bytes as an order, signed by the requester. */
const orderBytes = (bytesOf: (good: Uint8Array) => Uint8Array): Defect =>
  send((l) => {
    const { msg } = jobMsg(l);
    const order = bytesOf(msg.value.order as Uint8Array);
    return { ...msg, value: { ...msg.value, order, orderSig: sign(REQUESTER, 'opg/order/v1', order) } };
  });
const withValue = (change: Record<string, unknown>, o: JobOptions = {}): Defect =>
  send((l) => {
    const { msg } = jobMsg(l, o);
    return { ...msg, value: { ...msg.value, ...change } } as Msg;
  });

describe('openJob', () => {
  const order = (fields: OrderFields): Defect =>
    orderBytes(() => encode(OrderSchema, orderFields(REQUESTER, PROVER, MODEL, question(), fields)));
  const tabbed = (l: Ledger): Draft => draft(PROVER, jobMsg(l, { order: { tabId: known.tab } }).msg);
  const output = answerOf(MODEL.key, question().input);
  const shown: JobOptions = { order: { settlementMode: 2 } };
  runs(
    [
      ...cases((l) => draft(PROVER, jobMsg(l).msg))(
        ['E_ORDER', 'no order', orderBytes(() => bytes(9, 255))],
        ['E_ORDER', 'an order with an unknown field', orderBytes((good) => concat(good, fromHex('9a0600') as Uint8Array))],
        ['E_ORDER', 'an order with a default written out', orderBytes((good) => concat(good, fromHex('980100') as Uint8Array))],
        ['E_ORDER', 'an order longer than any', orderBytes((good) => concat(good, bytes(1025)))],
        ...(
          [
            ['requester', [19, 21]],
            ['orderNonce', [0, 31]],
            ['modelId', [0, 31]],
            ['ppId', [31]],
            ['inputCommitment', [0, 31]],
            ['denom', [17]],
            ['price', [17]],
            ['bond', [17]],
            ['prover', [19]],
            ['tabId', [31]],
          ] as const
        ).flatMap(([field, sizes]) =>
          sizes.map((n): Defective => ['E_ORDER', `order.${field}: ${n} bytes`, order({ [field]: bytes(n, 65) })]),
        ),
        ['E_ORDER', 'order.ramp.min_price: a zero first', order({ ramp: { minPrice: bytes(2, 0) } })],
        ['E_ORDER', 'the key of somebody else', withValue({ requesterPubkey: OTHER.pubkey })],
        ['E_ORDER', 'signed by somebody else', orderBy(OTHER)],
        ['E_ORDER', 'signed by its prover', orderBy(PROVER)],
        ['E_CHAIN', 'an order for another chain', orders({ chainId: ascii('other-chain') })],
        ['E_LATE', 'opens by the block before', send((l) => jobMsg(l, { order: { openBy: l.height } }).msg)],
        ['E_JOB_EXISTS', 'opened before', (_, l) => open(l)],
        ['E_MODEL', 'no such model', orders({ modelId: bytes(32) })],
        ['E_MODEL_DEPRECATED', 'a deprecated model', (_, l) => deprecate(l)],
        off,
        ['E_PP', 'a plot point', orders({ ppId: bytes(32) })],
        ['E_MODE', 'mode VANILLA', orders({ mode: 0 })],
        ['E_MODE', 'mode TEE', orders({ mode: 2 })],
        ['E_MODE', 'a mode that is none', orders({ mode: 3 })],
        ['E_MODE', 'no prover named', orders({ prover: bytes(0) })],
        ['E_PROVER', 'an order for nobody who is a prover', orders({}, { prover: OTHER }, OTHER)],
        ['E_DENOM', 'an unknown denomination', orders({ denom: ascii('eur') })],
        ['E_FIELD', 'a bond below the least', orders({ bond: writeAmount(OPG - 1n) })],
        ['E_FIELD', 'settlement mode 3', orders({ settlementMode: 3 })],
        ['E_FIELD', 'private, with proofs that show the tensors', orders({}, { model: LOOSE })],
        ['E_FIELD', '19 blocks to prove', orders({ proveBlocks: 19 })],
        ['E_FIELD', '10,001 blocks to prove', orders({ proveBlocks: 10_001 })],
        ['E_FIELD', '10,001 blocks to rescue', orders({ rescueBlocks: 10_001 })],
        ['E_FIELD', 'blocks for a result', orders({ resultBlocks: 2 })],
        ['E_FIELD', 'blocks for a challenge', orders({ challengeBlocks: 10 })],
        ['E_FIELD', 'a ramp', orders({ ramp: {} })],
        ['E_FIELD', 'no result', withValue({ result: undefined })],
        ['E_FIELD', 'an output that is not to be kept', withValue({ result: { outputCommitment: outputCommitment(output), output } })],
        ['E_NOT_PROVER', 'sent by another prover', send((l) => jobMsg(l).msg, RIVAL)],
        ['E_BOND', 'one more than is free', orders({ bond: writeAmount(350n * OPG + 1n) })],
        ['E_ESCROW', 'a requester with one less than the price', (_, l) => drain(l, REQUESTER, 'usd', 2n * USD - 1n)],
      ),
      ...cases((l) => draft(PROVER, jobMsg(l, shown).msg))(
        [
          'E_OUTPUT',
          'an output that does not hash to its commitment',
          withValue({ result: { outputCommitment: outputCommitment(LIE), output } }, shown),
        ],
        [
          'E_FIELD',
          'an output of 4,097 bytes',
          withValue({ result: { outputCommitment: outputCommitment(bytes(4097)), output: bytes(4097) } }, shown),
        ],
      ),
      ...cases(tabbed)(
        ['E_ESCROW', 'no such tab', orders({ tabId: bytes(32) })],
        [
          'E_OWNER',
          'the tab of somebody else',
          (d, l) => {
            const [tabId] = l.ok(l.tx(OTHER, openTab({ amount: 100n * USD }))) as [Uint8Array];
            d.msg = jobMsg(l, { order: { tabId } }).msg;
          },
        ],
        ['E_ESCROW', 'a tab for another prover', orders(() => ({ tabId: known.tab }), { prover: RIVAL }, RIVAL)],
        ['E_ESCROW', 'a tab of another asset', orders(() => ({ tabId: known.tab, denom: ascii('opg') }))],
        ['E_ESCROW', 'a tab with one less than the price', orders(() => ({ tabId: known.tab, price: writeAmount(100n * USD + 1n) }))],
      ),
    ],
    'message',
  );

  test('what is allowed at the edge is allowed', () => {
    const l = base.fork();
    drain(l, REQUESTER, 'usd', 2n * USD);
    open(l, { order: { openBy: l.height + 1n, bond: writeAmount(OPG), orderNonce: bytes(32, 21), rescueBlocks: 0 } });
    expect(l.balance(REQUESTER, 'usd')).toBe(0n);
    open(l, { order: { price: bytes(0), orderNonce: bytes(32, 22), proveBlocks: 10_000, rescueBlocks: 10_000, settlementMode: 1 } });
    open(l, { order: { price: writeAmount(100n * USD), tabId: known.tab, orderNonce: bytes(32, 23), bond: writeAmount(299n * OPG) } });
    expect(l.free(PROVER)).toBe(0n);
  });

  test('a tab that closed and was not swept yet pays no more', () => {
    const l = base.fork({ env: { sweepCap: 0 } });
    l.ok(l.tx(REQUESTER, closeTab()));
    const closeAt = l.height + 200n;
    l.runTo(closeAt - 1n);
    open(l, { order: { tabId: known.tab } });
    expect(l.code(l.tx(PROVER, jobMsg(l, { order: { tabId: known.tab, orderNonce: bytes(32, 9) } }).msg))).toBe('E_ESCROW');
  });
});

function orderBy(key: Key): Defect {
  return send((l) => {
    const { msg } = jobMsg(l);
    return { ...msg, value: { ...msg.value, orderSig: sign(key, 'opg/order/v1', msg.value.order as Uint8Array) } };
  });
}

/** The checks that the three messages with a proof share, from the input on. `with_` makes the message of another input, output or sender. */
function proofCases(with_: (l: Ledger, o: ProofOptions) => Msg, good: (l: Ledger) => Draft): Case[] {
  const change = (fields: (v: { proof: Uint8Array; input: Uint8Array }) => Record<string, unknown>): Defect =>
    send((l) => {
      const msg = with_(l, {});
      const value = msg.value as { proof: Uint8Array; input: Uint8Array };
      return { ...msg, value: { ...value, ...fields(value) } } as unknown as Msg;
    });
  return cases(good)(
    off,
    ['E_PROOF_SIZE', 'longer than the model’s proofs', change(() => ({ proof: bytes(65) }))],
    [
      'E_VGAS_LIMIT',
      'one less than the model’s proofs take',
      (d) => {
        d.options = { vgasLimit: 9_999n };
      },
    ],
    ['E_PROOF_SHAPE', 'no proof has this length', change(() => ({ proof: bytes(31) }))],
    ['E_PROOF_INVALID', 'one bit turned', change(({ proof }) => ({ proof: proof.with(0, (proof[0] as number) ^ 1) }))],
    [
      'E_PROOF_INVALID',
      'a proof that is somebody else’s',
      change(() => ({ proof: (with_(base, { by: RIVAL }).value as { proof: Uint8Array }).proof })),
    ],
  );
}

const otherNonce = (msg: Msg): Msg => ({ ...msg, value: { ...(msg.value as object), inputNonce: bytes(32, 77) } }) as unknown as Msg;
const otherInput = (msg: Msg): Msg => ({ ...msg, value: { ...(msg.value as object), input: question(3).input } }) as unknown as Msg;
/** An input that was committed to, and is no tensors. */
const NO_TENSORS = { ...question(), input: bytes(9, 255) };

describe('postProof', () =>
  runs(
    [
      ...proofCases(
        (l, o) => postProof(l, known.job, o),
        (l) => draft(PROVER, postProof(l, known.job), VGAS),
      ),
      ...cases((l) => draft(PROVER, postProof(l, known.job), VGAS))(
        ['E_JOB', 'no such job', send((l) => postProof(l, bytes(32)))],
        ['E_STATE', 'proven before', (_, l) => l.ok(l.tx(PROVER, postProof(l, known.job), VGAS))],
        ['E_LATE', 'nobody rescued it in time', (_, l) => l.runTo(l.job(known.job).proveBy + 10n)],
        ['E_NOT_PROVER', 'the proof of another prover', send((l) => postProof(l, known.job, { by: RIVAL }), RIVAL)],
        ['E_INPUT', 'another nonce', send((l) => otherNonce(postProof(l, known.job)))],
        ['E_INPUT', 'another input', send((l) => otherInput(postProof(l, known.job)))],
        ['E_INPUT', 'an input that is no tensors', send((l) => postProof(l, open(l, { q: NO_TENSORS }), { q: NO_TENSORS }))],
        ['E_OUTPUT', 'another output than the posted one', send((l) => postProof(l, known.lie))],
        [
          'E_OUTPUT',
          'a posted output that is no tensors',
          send((l) => postProof(l, open(l, { output: bytes(9, 255) }), { output: bytes(9, 255) })),
        ],
      ),
      ...cases((l) => {
        l.runTo(l.job(known.loose).proveBy);
        return draft(PROVER, postProof(l, known.loose, { model: LOOSE }), VGAS);
      })([
        'E_NOT_PROVER',
        'a rescue by somebody else, with a proof that is bound to nothing',
        send((l) => postProof(l, known.loose, { model: LOOSE, by: OTHER }), OTHER),
      ]),
    ],
    'message',
  ));

describe('challenge', () =>
  runs(
    [
      ...proofCases(
        (l, o) => challenge(l, known.lie, { by: OTHER, ...o }),
        (l) => draft(OTHER, challenge(l, known.lie, { by: OTHER }), VGAS),
      ),
      ...cases((l) => draft(OTHER, challenge(l, known.lie, { by: OTHER }), VGAS))(
        ['E_JOB', 'no such job', send((l) => challenge(l, bytes(32)))],
        [
          'E_MODE',
          'a system whose proofs are bound to nothing',
          send((l) => challenge(l, open(l, { order: { settlementMode: 2 }, model: LOOSE, output: LIE }), { by: OTHER, model: LOOSE })),
        ],
        ['E_STATE', 'challenged before', (_, l) => l.ok(l.tx(RIVAL, challenge(l, known.lie, { by: RIVAL }), VGAS))],
        ['E_LATE', 'past the deadline', (_, l) => l.runTo(l.job(known.lie).proveBy)],
        ['E_LATE', 'over for lack of a proof', (_, l) => l.runTo(l.job(known.lie).proveBy + 10n)],
        ['E_SAME_OUTPUT', 'the posted output', send((l) => challenge(l, known.job, { by: OTHER }))],
        ['E_INPUT', 'another nonce', send((l) => otherNonce(challenge(l, known.lie, { by: OTHER })))],
        ['E_INPUT', 'another input', send((l) => otherInput(challenge(l, known.lie, { by: OTHER })))],
        [
          'E_INPUT',
          'an input that is no tensors',
          send((l) => challenge(l, open(l, { q: NO_TENSORS, output: LIE }), { q: NO_TENSORS, by: OTHER })),
        ],
        ['E_OUTPUT', 'an output that is no tensors', send((l) => challenge(l, known.lie, { by: OTHER, output: bytes(9, 255) }))],
        ['E_PROOF_INVALID', 'an honest prover, with a lie', send((l) => challenge(l, known.job, { by: OTHER, output: LIE }))],
      ),
    ],
    'message',
  ));

describe('verifyInference', () =>
  runs(
    [
      ...proofCases(
        (l, o) => verifyInference(l, { by: OTHER, ...o }),
        (l) => draft(OTHER, verifyInference(l, { by: OTHER }), VGAS),
      ),
      ...cases((l) => draft(OTHER, verifyInference(l, { by: OTHER }), VGAS))(
        [
          'E_MODEL',
          'no such model',
          send((l) => {
            const msg = verifyInference(l, { by: OTHER });
            return { ...msg, value: { ...msg.value, modelId: bytes(32) } };
          }),
        ],
        ['E_MODEL_DEPRECATED', 'a deprecated model', (_, l) => deprecate(l)],
        [
          'E_PP',
          'a plot point',
          send((l) => {
            const msg = verifyInference(l, { by: OTHER });
            return { ...msg, value: { ...msg.value, ppId: bytes(32) } };
          }),
        ],
        ['E_JOB_EXISTS', 'a salt used before', (_, l) => l.ok(l.tx(OTHER, verifyInference(l, { by: OTHER }), VGAS))],
        ['E_INPUT', 'an input that is no tensors', send((l) => verifyInference(l, { by: OTHER, q: NO_TENSORS }))],
        ['E_OUTPUT', 'an output that is no tensors', send((l) => verifyInference(l, { by: OTHER, output: bytes(9, 255) }))],
      ),
    ],
    'message',
  ));
