/**
 * The contents behind a key: W tensors (weights, biases, k1, k2), padded, centred. What commits to them: R_W in mode I1, a hash in mode
 * I0 (protocol §6.1); and the stack of a commitment group (§3.2).
 */
import { hashWords } from '../protocol/blake3.ts';
import { bytesOf } from '../protocol/bytes.ts';
import { residue } from '../protocol/field.ts';
import { modes } from '../protocol/hash.ts';
import { treeOf } from '../protocol/merkle.ts';
import { encode } from '../protocol/ntt.ts';
import type { KeyFields } from './key.ts';
import type { Group, Plan } from './plan.ts';

/** k1 and k2 of a key that describes its tables; nothing for one that commits to them. */
export function tableContents(key: Pick<KeyFields, 'tables'>, plan: Plan): [number, Int32Array][] {
  if (key.tables === null) return [];
  return [
    [plan.content[0], key.tables.k1],
    [plan.content[1], key.tables.k2],
  ];
}

/** H_weights of all W tensors, by tensor index, padded, as u32le residues. */
export function weightsHash(key: Pick<KeyFields, 'tensors'>, contents: ReadonlyMap<number, Int32Array>): Uint8Array {
  const list = key.tensors.flatMap((t, i) => (t.home === 'W' ? [contents.get(i) as Int32Array] : []));
  const words = new Uint32Array(list.reduce((n, v) => n + v.length, 0));
  let at = 0;
  for (const v of list) for (let i = 0; i < v.length; i++) words[at++] = residue(v[i] as number);
  const out = new Uint32Array(8);
  hashWords(modes.weights, words, 0, 4 * words.length, out, 0);
  return bytesOf(out);
}

/** The stack of a group: its columns one after the other, 2^h centred integers each. */
export function stackOf(plan: Plan, h: number, group: Group, values: (tensor: number) => Int32Array): Int32Array {
  const { columns } = plan.groups.find((g) => g.group === group) as { columns: number };
  const stack = new Int32Array(columns * 2 ** h);
  for (const [t, place] of plan.place) {
    if (place.group !== group) continue;
    stack.set(values(t), place.address);
  }
  return stack;
}

/** The codewords of a group and the Merkle tree over their rows. */
export interface Commitment {
  /** Encoded columns one after the other, n each. */
  readonly code: Uint32Array;
  readonly tree: readonly Uint32Array[];
}

/**
 * Encodes every column of a stack at rate 2^-lr and builds the Merkle tree over the rows (§3.2, §4.2). A generator, so that long work can
 * be paced: it yields the fraction done after every column and every few rows.
 */
export function* commitSteps(stack: Int32Array, h: number, lr: number): Generator<number, Commitment> {
  const m = 2 ** h;
  const n = 2 ** (h + lr);
  const columns = stack.length / m;
  const code = new Uint32Array(columns * n);
  const column = new Uint32Array(m);
  for (let c = 0; c < columns; c++) {
    for (let i = 0; i < m; i++) column[i] = residue(stack[c * m + i] as number);
    encode(column, m, code.subarray(c * n, (c + 1) * n), n);
    yield (0.4 * c) / columns;
  }
  const leaves = new Uint32Array(8 * n);
  // Rows are gathered a block at a time: columns are long, so reading one row across them misses the cache at every limb.
  const block = Math.min(n, 64);
  const rows = new Uint32Array(block * columns);
  for (let start = 0; start < n; start += block) {
    for (let c = 0; c < columns; c++) for (let j = 0; j < block; j++) rows[j * columns + c] = code[c * n + start + j] as number;
    for (let j = 0; j < block; j++) hashWords(modes.leaf, rows, j * columns, 4 * columns, leaves, 8 * (start + j));
    yield 0.4 + (0.5 * start) / n;
  }
  return { code, tree: treeOf(leaves) };
}

/** `commitSteps` in one go. */
export function commitStack(stack: Int32Array, h: number, lr: number): Commitment {
  const steps = commitSteps(stack, h, lr);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** `commitSteps`, reporting each step. */
export async function commitPaced(
  stack: Int32Array,
  h: number,
  lr: number,
  pace: (fraction: number) => Promise<void>,
): Promise<Commitment> {
  const steps = commitSteps(stack, h, lr);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await pace(step.value);
  }
}
