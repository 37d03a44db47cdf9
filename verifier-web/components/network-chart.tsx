import { brief, count, shape, size } from '../format.ts';
import type { Cost, Network } from '../network.ts';

/** The network from input to output; every layer with its share of the proof as three bars. */
export function NetworkChart({ network, proofBytes }: { network: Network; proofBytes: number }) {
  const { layers, tables, total, messages, paths } = network;
  const rows = [...layers, tables];
  const most = (of: (c: Cost) => number): number => Math.max(1, ...rows.map(of));
  const top = {
    lookups: most((c) => c.lookups),
    committed: most((c) => c.committed),
    bytes: Math.max(
      most((c) => c.bytes),
      messages,
      paths,
    ),
  };
  return (
    <section class="network" aria-labelledby="network-title">
      <h3 id="network-title">The network, and what each layer costs in the proof</h3>
      <p>
        {count(network.weights)} weights; {count(total.lookups)} lookups; {count(total.committed)} committed numbers; {size(proofBytes)} of
        proof.
      </p>
      <table class="costs">
        <thead>
          <tr>
            <th scope="col">Layer</th>
            <th scope="col">Output</th>
            <th scope="col">Lookups</th>
            <th scope="col">Committed</th>
            <th scope="col">Bytes</th>
          </tr>
        </thead>
        <tbody>
          {network.inputs.map((i) => (
            <tr key={i.name} class="end">
              <th scope="row">
                {i.name} <small>input</small>
              </th>
              <td class="shape">{shape(i.shape)}</td>
              <td colSpan={3} />
            </tr>
          ))}
          {layers.map((l, i) => (
            <tr key={i}>
              <th scope="row">
                {l.name} {l.detail !== '' && <small>{l.detail}</small>}
              </th>
              <td class="shape">{shape(l.shape)}</td>
              <Bar kind="lookups" value={l.lookups} top={top.lookups} />
              <Bar kind="committed" value={l.committed} top={top.committed} />
              <Bar kind="bytes" value={l.bytes} top={top.bytes} />
            </tr>
          ))}
          <tr class="shared">
            <th scope="row">
              Lookup tables <small>{count(tables.rows)} rows</small>
            </th>
            <td class="shape">for all</td>
            <td />
            <Bar kind="committed" value={tables.committed} top={top.committed} />
            <Bar kind="bytes" value={tables.bytes} top={top.bytes} />
          </tr>
          <tr class="shared">
            <th scope="row">
              Sumchecks, opening <small>grow with the logarithm</small>
            </th>
            <td class="shape">for all</td>
            <td colSpan={2} />
            <Bar kind="bytes" value={messages} top={top.bytes} />
          </tr>
          <tr class="shared">
            <th scope="row">
              Merkle paths <small>expected</small>
            </th>
            <td class="shape">for all</td>
            <td colSpan={2} />
            <Bar kind="bytes" value={paths} top={top.bytes} />
          </tr>
        </tbody>
      </table>
    </section>
  );
}

function Bar({ kind, value, top }: { kind: string; value: number; top: number }) {
  return (
    <td class={`cost ${kind}`}>
      <span class="figure">{brief(value)}</span>
      <span class="track" aria-hidden="true">
        <i style={{ width: `${Math.max(value > 0 ? 1 : 0, (100 * value) / top)}%` }} />
      </span>
    </td>
  );
}
