/**
 * Verification gas of a key before any proof of it is seen (settlement §9.2): 1 vgas is a microsecond of our verifier on the reference
 * machine, with room, where the key was not seen before: a chain has more keys than a verifier keeps, and deriving a key's tables costs more
 * than the proof. `npm run bench:vgas` measures what the coefficients are made of; they are fixed for a release.
 */
import type { KeyFields } from '../../circuits/key.ts';
import type { Plan } from '../../circuits/plan.ts';
import { formOf, tensorsOf } from '../../circuits/references.ts';
import { delayOf } from '../../circuits/relation.ts';
import type { Op } from '../../circuits/types.ts';
import { verifierWork } from '../../circuits/work.ts';

/**
 * Milli-vgas: a proof of any key; a hash of the longest proof's openings, and of the delay; an extension product, as plain TypeScript makes
 * one; a step of a described table, and a row of any; a value of the statement, or another in the clear; a tensor that an op names, each a claim with a point of its
 * own; an element of the vectors that windows and taps weigh an image with; a byte of the key file.
 */
const BASE = 10_000_000;
const COEFFICIENTS: Readonly<Record<keyof VgasTerms, number>> = {
  hash: 800,
  product: 20,
  step: 120,
  row: 60,
  value: 400,
  claim: 80_000,
  spatial: 700,
  byte: 800,
};

export interface VgasTerms {
  readonly hash: number;
  readonly product: number;
  readonly step: number;
  readonly row: number;
  readonly value: number;
  readonly claim: number;
  readonly spatial: number;
  readonly byte: number;
}

/** What a verification is made of, at worst: t distinct positions, every path apart, every row of a group hashed. `bytes`: of the key file. */
export function vgasTerms(key: KeyFields, plan: Plan, bytes: number): VgasTerms {
  const paths = key.t * plan.groups.length * (key.h + key.lr);
  const rows = key.t * plan.groups.reduce((n, g) => n + Math.ceil((4 * g.columns) / 64), 0);
  const named = [...key.inputs, ...key.outputs].map((io) => io.tensor);
  const clear = key.tensors.flatMap((t, i) => (t.home === 'R' || t.home === 'D' ? [i] : []));
  const values = [...named, ...clear].reduce((n, t) => n + (plan.size[t] as number), 0);
  const steps = (key.descriptions ?? []).reduce((n, d) => n + (d.kind === 'cells' ? d.channels.length * (d.hi - d.lo + 1) : 0), 0);
  return {
    hash: paths + rows + delayOf(plan),
    product: verifierWork(key, plan),
    step: steps,
    row: plan.tableCount,
    value: values,
    claim: key.ops.reduce((n, op) => n + tensorsOf(op).length, 0),
    spatial: key.ops.reduce((n, op) => n + spatialOf(op, plan), 0),
    byte: bytes,
  };
}

/** Elements of the vectors over the axes of an image: those of a conv are weighed again for every row of its window (§8.5, §8.6). */
function spatialOf(op: Op, plan: Plan): number {
  const length = (t: number, dim: number): number => 2 ** (plan.bits[t]?.[dim] ?? 0);
  const axes = (t: number): number => length(t, 1) + length(t, 2);
  if (op.kind === 'max') return length(op.x, op.axis) + axes(op.y);
  const form = formOf(op);
  if (form?.kind !== 'conv' && form?.kind !== 'pool' && form?.kind !== 'average') return 0;
  const { x, kh, kw } = form;
  const { y } = op as { readonly y: number };
  const [height, width] = [length(x, 1), length(x, 2)];
  if (form.kind !== 'conv') return axes(x) + axes(y) + (kh * height + kw * width) / 4;
  return kh * axes(x) + axes(y) + kw * width + (kh * kw * width) / 8;
}

export function gkrVgas(key: KeyFields, plan: Plan, bytes: number): bigint {
  const terms = vgasTerms(key, plan, bytes);
  const milli = (Object.keys(terms) as (keyof VgasTerms)[]).reduce((n, k) => n + COEFFICIENTS[k] * terms[k], BASE);
  return BigInt(Math.ceil(milli / 1000));
}
