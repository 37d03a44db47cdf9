import type { Accepted } from '../../verifier/index.ts';
import { groundsOf } from '../trust.ts';

/** Under the verdict word, before anything else: somebody can forge. */
export function Forgeable() {
  return (
    <div class="alarm" id="forgeable">
      <svg viewBox="0 0 24 24" width="28" height="28" aria-hidden="true">
        <path d="M12 2.5L23 21.5H1z" />
        <path class="mark" d="M12 9v6M12 17.6v.4" />
      </svg>
      <p>
        <b>Whoever made the set-up of this key can forge proofs.</b> The check passed, but under a key for development: to anybody else this
        verdict is worth nothing.
      </p>
    </div>
  );
}

/** What the verdict rests on: set-up, security, secrecy, context, assumption. */
export function Grounds({ verdict }: { verdict: Accepted }) {
  return (
    <section class="grounds" aria-labelledby="grounds-title">
      <h3 id="grounds-title">What this rests on</h3>
      <dl>
        {groundsOf(verdict).map(({ id, term, word, why, tone }) => (
          <div key={id} class={tone} data-ground={id}>
            <dt>{term}</dt>
            <dd>
              <b>{word}</b>
              <span>{why}</span>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
