import { decodeEnvelope } from '../../protocol/envelope.ts';
import type { RefusedVerdict } from '../../verifier/index.ts';
import { contextText, sentence } from '../format.ts';
import { verdictJson } from '../json.ts';
import type { Report } from '../messages.ts';
import type { Check } from '../state.ts';
import { checkWords, meaning } from '../words.ts';
import { Copy } from './copy.tsx';
import { Facts } from './facts.tsx';

/** A refusal: the reason in words, the check that failed, and what that means and does not mean. */
export function RefusedView({ report, verdict, check }: { report: Report; verdict: RefusedVerdict; check: Check }) {
  const words = checkWords(verdict.code);
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
      {verdict.code === 'E3' && verdict.detail.field === 'context' && verdict.detail.bindsContext !== false && (
        <MadeFor proof={check.proof.bytes} />
      )}
      <Facts report={report} />
      <p class="pairing">
        <b>{check.proof.name}</b> against <b>{check.key.name}</b>
      </p>
      <Copy label="Copy as JSON" text={() => verdictJson(report)} />
    </>
  );
}

/** The context that a proof names, where it is not the expected one. */
function MadeFor({ proof }: { proof: Uint8Array }) {
  const { context } = decodeEnvelope(proof);
  return (
    <p class="note" id="made-for">
      {context.length === 0 ? 'The proof is bound to nothing.' : `The proof says it was made for “${contextText(context)}”.`}
    </p>
  );
}
