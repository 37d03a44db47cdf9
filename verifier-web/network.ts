/**
 * A picture of the network from its key alone: layers, shapes, and what each costs in the proof.
 *
 * Lookups and committed elements are counted as the proof has them, padded. Bytes are those of a proof of this key with the expected number
 * of positions: an element's share of the opened rows is 4·t / 2^h; everything else (roots, sumchecks, the combined column, Merkle paths)
 * serves all layers at once and is listed apart. The rows add up to the whole.
 */
import type { KeyFile } from '../circuits/files.ts';
import { lookupBits, planOf } from '../circuits/plan.ts';
import { proofSize } from '../circuits/proof-size.ts';
import { revealedBytes } from '../circuits/reveal.ts';
import { product } from '../circuits/shape.ts';
import { type Form, isLookup, type MaxOp, type Op, type Tensor } from '../circuits/types.ts';

export interface Cost {
  readonly lookups: number;
  readonly committed: number;
  readonly bytes: number;
}

export interface Layer extends Cost {
  readonly name: string;
  readonly detail: string;
  /** Of what comes out; true dims. */
  readonly shape: readonly number[];
}

export interface Network {
  readonly inputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly layers: readonly Layer[];
  readonly tables: Cost & { readonly rows: number };
  /** Merkle paths, and all messages that belong to no layer. */
  readonly paths: number;
  readonly messages: number;
  readonly total: Cost;
  /** Parameters of the model. */
  readonly weights: number;
  readonly mode: string;
}

const times = (dims: readonly number[]): string => dims.join(' × ');

function formWords(form: Form): { name: string; detail: string } {
  switch (form.kind) {
    case 'conv': {
      const [sy, sx] = form.stride;
      const detail = [
        sy * sx > 1 ? `stride ${sy === sx ? sy : times(form.stride)}` : '',
        form.pad.some((p) => p > 0) ? 'padded' : '',
        form.groups > 1 ? `${form.groups} groups` : '',
      ];
      return { name: `Conv ${form.kh} × ${form.kw}`, detail: detail.filter((d) => d !== '').join(', ') };
    }
    case 'dense':
      return { name: 'Dense', detail: '' };
    case 'lin':
      return { name: form.terms.length > 1 ? 'Sum' : 'Rescale', detail: '' };
    case 'pool':
    case 'average':
      return { name: `Window sum ${form.kh} × ${form.kw}`, detail: '' };
    case 'mul':
      return { name: 'Product', detail: '' };
    case 'bmm':
      return { name: 'Matrix product', detail: 'of two computed tensors' };
  }
}

function opWords(ops: readonly Op[]): { name: string; detail: string } {
  const first = ops[0] as Op;
  switch (first.kind) {
    case 'max':
      return { name: maxName(ops as MaxOp[]), detail: '' };
    case 'pairmax':
      return { name: 'Greater of two', detail: '' };
    case 'range':
      return { name: 'Range of the input', detail: `${first.w} bits` };
    case 'unary':
      return { name: 'Table', detail: 'one value each' };
    case 'bin':
      return { name: 'Table of pairs', detail: '' };
    case 'apply':
      return { name: 'Function', detail: 'computed by the verifier' };
    case 'softmax':
      return { name: 'Softmax', detail: 'of a tensor in the proof, computed by the verifier' };
    case 'layernorm':
      return { name: 'LayerNormalization', detail: 'of a tensor in the proof, computed by the verifier' };
    case 'view':
      return { name: 'View', detail: 'moves values, commits to none' };
    case 'gather':
      return { name: 'Rows by index', detail: 'commits to none' };
    case 'maxpool':
      return { name: `MaxPool ${first.kernel.join(' × ')}`, detail: 'computed by the verifier' };
    case 'maximum':
      return { name: 'Greater of two', detail: 'computed by the verifier' };
    case 'req':
    case 'out':
    case 'accumulate':
      return formWords(first.form);
  }
}

