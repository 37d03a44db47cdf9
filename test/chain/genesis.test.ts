/** What a chain starts from (settlement §1.4, §8.2): read, written, and refused where the money does not add up. */
import { describe, expect, test } from 'vitest';
import { MAX_AMOUNT, readAmount } from '../../chain/amounts.ts';
import { checkGenesis, type Genesis, genesisFromJson, genesisToJson } from '../../chain/genesis.ts';
import { State } from '../../chain/state/index.ts';
import { supplyOf } from '../../chain/state/records.ts';
import { toHex } from '../../protocol/bytes.ts';
import { keyOf } from './helpers/keys.ts';
import { genesisOf } from './helpers/ledger.ts';
import { CHAIN, OPG } from './helpers/txs.ts';

const good = genesisOf();
type Json = Record<string, unknown>;
const json = (): Json => JSON.parse(JSON.stringify(genesisToJson(good))) as Json;

test('comes back from JSON', () => expect(genesisFromJson(json())).toEqual(good));

test('makes the same state in any order of its accounts', () => {
  const other = { ...good, accounts: good.accounts.toReversed() };
  expect(toHex(State.fromGenesis(CHAIN, other).appHash())).toBe(toHex(State.fromGenesis(CHAIN, good).appHash()));
  expect(toHex(State.fromGenesis('other', good).appHash())).not.toBe(toHex(State.fromGenesis(CHAIN, good).appHash()));
});

test('mints what its accounts hold, also of an asset that nobody has', () => {
  const state = State.fromGenesis(CHAIN, { ...good, denoms: ['usd', 'eur'] });
  expect(readAmount(supplyOf(state, 'opg').minted, 'minted')).toBe(100_000n * OPG);
  expect(readAmount(supplyOf(state, 'eur').minted, 'minted')).toBe(0n);
});

test('leaves out accounts without money', () => {
  const address = keyOf(70).address;
  const state = State.fromGenesis(CHAIN, { ...good, accounts: [...good.accounts, { address, balances: { usd: 0n } }] });
  expect(state.get('acct', address)).toBeUndefined();
});

describe('refused', () => {
  const rich = { address: keyOf(71).address, balances: { opg: MAX_AMOUNT } };
  test.each<[string, Partial<Genesis>]>([
    ['a supply above what the accounts hold', { supply: { ...good.supply, usd: (good.supply.usd as bigint) + 1n } }],
    ['a supply below what the accounts hold', { supply: { ...good.supply, usd: (good.supply.usd as bigint) - 1n } }],
    ['an account twice', { accounts: [...good.accounts, good.accounts[0] as Genesis['accounts'][0]] }],
    ['a balance of an unknown asset', { accounts: [...good.accounts, { address: keyOf(70).address, balances: { eur: 0n } }] }],
    ['a supply of an unknown asset', { supply: { ...good.supply, eur: 0n } }],
    [
      'a balance below zero that another makes up for',
      {
        accounts: [
          ...good.accounts,
          { address: keyOf(70).address, balances: { usd: -1n } },
          { address: keyOf(71).address, balances: { usd: 1n } },
        ],
      },
    ],
    [
      'a supply of 2^128',
      { accounts: [rich, { ...rich, address: keyOf(72).address, balances: { opg: 1n } }], supply: { opg: MAX_AMOUNT + 1n } },
    ],
    ['an asset twice', { denoms: ['usd', 'usd'] }],
    ['opg as one of the others', { denoms: ['usd', 'opg'] }],
    ['an asset with a space', { denoms: ['usd', 'u d'] }],
    ['a proof system twice', { systems: ['test-v1', 'test-v1'] }],
    ['a price floor of nothing', { params: { ...good.params, priceFloor: 0n } }],
    ['a minimum bond that is no amount', { params: { ...good.params, minBond: MAX_AMOUNT + 1n } }],
    ['a burn for a key that would be no amount, and stop the chain', { params: { ...good.params, keyBurn: MAX_AMOUNT } }],
    ['no gas in a block', { params: { ...good.params, blockVgas: 0n } }],
    ['transactions larger than a block', { params: { ...good.params, maxTxVgas: good.params.blockVgas + 1n } }],
    ['no tab delay', { params: { ...good.params, tabDelay: 0n } }],
  ])('%s', (_, change) => expect(() => checkGenesis({ ...good, ...change })).toThrow(/^genesis: /));

  test.each<[string, (j: Json) => unknown]>([
    ['no object', () => null],
    ['no list of accounts', (j) => ({ ...j, accounts: {} })],
    ['an amount that is a number', (j) => ({ ...j, supply: { opg: 5 } })],
    ['an amount with a zero first', (j) => ({ ...j, supply: { opg: '05' } })],
    ['an unknown parameter', (j) => ({ ...j, params: { ...(j.params as Json), gift: '1' } })],
    ['a missing parameter', (j) => ({ ...j, params: { ...(j.params as Json), minBond: undefined } })],
    ['an address in hexadecimal', (j) => ({ ...j, accounts: [{ address: toHex(keyOf(0).address), balances: {} }] })],
  ])('as JSON: %s', (_, change) => expect(() => genesisFromJson(change(json()))).toThrow(/^genesis: /));

  test('a chain id that is no text, or too long', () => {
    expect(() => State.fromGenesis('x'.repeat(51), good)).toThrow(/^genesis: /);
    expect(() => State.fromGenesis('', good)).toThrow(/^genesis: /);
    expect(() => State.fromGenesis('chäin', good)).toThrow(/^genesis: /);
  });
});
