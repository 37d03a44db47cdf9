/**
 * Every check of the ledger (settlement §4.1, §4.2) fails alone: each row is a sound transaction with one defect. The sound one succeeds;
 * the defective one has exactly the check's code, and a failure at the door charges nothing, one behind it nonce and burn alone.
 */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { addressOf } from '../../chain/accounts.ts';
import { writeAmount } from '../../chain/amounts.ts';
import type { Msg, Signer, TxTerms } from '../../chain/client/index.ts';
import { signOrder } from '../../chain/client/index.ts';
import { encode } from '../../chain/codec.ts';
import { type CodeName, codeName } from '../../chain/codes.ts';
import { TxBodySchema, TxSchema } from '../../chain/generated/messages_pb.ts';
import { ParamsSchema } from '../../chain/generated/records_pb.ts';
import { soloIdOf } from '../../chain/identities.ts';
import { MAX_TENSOR_BYTES, MAX_TX_BYTES } from '../../chain/limits.ts';
import { META } from '../../chain/state/genesis-records.ts';
import { priceAt } from '../../chain/state/index.ts';
import { encodeTensors, inputCommitment, outputCommitment } from '../../chain/tensors.ts';
import { ascii, concat, toHex } from '../../protocol/bytes.ts';
import { person } from './helpers/chains.ts';
import { CHAIN, Market, OPG, tensor } from './helpers/ledger.ts';
import { testKey, testSystem } from './helpers/system.ts';

const bytes = (n: number, value = 7): Uint8Array => new Uint8Array(n).fill(value);
const PRICE = 2n * 10n ** 11n;

/** Everything that a refusal might have changed, but for what the door takes. */
function snapshot(m: Market, who: Uint8Array): { root: string; nonce: bigint; opg: bigint } {
  const opg = m.ledger.balance(who, 'opg');
  return { root: toHex(m.ledger.state.appHash()), nonce: BigInt(m.ledger.state.get('acct', who)?.length ?? 0), opg };
}

