/** What a chain starts from: the `app_state` of a CometBFT genesis document (settlement §1.4, §8.7). Money is made here and nowhere else. */

import { parseAddress, showAddress } from './accounts.ts';
import { MAX_AMOUNT } from './amounts.ts';
import { MAX_CHAIN_ID, MAX_KEY_BYTES } from './limits.ts';

export interface GenesisParams {
  /** opg. A prover's least bond in all, and for one job. */
  readonly minBond: bigint;
  readonly minJobBond: bigint;
  /** opg burned for every byte of a registered key. */
  readonly keyBurn: bigint;
  /** opg a unit of gas: where the burn price starts, and below which it never falls. */
  readonly priceFloor: bigint;
  readonly blockVgas: bigint;
  readonly maxTxVgas: bigint;
  /** Verification gas that registering a model reserves: deriving what a key describes costs that much at worst, before it can be refused. */
  readonly registerVgas: bigint;
  /** Blocks between closing a tab and getting its rest. */
  readonly tabDelay: bigint;
}

export const DEFAULT_PARAMS: GenesisParams = {
  minBond: 100n * 10n ** 18n,
  minJobBond: 10n ** 18n,
  keyBurn: 10n ** 13n,
  priceFloor: 2n * 10n ** 11n,
  blockVgas: 2_000_000n,
  maxTxVgas: 1_000_000n,
  registerVgas: 500_000n,
  tabDelay: 200n,
};

export interface Genesis {
  /** Fee assets besides `opg`; `opg` is always there. */
  readonly denoms: readonly string[];
  /** Names of the proof systems that are on. */
  readonly systems: readonly string[];
  readonly params: GenesisParams;
  readonly accounts: readonly { readonly address: Uint8Array; readonly balances: Readonly<Record<string, bigint>> }[];
  /** What all accounts hold together; a genesis whose accounts do not sum to it is refused. */
  readonly supply: Readonly<Record<string, bigint>>;
}

/** A genesis in JSON: amounts are decimal strings of the smallest unit, addresses `opg1…`. */
export function genesisToJson(g: Genesis): unknown {
  const strings = (o: Readonly<Record<string, bigint>>): Record<string, string> =>
    Object.fromEntries(Object.entries(o).map(([k, v]) => [k, v.toString()]));
  return {
    denoms: g.denoms,
    systems: g.systems,
    params: strings(g.params as unknown as Record<string, bigint>),
    accounts: g.accounts.map((a) => ({ address: showAddress(a.address), balances: strings(a.balances) })),
    supply: strings(g.supply),
  };
}

/** The genesis in a parsed JSON value. Throws an Error that names the field: a node with a bad genesis must not start. */
export function genesisFromJson(value: unknown): Genesis {
  const root = object(value, 'app_state');
  const params = object(root.params, 'params');
  const names = Object.keys(DEFAULT_PARAMS) as (keyof GenesisParams)[];
  for (const key of Object.keys(params)) if (!names.includes(key as keyof GenesisParams)) fail(`params.${key}`, 'unknown');
  const genesis: Genesis = {
    denoms: texts(root.denoms, 'denoms'),
    systems: texts(root.systems, 'systems'),
    params: Object.fromEntries(names.map((n) => [n, amount(params[n], `params.${n}`)])) as unknown as GenesisParams,
    accounts: list(root.accounts, 'accounts').map((a, i) => {
      const account = object(a, `accounts[${i}]`);
      const address = typeof account.address === 'string' ? parseAddress(account.address) : null;
      if (address === null) return fail(`accounts[${i}].address`, 'no address');
      return { address, balances: amounts(account.balances, `accounts[${i}].balances`) };
    }),
    supply: amounts(root.supply, 'supply'),
  };
  checkGenesis(genesis);
  return genesis;
}

/** Throws unless it is what every transaction names: 1 to 50 characters of printable ASCII. */
export function checkChainId(chainId: string): void {
  if (chainId.length > MAX_CHAIN_ID || !/^[ -~]+$/.test(chainId))
    fail(`chain_id ${JSON.stringify(chainId)}`, `1 to ${MAX_CHAIN_ID} characters of printable ASCII are wanted`);
}

