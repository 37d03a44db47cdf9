/** The records a chain starts with (settlement §8.2, InitChain). */
import { ascii } from '../../protocol/bytes.ts';
import { writeAmount } from '../amounts.ts';
import { encode } from '../codec.ts';
import { AccountSchema, ParamsSchema, PriceSchema, SupplySchema, VerifiersSchema } from '../generated/records_pb.ts';
import { type Genesis, supplied } from '../genesis.ts';
import { proofSystemId } from '../identities.ts';
import { VERIFIER_VERSION } from '../limits.ts';
import { compareBytes, type StoreName } from './state.ts';

export const META = {
  params: ascii('params'),
  price: ascii('price'),
  verifiers: ascii('verifiers'),
  supply: (denom: string): Uint8Array => ascii(`supply/${denom}`),
};

export function* genesisRecords(
  chainId: string,
  g: Genesis,
): IterableIterator<{ readonly store: StoreName; readonly key: Uint8Array; readonly value: Uint8Array }> {
  const { params } = g;
  const denoms = ['opg', ...g.denoms].sort();
  yield {
    store: 'meta',
    key: META.params,
    value: encode(ParamsSchema, {
      chainId: ascii(chainId),
      denoms: denoms.map(ascii),
      minBond: writeAmount(params.minBond),
      minJobBond: writeAmount(params.minJobBond),
      keyBurn: writeAmount(params.keyBurn),
      priceFloor: writeAmount(params.priceFloor),
      blockVgas: params.blockVgas,
      maxTxVgas: params.maxTxVgas,
      tabDelay: params.tabDelay,
      registerVgas: params.registerVgas,
      systems: g.systems.map(proofSystemId).sort(compareBytes),
    }),
  };
  yield { store: 'meta', key: META.price, value: encode(PriceSchema, { price: writeAmount(params.priceFloor), atHeight: 1n }) };
  yield { store: 'meta', key: META.verifiers, value: encode(VerifiersSchema, { version: VERIFIER_VERSION }) };
  for (const denom of denoms)
    yield {
      store: 'meta',
      key: META.supply(denom),
      // A supply of nothing would have no bytes: minted is always written, burned when there is some.
      value: encode(SupplySchema, { denom: ascii(denom), minted: writeAmount(supplied(g.supply, denom)) }),
    };
  const accounts = [...g.accounts].sort((a, b) => compareBytes(a.address, b.address));
  for (const { address, balances } of accounts) {
    const coins = Object.keys(balances)
      .filter((d) => (balances[d] as bigint) > 0n)
      .sort();
    if (coins.length > 0)
      yield {
        store: 'acct',
        key: address,
        value: encode(AccountSchema, { balances: coins.map((d) => ({ denom: ascii(d), amount: writeAmount(balances[d] as bigint) })) }),
      };
  }
}