describe('the door', () => {
  const alice = person(4);
  const pay: Msg = { case: 'transfer', value: { to: bytes(20), denom: ascii('usd'), amount: writeAmount(5n) } };

  /** Signs any body at all. */
  const raw = (m: Market, change: object = {}, tx: object = {}, signer: Signer = alice): Uint8Array => {
    const body = encode(TxBodySchema, {
      chainId: ascii(CHAIN),
      nonce: 1n,
      validUntil: m.ledger.height + 10n,
      maxBurn: writeAmount(10n ** 16n),
      msg: pay,
      ...change,
    });
    return encode(TxSchema, { body, pubkey: signer.pubkey, sig: signer.sign('opg/tx/v1', body), ...tx });
  };
  const sponsored = (m: Market, change: object = {}, tx: object = {}): Uint8Array => {
    const sponsor = person(5);
    const body = encode(TxBodySchema, {
      chainId: ascii(CHAIN),
      nonce: 1n,
      validUntil: m.ledger.height + 10n,
      maxBurn: writeAmount(10n ** 16n),
      msg: pay,
      sponsor: sponsor.address,
      ...change,
    });
    return encode(TxSchema, {
      body,
      pubkey: alice.pubkey,
      sig: alice.sign('opg/tx/v1', body),
      sponsorPubkey: sponsor.pubkey,
      sponsorSig: sponsor.sign('opg/sponsor/v1', body),
      ...tx,
    });
  };
  /** A field with a number that the message does not have. */
  const UNKNOWN = Uint8Array.of(0xfa, 0x7f, 0x01, 0x00);
  const torsion = Uint8Array.of(1, ...bytes(31, 0));

  test.each<[string, CodeName, (m: Market) => Uint8Array]>([
    ['1 size', 'E_SIZE', (m) => concat(raw(m), new Uint8Array(MAX_TX_BYTES))],
    ['2 no message', 'E_DECODE', () => Uint8Array.of(255, 255, 255)],
    ['2 no body', 'E_DECODE', (m) => encode(TxSchema, { body: bytes(9, 255), pubkey: alice.pubkey, sig: raw(m).slice(0, 64) })],
    ['2 an unknown field', 'E_NONCANONICAL', (m) => concat(raw(m), UNKNOWN)],
    [
      '2 an unknown field in the body',
      'E_NONCANONICAL',
      (m) => {
        const body = concat(
          encode(TxBodySchema, { chainId: ascii(CHAIN), nonce: 1n, validUntil: m.ledger.height + 1n, msg: pay }),
          UNKNOWN,
        );
        return encode(TxSchema, { body, pubkey: alice.pubkey, sig: alice.sign('opg/tx/v1', body) });
      },
    ],
    ['3 another chain', 'E_CHAIN', (m) => raw(m, { chainId: ascii('test-2') })],
    ['4 no message in the body', 'E_FIELD', (m) => raw(m, { msg: { case: undefined } })],
    ['4 a message of a later stage', 'E_FIELD', (m) => raw(m, { msg: { case: 'lockJob', value: bytes(2) } })],
    ['4 an amount of 17 bytes', 'E_FIELD', (m) => raw(m, { maxBurn: bytes(17) })],
    ['4 an amount with a leading zero', 'E_FIELD', (m) => raw(m, { maxBurn: Uint8Array.of(0, ...writeAmount(10n ** 16n)) })],
    ['4 a sponsor of 19 bytes', 'E_FIELD', (m) => raw(m, { sponsor: bytes(19) })],
    ['4 an address of 21 bytes', 'E_FIELD', (m) => raw(m, { msg: { case: 'transfer', value: { to: bytes(21), denom: ascii('usd') } } })],
    [
      '4 a denomination that is no text',
      'E_FIELD',
      (m) => raw(m, { msg: { case: 'transfer', value: { to: bytes(20), denom: Uint8Array.of(9) } } }),
    ],
    ['5 too old', 'E_EXPIRED', (m) => raw(m, { validUntil: m.ledger.height })],
    ['5 too far ahead', 'E_EXPIRED', (m) => raw(m, { validUntil: m.ledger.height + 1002n })],
    ['6 a key of small order', 'E_KEY', (m) => raw(m, {}, { pubkey: torsion })],
    ['6 a key that is no point', 'E_KEY', (m) => raw(m, {}, { pubkey: bytes(32, 2) })],
    ['6 another signature', 'E_SIG', (m) => raw(m, {}, { sig: bytes(64) })],
    ['6 another key', 'E_SIG', (m) => raw(m, {}, { pubkey: person(9).pubkey })],
    ['7 a sponsor without a key', 'E_SPONSOR', (m) => sponsored(m, {}, { sponsorPubkey: bytes(0), sponsorSig: bytes(0) })],
    ['7 a key without a sponsor', 'E_SPONSOR', (m) => sponsored(m, { sponsor: bytes(0) })],
    ['7 a key of somebody else', 'E_SPONSOR', (m) => sponsored(m, { sponsor: person(3).address })],
    ['7 a signature of nobody', 'E_SPONSOR', (m) => sponsored(m, {}, { sponsorSig: bytes(64) })],
    ['7 a sponsor key of small order', 'E_SPONSOR', (m) => sponsored(m, { sponsor: addressOf(torsion) }, { sponsorPubkey: torsion })],
    ['8 a nonce that was used', 'E_NONCE', (m) => raw(m, { nonce: 0n })],
    ['8 a nonce ahead', 'E_NONCE', (m) => raw(m, { nonce: 2n })],
    ['9 gas for a message that verifies nothing', 'E_VGAS_LIMIT', (m) => raw(m, { vgasLimit: 1n })],
    [
      '9 more gas than a transaction may reserve',
      'E_VGAS_LIMIT',
      (m) =>
        raw(m, { vgasLimit: 1_000_001n, maxBurn: writeAmount(OPG), msg: { case: 'postProof', value: m.evidence(bytes(32), alice, 1, 2) } }),
    ],
    ['9 max_burn below the burn', 'E_MAXBURN', (m) => raw(m, { maxBurn: writeAmount(1050n * PRICE) })],
    ['10 max_burn that the payer does not have', 'E_FUNDS', (m) => raw(m, { maxBurn: writeAmount(10_001n * OPG) })],
    ['10 max_burn that the sponsor does not have', 'E_FUNDS', (m) => sponsored(m, { maxBurn: writeAmount(10_001n * OPG) })],
  ])('%s: %s', (_, code, make) => {
    const m = new Market();
    const before = snapshot(m, alice.address);
    const [result] = m.ledger.block(make(m));
    expect(result?.log.split(':')[0]).toBe(code);
    expect(codeName(result?.code ?? 0)).toBe(code);
    expect(result?.gasUsed).toBe(0n);
    expect(snapshot(m, alice.address)).toEqual(before);
    // The same transactions without the defect pass.
    expect(m.ledger.block(raw(m))[0]?.code).toBe(0);
  });

  test('a sponsor pays the burn, and nothing else', () => {
    const m = new Market();
    const [mine, theirs] = [m.ledger.balance(alice.address, 'opg'), m.ledger.balance(person(5).address, 'opg')];
    const [result] = m.ledger.block(sponsored(m));
    expect(result?.code).toBe(0);
    expect(m.ledger.balance(alice.address, 'opg')).toBe(mine);
    expect(m.ledger.balance(person(5).address, 'opg')).toBe(theirs - (result?.gasUsed ?? 0n) * PRICE);
  });
});