/** What a table of amounts says for a denomination; 0 where it says nothing. */
export const supplied = (table: Readonly<Record<string, bigint>>, denom: string): bigint =>
  Object.hasOwn(table, denom) ? (table[denom] as bigint) : 0n;

/** Throws unless denominations are distinct short names, no account or system comes twice, and the pots sum to the supply. */
export function checkGenesis(g: Genesis): void {
  const denoms = ['opg', ...g.denoms];
  denoms.forEach((d, i) => {
    if (!/^[a-z][a-z0-9]{1,15}$/.test(d)) fail(`denoms: ${JSON.stringify(d)}`, 'a denomination is 2 to 16 small letters and digits');
    if (denoms.indexOf(d) !== i) fail(`denoms: ${d}`, 'comes twice');
  });
  const seen = new Set<string>();
  const sums = new Map<string, bigint>(denoms.map((d) => [d, 0n]));
  for (const { address, balances } of g.accounts) {
    const name = showAddress(address);
    if (seen.has(name)) fail(`accounts: ${name}`, 'comes twice');
    seen.add(name);
    for (const [d, n] of Object.entries(balances)) {
      if (n < 0n) fail(`accounts: ${name}`, `has ${n} ${d}`);
      const sum = sums.get(d);
      if (sum === undefined) fail(`accounts: ${name}`, `has ${d}, which is no denomination`);
      else sums.set(d, sum + n);
    }
  }
  for (const d of Object.keys(g.supply)) if (!sums.has(d)) fail(`supply.${d}`, 'is no denomination');
  for (const [d, sum] of sums) {
    if (sum !== supplied(g.supply, d)) fail(`supply.${d}`, `the accounts hold ${sum}, not ${supplied(g.supply, d)}`);
    if (sum > MAX_AMOUNT) fail(`supply.${d}`, 'is not below 2^128');
  }
  g.systems.forEach((name, i) => {
    if (g.systems.indexOf(name) !== i) fail(`systems: ${name}`, 'comes twice');
  });
  const { params } = g;
  for (const [name, n] of Object.entries(params)) if (n < 0n || n > MAX_AMOUNT) fail(`params.${name}`, 'is no amount');
  if (params.priceFloor < 1n || params.priceFloor > 2n ** 96n) fail('params.priceFloor', 'must lie in [1, 2^96]');
  if (params.blockVgas < 10_000n || params.blockVgas > 2n ** 40n) fail('params.blockVgas', 'must lie in [10000, 2^40]');
  if (params.maxTxVgas > params.blockVgas) fail('params.maxTxVgas', 'must not exceed blockVgas');
  if (params.registerVgas > params.maxTxVgas) fail('params.registerVgas', 'must not exceed maxTxVgas');
  if (params.keyBurn > MAX_AMOUNT / BigInt(MAX_KEY_BYTES)) fail('params.keyBurn', `times a key of ${MAX_KEY_BYTES} bytes is no amount`);
  if (params.tabDelay < 1n || params.tabDelay > 10n ** 6n) fail('params.tabDelay', 'must lie in [1, 10^6]');
}

function fail(field: string, what: string): never {
  throw new Error(`genesis: ${field}: ${what}`);
}

function object(v: unknown, field: string): Record<string, unknown> {
  return typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as Record<string, unknown>) : fail(field, 'no object');
}

const list = (v: unknown, field: string): unknown[] => (Array.isArray(v) ? v : fail(field, 'no list'));

const texts = (v: unknown, field: string): string[] =>
  list(v, field).map((s, i) => (typeof s === 'string' ? s : fail(`${field}[${i}]`, 'no text')));

function amount(v: unknown, field: string): bigint {
  const n = typeof v === 'string' && /^(0|[1-9][0-9]{0,38})$/.test(v) ? BigInt(v) : fail(field, 'no decimal string of an amount');
  return n <= MAX_AMOUNT ? n : fail(field, 'not below 2^128');
}

const amounts = (v: unknown, field: string): Record<string, bigint> =>
  Object.fromEntries(Object.entries(object(v, field)).map(([k, n]) => [k, amount(n, `${field}.${k}`)]));
