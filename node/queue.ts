/**
 * The inference node's work, on disk (settlement §12.4): a job is here before its receipt leaves, and goes on after a crash. At least once:
 * what a step did is looked up on the chain before it is done again, and a job's id makes it one job.
 *
 *     queued ─ openJob ─► opened ─ prove ─► proved ─ postProof ─► settled        failed: the chain or the model refused for good
 */
import { open, type RootDatabase } from 'lmdb';
import { checkDatabase } from '../chain/store/damaged.ts';
import { DamagedStore, UnwritableStore, writing } from '../chain/store/store.ts';

export type QueueState = 'queued' | 'opened' | 'proved' | 'settled' | 'failed';

export interface QueueEntry {
  /** 64 hex digits; the key. */
  readonly jobId: string;
  readonly modelId: string;
  readonly state: QueueState;
  readonly order: Uint8Array;
  readonly orderSig: Uint8Array;
  readonly requesterPubkey: Uint8Array;
  readonly inputNonce: Uint8Array;
  /** Canonical tensors. */
  readonly input: Uint8Array;
  readonly output: Uint8Array;
  readonly receipt: Uint8Array;
  readonly receiptSig: Uint8Array;
  /** Milliseconds since 1970. */
  readonly takenAt: number;
  /** The height by which the order must be opened; from `opened` on, by which it must be proven. */
  readonly deadline: bigint;
  readonly proof: Uint8Array | null;
  readonly attempts: number;
  /** Why it failed, or why the last attempt did. */
  readonly trouble: string;
  /** Not before this time again. */
  readonly retryAt: number;
  /** Until when a worker has it. */
  readonly leasedUntil: number;
}

const OPEN: ReadonlySet<QueueState> = new Set(['queued', 'opened', 'proved']);
/** Settled and failed jobs that stay for `GET /v1/jobs/:id`. */
const KEPT = 10_000;

export class Queue {
  readonly #db: RootDatabase<QueueEntry, string>;
  /** Open jobs, so that taking one does not read the disk. */
  readonly #open = new Map<string, QueueEntry>();

  constructor(dir: string) {
    checkDatabase(dir);
    try {
      // msgpackr, lmdb's own encoding, keeps bytes and bigints.
      this.#db = writing(dir, () => open<QueueEntry, string>({ path: dir, overlappingSync: false }));
      for (const { value } of this.#db.getRange()) if (OPEN.has(value.state)) this.#open.set(value.jobId, { ...value, leasedUntil: 0 });
    } catch (e) {
      if (e instanceof UnwritableStore) throw e;
      throw new DamagedStore(`the queue ${dir} cannot be read: ${(e as Error).message}`);
    }
  }

  get(jobId: string): QueueEntry | undefined {
    return this.#open.get(jobId) ?? this.#db.get(jobId);
  }

  /** Jobs that are not over. */
  waiting(): readonly QueueEntry[] {
    return [...this.#open.values()];
  }

  /** Adds a job; false where it is here already. On disk when it returns. */
  add(entry: QueueEntry): boolean {
    if (this.get(entry.jobId) !== undefined) return false;
    this.save(entry);
    return true;
  }

  /** On disk when it returns. */
  save(entry: QueueEntry): void {
    this.#db.transactionSync(() => this.#db.putSync(entry.jobId, entry));
    if (OPEN.has(entry.state)) this.#open.set(entry.jobId, entry);
    else this.#open.delete(entry.jobId);
  }

  /** The job with the nearest deadline that nobody has, leased for `leaseMs`. */
  take(now: number, leaseMs: number): QueueEntry | undefined {
    let best: QueueEntry | undefined;
    for (const e of this.#open.values())
      if (e.leasedUntil <= now && e.retryAt <= now && (best === undefined || e.deadline < best.deadline)) best = e;
    if (best === undefined) return undefined;
    const taken = { ...best, leasedUntil: now + leaseMs };
    this.#open.set(taken.jobId, taken);
    return taken;
  }

  renew(jobId: string, until: number): void {
    const e = this.#open.get(jobId);
    if (e !== undefined) this.#open.set(jobId, { ...e, leasedUntil: until });
  }

  /** Forgets the oldest of what is over, up to `kept`. */
  prune(kept = KEPT): void {
    const over: { readonly jobId: string; readonly takenAt: number }[] = [];
    for (const { value } of this.#db.getRange()) if (!OPEN.has(value.state)) over.push({ jobId: value.jobId, takenAt: value.takenAt });
    const old = over.sort((a, b) => a.takenAt - b.takenAt).slice(0, Math.max(0, over.length - kept));
    this.#db.transactionSync(() => {
      for (const e of old) this.#db.removeSync(e.jobId);
    });
  }

  close(): Promise<void> {
    return this.#db.close();
  }
}