/** One defect of a message: who sends what, in a market that `prepare` may have changed. */
interface Row {
  readonly what: string;
  readonly code: CodeName;
  readonly send: (m: Market) => { readonly who: Signer; readonly msg: Msg; readonly terms?: Partial<TxTerms> };
  readonly market?: () => Market;
}

/** Runs a row in a market of its own: the code, and that a refusal keeps nonce and burn alone. */
function refuses({ code, send, market = () => new Market() }: Row): void {
  const m = market();
  const { who, msg, terms } = send(m);
  const before = m.ledger.state.overlay();
  const [nonce, opg] = [m.ledger.nonce(who), m.ledger.balance(who.address, 'opg')];
  const price = priceAt(m.ledger.state, m.ledger.height + 1n);
  const [result] = m.ledger.block(m.ledger.tx(who, msg, terms));
  expect(result?.log.split(':')[0], result?.log).toBe(code);
  expect(result?.log).toMatch(/: ./);
  expect(result?.door).toBe(true);
  expect(m.ledger.nonce(who)).toBe(nonce + 1n);
  expect(m.ledger.balance(who.address, 'opg')).toBe(opg - (result?.gasUsed ?? 0n) * price);
  // Accounts and burned opg apart, every store is as it was (the price may have moved).
  for (const store of ['job', 'model', 'prover', 'tab'] as const)
    expect(toHex(m.ledger.state.storeRoot(store))).toBe(toHex(before.storeRoot(store)));
}

const transfer = (denom: string, amount: bigint): Msg => ({
  case: 'transfer',
  value: { to: bytes(20), denom: ascii(denom), amount: writeAmount(amount) },
});

describe('money, provers, tabs', () => {
  const prover = { endpoint: ascii('http://a'), modes: [1], addBond: writeAmount(100n * OPG) };
  test.each<Row>([
    { what: 'transfer of an unknown asset', code: 'E_DENOM', send: (m) => ({ who: m.other, msg: transfer('eur', 1n) }) },
    { what: 'transfer of more than there is', code: 'E_FUNDS', send: (m) => ({ who: m.other, msg: transfer('usd', 10n ** 9n + 1n) }) },
    {
      what: 'burn of more than there is',
      code: 'E_FUNDS',
      send: (m) => ({ who: m.other, msg: { case: 'burn', value: { amount: writeAmount(10_000n * OPG) } } }),
    },
    {
      what: 'a prover with too little bond',
      code: 'E_BOND',
      send: (m) => ({ who: m.other, msg: { case: 'registerProver', value: { ...prover, addBond: writeAmount(100n * OPG - 1n) } } }),
    },
    {
      what: 'a prover that offers what does not exist yet',
      code: 'E_MODE',
      send: (m) => ({ who: m.other, msg: { case: 'registerProver', value: { ...prover, modes: [0, 1] } } }),
    },
    {
      what: 'a prover with a key of an enclave',
      code: 'E_TEE',
      send: (m) => ({ who: m.other, msg: { case: 'registerProver', value: { ...prover, teeKeys: [bytes(32)] } } }),
    },
    {
      what: 'a bond that is not there',
      code: 'E_FUNDS',
      send: (m) => ({ who: m.other, msg: { case: 'registerProver', value: { ...prover, addBond: writeAmount(10_000n * OPG) } } }),
    },
    {
      what: 'unbonding by no prover',
      code: 'E_PROVER',
      send: (m) => ({ who: m.other, msg: { case: 'unbond', value: { amount: writeAmount(1n) } } }),
    },
    {
      what: 'unbonding more than is free',
      code: 'E_BOND',
      send: (m) => ({ who: m.prover, msg: { case: 'unbond', value: { amount: writeAmount(1000n * OPG + 1n) } } }),
    },
    {
      what: 'unbonding what secures a job',
      code: 'E_BOND',
      send: (m) => {
        m.open(1, 2);
        return { who: m.prover, msg: { case: 'unbond', value: { amount: writeAmount(996n * OPG) } } };
      },
    },
    {
      what: 'a tab in an unknown asset',
      code: 'E_DENOM',
      send: (m) => ({ who: m.other, msg: { case: 'openTab', value: { denom: ascii('eur'), prover: m.prover.address } } }),
    },
    {
      what: 'a tab for no prover',
      code: 'E_PROVER',
      send: (m) => ({ who: m.other, msg: { case: 'openTab', value: { denom: ascii('usd'), prover: m.owner.address } } }),
    },
    {
      what: 'a tab of more than there is',
      code: 'E_FUNDS',
      send: (m) => ({
        who: m.other,
        msg: { case: 'openTab', value: { denom: ascii('usd'), amount: writeAmount(10n ** 10n), prover: m.prover.address } },
      }),
    },
    {
      what: 'closing a stranger’s tab',
      code: 'E_OWNER',
      send: (m) => ({ who: m.other, msg: { case: 'closeTab', value: { tabId: m.tabId } } }),
    },
    {
      what: 'closing a tab twice',
      code: 'E_STATE',
      send: (m) => {
        m.ledger.do(m.requester, { case: 'closeTab', value: { tabId: m.tabId } });
        return { who: m.requester, msg: { case: 'closeTab', value: { tabId: m.tabId } } };
      },
    },
  ])('$what: $code', refuses);
});

