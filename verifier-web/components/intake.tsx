import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { EXAMPLES } from '../examples.ts';
import { count, size } from '../format.ts';
import type { Session } from '../session.ts';
import { missing, type State } from '../state.ts';

/** More files than these are counted, and listed on demand. */
const MOST_FILES = 6;

/** Where files come in: dropped anywhere on the page, picked, or shipped with it. */
export function Intake({ session, state }: { session: Session; state: State }) {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const enter = (e: DragEvent): void => {
      e.preventDefault();
      setOver(true);
    };
    const leave = (e: DragEvent): void => {
      if (e.relatedTarget === null) setOver(false);
    };
    const drop = (e: DragEvent): void => {
      e.preventDefault();
      setOver(false);
      void session.give([...(e.dataTransfer?.files ?? [])]);
    };
    addEventListener('dragover', enter);
    addEventListener('dragleave', leave);
    addEventListener('drop', drop);
    return () => {
      removeEventListener('dragover', enter);
      removeEventListener('dragleave', leave);
      removeEventListener('drop', drop);
    };
  }, [session]);
  const wanted = missing(state);
  return (
    <section class="intake" aria-label="Files">
      <div class={`drop${over ? ' over' : ''}${state.held.length > 0 ? ' brief' : ''}`}>
        <label class="pick">
          <input
            id="files"
            type="file"
            multiple
            onChange={(e) => {
              const files = [...(e.currentTarget.files ?? [])];
              e.currentTarget.value = '';
              void session.give(files);
            }}
          />
          <span class="button primary">Choose files</span>
        </label>
        <p>
          or drop them anywhere: a <b>.proof</b> and a <b>.key</b>, several proofs at once, or a <b>.zip</b> of them
        </p>
      </div>
      {(state.held.length > 0 || state.strangers.length > 0 || state.trouble !== null) && (
        <div class="held" id="held">
          {state.held.length > MOST_FILES ? (
            <details>
              <summary>
                {count(state.held.length)} files, {size(state.held.reduce((n, h) => n + h.bytes.length, 0))}
              </summary>
              <Held held={state.held} />
            </details>
          ) : (
            <Held held={state.held} />
          )}
          <ul class="list">
            {state.strangers.map((s) => (
              <li key={s} class="stranger">
                <span class="kind">left out</span> <bdi class="name">{s.name}</bdi> <span>{s.why}</span>
              </li>
            ))}
            {state.trouble !== null && (
              <li class="stranger" id="trouble">
                <span class="kind">could not read</span> <span>{state.trouble}</span>
              </li>
            )}
          </ul>
          {wanted !== null && (
            <p class="wanted" id="wanted">
              {wanted}
            </p>
          )}
          <div class="row">
            <Context session={session} context={state.context} />
            <button type="button" onClick={() => session.clear()}>
              Clear
            </button>
          </div>
        </div>
      )}
      <details class="examples" open={state.held.length === 0 && state.strangers.length === 0}>
        <summary>Try an example</summary>
        <ul>
          {EXAMPLES.map((e) => (
            <li key={e.id}>
              <button type="button" data-example={e.id} onClick={() => void session.example(e)}>
                <span class={`dot ${e.expect}`} aria-hidden="true" />
                <span class="title">{e.title}</span>
                <span class="what">{e.what}</span>
              </button>
            </li>
          ))}
        </ul>
      </details>
    </section>
  );
}

function Held({ held }: { held: State['held'] }) {
  return (
    <ul class="list">
      {held.map((h) => (
        <li key={h}>
          <span class={`kind ${h.kind}`}>{h.kind}</span> <bdi class="name">{h.name}</bdi> <span class="figure">{size(h.bytes.length)}</span>
        </li>
      ))}
    </ul>
  );
}

function Context({ session, context }: { session: Session; context: string }) {
  const ref = useRef<HTMLInputElement>(null);
  // Before anybody can type.
  useLayoutEffect(() => {
    if (ref.current !== null) ref.current.value = context;
  }, [context]);
  return (
    <label class="context">
      <span>Context the proof must be bound to</span>
      <input
        id="context"
        ref={ref}
        placeholder="none"
        autocomplete="off"
        spellcheck={false}
        onChange={(e) => void session.context(e.currentTarget.value)}
      />
    </label>
  );
}
