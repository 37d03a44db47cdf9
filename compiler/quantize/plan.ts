/**
 * Which tensors become integers, and by which scale and zero point. Tensors that only move elements share those of their operand; the
 * others get what calibration saw. A Relu or Clip whose clamp the integers make anyway is left out, so that onnxruntime fuses the layer.
 */
import type { Constant } from '../onnx/arrays.ts';
import { elements, intOf, intsOf, type Node } from '../onnx/graph.ts';
import type { Ranges } from './calibrate.ts';
import { type Draft, type Links, linksOf } from './draft.ts';
import type { Range } from './histogram.ts';
import { tailOf } from './operands.ts';
import { onlySoftmax, rowsOf } from './passes/masks.ts';
import { ruleOf } from './rules.ts';
import { type Affine, affineOf, exactSumBits, rangeOf } from './scales.ts';

export interface Plan {
  /** Of every tensor that becomes integers, inputs included. */
  readonly affine: ReadonlyMap<string, Affine>;
  /** Relu and Clip that are left out: whoever makes their operand makes their result. */
  readonly absorbed: ReadonlySet<Node>;
  /** Of the channels of what layers with weights read, where calibration has them. */
  readonly means: ReadonlyMap<string, Float64Array>;
  /** Nodes behind the last integers. */
  readonly tail: ReadonlySet<Node>;
  /** By the sums that they mask. */
  readonly masks: ReadonlyMap<string, Mask>;
}

/** What a Softmax need not tell apart. */
interface Mask {
  /** Sums below are as good as this. */
  readonly floor: number;
  /** Summands below give such sums whatever the score. */
  readonly lowest: number;
}

/** A probability: 1/256 a step, as onnxruntime's kernels want it; 1 itself is 255/256. */
const UNIT: Affine = { scale: 1 / 256, zp: 0 };
const PROBABILITIES = ['Softmax', 'Sigmoid'];

export function planOf(draft: Draft, ranges: Ranges): Plan {
  const links = linksOf(draft);
  const tail = tailOf(draft, links);
  const groups = groupsOf(draft);
  const masks = new Map(
    draft.nodes.flatMap((n) => {
      const y = n.outputs[0] as string;
      const mask = maskOf(y, draft, ranges, links);
      return mask === null ? [] : [[y, mask] as const];
    }),
  );
  const affine = new Map<string, Affine>();
  for (const members of groups) {
    const chosen = chooseAffine(members, draft, ranges, links, masks);
    for (const name of members) affine.set(name, chosen);
  }
  for (const node of tail) affine.delete(node.outputs[0] as string);
  const absorbed = new Set<Node>();
  for (const node of draft.nodes) {
    if (!isAbsorbed(node, draft, links, affine, absorbed)) continue;
    absorbed.add(node);
    affine.delete(node.inputs[0] as string);
  }
  const means = new Map([...ranges].flatMap(([name, r]) => (r.means ? [[name, r.means] as const] : [])));
  return { affine, absorbed, means, tail, masks };
}

/** Tensors that must share a scale, the first of each group first. */
function groupsOf(draft: Draft): string[][] {
  const groups = new Map<string, string[]>();
  for (const { name, dtype } of draft.inputs) if (dtype === 'float32') groups.set(name, [name]);
  for (const node of draft.nodes) {
    const [x, y] = [node.inputs[0] as string, node.outputs[0] as string];
    const group = ruleOf(node) === 'same' || ruleOf(node) === 'gather' ? groups.get(x) : undefined;
    group?.push(y);
    groups.set(y, group ?? [y]);
  }
  return [...new Set(groups.values())];
}

function chooseAffine(members: readonly string[], draft: Draft, ranges: Ranges, links: Links, masks: Plan['masks']): Affine {
  const first = members[0] as string;
  let range: Range = { lo: 0, hi: 0 };
  let bits = 24;
  for (const name of members) {
    const { lo, hi } = ranges.get(name) ?? range;
    range = { lo: Math.min(range.lo, lo), hi: Math.max(range.hi, hi) };
    for (const reader of links.readers.get(name) ?? []) bits = Math.min(bits, exactSumBits(summed(reader, draft)));
    range = { ...range, lo: Math.max(range.lo, masks.get(name)?.floor ?? Number.NEGATIVE_INFINITY) };
    const made = added(links.producer.get(name), draft);
    range = { lo: Math.min(range.lo, made.lo), hi: Math.max(range.hi, made.hi) };
  }
  const probability = PROBABILITIES.includes(links.producer.get(first)?.op ?? '') && range.lo === 0 && range.hi <= 1;
  return probability ? UNIT : affineOf(range, bits);
}

