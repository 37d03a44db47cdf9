/** Which jobs there are, in order and by state: kept up to date block by block, so that a question does not read them all. Part of no state. */
import { fromBinary } from '@bufbuild/protobuf';
import { toHex } from '../../protocol/bytes.ts';
import { JobSchema } from '../generated/records_pb.ts';
import type { Row } from '../state/index.ts';
import { describeState } from '../states.ts';

class List {
  /** Keys of job records, oldest first. */
  readonly keys: Uint8Array[] = [];
  readonly counts = new Map<string, number>();

  count(state: string, by: 1 | -1): void {
    const n = (this.counts.get(state) ?? 0) + by;
    if (n === 0) this.counts.delete(state);
    else this.counts.set(state, n);
  }
}

export class JobIndex {
  readonly #states = new Map<string, string>();
  readonly #all = new List();
  readonly #byProver = new Map<string, List>();

  /** Takes rows of a block, or of a whole state, by leaf. */
  update(rows: Iterable<Row>): void {
    for (const { store, key, value } of rows) {
      if (store !== 'job') continue;
      const job = fromBinary(JobSchema, value);
      const [id, prover, state] = [toHex(key), toHex(job.prover), describeState(job)];
      const own = this.#byProver.get(prover) ?? new List();
      this.#byProver.set(prover, own);
      const before = this.#states.get(id);
      for (const list of [this.#all, own]) {
        if (before === undefined) list.keys.push(key);
        else list.count(before, -1);
        list.count(state, 1);
      }
      this.#states.set(id, state);
    }
  }

  /** The newest `n`, newest first, and how many there are by state; of one prover (hexadecimal) or of all. */
  newest(n: number, prover?: string): { readonly keys: readonly Uint8Array[]; readonly counts: Readonly<Record<string, number>> } {
    const list = prover === undefined ? this.#all : this.#byProver.get(prover);
    return { keys: list?.keys.slice(-n).reverse() ?? [], counts: Object.fromEntries(list?.counts ?? []) };
  }
}
