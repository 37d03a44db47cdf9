import type { ComponentChildren } from 'preact';
import { toHex } from '../../protocol/bytes.ts';
import type { Accepted } from '../../verifier/index.ts';
import { sentence } from '../format.ts';
import type { Check } from '../state.ts';
import { statementWords } from '../trust.ts';

function freshness({ trust, context }: Accepted): string {
  if (!trust.bindsContext) return ': it is bound to no context.';
  return context.length > 0 ? '.' : ': its context is empty.';
}

/** What the word "accepted" covers, and what it does not. */
export function Scope({ verdict, recomputed }: { verdict: Accepted; recomputed: readonly string[] }) {
  const words = statementWords(verdict.system);
  const names = (list: readonly { readonly name: string }[]): string => list.map((t) => t.name).join(', ');
  return (
    <dl class="scope">
      <Item term="Proven">
        The network takes {names(verdict.inputs)} to {names(verdict.proven)}, through every layer, with the weights
        {WEIGHTS[verdict.mode] ?? ' that are built into the key.'} {words?.proven}
      </Item>
      <Item term="Recomputed here">
        {recomputed.length > 0
          ? `${recomputed.join(', ')}: from the proven integers, outside the proof, by arithmetic that the key file describes.`
          : verdict.outputs.length > 0
            ? 'Nothing: the outputs are the proven integers themselves.'
            : 'Nothing: the proof does not show the output.'}
      </Item>
      <Item term="Not checked">
        Whose model this is: that is what the key says, so get it from a source you trust. Whether the input is the one you meant. Whether
        the proof was shown before{freshness(verdict)} {words?.notChecked}
      </Item>
      {verdict.trust.hidden.length > 0 && (
        <Item term="Hidden">
          The {verdict.trust.hidden.join(' and the ')}: the proof shows a salted commitment, and tells nothing more.
        </Item>
      )}
      <Item term="Not hidden">{notHidden(verdict)}</Item>
    </dl>
  );
}

const WEIGHTS: Readonly<Record<string, string>> = {
  I1: ' the key commits to.',
  I0: ' of the circuit you gave, which are those of the key.',
};

/** What somebody who holds proof and key learns. */
function notHidden({ inputs, trust: { zeroKnowledge, hidden } }: Accepted): string {
  if (!zeroKnowledge) {
    const committed = inputs.some((t) => 'root' in t);
    const seen = committed
      ? 'The output, values in between, and something of the weights and of the input.'
      : 'Input and output, values in between, and something of the weights.';
    return `${seen} This is integrity, not secrecy.`;
  }
  const shown = (['input', 'output'] as const).filter((side) => !hidden.includes(side)).map((side) => `the ${side}`);
  if (shown.length === 0) return 'That this network was run. What the key itself tells of the model is another matter.';
  return `${sentence(shown.join(' and '))} Of the rest the proof tells nothing; what the key itself tells of the model is another matter.`;
}

function Item({ term, children }: { term: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Which model, key and statement this is about, by digests, behind a disclosure. */
export function Identity({ verdict, check }: { verdict: Accepted; check: Check }) {
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
