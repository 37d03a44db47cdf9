import { toHex } from '../../protocol/bytes.ts';
import type { Accepted } from '../../verifier/index.ts';
import { contextText, shape } from '../format.ts';
import { verdictJson } from '../json.ts';
import type { Report } from '../messages.ts';
import type { Session } from '../session.ts';
import { asLinked, type Check, type State } from '../state.ts';
import { Copy } from './copy.tsx';
import { Facts } from './facts.tsx';
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
      <Facts report={report} bits={verdict.securityBits} model={toHex(verdict.modelId)} />
      <div class="io">
        <div>
          <h3>Input</h3>
          {verdict.inputs.map((t) => ('root' in t ? <Committed key={t.name} tensor={t} /> : <TensorView key={t.name} tensor={t} />))}
        </div>
        <div>
          <h3>Output</h3>
          {verdict.outputs.map((t) => (
            <TensorView key={t.name} tensor={t} scores />
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
