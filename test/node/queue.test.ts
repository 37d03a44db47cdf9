/** The queue on disk (settlement §12.4): nearest deadline first, one worker a job, nothing lost by closing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Queue, type QueueEntry } from '../../node/queue.ts';

let dir = '';
let queue: Queue;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'queue-'));
  queue = new Queue(dir);
});
afterEach(async () => {
  await queue.close();
  rmSync(dir, { recursive: true, force: true });
});

const bytes = (n: number): Uint8Array => new Uint8Array(40).fill(n);
const entry = (n: number, change: Partial<QueueEntry> = {}): QueueEntry => ({
  jobId: n.toString(16).padStart(64, '0'),
  modelId: 'aa'.repeat(32),
  state: 'queued',
  order: bytes(n),
  orderSig: bytes(n),
  requesterPubkey: bytes(n),
  inputNonce: bytes(n),
  input: bytes(n),
  output: bytes(n),
  receipt: bytes(n),
  receiptSig: bytes(n),
  takenAt: n,
  deadline: 2n ** 63n - BigInt(n),
  proof: null,
  attempts: 0,
  trouble: '',
  retryAt: 0,
  leasedUntil: 0,
  ...change,
});
const idOf = (n: number): string => entry(n).jobId;

test('a job comes in once', () => {
  expect(queue.add(entry(1))).toBe(true);
  expect(queue.add(entry(1, { trouble: 'another' }))).toBe(false);
  expect(queue.get(idOf(1))).toEqual(entry(1));
  expect(queue.get(idOf(2))).toBeUndefined();
});

test('the nearest deadline goes first, to one worker, until its lease ends', () => {
  for (const n of [1, 3, 2]) queue.add(entry(n));
  expect([queue.take(0, 10), queue.take(0, 10), queue.take(0, 10), queue.take(0, 10)].map((e) => e?.takenAt)).toEqual([3, 2, 1, undefined]);
  queue.renew(idOf(3), 20);
  expect(queue.take(9, 10)).toBeUndefined();
  expect(queue.take(10, 10)?.jobId).toBe(idOf(2));
  expect(queue.take(20, 10)?.jobId).toBe(idOf(3));
});

test('what is to be tried later waits, and what is over is not taken', () => {
  queue.add(entry(1, { retryAt: 5 }));
  queue.add(entry(2));
  queue.save({ ...entry(2), state: 'settled' });
  expect(queue.take(4, 10)).toBeUndefined();
  expect(queue.take(5, 10)?.jobId).toBe(idOf(1));
  expect(queue.waiting().map((e) => e.jobId)).toEqual([idOf(1)]);
  expect(queue.get(idOf(2))?.state).toBe('settled');
});

test('opened again it has every byte, and no leases', async () => {
  queue.add(entry(1));
  queue.save(entry(2, { state: 'proved', proof: bytes(9), attempts: 3, trouble: 'lost', deadline: 2n ** 62n }));
  queue.save(entry(3, { state: 'failed' }));
  queue.take(0, 10 ** 6);
  await queue.close();
  queue = new Queue(dir);
  expect(queue.waiting().map((e) => e.takenAt)).toEqual([1, 2]);
  const again = queue.get(idOf(2)) as QueueEntry;
  expect({ ...again, proof: Uint8Array.from(again.proof as Uint8Array) }).toMatchObject({
    state: 'proved',
    proof: bytes(9),
    deadline: 2n ** 62n,
  });
  expect(queue.take(1, 10)?.jobId).toBe(idOf(2));
});

test('forgets the oldest of what is over, never what waits', () => {
  for (let n = 1; n <= 6; n++) queue.save(entry(n, { state: n === 1 ? 'queued' : n === 2 ? 'failed' : 'settled' }));
  queue.prune();
  expect(queue.get(idOf(2))?.state).toBe('failed');
  queue.prune(2);
  expect([1, 2, 3, 4, 5, 6].map((n) => queue.get(idOf(n))?.state)).toEqual([
    'queued',
    undefined,
    undefined,
    undefined,
    'settled',
    'settled',
  ]);
});
