/**
 * "Prove here" as a state machine: a drawing is answered, then proven, then verified. Between the answer and the verdict lies a gap in which
 * the answer is only a claim; the page shows it as a state of its own.
 */
import type { NamedTensor } from '../circuits/named.ts';
import type { Made, ProgressOf, Report } from './messages.ts';

export type Proving =
  | { readonly at: 'closed' }
  | { readonly at: 'loading' }
  | { readonly at: 'blank' }
  | { readonly at: 'answered'; readonly job: number; readonly answer: Answer }
  | { readonly at: 'proving'; readonly job: number; readonly answer: Answer; readonly progress: ProgressOf }
  | { readonly at: 'checking'; readonly job: number; readonly answer: Answer; readonly proof: Made }
  | { readonly at: 'verified'; readonly job: number; readonly answer: Answer; readonly proof: Made; readonly report: Report }
  | { readonly at: 'failed'; readonly why: string };

export interface Answer {
  readonly output: NamedTensor;
  readonly milliseconds: number;
}

export type ProvingEvent =
  | { readonly type: 'opened' }
  | { readonly type: 'loaded' }
  | { readonly type: 'cleared' }
  | { readonly type: 'answered'; readonly job: number; readonly answer: Answer }
  | { readonly type: 'progress'; readonly job: number; readonly progress: ProgressOf }
  | { readonly type: 'proven'; readonly job: number; readonly proof: Made }
  | { readonly type: 'verified'; readonly job: number; readonly report: Report }
  | { readonly type: 'stopped'; readonly job: number }
  | { readonly type: 'failed'; readonly why: string };

/** Events of an earlier drawing (another `job`) change nothing. */
export function nextProving(s: Proving, e: ProvingEvent): Proving {
  switch (e.type) {
    case 'opened':
      return s.at === 'closed' || s.at === 'failed' ? { at: 'loading' } : s;
    case 'loaded':
      return s.at === 'loading' ? { at: 'blank' } : s;
    case 'cleared':
      return s.at === 'closed' || s.at === 'loading' || s.at === 'failed' ? s : { at: 'blank' };
    case 'answered':
      return s.at === 'closed' || s.at === 'loading' || s.at === 'failed' ? s : { at: 'answered', job: e.job, answer: e.answer };
    case 'progress':
      return (s.at === 'answered' || s.at === 'proving') && s.job === e.job ? { ...s, at: 'proving', progress: e.progress } : s;
    case 'proven':
      return (s.at === 'answered' || s.at === 'proving') && s.job === e.job
        ? { at: 'checking', job: s.job, answer: s.answer, proof: e.proof }
        : s;
    case 'verified':
      return s.at === 'checking' && s.job === e.job ? { ...s, at: 'verified', report: e.report } : s;
    case 'stopped':
      return (s.at === 'proving' || s.at === 'checking') && s.job === e.job ? { at: 'answered', job: s.job, answer: s.answer } : s;
    case 'failed':
      return { at: 'failed', why: e.why };
  }
}

/** What the page says about the answer. */
export function trust(s: Proving): { readonly word: string; readonly tone: 'open' | 'claim' | 'good' | 'bad' } {
  switch (s.at) {
    case 'closed':
    case 'loading':
      return { word: 'Loading the prover', tone: 'open' };
    case 'blank':
      return { word: 'Draw a digit', tone: 'open' };
    case 'answered':
      return { word: 'Answered, not yet proven', tone: 'claim' };
    case 'proving':
      return { word: 'Answered, proof under way', tone: 'claim' };
    case 'checking':
      return { word: 'Proven, not yet checked', tone: 'claim' };
    case 'verified':
      return s.report.verdict.verdict === 'accepted' ? { word: 'Accepted', tone: 'good' } : { word: 'Refused', tone: 'bad' };
    case 'failed':
      return { word: 'Could not tell', tone: 'bad' };
  }
}

/** The index of the largest value. */
export function largest(values: ArrayLike<number | bigint>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}
