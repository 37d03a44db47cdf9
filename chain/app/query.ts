/**
 * Queries (settlement §7.3): records with proofs under `/store/<name>/key`, and what pages and tools show without one, as JSON.
 *
 * A record's answer has the height of the state that is proven; its AppHash stands in the header after it. On an idle chain that is the
 * newest header, so the height answered is one below the newest, where the state did not change since.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { fromHex, toHex } from '../../protocol/bytes.ts';
import { parseAddress, showAddress } from '../accounts.ts';
import { readAmount } from '../amounts.ts';
import type { QueryAnswer } from '../application.ts';
import { CODES } from '../codes.ts';
import { JobSchema } from '../generated/records_pb.ts';
import { paramsOf, priceAt, STORES, type State, type StoreName, supplyOf as supplyRecord } from '../state/index.ts';
import { describeState } from '../states.ts';
import { textOf } from '../text.ts';
import type { HistoryEntry } from './history.ts';
import type { JobIndex } from './job-index.ts';

export interface QueryContext {
  readonly state: State;
  readonly height: bigint;
  readonly changedAt: bigint;
  readonly history: readonly HistoryEntry[];
  readonly jobs: JobIndex;
}

const NOTHING = new Uint8Array(0);
/** No record has a longer key. */
const MAX_KEY = 64;
/** Jobs that one answer lists. */
const LISTED = 100;

export function query(c: QueryContext, q: { readonly path: string; readonly data: Uint8Array; readonly height: bigint }): QueryAnswer {
  const provable = c.height > c.changedAt ? c.height - 1n : c.height;
  const answer = (a: Partial<QueryAnswer>): QueryAnswer => ({
    code: CODES.OK,
    log: '',
    key: NOTHING,
    value: NOTHING,
    height: provable,
    proofOps: [],
    ...a,
  });
  const refuse = (what: string): QueryAnswer => answer({ code: CODES.E_FIELD, log: `E_FIELD: ${what}` });
  const json = (value: unknown): QueryAnswer => answer({ value: new TextEncoder().encode(JSON.stringify(value)) });

  if (q.path.startsWith('/p2p/filter/')) return answer({});
  if (q.height !== 0n && q.height !== provable)
    return refuse(`height ${q.height} is not served; the newest state with a header is ${provable}`);
  const store = /^\/store\/([a-z]+)\/key$/.exec(q.path)?.[1];
  if (store !== undefined) {
    if (!STORES.includes(store as StoreName)) return refuse(`no store ${JSON.stringify(store)}; there are ${STORES.join(', ')}`);
    if (q.data.length > MAX_KEY) return refuse(`a key of ${q.data.length} bytes, at most ${MAX_KEY} are looked up`);
    const found = c.state.prove(store as StoreName, q.data);
    if (found === undefined) return answer({ log: `no record ${toHex(q.data)} in ${store}` });
    return answer({ key: q.data, value: found.value, proofOps: found.ops });
  }
  if (q.path === '/price') return json({ price: priceAt(c.state, c.height + 1n).toString(), height: (c.height + 1n).toString() });
  if (q.path === '/params') return json(paramsForPeople(c.state));
  if (q.path === '/history') return json(c.history);
  if (q.path === '/supply') return json(suppliesOf(c.state));
  if (q.path === '/jobs') return json(jobsOf(c));
  const prover = /^\/jobs\/by-prover\/([a-z0-9]+)$/.exec(q.path)?.[1];
  if (prover !== undefined) {
    const address = parseAddress(prover) ?? (/^[0-9a-f]{40}$/.test(prover) ? fromHex(prover) : null);
    if (address === null) return refuse(`no address: ${prover.slice(0, 90)}`);
    return json(jobsOf(c, toHex(address)));
  }
  return refuse(`no such path ${JSON.stringify(q.path.slice(0, 80))}`);
}

function paramsForPeople(state: State): Record<string, unknown> {
  const p = paramsOf(state);
  return {
    chainId: textOf(p.chainId),
    denoms: p.denoms.map(textOf),
    minBond: readAmount(p.minBond, 'minBond').toString(),
    minJobBond: readAmount(p.minJobBond, 'minJobBond').toString(),
    keyBurn: readAmount(p.keyBurn, 'keyBurn').toString(),
    priceFloor: readAmount(p.priceFloor, 'priceFloor').toString(),
    blockVgas: p.blockVgas.toString(),
    maxTxVgas: p.maxTxVgas.toString(),
    registerVgas: p.registerVgas.toString(),
    tabDelay: p.tabDelay.toString(),
    systems: p.systems.map(toHex),
  };
}

/** Minted and burned of every denomination. */
function suppliesOf(state: State): Record<string, { minted: string; burned: string }> {
  return Object.fromEntries(
    paramsOf(state).denoms.map((d) => {
      const { minted, burned } = supplyRecord(state, textOf(d));
      return [textOf(d), { minted: readAmount(minted, 'minted').toString(), burned: readAmount(burned, 'burned').toString() }];
    }),
  );
}

/** The newest jobs, newest first, and how many there are in all by state; of one prover (hexadecimal) or of all. */
function jobsOf(
  { state, jobs }: QueryContext,
  prover?: string,
): { readonly counts: Readonly<Record<string, number>>; readonly jobs: readonly unknown[] } {
  const { keys, counts } = jobs.newest(LISTED, prover);
  return {
    counts,
    jobs: keys.map((key) => {
      const job = fromBinary(JobSchema, state.get('job', key) as Uint8Array);
      return {
        jobId: toHex(key),
        state: describeState(job),
        modelId: toHex(job.modelId),
        prover: showAddress(job.prover),
        openedAt: job.openedAt.toString(),
        proveBy: job.proveBy.toString(),
        endedAt: job.endedAt.toString(),
        escrow: readAmount(job.escrow, 'escrow').toString(),
        bond: readAmount(job.bond, 'bond').toString(),
        denom: textOf(job.denom),
      };
    }),
  };
}
