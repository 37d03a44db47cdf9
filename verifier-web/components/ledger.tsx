import type { Accepted } from '../../verifier/index.ts';

/** What the security bits are the sum of, behind a disclosure. */
export function Ledger({ verdict }: { verdict: Accepted }) {
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
