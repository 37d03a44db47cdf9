import { useEffect, useRef, useState } from 'preact/hooks';
import { MODEL, shipped } from '../examples.ts';
import { duration, sentence, size } from '../format.ts';
import { Prover } from '../prover-session.ts';
import { type Answer, largest, type Proving, trust } from '../proving.ts';
import type { Session } from '../session.ts';
import { Pad } from './pad.tsx';
import { Scores } from './tensor.tsx';

/** Draw a digit: the answer at once, then a proof of it, then the verdict. Loaded when somebody asks for it. */
export function ProveHere({ session }: { session: Session }) {
  const prover = useRef<Prover | null>(null);
  const [state, setState] = useState<Proving>({ at: 'closed' });
  const open = (): void => {
    prover.current ??= new Prover(session, shipped(MODEL), setState);
    void prover.current.open();
  };
  useEffect(() => () => prover.current?.close(), []);
  return (
    <section class="prove" aria-labelledby="prove-title" id="prove" data-state={state.at}>
      <h2 id="prove-title">Prove one yourself</h2>
      <p>
        Draw a digit. A small convolutional network answers, and the same library that proves on a server proves the answer in this page.
        Until the verdict is there, the answer is only a claim.
      </p>
      {state.at === 'closed' ? (
        <button type="button" class="button" id="open-prover" onClick={open}>
          Start the prover
        </button>
      ) : (
        <div class="bench">
          <Pad onInk={(digit) => prover.current?.drawn(digit)} />
          <div class="course">
            <Gap state={state} />
            {state.at === 'failed' ? (
              <>
                <p>This is a failure of the page, not a verdict. {sentence(state.why)}</p>
                <button type="button" onClick={open}>
                  Start again
                </button>
              </>
            ) : (
              <Steps state={state} session={session} prover={prover.current} />
            )}
          </div>
        </div>
      )}
    </section>
  );
}

/** The trust gap: what the answer is worth now. */
function Gap({ state }: { state: Proving }) {
  const { word, tone } = trust(state);
  const answer = 'answer' in state ? largest(state.answer.output.data) : null;
  return (
    <p class={`gap ${tone}`} role="status" id="trust">
      {answer !== null && <span class="digit">{answer}</span>}
      <span>{word}</span>
    </p>
  );
}

function Steps({ state, session, prover }: { state: Proving; session: Session; prover: Prover | null }) {
  const answer: Answer | null = 'answer' in state ? state.answer : null;
  const made = state.at === 'checking' || state.at === 'verified' ? state.proof : null;
  return (
    <>
      <ol class="steps">
        <li class={answer === null ? '' : 'done'}>
          <span>Answer</span> {answer !== null && <span class="figure">{duration(answer.milliseconds)}</span>}
        </li>
        <li class={made === null ? '' : 'done'}>
          <span>Proof</span>{' '}
          {state.at === 'proving' && (
            <>
              <progress max={1} value={state.progress.fraction} aria-label={`Proving: ${state.progress.stage}`} />{' '}
              <button type="button" onClick={() => prover?.stop()}>
                Stop
              </button>
              <small>{state.progress.stage}</small>
            </>
          )}
          {made !== null && (
            <span class="figure">
              {duration(made.milliseconds)}, {size(made.envelope.length)}
            </span>
          )}
          {made !== null && (
            <small id="proved-with">
              {made.kernels}
              {made.note !== null && ` (${made.note})`}
            </small>
          )}
        </li>
        <li class={state.at === 'verified' ? 'done' : ''}>
          <span>Verdict</span> {state.at === 'verified' && <span class="figure">{duration(state.report.milliseconds)}</span>}
        </li>
      </ol>
      {answer !== null && <Scores tensor={answer.output} />}
      <div class="row">
        {state.at === 'answered' && (
          <button type="button" onClick={() => void prover?.prove()}>
            Prove it
          </button>
        )}
        {state.at === 'verified' && made !== null && (
          <button
            type="button"
            id="look"
            onClick={() => {
              void session.hold([
                { name: 'drawn.proof', bytes: made.envelope },
                { name: 'mnist-cnn.key', bytes: prover?.key ?? new Uint8Array(0) },
              ]);
            }}
          >
            Look at the proof
          </button>
        )}
        {state.at === 'verified' && made !== null && (
          <button type="button" onClick={() => save('drawn.proof', made.envelope)}>
            Save the proof
          </button>
        )}
        {state.at === 'verified' && prover !== null && (
          <button type="button" onClick={() => save('mnist-cnn.key', prover.key)}>
            Save the key
          </button>
        )}
      </div>
    </>
  );
}

function save(name: string, bytes: Uint8Array): void {
  const url = URL.createObjectURL(new Blob([bytes.slice()]));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
