/**
 * The transcript of a tiny proof, line by line (fixtures/transcripts). A difference here is a change of the protocol: review it, then write
 * the file with `UPDATE_FIXTURES=1 npx vitest run test/protocol/log.test.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { LogEntry } from '../../protocol/transcript.ts';
import { bench, expectAccepted, judge, tell } from '../lies.ts';

const file = new URL('../../fixtures/transcripts/net3-i0.txt', import.meta.url);

/** One line an entry: kind, label, and the state after an absorption, or what was drawn. */
const lines = (log: readonly LogEntry[]): string => log.map(({ kind, label, value }) => `${kind} ${label}: ${value}\n`).join('');

it('net3-i0 sends the messages of the reviewed transcript, to both ends', async () => {
  const b = bench('net3-i0');
  const { envelope, log } = await tell(b);
  if (process.env.UPDATE_FIXTURES === '1') writeFileSync(file, lines(log));
  const reviewed = readFileSync(file, 'utf8');
  expect(lines(log)).toBe(reviewed);
  let heard = '';
  expectAccepted(judge(b, envelope, { onLog: (l) => (heard = lines(l)) }));
  expect(heard).toBe(reviewed);
});
