/** Answers of a node, kept, and shown again with one field changed. */
import type { Checkpoint } from '../../../chain/light/checkpoint.ts';
import { type Rpc, RpcError } from '../../../chain/rpc/rpc.ts';
import { toHex } from '../../../protocol/bytes.ts';
import type { TestChain } from './chains.ts';

export type Answers = ReadonlyMap<string, unknown>;

/** `commit`, `commit 7`, `block 7`, `validators 7`, `abci_query /store/job/key 0a…`. */
const nameOf = (method: string, { path, data, height }: Readonly<Record<string, unknown>>): string =>
  [method, path, data, path === undefined ? height : undefined].filter((part) => part !== undefined).join(' ');

export interface Recording {
  readonly answers: Answers;
  readonly checkpoint: Checkpoint;
  /** The newest height, and a clock that stands at its time. */
  readonly height: number;
  readonly now: bigint;
}

/** Everything a light client may ask for: every header, commit and set, and these records with the newest blocks that prove them. */
export async function record(
  net: TestChain,
  keys: readonly { readonly store: string; readonly key: Uint8Array }[],
  blocks: readonly bigint[],
): Promise<Recording> {
  const answers = new Map<string, unknown>();
  const ask = async (method: string, params: Record<string, unknown>): Promise<void> => {
    answers.set(nameOf(method, params), await net.rpc.call(method, params));
  };
  for (const { store, key } of keys) await ask('abci_query', { path: `/store/${store}/key`, data: toHex(key), height: '0', prove: true });
  const proven = [...answers.values()].map((a) => Number((a as { response: { height: string } }).response.height));
  while ((await net.chain.status()).height <= BigInt(Math.max(0, ...proven))) await net.chain.pause(20);
  await ask('commit', {});
  const newest = answers.get('commit') as { signed_header: { header: { height: string } } };
  const height = Number(newest.signed_header.header.height);
  for (let h = 1; h < height; h++) await ask('commit', { height: String(h) });
  for (let h = 1; h <= height; h++) await ask('validators', { height: String(h), page: '1', per_page: '100' });
  for (const h of blocks) await ask('block', { height: h.toString() });
  answers.set(`commit ${height}`, newest);
  return { answers, checkpoint: await net.checkpoint(), height, now: BigInt(Date.now()) * 1_000_000n };
}

export const replay = (answers: Answers): Rpc => ({
  url: 'memory:',
  async call(method, params = {}) {
    const name = nameOf(method, params);
    if (!answers.has(name)) throw new RpcError('refused', `not recorded: ${name}`);
    return structuredClone(answers.get(name));
  },
});

export type Path = readonly (string | number)[];

/** Paths to every text, number and truth value in a JSON value. */
export function leavesOf(value: unknown, path: Path = []): Path[] {
  if (Array.isArray(value)) return value.flatMap((v, i) => leavesOf(v, [...path, i]));
  if (typeof value === 'object' && value !== null) return Object.entries(value).flatMap(([k, v]) => leavesOf(v, [...path, k]));
  return value === null ? [] : [path];
}

export function at(value: unknown, path: Path): unknown {
  return path.reduce((v: unknown, k) => (v as Record<string | number, unknown>)[k], value);
}

/** The same JSON with another value at a path. */
export function changed(value: unknown, [first, ...rest]: Path, change: (leaf: unknown) => unknown): unknown {
  if (first === undefined) return change(value);
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string | number, unknown>;
  copy[first] = changed(copy[first], rest, change);
  return copy;
}

/** The same kind of value, but another: a number one higher, the last digit of a time, the first character of a text, a hash for none. */
export function flipped(leaf: unknown): unknown {
  if (typeof leaf === 'number') return leaf + 1;
  if (typeof leaf === 'boolean') return !leaf;
  const text = leaf as string;
  if (/^[0-9]+$/.test(text) && text.length < 20) return (BigInt(text) + 1n).toString();
  if (/^\d{4}-.*Z$/.test(text)) return text.replace(/(\d)Z$/, (_, d: string) => `${(Number(d) + 1) % 10}Z`);
  if (text === '') return 'A'.repeat(64);
  return (text[0] === 'A' ? 'B' : 'A') + text.slice(1);
}

/** Answers with one leaf of one of them changed. */
export const tampered = (answers: Answers, name: string, path: Path, change: (leaf: unknown) => unknown = flipped): Answers =>
  new Map(answers).set(name, changed(answers.get(name), path, change));
