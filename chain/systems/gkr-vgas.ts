/**
 * Verification gas of a key before any proof of it is seen (settlement §9.2): 1 vgas is a microsecond of our verifier on the reference
 * machine, with room, where the key was not seen before: a chain has more keys than a verifier keeps, and deriving a key's tables costs more
 * than the proof. `npm run bench:vgas` measures what the coefficients are made of; they are fixed for a release.
 */
import type { KeyFields } from '../../circuits/key.ts';
import type { Plan } from '../../circuits/plan.ts';
import { verifierWork } from '../../circuits/work.ts';

/**
 * Milli-vgas: a proof of any key; a hash of the longest proof's openings; an extension product, as plain TypeScript makes one; a table row; a
 * value of the statement.
 */
const BASE = 10_000_000;
const COEFFICIENTS: Readonly<Record<keyof VgasTerms, number>> = { hash: 800, product: 20, row: 60, value: 400 };

export interface VgasTerms {
  readonly hash: number;
  readonly product: number;
  readonly row: number;
  readonly value: number;
}

/** What a verification is made of, at worst: t distinct positions, every path apart, every row of a group hashed. */
export function vgasTerms(key: KeyFields, plan: Plan): VgasTerms {
  const paths = key.t * plan.groups.length * (key.h + key.lr);
  const rows = key.t * plan.groups.reduce((n, g) => n + Math.ceil((4 * g.columns) / 64), 0);
  const values = [...key.inputs, ...key.outputs].reduce((n, io) => n + (plan.size[io.tensor] as number), 0);
  return { hash: paths + rows, product: verifierWork(key, plan), row: plan.tableCount, value: values };
}

export function gkrVgas(key: KeyFields, plan: Plan): bigint {
  const terms = vgasTerms(key, plan);
  const milli = (Object.keys(terms) as (keyof VgasTerms)[]).reduce((n, k) => n + COEFFICIENTS[k] * terms[k], BASE);
  return BigInt(Math.ceil(milli / 1000));
}
