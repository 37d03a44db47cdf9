import type { ComponentType } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { isChainView } from '../link.ts';
import { reason } from '../remote.ts';
import type { Session } from '../session.ts';
import { headline, isBusy, type State, shownCheck } from '../state.ts';
import { setTheme, THEMES, theme } from '../theme.ts';
import { Intake } from './intake.tsx';
import { ProveHere } from './prove-here.tsx';
import { Verdicts } from './verdicts.tsx';

export function App({ session }: { session: Session }) {
  const [state, setState] = useState(session.state);
  useLayoutEffect(() => {
    const follow = (): void => setState(session.state);
    follow(); // something may have happened since the first drawing
    return session.subscribe(follow);
  }, [session]);
  const check = shownCheck(state);
  const [onChain, setOnChain] = useState(isChainView(location.hash));
  useEffect(() => {
    const follow = (): void => setOnChain(isChainView(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('verdict')?.focus()}>
        Skip to the verdict
      </button>
      <header class="top">
        <a class="mark" href="./">
          <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
            <rect width="32" height="32" rx="7" />
            <path d="M8 17l5.5 5.5L24.5 10" />
          </svg>
          Assay
        </a>
        <nav aria-label="Views">
          <a href="#proof" aria-current={onChain ? undefined : 'page'}>
            Proof
          </a>
          <a href="#chain" aria-current={onChain ? 'page' : undefined}>
            Chain
          </a>
        </nav>
        <ThemeChoice />
      </header>
      <main>{onChain ? <ChainPart /> : <ProofView session={session} state={state} />}</main>
      <footer>
        {onChain ? (
          <p>
            This page trusts its own code, your browser, its clock, and the checkpoint you give it. It does not trust the node, nor the
            prover.
          </p>
        ) : (
          <p>
            This page trusts its own code, your browser, and the key you give it. It does not trust the proof, whoever sent it, or any
            server. A key is only as good as its origin: <code>assay audit</code> says whether it is a model’s, unless it is EZKL’s.
          </p>
        )}
      </footer>
      <Live text={isBusy(state) ? 'Checking' : check === null ? '' : `${headline(check.status)}: ${check.proof.name}`} />
    </>
  );
}

function ProofView({ session, state }: { session: Session; state: State }) {
  return (
    <>
      <div class={state.held.length > 0 || state.reading ? 'intro brief' : 'intro'}>
        <h1>Check what a neural network computed</h1>
        <p>A proof and the key of the model give a verdict. It is computed here, on your machine: nothing you drop leaves this page.</p>
      </div>
      <Intake session={session} state={state} />
      <Verdicts session={session} state={state} />
      <ProveHere session={session} />
    </>
  );
}

/** The chain view, loaded when it is asked for. */
function ChainPart() {
  const [part, setPart] = useState<{ readonly View: ComponentType } | string | null>(null);
  useEffect(() => {
    import('./chain.tsx').then(
      ({ ChainView }) => setPart({ View: ChainView }),
      (e) => setPart(`This part of the page could not be loaded: ${reason(e)}`),
    );
  }, []);
  if (part === null) return <p>Loading.</p>;
  return typeof part === 'string' ? <p class="note bad">{part}</p> : <part.View />;
}

/** What a screen reader is told when the verdict comes. */
function Live({ text }: { text: string }) {
  const ref = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    if (ref.current !== null) ref.current.textContent = text;
  }, [text]);
  return <p class="unseen" role="status" ref={ref} />;
}

function ThemeChoice() {
  const [now, setNow] = useState(theme());
  return (
    <label class="theme">
      <span class="unseen">Colours</span>
      <select
        value={now}
        onChange={(e) => {
          const chosen = THEMES.find((t) => t === e.currentTarget.value) ?? 'system';
          setTheme(chosen);
          setNow(chosen);
        }}
      >
        {THEMES.map((t) => (
          <option key={t} value={t}>
            {t === 'system' ? 'Auto' : t === 'light' ? 'Light' : 'Dark'}
          </option>
        ))}
      </select>
    </label>
  );
}