describe('models', () => {
  const off = (): Market => new Market({ systems: [testSystem(), testSystem({ name: 'off-v1' })], on: ['test-v1'] });
  test.each<Row>([
    {
      what: 'an unknown system',
      code: 'E_SYSTEM',
      send: (m) => ({ who: m.owner, msg: m.registering(testKey('b'), { proofSystemId: bytes(4) }) }),
    },
    {
      what: 'a system that is off',
      code: 'E_SYSTEM_OFF',
      market: off,
      send: (m) => ({ who: m.owner, msg: m.registering(testKey('b'), { proofSystemId: testSystem({ name: 'off-v1' }).id }) }),
    },
    {
      what: 'a key that is none',
      code: 'E_KEY_BYTES',
      send: (m) => ({
        who: m.owner,
        msg: { ...m.registering(testKey('b')), value: { commitment: m.commitment(testKey('b')), key: bytes(9) } },
      }),
    },
    {
      what: 'a key too costly to verify',
      code: 'E_KEY_BYTES',
      send: (m) => ({ who: m.owner, msg: m.registering(testKey('b', 1_000_001)) }),
    },
    {
      what: 'a key with proofs too long',
      code: 'E_KEY_BYTES',
      send: (m) => ({ who: m.owner, msg: m.registering(testKey('b', 1000, 1001)) }),
    },
    {
      what: 'another vk_hash',
      code: 'E_KEY_HASH',
      send: (m) => ({ who: m.owner, msg: m.registering(testKey('b'), { vkHash: bytes(32) }) }),
    },
    {
      what: 'another circuit_hash',
      code: 'E_KEY_HASH',
      send: (m) => ({ who: m.owner, msg: m.registering(testKey('b'), { circuitHash: bytes(32) }) }),
    },
    {
      what: 'another model_hash',
      code: 'E_KEY_HASH',
      send: (m) => ({ who: m.owner, msg: m.registering(testKey('b'), { modelHash: bytes(32) }) }),
    },
    { what: 'a model that is there', code: 'E_MODEL_EXISTS', send: (m) => ({ who: m.owner, msg: m.registering(testKey()) }) },
    {
      what: 'a key whose burn cannot be paid',
      code: 'E_FUNDS',
      send: (m) => {
        m.ledger.do(m.owner, { case: 'burn', value: { amount: writeAmount(m.ledger.balance(m.owner.address, 'opg') - 2n * 10n ** 15n) } });
        return {
          who: m.owner,
          msg: m.registering(
            testKey(
              'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',
            ),
          ),
        };
      },
    },
    {
      what: 'deprecating what is not there',
      code: 'E_MODEL',
      send: (m) => ({ who: m.owner, msg: { case: 'deprecateModel', value: { modelId: bytes(32) } } }),
    },
    {
      what: 'deprecating a stranger’s',
      code: 'E_OWNER',
      send: (m) => ({ who: m.other, msg: { case: 'deprecateModel', value: { modelId: m.modelId } } }),
    },
    {
      what: 'deprecating twice',
      code: 'E_MODEL_DEPRECATED',
      send: (m) => {
        m.ledger.do(m.owner, { case: 'deprecateModel', value: { modelId: m.modelId } });
        return { who: m.owner, msg: { case: 'deprecateModel', value: { modelId: m.modelId } } };
      },
    },
  ])('$what: $code', refuses);

  test('a key of other plot points is a matter of a later stage', () => {
    const m = new Market();
    const { case: kind, value } = m.registering(testKey('b'));
    expect(m.ledger.run(m.owner, { case: kind, value: { ...value, zkRootMode: 1 } })).toBe('E_FIELD');
  });
});

