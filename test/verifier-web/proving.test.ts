/** "Prove here": between the answer and the verdict lies a gap, and nothing of an earlier drawing closes it. */
import { expect, test } from 'vitest';
import type { Report } from '../../verifier-web/messages.ts';
import { largest, nextProving, type Proving, type ProvingEvent, trust } from '../../verifier-web/proving.ts';

const answer = { output: { name: 'o', dtype: 'float32', shape: [2], data: Float32Array.of(0, 1) } as const, milliseconds: 1 };
const proof = { envelope: new Uint8Array(1), milliseconds: 1, kernels: 'k', note: null };
const report = (verdict: string): Report => ({ verdict: { verdict } }) as Report;
const after = (...events: ProvingEvent[]): Proving => events.reduce(nextProving, { at: 'closed' } as Proving);

const blank: ProvingEvent[] = [{ type: 'opened' }, { type: 'loaded' }];
const answered: ProvingEvent[] = [...blank, { type: 'answered', job: 1, answer }];
const proving: ProvingEvent[] = [...answered, { type: 'progress', job: 1, progress: { stage: 's', fraction: 0.5 } }];
const checking: ProvingEvent[] = [...proving, { type: 'proven', job: 1, proof }];

test('an answer is a claim until the verdict is there', () => {
  expect([blank, answered, proving, checking].map((e) => trust(after(...e)).tone)).toEqual(['open', 'claim', 'claim', 'claim']);
  expect(trust(after(...checking, { type: 'verified', job: 1, report: report('accepted') }))).toEqual({ word: 'Accepted', tone: 'good' });
  expect(trust(after(...checking, { type: 'verified', job: 1, report: report('refused') }))).toEqual({ word: 'Refused', tone: 'bad' });
});

test('events of an earlier drawing change nothing', () => {
  const second: ProvingEvent[] = [...checking, { type: 'answered', job: 2, answer }];
  const late: ProvingEvent[] = [
    { type: 'progress', job: 1, progress: { stage: 's', fraction: 1 } },
    { type: 'proven', job: 1, proof },
    { type: 'verified', job: 1, report: report('accepted') },
    { type: 'stopped', job: 1 },
  ];
  for (const event of late) expect(after(...second, event)).toEqual(after(...second));
});

test('stopping leaves the answer a claim, wiping leaves nothing', () => {
  expect(after(...proving, { type: 'stopped', job: 1 }).at).toBe('answered');
  expect(after(...checking, { type: 'stopped', job: 1 }).at).toBe('answered');
  expect(after(...checking, { type: 'cleared' })).toEqual({ at: 'blank' });
});

test('a failure could not tell, and can be started anew', () => {
  const failed = after(...proving, { type: 'failed', why: 'crashed' });
  expect(trust(failed).word).toBe('Could not tell');
  expect(nextProving(failed, { type: 'answered', job: 1, answer })).toBe(failed);
  expect(nextProving(failed, { type: 'opened' })).toEqual({ at: 'loading' });
});

test('a proof comes from an answer alone', () => {
  for (const events of [[], blank]) expect(after(...events, { type: 'proven', job: 1, proof })).toEqual(after(...events));
  expect(after(...answered, { type: 'verified', job: 1, report: report('accepted') }).at).toBe('answered');
});

test('the largest value, the first of equals', () => {
  expect([largest([3]), largest([1, 5, 5]), largest([-4, -2, -3]), largest(BigInt64Array.of(1n, 9n))]).toEqual([0, 1, 1, 1]);
});
