/** What is sent to a verifier's thread. */
import { expect, test } from 'vitest';
import { workerPool } from '../../chain/app/index.ts';

/** Answers with the bytes of memory that came with a question. */
const WEIGH = `
import { parentPort } from 'node:worker_threads';
parentPort.on('message', ({ id, question }) => {
  const sentence = String([...new Set(Object.values(question).map((v) => v.buffer))].reduce((n, b) => n + b.byteLength, 0));
  parentPort.postMessage({ id, verdict: { ok: false, kind: 'shape', sentence } });
});`;

test('a question goes without the block it came in', async () => {
  const pool = workerPool(new URL(`data:text/javascript,${encodeURIComponent(WEIGH)}`), 1);
  const block = new Uint8Array(2 ** 22);
  const part = (i: number): Uint8Array => block.subarray(1000 * i, 1000 * i + 100);
  const question = { key: part(1), input: part(2), output: part(3), context: part(4), proof: part(5) };
  expect(await pool.ask('any', question)).toMatchObject({ sentence: '500' });
  await pool.close();
});
