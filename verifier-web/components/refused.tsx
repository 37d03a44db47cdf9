import type { RefusedVerdict } from '../../verifier/index.ts';
import { sentence } from '../format.ts';
import { verdictJson } from '../json.ts';
import type { Report } from '../messages.ts';
import type { Check } from '../state.ts';
import { checkWords, hint, meaning } from '../words.ts';
import { Copy } from './copy.tsx';
import { Facts } from './facts.tsx';

/** A refusal: the reason in words, the check that failed, and what that means and does not mean. */
export function RefusedView({ report, verdict, check }: { report: Report; verdict: RefusedVerdict; check: Check }) {
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