describe('openJob', () => {
  const order =
    (change: Parameters<Market['terms']>[1], output = 2): Row['send'] =>
    (m) => ({ who: m.prover, msg: m.opening(m.terms(1, change), output).msg });
  type OpenJob = Extract<Msg, { case: 'openJob' }>;
  const opened = (m: Market, edit: (v: OpenJob['value']) => object): OpenJob => {
    const { msg } = m.opening(m.terms(1), 2);
    return { case: 'openJob', value: { ...msg.value, ...edit(msg.value) } };
  };
  test.each<Row>([
    { what: 'an order that is none', code: 'E_ORDER', send: (m) => ({ who: m.prover, msg: opened(m, () => ({ order: bytes(5, 255) })) }) },
    { what: 'an order with a field too short', code: 'E_ORDER', send: order({ orderNonce: bytes(31) }) },
    {
      what: 'an order with an unknown field',
      code: 'E_ORDER',
      send: (m) => ({
        who: m.prover,
        msg: opened(m, (v) => ({ order: concat(v.order as Uint8Array, Uint8Array.of(0xfa, 0x7f, 0x01, 0x00)) })),
      }),
    },
    {
      what: 'a key that is not the requester’s',
      code: 'E_ORDER',
      send: (m) => ({ who: m.prover, msg: opened(m, () => ({ requesterPubkey: m.other.pubkey })) }),
    },
    {
      what: 'an order that somebody else signed',
      code: 'E_ORDER',
      send: (m) => ({ who: m.prover, msg: opened(m, (v) => ({ orderSig: signOrder(m.other, m.terms(1)).orderSig, order: v.order })) }),
    },
    { what: 'an order for another chain', code: 'E_CHAIN', send: order({ chainId: ascii('test-2') }) },
    { what: 'an order that comes too late', code: 'E_LATE', send: (m) => order({ openBy: m.ledger.height })(m) },
    {
      what: 'an order that was opened',
      code: 'E_JOB_EXISTS',
      send: (m) => {
        const { msg } = m.opening(m.terms(1), 2);
        m.ledger.do(m.prover, msg);
        return { who: m.prover, msg };
      },
    },
    { what: 'a model that is not there', code: 'E_MODEL', send: order({ modelId: bytes(32) }) },
    {
      what: 'a model that is deprecated',
      code: 'E_MODEL_DEPRECATED',
      send: (m) => {
        m.ledger.do(m.owner, { case: 'deprecateModel', value: { modelId: m.modelId } });
        return order({})(m);
      },
    },
    { what: 'a plot point', code: 'E_PP', send: order({ ppId: bytes(32) }) },
    { what: 'a mode of a later stage', code: 'E_MODE', send: order({ mode: 0 }) },
    { what: 'an order without a prover', code: 'E_MODE', send: order({ prover: bytes(0) }) },
    { what: 'an order for no prover', code: 'E_PROVER', send: order({ prover: person(4).address }) },
    { what: 'an unknown asset', code: 'E_DENOM', send: order({ denom: ascii('eur') }) },
    { what: 'a bond below the least', code: 'E_FIELD', send: order({ bond: writeAmount(OPG - 1n) }) },
    { what: 'an unknown settlement mode', code: 'E_FIELD', send: order({ settlementMode: 3 }) },
    { what: 'a private one with a system that shows', code: 'E_FIELD', send: order({ settlementMode: 0 }) },
    { what: 'too few blocks to prove', code: 'E_FIELD', send: order({ proveBlocks: 19 }) },
    { what: 'too many blocks to prove', code: 'E_FIELD', send: order({ proveBlocks: 10_001 }) },
    { what: 'too many blocks to rescue', code: 'E_FIELD', send: order({ rescueBlocks: 10_001 }) },
    { what: 'blocks for a result', code: 'E_FIELD', send: order({ resultBlocks: 2 }) },
    { what: 'blocks for a challenge', code: 'E_FIELD', send: order({ challengeBlocks: 10 }) },
    {
      what: 'a ramp',
      code: 'E_FIELD',
      send: order({ ramp: { $typeName: 'assay.chain.v1.Ramp', minPrice: writeAmount(1n), rampBlocks: 5 } }),
    },
    { what: 'no result', code: 'E_FIELD', send: (m) => ({ who: m.prover, msg: opened(m, () => ({ result: undefined })) }) },
    { what: 'an output where none is kept', code: 'E_FIELD', send: order({ settlementMode: 1 }) },
    { what: 'somebody else than the prover', code: 'E_NOT_PROVER', send: (m) => ({ who: m.other, msg: m.opening(m.terms(1), 2).msg }) },
    { what: 'a bond that is not free', code: 'E_BOND', send: order({ bond: writeAmount(1000n * OPG + 1n) }) },
    {
      what: 'an output that is not the committed one',
      code: 'E_OUTPUT',
      send: (m) => ({ who: m.prover, msg: opened(m, () => ({ result: { outputCommitment: bytes(32), output: tensor(2) } })) }),
    },
    { what: 'a tab that is not there', code: 'E_ESCROW', send: order({ tabId: bytes(32) }) },
    {
      what: 'a stranger’s tab',
      code: 'E_OWNER',
      send: (m) => ({ who: m.prover, msg: m.opening(m.terms(1, { tabId: m.tabId, requester: m.other.address }), 2, m.other).msg }),
    },
    {
      what: 'a tab for another prover',
      code: 'E_ESCROW',
      send: (m) => {
        m.ledger.do(m.other, { case: 'registerProver', value: { modes: [1], addBond: writeAmount(100n * OPG) } });
        return { who: m.other, msg: m.opening(m.terms(1, { tabId: m.tabId, prover: m.other.address }), 2).msg };
      },
    },
    { what: 'a tab of another asset', code: 'E_ESCROW', send: (m) => order({ tabId: m.tabId, denom: ascii('opg') })(m) },
    {
      what: 'a tab that has closed',
      code: 'E_ESCROW',
      market: () => new Market({ params: { tabDelay: 3n }, sweepCap: 0 }),
      send: (m) => {
        m.ledger.do(m.requester, { case: 'closeTab', value: { tabId: m.tabId } });
        m.ledger.until(m.ledger.height + 3n);
        return order({ tabId: m.tabId })(m);
      },
    },
    { what: 'a tab with too little', code: 'E_ESCROW', send: (m) => order({ tabId: m.tabId, price: writeAmount(10n ** 8n + 1n) })(m) },
    { what: 'a balance with too little', code: 'E_ESCROW', send: order({ price: writeAmount(10n ** 9n) }) },
  ])('$what: $code', refuses);
});

