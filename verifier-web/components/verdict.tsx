import { sentence, size } from '../format.ts';
import type { Session } from '../session.ts';
import { type Check, headline, isOpen, type State, tone } from '../state.ts';
import { AcceptedView } from './accepted.tsx';
import { RefusedView } from './refused.tsx';
import { Running } from './running.tsx';

/** One check: under way, decided, or without an answer. */
export function VerdictCard({ session, state, check }: { session: Session; state: State; check: Check }) {
  const { status } = check;
  const code = status.at === 'decided' && status.report.verdict.verdict === 'refused' ? status.report.verdict.code : undefined;
  return (
    <article
      class={`card ${tone(check)}`}
      data-state={status.at === 'decided' ? status.report.verdict.verdict : status.at}
      data-code={code}
      data-milliseconds={status.at === 'decided' ? status.report.milliseconds : undefined}
    >
      {isOpen(check) ? (
        <Running
          title="Checking"
          what={`${check.proof.name}, ${size(check.proof.bytes.length)}`}
          progress={status.at === 'running' ? status.progress : null}
          onCancel={() => session.cancel()}
        />
      ) : (
        <h2 class="headline">{headline(status)}</h2>
      )}
      {status.at === 'unknown' && (
        <>
          <p class="sentence">This is a failure of the page, not a verdict on the proof. {sentence(status.why)}</p>
          <Again session={session} />
        </>
      )}
      {status.at === 'cancelled' && (
        <>
          <p class="sentence">You stopped the check. It says nothing about the proof.</p>
          <Again session={session} />
        </>
      )}
      {status.at === 'decided' &&
        (status.report.verdict.verdict === 'accepted' ? (
          <AcceptedView session={session} state={state} check={check} report={status.report} verdict={status.report.verdict} />
        ) : (
          <RefusedView report={status.report} verdict={status.report.verdict} check={check} />
        ))}
    </article>
  );
}

function Again({ session }: { session: Session }) {
  return (
    <button type="button" onClick={() => void session.again()}>
      Check again
    </button>
  );
}
