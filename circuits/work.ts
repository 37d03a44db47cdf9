/**
 * How much work a key makes for its verifier (condition S14, docs/protocol.md §6.4): a key is checked by people who did not make it, and
 * its numbers must not buy more time than its bytes pay for.
 */
import type { KeyFields } from './key.ts';
import type { Plan } from './plan.ts';
import { sum } from './shape.ts';
import type { Form, Op } from './types.ts';

/** Extension products a verifier is ready to spend on one proof: some seconds in plain TypeScript. */
export const MAX_WORK = 2 ** 28;

const formOf = (op: Op): Form | null => (op.kind === 'req' || op.kind === 'out' ? op.form : null);

/** Extension products of one verification, to a small factor. Indices of the key must be in range. */
export function verifierWork(key: KeyFields, plan: Plan): number {
  const length = (t: number, dim: number): number => 2 ** (plan.bits[t]?.[dim] ?? 0);
  const n = 2 ** (key.h + key.lr);
  let work = 4 * n * (key.h + key.lr) + key.t * (plan.columns + 32 * plan.groups.length) + 2 ** key.h;
  work += key.runs.length * plan.contentBits + 4 * 2 ** plan.contentBits;
  for (const op of key.ops) {
    const form = formOf(op);
    if (form?.kind === 'conv' || form?.kind === 'pool') {
      const [rows, columns] = [length(form.x, 1), length(form.x, 2)];
      work += form.kh * rows + form.kw * columns + (form.kind === 'conv' ? form.kh * form.kw * columns : 0);
    }
    if (op.kind === 'max') work += 4 * (length(op.x, op.axis) + length(op.y, op.axis) + length(op.y, 3 - op.axis));
    if (op.kind === 'req' && op.cd !== null) work += length(op.y, op.cd);
    if (op.kind !== 'range') work += 8 * sum((plan.bits[op.y] ?? []).map((b) => Math.min(2 ** b, 2 ** 16)));
  }
  key.tensors.forEach((t, i) => {
    if (t.home === 'PUB' || (t.home === 'W' && key.mode === 'I0')) work += 2 * (plan.size[i] as number);
  });
  return work;
}