describe('postProof', () => {
  const posting =
    (
      edit: (m: Market, id: Uint8Array) => object,
      terms: Partial<TxTerms> = { vgasLimit: 1000n },
      who: (m: Market) => Signer = (m) => m.prover,
    ): Row['send'] =>
    (m) => {
      const id = m.open(1, 2);
      return { who: who(m), msg: { case: 'postProof', value: { ...m.evidence(id, m.prover, 1, 2), ...edit(m, id) } }, terms };
    };
  test.each<Row>([
    { what: 'a job that is not there', code: 'E_JOB', send: posting(() => ({ jobId: bytes(32) })) },
    {
      what: 'a job that is over',
      code: 'E_STATE',
      send: (m) => {
        const id = m.open(1, 2);
        const msg: Msg = { case: 'postProof', value: m.evidence(id, m.prover, 1, 2) };
        m.ledger.do(m.prover, msg, m.gas);
        return { who: m.prover, msg, terms: m.gas };
      },
    },
    {
      what: 'somebody else’s job',
      code: 'E_NOT_PROVER',
      send: posting(
        (m, id) => ({ proof: m.proof(id, m.other, 1, 2) }),
        undefined,
        (m) => m.other,
      ),
    },
    { what: 'another input', code: 'E_INPUT', send: posting(() => ({ input: tensor(9) })) },
    { what: 'another nonce', code: 'E_INPUT', send: posting(() => ({ inputNonce: bytes(32, 99) })) },
    { what: 'another output', code: 'E_OUTPUT', send: posting((m, id) => ({ output: tensor(3), proof: m.proof(id, m.prover, 1, 3) })) },
    { what: 'a proof too long', code: 'E_PROOF_SIZE', send: posting(() => ({ proof: bytes(65) })) },
    { what: 'too little gas', code: 'E_VGAS_LIMIT', send: posting(() => ({}), { vgasLimit: 999n }) },
    { what: 'a proof of no shape', code: 'E_PROOF_SHAPE', send: posting(() => ({ proof: bytes(31) })) },
    { what: 'a proof of something else', code: 'E_PROOF_INVALID', send: posting((m, id) => ({ proof: m.proof(id, m.prover, 1, 4) })) },
    { what: 'a proof for another sender', code: 'E_PROOF_INVALID', send: posting((m, id) => ({ proof: m.proof(id, m.other, 1, 2) })) },
    { what: 'a proof for another job', code: 'E_PROOF_INVALID', send: posting((m) => ({ proof: m.proof(bytes(32), m.prover, 1, 2) })) },
    {
      what: 'a proof of another key',
      code: 'E_PROOF_INVALID',
      send: posting((m, id) => ({ proof: m.proof(id, m.prover, 1, 2, { key: testKey('old') }) })),
    },
    {
      what: 'a proof of another model',
      code: 'E_PROOF_INVALID',
      send: posting((m, id) => ({ proof: m.proof(id, m.prover, 1, 2, { modelId: bytes(32) }) })),
    },
  ])('$what: $code', refuses);

  test('input and output of more than 128 KiB: E_FIELD', () => {
    const m = new Market();
    const id = m.open(1, 2);
    const evidence = { ...m.evidence(id, m.prover, 1, 2), input: bytes(MAX_TENSOR_BYTES) };
    expect(m.ledger.run(m.prover, { case: 'postProof', value: evidence }, m.gas)).toBe('E_FIELD');
  });

  test('an input that is committed to but no canonical tensors: E_INPUT', () => {
    const m = new Market();
    const input = concat(tensor(1), Uint8Array.of(0xfa, 0x7f, 0x01, 0x00));
    const id = m.open(1, 2, { inputCommitment: inputCommitment(m.nonceOf(1), input) });
    expect(m.ledger.run(m.prover, { case: 'postProof', value: { ...m.evidence(id, m.prover, 1, 2), input } }, m.gas)).toBe('E_INPUT');
  });

  test('an output that is committed to but no canonical tensors: E_OUTPUT', () => {
    const m = new Market();
    const output = bytes(7, 255);
    const { order, orderSig } = signOrder(m.requester, m.terms(1, { settlementMode: 1 }));
    const result = { outputCommitment: outputCommitment(output) };
    const id = m.ledger.do(m.prover, { case: 'openJob', value: { order, orderSig, requesterPubkey: m.requester.pubkey, result } });
    expect(m.ledger.run(m.prover, { case: 'postProof', value: { ...m.evidence(id, m.prover, 1, 2), output } }, m.gas)).toBe('E_OUTPUT');
  });

  test('a refused proof spoils nothing', () => {
    const m = new Market();
    const id = m.open(1, 2);
    expect(m.ledger.run(m.prover, { case: 'postProof', value: { ...m.evidence(id, m.prover, 1, 2), proof: bytes(32) } }, m.gas)).toBe(
      'E_PROOF_INVALID',
    );
    m.ledger.do(m.prover, { case: 'postProof', value: m.evidence(id, m.prover, 1, 2) }, m.gas);
    expect(m.ledger.stateOf(id)).toBe('FINAL(PROVEN)');
  });
});

