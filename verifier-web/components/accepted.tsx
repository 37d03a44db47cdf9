import { toHex } from '../../protocol/bytes.ts';
import type { Accepted, CommittedTensor } from '../../verifier/index.ts';
import { contextText, shape } from '../format.ts';
import { verdictJson } from '../json.ts';
import type { Report } from '../messages.ts';
import type { Session } from '../session.ts';
import { asLinked, type Check, type State } from '../state.ts';
import { claimOf, isForgeable } from '../trust.ts';
import { Copy } from './copy.tsx';
import { Facts } from './facts.tsx';
import { Forgeable, Grounds } from './grounds.tsx';
import { Ledger } from './ledger.tsx';
import { NetworkChart } from './network-chart.tsx';
import { Identity, Scope } from './scope.tsx';
import { TamperLens } from './tamper-lens.tsx';
import { TensorView } from './tensor.tsx';

interface AcceptedProps {
  session: Session;
  state: State;
  check: Check;
  report: Report;
  verdict: Accepted;
}

/** An accepted proof: what it says, in pictures and numbers, and how far that goes. */
export function AcceptedView({ session, state, check, report, verdict }: AcceptedProps) {
  const recomputed = verdict.outputs.filter((o) => !verdict.proven.some((p) => p.name === o.name));
  // Outputs that the proof does not show: all there is of them is the commitment.
  const hidden = verdict.proven.filter((t) => 'root' in t);
  const bound = verdict.trust.bindsContext && verdict.context.length > 0;
  const linked = asLinked(state.pins, { statement: toHex(verdict.statementDigest), keyDigest: toHex(verdict.keyDigest) });
  return (
    <>
      {isForgeable(verdict) && <Forgeable />}
      <p class="sentence">
        {claimOf(verdict)}
        {bound ? `, and the proof was made for “${contextText(verdict.context)}”` : ''}.
      </p>
      {!verdict.trust.bindsContext && (
        <p class="note" id="unbound">
          <b>Not bound to a context:</b> the same proof can be shown to anybody as an answer to anything.
        </p>
      )}
      {linked !== null && (
        <p class={linked ? 'note good' : 'note bad'} id="linked">
          {linked
            ? 'This is the statement and the key that the link names.'
            : 'This is not what the link names: statement or key are others.'}
        </p>
      )}
      <Facts report={report} trust={verdict.trust} model={toHex(verdict.modelId)} />
      <div class="io">
        <div>
          <h3>Input</h3>
          {verdict.inputs.map((t) =>
            'root' in t ? (
              <Committed key={t.name} tensor={t} salted={verdict.trust.zeroKnowledge} />
            ) : (
              <TensorView key={t.name} tensor={t} />
            ),
          )}
        </div>
        <div>
          <h3>Output</h3>
          {verdict.outputs.map((t) => (
            <TensorView key={t.name} tensor={t} scores />
          ))}
          {hidden.map((t) => (
            <Committed key={t.name} tensor={t} salted={verdict.trust.zeroKnowledge} />
          ))}
        </div>
      </div>
      <Scope verdict={verdict} recomputed={recomputed.map((t) => t.name)} />
      <Grounds verdict={verdict} />
      <div class="row tools">
        <Copy label="Copy link" text={() => session.link()} />
        <Copy label="Copy as JSON" text={() => verdictJson(report)} />
      </div>
      <Identity verdict={verdict} check={check} />
      {verdict.ledger.length > 0 && <Ledger verdict={verdict} />}
      {report.network !== null && <NetworkChart network={report.network} proofBytes={report.proofBytes} />}
      {report.parts.length > 0 && <TamperLens session={session} check={check} verdict={verdict} parts={report.parts} />}
    </>
  );
}

/** A tensor that the proof shows a commitment to: a salted one hides it, a plain one can be guessed and tried. */
function Committed({ tensor, salted }: { tensor: CommittedTensor; salted: boolean }) {
  return (
    <figure class="tensor">
      <figcaption>
        <span class="name">{tensor.name}</span>{' '}
        <span class="type">
          {tensor.dtype} {shape(tensor.shape)}
        </span>
      </figcaption>
      <p>
        {salted
          ? 'The proof does not show it, only a salted commitment to it. That hides it: nobody can guess it and try. Whoever has the opening can show it.'
          : 'The proof does not show it, only the root it is bound to. It can be guessed and tried.'}
      </p>
      <p class="hash">{toHex(tensor.root)}</p>
    </figure>
  );
}
