/** A store that lives as long as its process. */
import type { Row } from '../state/index.ts';
import type { Committed, Store } from './store.ts';

export function memoryStore(): Store {
  const rows = new Map<string, Row>();
  let committed: Committed | null = null;
  return {
    load: () => (committed === null ? null : { committed, rows: [...rows.values()] }),
    commit(changed, at) {
      for (const row of changed) rows.set(`${row.store}/${row.index}`, row);
      committed = at;
    },
    close: async () => {},
  };
}
