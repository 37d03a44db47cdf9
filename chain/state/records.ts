/** Typed reading and writing of records. The bytes were written by us: one that does not decode is a corrupt store, and throws. */
import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import {
  type Account,
  AccountSchema,
  type Job,
  JobSchema,
  type Model,
  ModelSchema,
  type Params,
  ParamsSchema,
  type Prover,
  ProverSchema,
  type Supply,
  SupplySchema,
  type Tab,
  TabSchema,
  type Verifiers,
  VerifiersSchema,
} from '../generated/records_pb.ts';
import { META } from './genesis-records.ts';
import { REMOVED, type State, type StoreName } from './state.ts';

interface Kind<T extends DescMessage> {
  get(state: State, key: Uint8Array): MessageShape<T> | undefined;
  put(state: State, key: Uint8Array, record: MessageShape<T>): void;
}

const kind = <T extends DescMessage>(store: StoreName, schema: T): Kind<T> => ({
  get(state, key) {
    const bytes = state.get(store, key);
    return bytes === undefined ? undefined : fromBinary(schema, bytes);
  },
  put(state, key, record) {
    state.set(store, key, toBinary(schema, record));
  },
});

export const jobs: Kind<typeof JobSchema> = kind('job', JobSchema);
export const models: Kind<typeof ModelSchema> = kind('model', ModelSchema);
export const provers: Kind<typeof ProverSchema> = kind('prover', ProverSchema);
export const tabs: Kind<typeof TabSchema> = kind('tab', TabSchema);
export const removeTab = (state: State, id: Uint8Array): void => state.set('tab', id, REMOVED);

/** The account of an address; one that was never used has nonce 0 and nothing. */
export const accountOf = (state: State, address: Uint8Array): Account => {
  const bytes = state.get('acct', address);
  return bytes === undefined ? create(AccountSchema) : fromBinary(AccountSchema, bytes);
};

/** An account without nonce and balances has no bytes: it is removed, as one that was never used. */
export const putAccount = (state: State, address: Uint8Array, account: Account): void => {
  const bytes = toBinary(AccountSchema, account);
  state.set('acct', address, bytes.length === 0 ? REMOVED : bytes);
};

const meta = <T extends DescMessage>(state: State, key: Uint8Array, schema: T): MessageShape<T> => {
  const bytes = state.get('meta', key);
  if (bytes === undefined) throw new Error(`state: no record meta/${String.fromCharCode(...key)}`);
  return fromBinary(schema, bytes);
};

export const paramsOf = (state: State): Params => meta(state, META.params, ParamsSchema);
export const verifiersOf = (state: State): Verifiers => meta(state, META.verifiers, VerifiersSchema);
export const supplyOf = (state: State, denom: string): Supply => meta(state, META.supply(denom), SupplySchema);
export const putSupply = (state: State, denom: string, supply: Supply): void =>
  state.set('meta', META.supply(denom), toBinary(SupplySchema, supply));

export type { Account, Job, Model, Params, Prover, Supply, Tab };
