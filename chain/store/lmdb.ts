/**
 * A store on disk: LMDB, an embedded engine whose write transactions are atomic over any number of keys. One transaction a block; it is on
 * disk when `commit` returns (`overlappingSync` off: LMDB's JavaScript binding otherwise flushes behind the caller's back).
 *
 *     [store name, leaf index] → StoredRow        "committed" → Committed
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { open, type RootDatabase } from 'lmdb';
import { encode } from '../codec.ts';
import { CommittedSchema, type StoredRow, StoredRowSchema } from '../generated/store_pb.ts';
import { type Row, STORES, type StoreName } from '../state/index.ts';
import { checkDatabase } from './damaged.ts';
import { type Store, writing } from './store.ts';

const HEAD = 'committed';

/** Opens or makes the store in a folder. Throws an Error where the folder cannot be used. */
export function lmdbStore(dir: string): Store {
  checkDatabase(dir);
  const db: RootDatabase<Uint8Array, string | [string, number]> = writing(dir, () =>
    open({ path: dir, encoding: 'binary', overlappingSync: false, noSubdir: false }),
  );
  return {
    load() {
      const head = db.get(HEAD);
      if (head === undefined) return null;
      const { chainId, height, appHash, changedAt } = fromBinary(CommittedSchema, plain(head));
      const rows: Row[] = [];
      for (const { key, value } of db.getRange()) {
        if (key === HEAD) continue;
        const [store, index] = key as [StoreName, number];
        if (!STORES.includes(store)) throw new Error(`store: a record of an unknown store ${JSON.stringify(store)}`);
        const row: StoredRow = fromBinary(StoredRowSchema, plain(value));
        rows.push({ store, index, key: row.key, value: row.value });
      }
      return { rows, committed: { chainId: new TextDecoder().decode(chainId), height, appHash, changedAt } };
    },
    commit(rows, { chainId, height, appHash, changedAt }) {
      writing(dir, () =>
        db.transactionSync(() => {
          for (const row of rows)
            db.putSync([row.store, row.index], toBinary(StoredRowSchema, create(StoredRowSchema, { key: row.key, value: row.value })));
          db.putSync(HEAD, encode(CommittedSchema, { chainId: new TextEncoder().encode(chainId), height, appHash, changedAt }));
        }),
      );
    },
    close: () => db.close(),
  };
}

/** LMDB's binding answers with Buffers, whose `slice` is a view: what was loaded must be the same kind of bytes as what was computed. */
const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);
