/** The ledger of a key: what the soundness terms of protocol §10.3 count in this circuit. */
import { type Ledger, type LedgerInput, ledger } from '../protocol/security.ts';
import type { KeyFields } from './key.ts';
import type { Plan } from './plan.ts';
import { formOf } from './references.ts';
import { shownClaims } from './relation.ts';
import { maxOf, sum } from './shape.ts';
import type { Form } from './types.ts';

/** Counts for the ledger, without the parameters that are chosen from them. */
export function ledgerCounts(key: Pick<KeyFields, 'tensors' | 'ops' | 'h' | 'lr'>, plan: Plan): Omit<LedgerInput, 't' | 'grinding'> {
  const forms = key.ops.flatMap((op) => formOf(op) ?? []);
  const count = (...kinds: Form['kind'][]): number => forms.filter((f) => kinds.includes(f.kind)).length;
  const linTerms = forms.reduce((s, f) => s + (f.kind === 'lin' ? f.terms.length : 0), 0);
  const shown = shownClaims(key);
  return {
    h: key.h,
    lr: key.lr,
    lookupCount: plan.lookupCount,
    tableCount: plan.tableCount,
    instances: plan.instances.length,
    largestInstance: maxOf([0, ...plan.instances.map((i) => i.bits)]),
    phaseA: count('conv', 'dense', 'mul', 'bmm'),
    phaseB: count('conv', 'pool', 'average') + 2 * key.ops.filter((op) => op.kind === 'max').length,
    phaseC: shown.length,
    claims: 6 * key.ops.length + linTerms + plan.tables.length + 2 + sum(shown.map((v) => v.length)),
    columns: plan.columns,
  };
}

export function ledgerOf(key: KeyFields, plan: Plan): Ledger {
  return ledger({ ...ledgerCounts(key, plan), t: key.t, grinding: key.grinding });
}