/** How far below the greatest score a probability is less than a quarter of a step: e^−7 < 1/1024. */
const UNSEEN = 7;

/**
 * Of Add(scores, constant) that Softmax alone reads: elements that the constant moves so far below another of their row that no scores bring
 * them back are masked. The sum need reach no lower than the least of the others, nor than what is unseen in its row, be there many of it.
 */
function maskOf(name: string, { constants, shapes }: Draft, ranges: Ranges, links: Links): Mask | null {
  const sum = links.producer.get(name);
  const readers = links.readers.get(name) ?? [];
  if (sum?.op !== 'Add' || !onlySoftmax(links, name)) return null;
  const [scores, ...more] = sum.inputs.filter((n) => !constants.has(n));
  const constant = constants.get(sum.inputs.find((n) => constants.has(n)) ?? '') as Constant | undefined;
  const axes = new Set(readers.map((n) => intOf(n, 'axis', -1)));
  const [axis] = axes;
  const range = scores === undefined ? undefined : ranges.get(scores);
  if (constant === undefined || more.length > 0 || range === undefined || axes.size !== 1 || axis === undefined) return null;
  const rank = (shapes.get(name) ?? []).length;
  const width = range.hi - range.lo;
  let least = Number.POSITIVE_INFINITY;
  let found = false;
  for (const row of rowsOf(constant, rank, axis < 0 ? axis + rank : axis)) {
    const most = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const far = UNSEEN + Math.log(row.length);
    const seen = row.filter((c) => c > most - width - far);
    least = seen.reduce((a, c) => Math.min(a, range.lo + c), least);
    if (seen.length === row.length) continue;
    found = true;
    const masked = row.length - seen.length;
    least = Math.min(least, range.lo + most - UNSEEN - Math.log(Math.max(1, masked / seen.length)));
  }
  return found ? { floor: least, lowest: least - range.hi } : null;
}

/** How many elements a node sums in float32. onnxruntime takes the mean of all pixels on integers. */
function summed(node: Node, { shapes }: Draft): number {
  if (node.op === 'AveragePool') return elements(intsOf(node, 'kernel_shape') ?? []);
  if (node.op !== 'ReduceMean' && node.op !== 'ReduceSum') return 1;
  return elements(shapes.get(node.inputs[0] as string) ?? []) / elements(shapes.get(node.outputs[0] as string) ?? []);
}

/** What a tensor can hold although no sample showed it: the value of a Pad, the rows of a table. */
function added(node: Node | undefined, draft: Draft): Range {
  const from = node?.op === 'Pad' ? node.inputs[2] : node?.op === 'Gather' ? node.inputs[0] : undefined;
  return rangeOf(draft.constants.get(from ?? '')?.data ?? []);
}

/** A Relu or Clip behind a node that nothing else reads, whose bounds are those of its integers to half a step: saturation does the same. */
function isAbsorbed(node: Node, draft: Draft, links: Links, affine: ReadonlyMap<string, Affine>, absorbed: ReadonlySet<Node>): boolean {
  if (node.op !== 'Relu' && node.op !== 'Clip') return false;
  const before = links.only(node.inputs[0] as string);
  const to = affine.get(node.outputs[0] as string);
  if (before === null || to === undefined || absorbed.has(before) || !['linear', 'join', 'average'].includes(ruleOf(before) ?? ''))
    return false;
  const bound = (i: number, otherwise: number): number => draft.constants.get(node.inputs[i] ?? '')?.data?.[0] ?? otherwise;
  const [min, max] =
    node.op === 'Relu' ? [0, Number.POSITIVE_INFINITY] : [bound(1, Number.NEGATIVE_INFINITY), bound(2, Number.POSITIVE_INFINITY)];
  const slack = 0.51 * to.scale; // a zero point in the middle between two integers, and its float
  return -to.zp * to.scale >= min - slack && (255 - to.zp) * to.scale <= max + slack;
}