describe('challenge', () => {
  const challenging =
    (edit: (m: Market, id: Uint8Array) => object, terms: Partial<TxTerms> = { vgasLimit: 1000n }): Row['send'] =>
    (m) => {
      const id = m.open(1, 2);
      return { who: m.other, msg: { case: 'challenge', value: { ...m.evidence(id, m.other, 1, 3), ...edit(m, id) } }, terms };
    };
  test.each<Row>([
    { what: 'a job that is not there', code: 'E_JOB', send: challenging(() => ({ jobId: bytes(32) })) },
    {
      what: 'a system whose proofs are bound to nothing',
      code: 'E_MODE',
      market: () => new Market({ systems: [testSystem({ bindsContext: false })] }),
      send: challenging(() => ({})),
    },
    {
      what: 'a job that is over',
      code: 'E_STATE',
      send: (m) => {
        const id = m.open(1, 2);
        m.ledger.do(m.prover, { case: 'postProof', value: m.evidence(id, m.prover, 1, 2) }, m.gas);
        return { who: m.other, msg: { case: 'challenge', value: m.evidence(id, m.other, 1, 3) }, terms: m.gas };
      },
    },
    { what: 'the posted output', code: 'E_SAME_OUTPUT', send: challenging((m, id) => ({ ...m.evidence(id, m.other, 1, 2) })) },
    { what: 'another input', code: 'E_INPUT', send: challenging(() => ({ input: tensor(9) })) },
    { what: 'a proof too long', code: 'E_PROOF_SIZE', send: challenging(() => ({ proof: bytes(65) })) },
    { what: 'too little gas', code: 'E_VGAS_LIMIT', send: challenging(() => ({}), { vgasLimit: 999n }) },
    { what: 'a proof of no shape', code: 'E_PROOF_SHAPE', send: challenging(() => ({ proof: bytes(33) })) },
    { what: 'a proof of another output', code: 'E_PROOF_INVALID', send: challenging((m, id) => ({ proof: m.proof(id, m.other, 1, 2) })) },
  ])('$what: $code', refuses);
});

