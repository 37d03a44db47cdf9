import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { toHex } from '../../protocol/bytes.ts';
import type { Accepted, RefusedVerdict } from '../../verifier/index.ts';
import { contextText, duration, shape, short, size } from '../format.ts';
import { verdictJson } from '../json.ts';
import type { Report } from '../messages.ts';
import type { Session } from '../session.ts';
import { asLinked, type Check, headline, isOpen, type State, shownCheck } from '../state.ts';
import { checkWords, hint, meaning } from '../words.ts';
import { NetworkChart } from './network-chart.tsx';
import { TamperLens } from './tamper-lens.tsx';
import { TensorView } from './tensor.tsx';

/** All verdicts, the shown one in full. Focus goes to it when it comes. */
export function Verdicts({ session, state }: { session: Session; state: State }) {
  const check = shownCheck(state);
  const ref = useRef<HTMLElement>(null);
  const settled = check !== null && !isOpen(check) ? check.id : null;
  useEffect(() => {
    if (settled !== null) ref.current?.focus({ preventScroll: true });
  }, [settled]);
  return (
    <section id="verdict" class="verdicts" ref={ref} tabIndex={-1} aria-label="Verdict">
      {state.pins !== null && check === null && (
        <p class="note">
          This link speaks of the statement <code title={state.pins.statement}>{short(state.pins.statement)}</code> under the key file{' '}
          <code title={state.pins.keyDigest}>{short(state.pins.keyDigest)}</code>. Drop that proof and its key to see whether it holds.
        </p>
      )}
      {state.checks.length > 1 && (
        <ul class="several">
          {state.checks.map((c) => (
            <li key={c.id}>
              <button type="button" aria-current={c.id === state.shown ? 'true' : 'false'} onClick={() => session.show(c.id)}>
                <span class={`state ${tone(c)}`}>{headline(c.status)}</span> <span class="name">{c.proof.name}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {check !== null && <One key={check.id} session={session} state={state} check={check} />}
    </section>
  );
}

export function tone({ status }: Pick<Check, 'status'>): string {
  return status.at === 'decided' ? status.report.verdict.verdict : status.at;
}

function One({ session, state, check }: { session: Session; state: State; check: Check }) {
  const { status } = check;
  const code = status.at === 'decided' && status.report.verdict.verdict === 'refused' ? status.report.verdict.code : undefined;
  return (
    <article
      class={`card ${tone(check)}`}
      data-state={tone(check)}
      data-code={code}
      data-milliseconds={status.at === 'decided' ? status.report.milliseconds : undefined}
    >
      {isOpen(check) ? (
        <Running session={session} check={check} left={state.checks.filter(isOpen).length} />
      ) : (
        <h2 class="headline">{headline(status)}</h2>
      )}
      {status.at === 'unknown' && (
        <>
          <p class="sentence">This is a failure of the page, not a verdict on the proof. {status.why}</p>
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

/** A check that takes long enough to be seen: time, and a way out. */
function Running({ session, check, left }: { session: Session; check: Check; left: number }) {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds((s) => s + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <div class="running">
      <h2 class="headline">Checking</h2>
      <progress aria-label="Checking" />
      <p>
        {check.proof.name}, {size(check.proof.bytes.length)}
        {left > 1 ? `, ${left} proofs to go` : ''}
        {seconds > 0 ? `, ${seconds} s` : ''}
      </p>
      <button type="button" id="cancel" onClick={() => session.cancel()}>
        Cancel
      </button>
    </div>
  );
}

function Facts({ report, bits }: { report: Report; bits?: number }) {
  return (
    <dl class="facts">
      {bits !== undefined && (
        <div>
          <dt>Security</dt>
          <dd>{bits.toFixed(1)} bits</dd>
        </div>
      )}
      <div>
        <dt>Checked in</dt>
        <dd>{duration(report.milliseconds)}</dd>
      </div>
      <div>
        <dt>Proof</dt>
        <dd>{size(report.proofBytes)}</dd>
      </div>
      <div>
        <dt>Key</dt>
        <dd>{size(report.keyBytes)}</dd>
      </div>
      <div>
        <dt>Kernels</dt>
        <dd>{report.kernels}</dd>
      </div>
    </dl>
  );
}

function RefusedView({ report, verdict, check }: { report: Report; verdict: RefusedVerdict; check: Check }) {
  const words = checkWords(verdict.code);
  const help = hint(verdict);
  return (
    <>
      <p class="sentence">{sentence(verdict.sentence)}</p>
      <div class="rule">
        <span class="code">{verdict.code}</span>
        <p>
          <span class="label">The check that failed</span>
          {words.rule}
        </p>
      </div>
      <p>{meaning(verdict)}</p>
      {help !== null && <p class="note">{help}</p>}
      <Facts report={report} />
      <p class="pairing">
        <b>{check.proof.name}</b> against <b>{check.key.name}</b>
      </p>
      <Copy label="Copy as JSON" text={() => verdictJson(report)} />
    </>
  );
}

const sentence = (s: string): string => `${s.charAt(0).toUpperCase()}${s.slice(1)}${s.endsWith('.') ? '' : '.'}`;

interface AcceptedProps {
  session: Session;
  state: State;
  check: Check;
  report: Report;
  verdict: Accepted;
}

function AcceptedView({ session, state, check, report, verdict }: AcceptedProps) {
  const recomputed = verdict.outputs.filter((o) => !verdict.proven.some((p) => p.name === o.name));
  const linked = asLinked(state.pins, { statement: toHex(verdict.statementDigest), keyDigest: toHex(verdict.keyDigest) });
  return (
    <>
      <p class="sentence">
        The network of this key maps exactly this input to this output
        {verdict.context.length > 0 ? `, and the proof was made for “${contextText(verdict.context)}”` : ''}.
      </p>
      {linked !== null && (
        <p class={linked ? 'note good' : 'note bad'} id="linked">
          {linked
            ? 'This is the statement and the key that the link names.'
            : 'This is not what the link names: statement or key are others.'}
        </p>
      )}
      <Facts report={report} bits={verdict.securityBits} />
      <div class="io">
        <div>
          <h3>Input</h3>
          {verdict.inputs.map((t) => ('root' in t ? <Committed key={t.name} tensor={t} /> : <TensorView key={t.name} tensor={t} />))}
        </div>
        <div>
          <h3>Output</h3>
          {verdict.outputs.map((t) => (
            <TensorView key={t.name} tensor={t} />
          ))}
        </div>
      </div>
      <Scope verdict={verdict} recomputed={recomputed.map((t) => t.name)} />
      <div class="row tools">
        <Copy label="Copy link" text={() => session.link()} />
        <Copy label="Copy as JSON" text={() => verdictJson(report)} />
      </div>
      <Identity verdict={verdict} check={check} />
      <Ledger verdict={verdict} />
      {report.network !== null && <NetworkChart network={report.network} proofBytes={report.proofBytes} />}
      <TamperLens session={session} check={check} verdict={verdict} parts={report.parts} />
    </>
  );
}

function Committed({ tensor }: { tensor: Extract<Accepted['inputs'][number], { root: Uint8Array }> }) {
  return (
    <figure class="tensor">
      <figcaption>
        <span class="name">{tensor.name}</span>{' '}
        <span class="type">
          {tensor.dtype} {shape(tensor.shape)}
        </span>
      </figcaption>
      <p>The proof does not show it, only the root it is bound to. It can be guessed and tried.</p>
      <p class="hash">{toHex(tensor.root)}</p>
    </figure>
  );
}

/** What the word "accepted" covers, and what it does not. */
function Scope({ verdict, recomputed }: { verdict: Accepted; recomputed: readonly string[] }) {
  const committed = verdict.inputs.some((t) => 'root' in t);
  const names = (list: readonly { readonly name: string }[]): string => list.map((t) => t.name).join(', ');
  return (
    <dl class="scope">
      <Item term="Proven">
        The network takes {names(verdict.inputs)} to {names(verdict.proven)}, through every layer, with the weights
        {verdict.mode === 'I1' ? ' the key commits to.' : ' of the circuit you gave, which are those of the key.'}
      </Item>
      <Item term="Recomputed here">
        {recomputed.length > 0
          ? `${recomputed.join(', ')}: from the proven integers, outside the proof, by arithmetic that the key file describes.`
          : 'Nothing: the outputs are the proven integers themselves.'}
      </Item>
      <Item term="Not checked">
        Whose model this is: that is what the key says, so get it from a source you trust. Whether the input is the one you meant. Whether
        the proof was shown before{verdict.context.length === 0 ? ': it is bound to no context.' : '.'}
      </Item>
      <Item term="Not hidden">
        {committed ? 'The output, and something of the weights and of the input.' : 'Input and output, and something of the weights.'} This
        is integrity, not secrecy.
      </Item>
    </dl>
  );
}

function Item({ term, children }: { term: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Identity({ verdict, check }: { verdict: Accepted; check: Check }) {
  const rows: [string, string][] = [
    ['Model (modelId)', toHex(verdict.modelId)],
    ['Key record (vkHash)', toHex(verdict.vkHash)],
    ['Key file (keyDigest)', toHex(verdict.keyDigest)],
    ['Statement', toHex(verdict.statementDigest)],
  ];
  return (
    <details>
      <summary>Digests: model, key and statement</summary>
      <dl class="digests">
        {rows.map(([term, hex]) => (
          <Item key={term} term={term}>
            <span class="hash">{hex}</span>
          </Item>
        ))}
        <Item term="System">
          {verdict.system}, profile {verdict.profile}, mode {verdict.mode}
        </Item>
        <Item term="Files">
          {check.proof.name}, {check.key.name}
          {check.circuit !== null && verdict.mode === 'I0' ? `, ${check.circuit.name}` : ''}
        </Item>
      </dl>
    </details>
  );
}

function Ledger({ verdict }: { verdict: Accepted }) {
  const weakest = Math.min(...verdict.ledger.map((t) => t.bits));
  return (
    <details id="ledger">
      <summary>Security: {verdict.securityBits.toFixed(2)} provable bits, term by term</summary>
      <p>
        The chance that a false statement gets through is at most the sum of these, 2<sup>−{verdict.securityBits.toFixed(2)}</sup>. The
        bounds are proven in the unique-decoding regime, without conjecture, for BLAKE3 as a random oracle.
      </p>
      <table class="ledger">
        <thead>
          <tr>
            <th scope="col">Term</th>
            <th scope="col">What would have to happen</th>
            <th scope="col">Bits</th>
          </tr>
        </thead>
        <tbody>
          {verdict.ledger.map((t) => (
            <tr key={t.id} class={t.bits === weakest ? 'best' : ''}>
              <th scope="row">{t.id}</th>
              <td>{t.event}</td>
              <td class="figure">{t.bits.toFixed(1)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

/** Copies text; where the browser forbids that, shows it. */
export function Copy({ label, text }: { label: string; text: () => string }) {
  const [state, setState] = useState<'idle' | 'copied' | { readonly text: string }>('idle');
  useEffect(() => {
    if (state !== 'copied') return;
    const timer = setTimeout(() => setState('idle'), 2000);
    return () => clearTimeout(timer);
  }, [state]);
  return (
    <>
      <button
        type="button"
        onClick={async () => {
          const words = text();
          try {
            await navigator.clipboard.writeText(words);
            setState('copied');
          } catch {
            setState({ text: words });
          }
        }}
      >
        {state === 'copied' ? 'Copied' : label}
      </button>
      {typeof state === 'object' && <textarea readOnly rows={6} aria-label={label} value={state.text} />}
    </>
  );
}
