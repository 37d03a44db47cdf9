/** Sizes that follow from a key alone: bytes of a proof, elements committed, memory of a prover (protocol §8.8, §9.4). */
import { expectedSiblings } from '../protocol/security.ts';
import { specOf } from './forms/index.ts';
import type { KeyFields } from './key.ts';
import { lookupOf } from './lookups.ts';
import type { Plan } from './plan.ts';
import { isPublic } from './public.ts';
import { contentIsOpened, openedValues, shownClaims } from './relation.ts';
import { revealedBytes } from './reveal.ts';
import { maxOf, sum } from './shape.ts';
import type { Form } from './types.ts';

export interface ProofSize {
  /** Bytes that every proof of this key has, whatever it reveals. */
  readonly fixed: number;
  /** Expected bytes of the values that are shown. */
  readonly revealed: number;
  /** With the expected number of distinct positions and siblings, and revealed values of the usual spread. */
  readonly expected: number;
  /** No proof is longer: t distinct positions, every path apart. */
  readonly maximum: number;
}

/** Variables and degree of the two phases, from shapes alone: a key must not make whoever asks for its sizes do a verifier's work. */
function phases(
  key: KeyFields,
  plan: Plan,
): { a: { rounds: number; degree: number; instances: number }; b: { rounds: number; instances: number } } {
  const ctx = { tensors: key.tensors, plan };
  const forms = key.ops.flatMap((op) => (op.kind === 'req' || op.kind === 'out' ? [specOf(op.form).phases(ctx, op.form, op.y)] : []));
  const contractions = forms.flatMap((f) => f.contraction ?? []);
  const taps = key.ops.flatMap((op) =>
    op.kind === 'max'
      ? lookupOf(op)
          .values(op)
          .flatMap((v) => (v.source === 'tap' ? [op.x] : []))
      : [],
  );
  const spatials = [...forms.flatMap((f) => f.spatial ?? []), ...taps].map((x) => sum((plan.bits[x] as number[]).slice(1)));
  return {
    a: {
      rounds: maxOf([0, ...contractions.map((c) => c.variables)]),
      degree: maxOf([0, ...contractions.map((c) => c.degree)]),
      instances: contractions.length,
    },
    b: { rounds: maxOf([0, ...spatials]), instances: spatials.length },
  };
}

export function proofSize(key: KeyFields, plan: Plan): ProofSize {
  const depth = maxOf([0, ...plan.instances.map((i) => i.bits)]);
  let elements = 2 * plan.instances.length;
  for (let s = 0; s < depth; s++) {
    const active = plan.instances.filter((i) => i.bits > s);
    elements += 2 * s + 4 * active.length - 2 * active.filter((i) => i.side === 'L' && i.bits === s + 1).length;
  }
  const committed = key.mode === 'I1';
  elements += openedValues(key).filter((v) => !v.isPublic).length + (contentIsOpened(key, plan) ? 2 : 0);
  const forms = key.ops.flatMap((op): Form[] => (op.kind === 'req' || op.kind === 'out' ? [op.form] : []));
  for (const op of key.ops)
    if (op.kind === 'out' && op.form.kind === 'lin') elements += op.form.terms.filter(([, t]) => !isPublic(key.tensors[t]?.home)).length;
  if (committed) elements += forms.filter((f) => specOf(f).weights(f) !== null).length;
  const { a, b } = phases(key, plan);
  elements += a.degree * a.rounds + 2 * a.instances + 2 * b.rounds + b.instances;
  const shown = shownClaims(key).flat();
  elements += 2 * maxOf([0, ...shown]) + shown.length;
  if (plan.groups.length > 0) elements += 2 * key.h + plan.columns + 2 ** key.h;
  const revealed = revealedBytes(key.tensors);
  const [gLookup, ...gOpening] = key.grinding;
  const grinding = [...(plan.instances.length > 0 ? [gLookup] : []), ...(plan.groups.length > 0 ? gOpening : [])].filter(
    (g) => g > 0,
  ).length;
  const root = plan.groups.some((g) => g.group === 'A') ? 32 : 0;
  const fixed = root + 16 * elements + 8 * grinding;
  const tree = key.h + key.lr;
  const groups = plan.groups.length;
  const positions = Math.min(key.t, 2 ** tree);
  const expected = fixed + revealed.expected + 4 * key.t * plan.columns + 32 * groups * expectedSiblings(key.t, tree);
  return {
    fixed,
    revealed: revealed.expected,
    expected: Math.round(expected),
    maximum: fixed + revealed.maximum + 4 * positions * plan.columns + 32 * groups * positions * tree,
  };
}

/** Elements of each commitment group, padded. */
export function committedElements(plan: Plan): Record<string, number> {
  return Object.fromEntries(
    plan.groups.map(({ group }) => [
      group,
      [...plan.place].reduce((s, [t, p]) => s + (p.group === group ? (plan.size[t] as number) : 0), 0),
    ]),
  );
}

/** Bytes that codewords and trees take, of all groups: 4 a limb, and two digests for each row of a group. */
const committedBytes = (key: Pick<KeyFields, 'h' | 'lr'>, plan: Plan): number =>
  2 ** (key.h + key.lr) * (4 * plan.columns + 64 * plan.groups.length);

/** Padded elements of a run: everything but weights and tables. */
function runElements(key: Pick<KeyFields, 'tensors'>, plan: Plan): number {
  return sum(key.tensors.map(({ home }, t) => (home === 'W' || home === 'T' ? 0 : (plan.size[t] as number))));
}

/**
 * Peak resident bytes of `assay prove --threads 1` on Linux and Node 20, within a fifth; each thread more takes some 9 MB. Fitted to 34 circuits
 * of `fixtures/models`, from 72 to 613 MB: a process with the kernels, codewords and trees with room to grow, a run with its copies, lookups
 * and the heap that grows with the first of them.
 */
export function proverMemory(key: Pick<KeyFields, 'h' | 'lr' | 'tensors'>, plan: Plan): number {
  const rows = plan.lookupCount + plan.tableCount;
  return 79e6 + 1.4 * committedBytes(key, plan) + 48 * runElements(key, plan) + 90 * rows + Math.min(10e6, 400 * rows);
}

/**
 * Seconds of `assay prove --threads 1`, from the start of the process to its end, on the machine of README's figures: as a rule within a fifth.
 * Fitted to the same circuits, from 0.3 to 2.5 s: Node, what is committed, and what is computed, looked up and summed.
 */
export const proverSeconds = (key: Pick<KeyFields, 'h' | 'tensors'>, plan: Plan): number =>
  0.32 + 125e-9 * 2 ** key.h * plan.columns + 434e-9 * runElements(key, plan) + 233e-9 * (plan.lookupCount + plan.tableCount);