describe('verifyInference', () => {
  const salt = bytes(32, 3);
  const solo =
    (edit: (m: Market) => object = () => ({}), terms: Partial<TxTerms> = { vgasLimit: 1000n }): Row['send'] =>
    (m) => {
      const { jobId: _, ...evidence } = m.evidence(soloIdOf(m.other.address, salt), m.other, 1, 2);
      return { who: m.other, msg: { case: 'verifyInference', value: { modelId: m.modelId, salt, ...evidence, ...edit(m) } }, terms };
    };
  test.each<Row>([
    { what: 'a model that is not there', code: 'E_MODEL', send: solo(() => ({ modelId: bytes(32) })) },
    {
      what: 'a model that is deprecated',
      code: 'E_MODEL_DEPRECATED',
      send: (m) => {
        m.ledger.do(m.owner, { case: 'deprecateModel', value: { modelId: m.modelId } });
        return solo()(m);
      },
    },
    { what: 'a plot point', code: 'E_PP', send: solo(() => ({ ppId: bytes(32) })) },
    {
      what: 'a salt that was used',
      code: 'E_JOB_EXISTS',
      send: (m) => {
        const sent = solo()(m);
        m.ledger.do(sent.who, sent.msg, sent.terms);
        return sent;
      },
    },
    { what: 'an input that is no tensors', code: 'E_INPUT', send: solo(() => ({ input: bytes(5, 255) })) },
    { what: 'an output that is no tensors', code: 'E_OUTPUT', send: solo(() => ({ output: bytes(5, 255) })) },
    { what: 'a proof too long', code: 'E_PROOF_SIZE', send: solo(() => ({ proof: bytes(65) })) },
    { what: 'too little gas', code: 'E_VGAS_LIMIT', send: solo(undefined, { vgasLimit: 999n }) },
    { what: 'a proof of no shape', code: 'E_PROOF_SHAPE', send: solo(() => ({ proof: bytes(1) })) },
    { what: 'a proof of another output', code: 'E_PROOF_INVALID', send: solo(() => ({ output: tensor(3) })) },
    { what: 'a proof of another input', code: 'E_PROOF_INVALID', send: solo(() => ({ input: tensor(3) })) },
    { what: 'a proof with another nonce', code: 'E_PROOF_INVALID', send: solo(() => ({ inputNonce: bytes(32, 77) })) },
    { what: 'a proof of two tensors for one', code: 'E_PROOF_INVALID', send: solo(() => ({ input: encodeTensors([]) })) },
  ])('$what: $code', refuses);

  test('a sound one is final at once', () => {
    const m = new Market();
    const { who, msg, terms } = solo()(m);
    const id = m.ledger.do(who, msg, terms);
    expect(toHex(id)).toBe(toHex(soloIdOf(m.other.address, salt)));
    expect(m.ledger.stateOf(id)).toBe('FINAL(PROVEN)');
    expect(m.ledger.job(id).provenOutput).toEqual(tensor(2));
  });
});

/** What a later stage's switch does: this version's genesis alone says which systems are on. */
function switchOff(m: Market): void {
  const params = fromBinary(ParamsSchema, m.ledger.state.get('meta', META.params) as Uint8Array);
  params.systems = [];
  m.ledger.state.set('meta', META.params, toBinary(ParamsSchema, params));
}

describe('a system that is off', () => {
  test.each<Row>([
    {
      what: 'takes no orders',
      code: 'E_SYSTEM_OFF',
      send: (m) => {
        switchOff(m);
        return { who: m.prover, msg: m.opening(m.terms(1), 2).msg };
      },
    },
    {
      what: 'takes no proofs',
      code: 'E_SYSTEM_OFF',
      send: (m) => {
        const id = m.open(1, 2);
        switchOff(m);
        return { who: m.prover, msg: { case: 'postProof', value: m.evidence(id, m.prover, 1, 2) }, terms: m.gas };
      },
    },
    {
      what: 'takes no challenges',
      code: 'E_SYSTEM_OFF',
      send: (m) => {
        const id = m.open(1, 2);
        switchOff(m);
        return { who: m.other, msg: { case: 'challenge', value: m.evidence(id, m.other, 1, 3) }, terms: m.gas };
      },
    },
    {
      what: 'takes no proofs on their own',
      code: 'E_SYSTEM_OFF',
      send: (m) => {
        switchOff(m);
        const { jobId: _, ...evidence } = m.evidence(bytes(32), m.other, 1, 2);
        return {
          who: m.other,
          msg: { case: 'verifyInference', value: { modelId: m.modelId, salt: bytes(32), ...evidence } },
          terms: m.gas,
        };
      },
    },
  ])('$what: $code', refuses);
});
