/**
 * The page as a state machine: files are given, checks follow from them, answers come back. Pure: the session (session.ts) does what has to
 * be done, the components draw.
 *
 * A check is `decided` by a verdict alone. A worker that crashed leaves it `unknown`, a user who lost patience `cancelled`: neither is ever
 * shown as a refusal. An answer to a check that is no longer there is dropped.
 */
import type { Pins } from './link.ts';
import type { Held, ProgressOf, ReadFiles, Report, Stranger } from './messages.ts';
import { type Pair, pairs, together } from './pairs.ts';
import { isForgeable } from './trust.ts';

export type Status =
  | { readonly at: 'waiting' }
  | { readonly at: 'running'; readonly progress: ProgressOf | null }
  | { readonly at: 'decided'; readonly report: Report }
  | { readonly at: 'unknown'; readonly why: string }
  | { readonly at: 'cancelled' };

export interface Check extends Pair {
  readonly id: number;
  readonly context: string;
  readonly status: Status;
}

export interface State {
  readonly held: readonly Held[];
  readonly strangers: readonly Stranger[];
  /** What every proof must be bound to, as typed. */
  readonly context: string;
  /** Files are being read. */
  readonly reading: boolean;
  /** Why files could not be read: a failure of ours. */
  readonly trouble: string | null;
  readonly checks: readonly Check[];
  /** The check whose verdict is shown in full. */
  readonly shown: number | null;
  /** Digests of the link that opened the page. */
  readonly pins: Pins | null;
  /** What of the address cannot be understood. */
  readonly note: string | null;
  readonly nextId: number;
}

export const START: State = {
  held: [],
  strangers: [],
  context: '',
  reading: false,
  trouble: null,
  checks: [],
  shown: null,
  pins: null,
  note: null,
  nextId: 1,
};

export type Event =
  | { readonly type: 'reading' }
  | { readonly type: 'read'; readonly files: ReadFiles; readonly context?: string | undefined; readonly anew?: boolean | undefined }
  | { readonly type: 'unreadable'; readonly why: string }
  | {
      readonly type: 'restored';
      readonly held: readonly Held[];
      readonly context: string;
      readonly pins: Pins | null;
      readonly note?: string | null;
    }
  | { readonly type: 'context'; readonly context: string }
  | { readonly type: 'started'; readonly id: number }
  | { readonly type: 'progress'; readonly id: number; readonly progress: ProgressOf }
  | { readonly type: 'decided'; readonly id: number; readonly report: Report }
  | { readonly type: 'failed'; readonly id: number; readonly why: string }
  | { readonly type: 'cancelled' }
  | { readonly type: 'again' }
  | { readonly type: 'shown'; readonly id: number };

/** New checks for what is held now. */
function withChecks(state: State): State {
  const checks = pairs(state.held).map(
    (p, i): Check => ({ ...p, id: state.nextId + i, context: state.context, status: { at: 'waiting' } }),
  );
  return { ...state, checks, shown: checks[0]?.id ?? null, nextId: state.nextId + checks.length };
}

const change = (state: State, of: (c: Check) => Status): State => ({
  ...state,
  checks: state.checks.map((c) => {
    const status = of(c);
    return status === c.status ? c : { ...c, status };
  }),
});

export function next(state: State, event: Event): State {
  switch (event.type) {
    case 'reading':
      return { ...state, reading: true, trouble: null, strangers: [] };
    case 'read': {
      const { held, strangers } = event.files;
      const read = { ...state, reading: false, strangers, context: event.context ?? state.context };
      return held.length === 0 && event.anew !== true ? read : withChecks({ ...read, held: together(event.anew ? [] : state.held, held) });
    }
    case 'unreadable':
      return { ...state, reading: false, trouble: event.why };
    case 'restored':
      return withChecks({
        ...START,
        nextId: state.nextId,
        held: event.held,
        context: event.context,
        pins: event.pins,
        note: event.note ?? null,
      });
    case 'context':
      return event.context === state.context ? state : withChecks({ ...state, context: event.context });
    case 'started':
      return change(state, (c) => (c.id === event.id ? { at: 'running', progress: null } : c.status));
    case 'progress':
      return change(state, (c) =>
        c.id === event.id && c.status.at === 'running' ? { at: 'running', progress: event.progress } : c.status,
      );
    case 'decided':
      return change(state, (c) => (c.id === event.id ? { at: 'decided', report: event.report } : c.status));
    case 'failed':
      return change(state, (c) => (c.id === event.id ? { at: 'unknown', why: event.why } : c.status));
    case 'cancelled':
      return change({ ...state, reading: false }, (c) => (isOpen(c) ? { at: 'cancelled' } : c.status));
    case 'again':
      return change(state, (c) => (c.status.at === 'cancelled' || c.status.at === 'unknown' ? { at: 'waiting' } : c.status));
    case 'shown':
      return state.checks.some((c) => c.id === event.id) ? { ...state, shown: event.id } : state;
  }
}

export const isOpen = (c: Check): boolean => c.status.at === 'waiting' || c.status.at === 'running';
export const shownCheck = (s: State): Check | null => s.checks.find((c) => c.id === s.shown) ?? null;
export const isBusy = (s: State): boolean => s.reading || s.checks.some(isOpen);

/** What is missing before anything can be checked, in words; null where nothing is. */
export function missing(s: State): string | null {
  const proofs = s.held.filter((h) => h.kind === 'proof');
  if (s.held.length === 0 || (proofs.length > 0 && s.checks.length === proofs.length)) return null;
  if (proofs.length === 0) return 'Now add a proof.';
  if (s.held.some((h) => h.kind === 'key')) return 'Now add the .circuit file of the model: a key of mode I0 is checked with it.';
  return 'Now add the key of the model, from a source you trust.';
}

/** One word for a status, as the page and its live region say it. */
export function headline(status: Status): string {
  switch (status.at) {
    case 'waiting':
    case 'running':
      return 'Checking';
    case 'decided':
      return { accepted: 'Accepted', forgeable: 'Forgeable', refused: 'Refused' }[decision(status.report)];
    case 'unknown':
      return 'Could not tell';
    case 'cancelled':
      return 'Cancelled';
  }
}

/** A verdict as people are to take it: accepted under a key whose maker can forge is no acceptance like others. */
function decision({ verdict }: Report): 'accepted' | 'forgeable' | 'refused' {
  return verdict.verdict === 'accepted' && isForgeable(verdict) ? 'forgeable' : verdict.verdict;
}

/** What a check looks like: its verdict, or where it is. */
export const tone = ({ status }: Pick<Check, 'status'>): string => (status.at === 'decided' ? decision(status.report) : status.at);

/** Whether a verdict is the one a link speaks of; null where the link speaks of none. */
export function asLinked(pins: Pins | null, digests: Pins): boolean | null {
  return pins === null ? null : pins.statement === digests.statement && pins.keyDigest === digests.keyDigest;
}
