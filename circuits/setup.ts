/**
 * Setup: the canonical key of a network, and the contents behind it (protocol §6.6). Deterministic: same network, same bytes.
 */
import { rootOf } from '../protocol/merkle.ts';
import { chooseHeight, chooseQueries } from '../protocol/security.ts';
import type { Contents } from './check.ts';
import { commitPaced, commitStack, stackOf, weightsHash } from './contents.ts';
import { describeTables } from './descriptions.ts';
import { describedTables, type Key, type KeyFields, type Mode, type Profile, sealKey } from './key.ts';
import { ledgerCounts } from './ledger.ts';
import type { Network } from './network.ts';
import { contentBitsOf, groupsOf, type Plan, planOf, tableInstances } from './plan.ts';
import { pad, paddedSize } from './shape.ts';
import { type Content, contentOf, runsOf, sortedRows } from './tables.ts';
import { isComputed, type Op, type Tensor } from './types.ts';

export interface SetupOptions {
  readonly mode?: Mode;
  /** `toy` exists for vectors and tests: t = 24, grinding 2/2/3, h = 6, lr = 2, no ledger. */
  readonly profile?: Profile;
  /** Record of the key: 2 describes the tables, 1 commits to them. Default: 2 where every table has a description; 1 for `toy`. */
  readonly version?: 1 | 2;
}

export interface SetupResult {
  readonly key: Key;
  readonly plan: Plan;
  /** Padded W tensors, the columns k1 and k2 included. */
  readonly contents: Contents;
}

/** The key before its commitment: all that the sizes of a proof depend on. */
export interface Draft {
  readonly fields: KeyFields;
  readonly plan: Plan;
  readonly contents: Contents;
}

/** Tables that the key commits to: their rows as the builder made them. */
function committedTables(network: Network) {
  const rows = sortedRows(network);
  const runs = runsOf(rows);
  return { runs, content: contentOf(rows, runs), tables: null };
}

/** Everything but the root of the weights, which is the slow part. */
export function draftKey(network: Network, options: SetupOptions = {}): Draft {
  const { mode = 'I1', profile = 'S100' } = options;
  const described = options.version === 1 || (options.version === undefined && profile === 'toy') ? null : describeTables(network);
  if (described === null && (options.version === 2 || network.ops.some(isComputed)))
    throw new RangeError('a table of this network has no description');
  const tablesOfKey = described === null ? committedTables(network) : describedTables(network.tensors, network.ops, described);
  const { runs } = tablesOfKey;
  const content: Content = tablesOfKey.tables ?? (tablesOfKey as { content: Content }).content;
  const omega = [...network.omega].sort((a, b) => a - b);
  const version = described === null ? 1 : 2;
  const tables = tableInstances({ version, tensors: network.tensors as Tensor[], ops: network.ops as Op[], runs, omega });
  const contentHome = described === null ? 'W' : 'T';
  const column = (bits: number, home: 'A' | 'W' | 'T'): Tensor => ({ dims: [2 ** bits], home, lo: null, hi: null });
  const contentBits = contentBitsOf(runs);
  const tensors: Tensor[] = [
    ...network.tensors.map((t) => ({ ...t, dims: [...t.dims] })),
    ...tables.map((i) => column(i.bits, 'A')),
    column(contentBits, contentHome),
    column(contentBits, contentHome),
  ];
  const contents = new Map<number, Int32Array>();
  for (const [t, values] of network.weights) contents.set(t, pad(values, (tensors[t] as Tensor).dims));
  contents.set(tensors.length - 2, content.k1);
  contents.set(tensors.length - 1, content.k2);

  const elements = groupsOf({ mode, tensors }).map((g) => tensors.reduce((s, t) => s + (t.home === g ? paddedSize(t.dims) : 0), 0));
  const { h, lr } = profile === 'toy' ? { h: 6, lr: 2 } : chooseHeight(elements);
  const base: KeyFields = {
    version,
    profile,
    mode,
    h,
    lr,
    t: 24,
    grinding: [2, 2, 3],
    tensors,
    ops: network.ops,
    omega,
    runs,
    descriptions: described,
    tables: tablesOfKey.tables,
    inputs: network.inputs,
    outputs: network.outputs,
    wroot: new Uint8Array(32),
  };
  const plan = planOf(base);
  const fields = profile === 'toy' ? base : { ...base, ...chooseQueries(ledgerCounts(base, plan)) };
  return { fields, plan, contents };
}

const weightStack = ({ fields, plan, contents }: Draft): Int32Array => stackOf(plan, fields.h, 'W', (t) => contents.get(t) as Int32Array);

const sealed = ({ fields, plan, contents }: Draft, wroot: Uint8Array): SetupResult => ({
  key: sealKey({ ...fields, wroot }),
  plan,
  contents,
});

/** The key of a network in the canonical choices of §6.6. */
export function setup(network: Network, options: SetupOptions = {}): SetupResult {
  const draft = draftKey(network, options);
  const { h, lr, mode } = draft.fields;
  return sealed(draft, mode === 'I1' ? rootOf(commitStack(weightStack(draft), h, lr).tree) : weightsHash(draft.fields, draft.contents));
}

/** `setup`, reporting the fraction of the commitment to the weights, which is the long part. */
export async function setupPaced(network: Network, options: SetupOptions, pace: (fraction: number) => Promise<void>): Promise<SetupResult> {
  const draft = draftKey(network, options);
  const { h, lr, mode } = draft.fields;
  if (mode === 'I0') return sealed(draft, weightsHash(draft.fields, draft.contents));
  return sealed(draft, rootOf((await commitPaced(weightStack(draft), h, lr, pace)).tree));
}
