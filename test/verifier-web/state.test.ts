/** The page's states: a verdict alone decides; crashes and impatience are no refusals; late answers are dropped. */
import { describe, expect, test } from 'vitest';
import type { SetUp } from '../../protocol/trust.ts';
import type { Held, Report } from '../../verifier-web/messages.ts';
import { asLinked, headline, isBusy, missing, next, START, type State, shownCheck, tone } from '../../verifier-web/state.ts';

const held = (kind: Held['kind'], name: string, vkHash: string | null = 'aa'): Held => ({ kind, name, vkHash, bytes: new Uint8Array(1) });
const report = (verdict: 'accepted' | 'refused', setup: SetUp = 'transparent'): Report =>
  ({ verdict: { verdict, trust: { setup } } }) as unknown as Report;
const read = (state: State, ...files: Held[]): State => next(state, { type: 'read', files: { held: files, strangers: [] } });
const two = read(START, held('key', 'k'), held('proof', 'p'), held('proof', 'q'));

test('files that belong together make checks, the first of them shown', () => {
  expect(two.checks.map((c) => [c.proof.name, c.key.name, c.status.at])).toEqual([
    ['p', 'k', 'waiting'],
    ['q', 'k', 'waiting'],
  ]);
  expect(shownCheck(two)?.proof.name).toBe('p');
  expect([isBusy(START), isBusy(two)]).toEqual([false, true]);
});

test('a proof waits for its key and a key for its proof, in words', () => {
  expect(missing(START)).toBe(null);
  expect(missing(read(START, held('proof', 'p')))).toContain('key');
  expect(missing(read(START, held('key', 'k')))).toContain('proof');
  const both = read(read(START, held('proof', 'p')), held('key', 'k'));
  expect([both.checks.length, missing(both)]).toEqual([1, null]);
});

test('a key that wants a circuit waits for one, in words', () => {
  const key: Held = { ...held('key', 'k'), wantsCircuit: true };
  const waiting = read(START, key, held('proof', 'p'), held('proof', 'q'));
  expect([waiting.checks, missing(waiting)]).toEqual([[], expect.stringContaining('circuit')]);
  const other = read(START, key, held('proof', 'p'), held('key', 'l', 'bb'), held('proof', 'q', 'bb'));
  expect([other.checks.map((c) => c.proof.name), missing(other)]).toEqual([['q'], expect.stringContaining('circuit')]);
  const whole = read(waiting, held('circuit', 'c'));
  expect([whole.checks.map((c) => c.circuit?.name), missing(whole)]).toEqual([['c', 'c'], null]);
});

test('new files replace those of their kind; files that are nothing change nothing', () => {
  const other = read(two, held('proof', 'r'));
  expect(other.checks.map((c) => c.proof.name)).toEqual(['r']);
  const strangers = [{ name: 'x', why: 'no proof' }];
  const same = next(two, { type: 'read', files: { held: [], strangers } });
  expect([same.checks, same.strangers]).toEqual([two.checks, strangers]);
});

describe('a check', () => {
  const [id, second] = two.checks.map((c) => c.id) as [number, number];
  const running = next(two, { type: 'started', id });

  test('is decided by a verdict', () => {
    const accepted = next(running, { type: 'decided', id, report: report('accepted') });
    expect(headline(accepted.checks[0]?.status as never)).toBe('Accepted');
    expect(accepted.checks.map(tone)).toEqual(['accepted', 'waiting']);
    const forgeable = next(running, { type: 'decided', id, report: report('accepted', 'insecure-dev') });
    expect([headline(forgeable.checks[0]?.status as never), forgeable.checks.map(tone)]).toEqual(['Forgeable', ['forgeable', 'waiting']]);
    expect(next(running, { type: 'decided', id, report: report('refused') }).checks.map(tone)).toEqual(['refused', 'waiting']);
  });

  test('says what it is at while it runs, and not before or after', () => {
    const progress = { stage: 'opening', fraction: 0.8 };
    const at = (state: State): unknown => next(state, { type: 'progress', id, progress }).checks[0]?.status;
    expect(at(running)).toEqual({ at: 'running', progress });
    expect(at(two)).toEqual({ at: 'waiting' });
    const decided = next(running, { type: 'decided', id, report: report('accepted') });
    expect(at(decided)).toEqual(decided.checks[0]?.status);
  });

  test('whose worker fails could not tell, never refused', () => {
    const failed = next(running, { type: 'failed', id, why: 'crashed' });
    expect(failed.checks.map((c) => headline(c.status))).toEqual(['Could not tell', 'Checking']);
  });

  test('that is cancelled is cancelled, never refused; what was decided stays', () => {
    const decided = next(running, { type: 'decided', id, report: report('accepted') });
    const cancelled = next(decided, { type: 'cancelled' });
    expect(cancelled.checks.map(tone)).toEqual(['accepted', 'cancelled']);
    expect(next(cancelled, { type: 'again' }).checks.map(tone)).toEqual(['accepted', 'waiting']);
  });

  test('that is gone gets no answer', () => {
    const anew = next(running, { type: 'context', context: 'order 7' });
    expect(anew.checks.map((c) => c.context)).toEqual(['order 7', 'order 7']);
    expect(next(anew, { type: 'decided', id, report: report('accepted') })).toEqual(anew);
    expect(next(running, { type: 'shown', id: 999 })).toBe(running);
    expect(next(running, { type: 'shown', id: second }).shown).toBe(second);
  });
});

test('restoring forgets everything but the numbers of checks', () => {
  const back = next(two, { type: 'restored', held: [], context: 'c', pins: null });
  expect(back).toEqual({ ...START, context: 'c', nextId: two.nextId });
});

test('what could not be read is our failure, until something else is read', () => {
  const trouble = next(START, { type: 'unreadable', why: 'no such file' });
  expect([trouble.trouble, trouble.checks]).toEqual(['no such file', []]);
  expect(next(trouble, { type: 'reading' })).toMatchObject({ trouble: null, reading: true });
  expect(next(next(START, { type: 'reading' }), { type: 'cancelled' }).reading).toBe(false);
});

test('a link names a statement and a key; both must be those of the verdict', () => {
  const pins = { statement: 's', keyDigest: 'k' };
  expect(asLinked(null, pins)).toBe(null);
  expect(asLinked(pins, pins)).toBe(true);
  expect(asLinked(pins, { ...pins, statement: 't' })).toBe(false);
  expect(asLinked(pins, { ...pins, keyDigest: 'l' })).toBe(false);
});
