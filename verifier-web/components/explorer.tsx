import type { ComponentChildren } from 'preact';
import { showAmount } from '../../chain/amounts.ts';
import { type Inputs, showInputs } from '../chain/address.ts';
import type { Figures } from '../chain/figures.ts';
import { count, sentence, short } from '../format.ts';
import { Chart, type Point } from './chart.tsx';

/** Blocks and jobs that the tables list. */
const LISTED = 10;
const JOBS = 20;

/** What the node says of its chain. None of it is checked, and it says so. */
export function Explorer({ figures, inputs }: { figures: Figures | string; inputs: Inputs }) {
  return (
    <section class="explorer" id="explorer" aria-labelledby="explorer-title">
      <h2 id="explorer-title" class="heading">
        The node’s word <small>nothing below is checked by this page</small>
      </h2>
      {typeof figures === 'string' ? (
        <p class="note" id="no-figures">
          {sentence(`The node has no figures: ${figures}`)}
        </p>
      ) : (
        <Told figures={figures} inputs={inputs} />
      )}
    </section>
  );
}

function Told({ figures, inputs }: { figures: Figures; inputs: Inputs }) {
  const { chainId, height, price, priceFloor, blockVgas, supplies, counts, blocks } = figures;
  const over = (y: (b: Figures['blocks'][number]) => number): Point[] => blocks.map((b) => ({ x: Number(b.height), y: y(b) }));
  return (
    <>
      <dl class="facts">
        <Fact term="Chain" id="chain-id">
          {chainId}
          {chainId.startsWith('devnet-') && <span class="tag">devnet</span>}
        </Fact>
        <Fact term="Newest block" id="height">
          {String(height)}
        </Fact>
        <Fact term="Price of a unit of gas" id="price">
          <span class="now">{money(price, 'opg')}</span> <small>never below {money(priceFloor, 'opg')}</small>
        </Fact>
        {supplies.map(({ denom, minted, burned }) => (
          <Fact key={denom} term={`Supply of ${denom}`} id={`supply-${denom}`}>
            <span class="minted">{money(minted, denom)}</span>
            {burned > 0n && (
              <small>
                {' '}
                of which burned <span class="burned">{money(burned, denom)}</span>
              </small>
            )}
          </Fact>
        ))}
      </dl>
      <div class="charts">
        <Chart title="Price of gas" unit="10⁻⁹ opg a unit" points={over((b) => Number(b.price) / 1e9)} />
        <Chart title="Burned since genesis" unit="opg" points={over((b) => Number(b.burned) / 1e18)} />
        <Chart title="Gas per block" unit={`of at most ${count(Number(blockVgas))}`} points={over((b) => Number(b.gas))} bars />
      </div>
      <Jobs figures={figures} inputs={inputs} counts={counts} />
      <details>
        <summary>The newest blocks in figures</summary>
        <Wide label="Blocks">
          <table class="ledger told" id="blocks">
            <thead>
              <tr>
                <th scope="col">Block</th>
                <th scope="col" class="figure">
                  Time
                </th>
                <th scope="col" class="figure">
                  Transactions
                </th>
                <th scope="col" class="figure">
                  Gas
                </th>
                <th scope="col" class="figure">
                  Price
                </th>
                <th scope="col" class="figure">
                  Burned so far
                </th>
              </tr>
            </thead>
            <tbody>
              {blocks
                .slice(-LISTED)
                .reverse()
                .map((b) => (
                  <tr key={b.height}>
                    <th scope="row">{String(b.height)}</th>
                    <td class="figure">{clock(b.time)}</td>
                    <td class="figure">
                      {b.txs}
                      {b.failed > 0 && <small> {b.failed} failed</small>}
                    </td>
                    <td class="figure">{count(Number(b.gas))}</td>
                    <td class="figure">{money(b.price, 'opg')}</td>
                    <td class="figure">{money(b.burned, 'opg')}</td>
                  </tr>
                ))}
            </tbody>
          </table>
        </Wide>
      </details>
    </>
  );
}

/** A table that may be wider than a phone: it scrolls, with the keyboard too. */
function Wide({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable
    <section class="wide" aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}

function Fact({ term, id, children }: { term: string; id: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd id={`told-${id}`}>{children}</dd>
    </div>
  );
}

function Jobs({ figures: { jobs }, inputs, counts }: { figures: Figures; inputs: Inputs; counts: Figures['counts'] }) {
  if (jobs.length === 0) return <p id="no-jobs">There are no jobs yet.</p>;
  return (
    <>
      <h3>Jobs</h3>
      <ul class="counts" id="counts">
        {counts.map(([state, n]) => (
          <li key={state} data-state={state}>
            <b>{count(n)}</b> {state}
          </li>
        ))}
      </ul>
      <Wide label="Jobs">
        <table class="ledger told" id="jobs">
          <thead>
            <tr>
              <th scope="col">Job</th>
              <th scope="col">State</th>
              <th scope="col">Model</th>
              <th scope="col" class="figure">
                Opened
              </th>
              <th scope="col" class="figure">
                Ended
              </th>
            </tr>
          </thead>
          <tbody>
            {jobs.slice(0, JOBS).map((j) => (
              <tr key={j.jobId}>
                <th scope="row">
                  <a
                    href={showInputs({ ...inputs, job: j.jobId })}
                    title={j.jobId}
                    aria-current={j.jobId === inputs.job ? 'true' : undefined}
                  >
                    <code>{short(j.jobId)}</code>
                  </a>
                </th>
                <td>{j.state}</td>
                <td>
                  <code title={j.modelId}>{short(j.modelId)}</code>
                </td>
                <td class="figure">{String(j.openedAt)}</td>
                <td class="figure">{j.endedAt === 0n ? '' : String(j.endedAt)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      {jobs.length > JOBS && <p class="more">and {count(jobs.length - JOBS)} older ones that the node lists</p>}
    </>
  );
}

/** Exact, with the thousands apart. */
const money = (n: bigint, denom: string): string => {
  const [whole = '', ...rest] = showAmount(n, denom).split(/(?=[. ])/);
  return BigInt(whole).toLocaleString('en') + rest.join('');
};

const clock = (nanos: bigint): string => {
  const ms = Number(nanos / 1_000_000n);
  return Number.isFinite(ms) && Math.abs(ms) < 8e15 ? new Date(ms).toLocaleTimeString('en', { hour12: false }) : '';
};
