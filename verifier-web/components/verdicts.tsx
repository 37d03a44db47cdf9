import { useEffect, useRef } from 'preact/hooks';
import { short } from '../format.ts';
import type { Session } from '../session.ts';
import { headline, isOpen, type State, shownCheck, tone } from '../state.ts';
import { Running } from './running.tsx';
import { VerdictCard } from './verdict.tsx';

/** All verdicts, the shown one in full. Focus goes to it when it comes, unless somebody types or already is there. */
export function Verdicts({ session, state }: { session: Session; state: State }) {
  const check = shownCheck(state);
  const ref = useRef<HTMLElement>(null);
  const settled = check !== null && !isOpen(check) ? check.id : null;
  useEffect(() => {
    const active = document.activeElement;
    const busy = ref.current?.contains(active) || (active instanceof HTMLInputElement && active.type === 'text');
    if (settled === null || busy) return;
    ref.current?.focus({ preventScroll: true });
    // What stood above may have become shorter or longer.
    const top = ref.current?.getBoundingClientRect().top ?? 0;
    if (top < 0 || top > 0.8 * innerHeight) ref.current?.scrollIntoView();
  }, [settled]);
  return (
    <section id="verdict" class="verdicts" ref={ref} tabIndex={-1} aria-label="Verdict">
      {state.pins !== null && check === null && (
        <p class="note">
          This link speaks of the statement <code title={state.pins.statement}>{short(state.pins.statement)}</code> under the key file{' '}
          <code title={state.pins.keyDigest}>{short(state.pins.keyDigest)}</code>. Drop that proof and its key to see whether it holds.
        </p>
      )}
      {state.note !== null && (
        <p class="note" id="note">
          {state.note}
        </p>
      )}
      {state.reading && (
        <article class="card" data-state="reading">
          <Running title="Reading" what="The files are being read" onCancel={() => session.cancel()} />
        </article>
      )}
      {state.checks.length > 1 && <Several session={session} state={state} />}
      {check !== null && !state.reading && (state.checks.length === 1 || !isOpen(check)) && (
        <VerdictCard key={check.id} session={session} state={state} check={check} />
      )}
    </section>
  );
}

/** Several proofs: how many are through, and each with its verdict to choose from. */
function Several({ session, state: { checks, shown } }: { session: Session; state: State }) {
  const done = checks.filter((c) => !isOpen(c)).length;
  const words = ['accepted', 'forgeable', 'refused', 'unknown', 'cancelled'] as const;
  const tally = words.flatMap((w) => {
    const of = checks.filter((c) => tone(c) === w);
    return of[0] === undefined ? [] : [`${of.length} ${headline(of[0].status).toLowerCase()}`];
  });
  return (
    <div class="several">
      {done < checks.length ? (
        <Running
          title="Checking"
          what={`${done} of ${checks.length} proofs checked`}
          done={done}
          total={checks.length}
          onCancel={() => session.cancel()}
        />
      ) : (
        <p id="tally">
          {checks.length} proofs: {tally.join(', ')}.
        </p>
      )}
      <ul>
        {checks.map((c) => (
          <li key={c.id}>
            <button type="button" aria-current={c.id === shown ? 'true' : 'false'} onClick={() => session.show(c.id)}>
              <span class={`state ${tone(c)}`}>{c.status.at === 'waiting' ? 'Waiting' : headline(c.status)}</span>{' '}
              <span class="name">{c.proof.name}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