function maxName(ops: readonly MaxOp[]): string {
  const along = (axis: 1 | 2): number => 1 + ops.filter((o) => o.axis === axis).length;
  return `MaxPool ${along(1)} × ${along(2)}`;
}

/** Ops of one layer: the pairwise maxima of a MaxPool go together, a revealed accumulator and the function applied to it. */
function layersOf(ops: readonly Op[]): Op[][] {
  const out: Op[][] = [];
  for (const op of ops) {
    const last = out.at(-1);
    if (last !== undefined && ((op.kind === 'max' && last[0]?.kind === 'max') || op.kind === 'apply')) last.push(op);
    else out.push([op]);
  }
  return out;
}

/** Tensors that an op brings into the commitment, home W among them. */
function ownTensors(op: Op): number[] {
  const form = op.kind === 'req' || op.kind === 'out' ? op.form : null;
  const weights = form?.kind === 'conv' || form?.kind === 'dense' ? [form.w, form.b] : [];
  if (op.kind === 'range') return [op.x];
  return op.kind === 'req' ? [...weights, op.rem, ...(op.wid === null ? [] : [op.wid]), op.y] : [...weights, op.y];
}

/** The picture of a key that `decodeKeyFile` gave. */
export function networkOf({ key, interface: face }: KeyFile): Network {
  const plan = planOf(key);
  const size = proofSize(key, plan);
  const tensor = (t: number): Tensor => key.tensors[t] as Tensor;
  const perElement = (4 * key.t) / 2 ** key.h;
  const counted = new Set<number>();
  const committedBy = (tensors: readonly number[]): number => {
    const fresh = tensors.filter((t) => plan.place.has(t) && !counted.has(t));
    for (const t of fresh) counted.add(t);
    return fresh.reduce((s, t) => s + (plan.size[t] as number), 0);
  };
  const costOf = (lookups: number, committed: number): Cost => ({ lookups, committed, bytes: Math.round(committed * perElement) });
  const weightsOf = (ops: readonly Op[]): number =>
    ops.flatMap(ownTensors).reduce((s, t) => s + (tensor(t).home === 'W' ? product(tensor(t).dims) : 0), 0);

  const layers = layersOf(key.ops).map((ops): Layer => {
    const last = ops.at(-1) as Op;
    const lookups = ops.reduce((s, op) => s + (isLookup(op) ? 2 ** (lookupBits(op, plan.bits) as number) : 0), 0);
    const committed = costOf(lookups, committedBy(ops.flatMap(ownTensors)));
    const cost = { ...committed, bytes: committed.bytes + revealedBytes(ops.flatMap(ownTensors).map(tensor)).expected };
    const shape = tensor(last.kind === 'range' ? last.x : last.y).dims;
    const weights = weightsOf(ops);
    const words = opWords(ops);
    const shown = ops.length > 1 && last.kind === 'apply' ? 'shown in the proof' : '';
    const detail = [words.detail, weights > 0 ? `${weights.toLocaleString('en')} weights` : '', shown].filter((d) => d !== '').join(', ');
    return { ...cost, name: words.name, detail, shape };
  });
  const tables = { ...costOf(0, committedBy(plan.mult)), rows: plan.tableCount };
  const rows = [...layers, tables];
  const sum = (of: (c: Cost) => number): number => rows.reduce((s, c) => s + of(c), 0);
  const messages = size.fixed + size.revealed + 4 * key.t * plan.columns - sum((c) => c.bytes);
  return {
    inputs: face.inputs.map(({ name, shape }) => ({ name, shape })),
    layers,
    tables,
    paths: size.expected - size.fixed - size.revealed - 4 * key.t * plan.columns,
    messages,
    total: { lookups: sum((c) => c.lookups), committed: sum((c) => c.committed), bytes: size.expected },
    weights: weightsOf(key.ops),
    mode: key.mode,
  };
}
