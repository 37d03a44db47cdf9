/**
 * How much work a key makes for its verifier (condition S14, docs/protocol.md §6.4): a key is checked by people who did not make it, and
 * its numbers must not buy more time than its bytes pay for.
 */
import { computedOf } from './computed/computed.ts';
import type { KeyFields } from './key.ts';
import type { Plan } from './plan.ts';
import { formOf, tensorsOf } from './references.ts';
import { showsOf, verifierEvaluates } from './relation.ts';
import { showOf } from './show.ts';
import { isComputed, isShow } from './types.ts';

/** Extension products a verifier is ready to spend on one proof: some seconds in plain TypeScript. */
export const MAX_WORK = 2 ** 28;

/** Extension products that a window counted in whole numbers costs. */
const WINDOW = 64;

/** A charge that is no number, or less than none, is one that nobody can pay. */
const charge = (v: number): number => (v >= 0 ? v : Number.POSITIVE_INFINITY);

/** Extension products of one verification, to a small factor. Indices of the key must be in range. */
export function verifierWork(key: KeyFields, plan: Plan): number {
  const length = (t: number, dim: number): number => 2 ** (plan.bits[t]?.[dim] ?? 0);
  const n = 2 ** (key.h + key.lr);
  const rows = 2 ** key.h;
  let work = 4 * n * (key.h + key.lr) + key.t * (plan.columns + 32 * plan.groups.length) + rows;
  work += key.runs.length * plan.contentBits + 4 * 2 ** plan.contentBits + plan.lookupCount / 32;
  /** Of a claim on a tensor that shows others: once for each of them, however often it is read. */
  const shows = new Map([...showsOf(key)].map(([t, op]) => [t, 4 * charge(showOf(op).work(op, key.tensors))] as const));
  /** A claim on a tensor: evaluated by the verifier itself, or combined over its columns. */
  const claim = (t: number): number => {
    const shown = shows.get(t);
    if (shown !== undefined) return shown;
    return verifierEvaluates(key, t) ? 2 * (plan.size[t] as number) : 8 + (plan.size[t] as number) / rows;
  };
  for (const { tensor } of [...key.inputs, ...key.outputs]) work += plan.size[tensor] as number;
  for (const op of key.ops) {
    const form = formOf(op);
    if (form?.kind === 'conv' || form?.kind === 'pool' || form?.kind === 'average') {
      const [height, width] = [length(form.x, 1), length(form.x, 2)];
      work += charge(form.kh * height + form.kw * width + (form.kind === 'conv' ? form.kh * form.kw * width : 0));
      const { y } = op as { y: number };
      work += (form.kind === 'average' ? WINDOW : 1) * (length(y, 1) + length(y, 2));
    }
    if (op.kind === 'max') work += 4 * (length(op.x, op.axis) + length(op.y, op.axis) + length(op.y, 3 - op.axis));
    if (isShow(op)) work += 4 * charge(showOf(op).visits(op, key.tensors));
    if (isComputed(op)) work += 4 * charge(computedOf(op).steps(op, key.tensors)) * (plan.size[op.y] as number);
    if (op.kind === 'req' && op.cd !== null) work += length(op.y, op.cd);
    for (const t of tensorsOf(op)) work += 2 * claim(t);
  }
  return work;
}
