/**
 * Lying provers: the honest prover with one thing changed, so that a test can name the lie and the check that refuses it (attacks.md).
 *
 * A lie is told in values (right after an op, or in the padded witness), in multiplicities, in messages (absorbed as sent, or not), in
 * commitments, in the statement, or by proving another relation than the key's. Everything else stays what an honest prover does with it.
 */
import { expect } from 'vitest';
import type { Contents } from '../circuits/check.ts';
import { commitStack, stackOf } from '../circuits/contents.ts';
import { type AfterOp, evaluate, outputsOf, tablesOf, type ValueMap } from '../circuits/evaluate.ts';
import { decodeKey, type Key, type KeyFields, sealKey } from '../circuits/key.ts';
import type { Network } from '../circuits/network.ts';
import { type Plan, planOf } from '../circuits/plan.ts';
import { setup } from '../circuits/setup.ts';
import { paddedStrides, unpad } from '../circuits/shape.ts';
import type { TableIndex } from '../circuits/tables.ts';
import type { Form, Op, Tensor } from '../circuits/types.ts';
import { bytesOf } from '../protocol/bytes.ts';
import { decodeEnvelope, type Envelope, encodeEnvelope, SYSTEM } from '../protocol/envelope.ts';
import { add, type F4, fromInteger, vector } from '../protocol/extension.ts';
import { digestAt, leafOf, rootOf, siblingOrder, treeOf } from '../protocol/merkle.ts';
import { elements } from '../protocol/mle.ts';
import type { OpenedRows } from '../protocol/opening.ts';
import { Refused } from '../protocol/refused.ts';
import { committedItem, publicItem, statementDigest } from '../protocol/statement.ts';
import { type LogEntry, ProverTranscript } from '../protocol/transcript.ts';
import type { CommittedGroup, Kernels } from '../prover/kernels/kernels.ts';
import { reference } from '../prover/kernels/reference/index.ts';
import { provePass } from '../prover/pass.ts';
import type { ProvingCircuit } from '../prover/prove.ts';
import { buildWitness, type Witness } from '../prover/witness.ts';
import { asVerdict, type Verdict, type VerifyOptions, verify } from '../verifier/verify.ts';
import { CONTEXT, MODEL_ID, netFixture, networkOf } from './nets.ts';

/** A network with its key, an input, and what a verifier holds of it. */
export interface Bench {
  readonly network: Network;
  readonly circuit: ProvingCircuit;
  readonly key: Key;
  readonly plan: Plan;
  readonly contents: Contents;
  /** Centred inputs. */
  readonly inputs: readonly (readonly number[])[];
}

const benches = new Map<string, Bench>();

/** A sample network with profile toy, made once; its tables are committed (version 1) or described (version 2). */
export function bench(name: string, version: 1 | 2 = 1): Bench {
  let b = benches.get(`${name} ${version}`);
  if (b === undefined) {
    const f = netFixture(name);
    b = benchOf(
      networkOf(f),
      f.mode,
      f.inputs.map((i) => i.values),
      version,
    );
    benches.set(`${name} ${version}`, b);
  }
  return b;
}

/** A network of one's own; the key is the one a verifier decodes from its bytes. */
export function benchOf(network: Network, mode: 'I0' | 'I1', inputs: readonly (readonly number[])[], version: 1 | 2 = 1): Bench {
  const { key, plan, contents } = setup(network, { mode, profile: 'toy', version });
  const decoded = decodeKey(key.bytes);
  return { network, circuit: { fields: decoded, plan, contents }, key: decoded, plan, contents, inputs };
}

/** The same network under a key with some fields changed, sealed again. */
export function withKey(b: Bench, change: Partial<KeyFields>): Bench {
  const key = sealKey({ ...b.key, ...change });
  const plan = planOf(key);
  return { ...b, key, plan, circuit: { fields: key, plan, contents: b.contents } };
}

export type Change<T> = (honest: T) => T;

export interface Lie {
  /** Told right after an op; everything downstream follows from it. */
  readonly afterOp?: AfterOp;
  /** Changes the padded values before the keys are gathered. */
  readonly values?: (values: ValueMap) => void;
  /** Changes multiplicities after they were counted. */
  readonly counts?: (values: ValueMap, witness: Witness) => void;
  /** Changes values after the keys were gathered: outputs as published, weights as used from here on. */
  readonly published?: (values: ValueMap) => void;
  /** Ops with other forms (over tensors of `extra`, if they need some). */
  readonly forms?: (form: Form, op: number) => Form;
  /** Tensors only the prover has: shaped like tensor `like`, values from those of a run. They follow the tensors of the key; a claim on one is made for the tensor it is like. */
  readonly extra?: readonly { readonly like: number; readonly values: (values: ValueMap) => Int32Array }[];
  /** Until when `forms` holds: through the evaluation, until the segment values are sent, or to the end. */
  readonly until?: 'evaluated' | 'segs' | 'end';
  /** Messages by label. */
  readonly messages?: Readonly<Record<string, Change<readonly F4[]>>>;
  /** Labels whose change is sent but not absorbed: chosen after the challenges that follow. */
  readonly unabsorbed?: readonly string[];
  readonly root?: Change<Uint8Array>;
  /** Nonces by label, from the least that works. */
  readonly nonces?: Readonly<Record<string, Change<number>>>;
  /** What the prover takes a challenge to be; sees every challenge. */
  readonly believes?: (label: string, drawn: F4[]) => F4[];
  /** Rows and siblings of a group. */
  readonly opened?: (group: string, positions: readonly number[], honest: OpenedRows) => OpenedRows;
  /** The codeword of a group before it is hashed: columns one after the other, n limbs each. */
  readonly code?: (group: string, code: Uint32Array, n: number) => void;
  /** Changes the stack of a group, in its commitment and in the opening. */
  readonly stack?: (group: string, stack: Int32Array) => void;
  /** The digest of a row of group A instead of the leaf digest. */
  readonly leaf?: (row: Uint32Array) => Uint32Array;
  /** Contents the columns of W are taken from in the opening, when they differ from the prover's values. */
  readonly columns?: Contents;
  /** The commitment of W is made from these. */
  readonly committed?: Contents;
  /** Replaces kernels. */
  readonly kernels?: (honest: Kernels) => Partial<Kernels>;
  /** The statement before it is hashed. */
  readonly statement?: Change<Omit<Envelope, 'proof'>>;
  readonly context?: Uint8Array;
  readonly modelId?: Uint8Array;
  /** Ends the proof after this message. */
  readonly endsAfter?: string;
}

/** Where a message lies in the proof. */
export interface Message {
  readonly label: string;
  readonly kind: 'digest' | 'elements' | 'nonce' | 'bytes' | 'opened';
  readonly from: number;
  readonly to: number;
}

export interface Told {
  readonly messages: readonly Message[];
  readonly envelope: Uint8Array;
  readonly witness: Witness;
  readonly statement: Omit<Envelope, 'proof'>;
  readonly proof: Uint8Array;
  readonly log: readonly LogEntry[];
  /** Keys of the run that are in no table. */
  readonly missing: number;
}

class Ended extends Error {}

/** The prover's transcript, changing messages on their way. */
class LyingTranscript extends ProverTranscript {
  readonly #lie: Lie;
  readonly #afterSegments: () => void;
  readonly sent: Message[] = [];

  #note(label: string, kind: Message['kind'], length: number): void {
    const from = this.sent.at(-1)?.to ?? 0;
    this.sent.push({ label, kind, from, to: from + length });
    if (label === this.#lie.endsAfter) throw new Ended();
  }

  constructor(profile: string, lie: Lie, afterSegments: () => void) {
    super(profile, true);
    this.#lie = lie;
    this.#afterSegments = afterSegments;
  }

  override sendVector(label: string, limbs: Uint32Array): void {
    const change = this.#lie.messages?.[label];
    const sent = change === undefined ? limbs : vector(change(elements(limbs)));
    if (this.#lie.unabsorbed?.includes(label)) {
      super.sendOpened(bytesOf(sent));
      this.absorb('field', label, bytesOf(limbs.slice()));
    } else super.sendVector(label, sent);
    this.#note(label, 'elements', sent.byteLength);
    if (label === 'segs') this.#afterSegments();
  }

  override sendDigest(label: string, digest: Uint8Array): void {
    super.sendDigest(label, this.#lie.root?.(digest) ?? digest);
    this.#note(label, 'digest', 32);
  }

  override sendBytes(label: string, bytes: Uint8Array): void {
    super.sendBytes(label, bytes);
    if (bytes.length > 0) this.#note(label, 'bytes', bytes.length);
  }

  override sendOpened(bytes: Uint8Array): void {
    super.sendOpened(bytes);
    this.#note('opened', 'opened', bytes.length);
  }

  override async sendNonce(label: string, g: number, search: (state: Uint8Array, g: number) => Promise<number>): Promise<void> {
    const other = this.#lie.nonces?.[label];
    await super.sendNonce(label, g, other === undefined ? search : async (state, bits) => other(await search(state, bits)));
    if (g > 0) this.#note(label, 'nonce', 8);
  }

  override challenges(label: string, m: number): F4[] {
    const drawn = super.challenges(label, m);
    return this.#lie.believes?.(label, drawn) ?? drawn;
  }
}

/** A commitment whose codeword may be no codeword. */
function commitCode(
  stack: Int32Array,
  h: number,
  lr: number,
  change: (code: Uint32Array, n: number) => void,
  leaf: (row: Uint32Array) => Uint32Array,
): CommittedGroup {
  const n = 2 ** (h + lr);
  const code = commitStack(stack, h, lr).code.slice();
  const width = code.length / n;
  change(code, n);
  const row = (j: number): Uint32Array => Uint32Array.from({ length: width }, (_, c) => code[c * n + j] as number);
  const leaves = new Uint32Array(8 * n);
  for (let j = 0; j < n; j++) leaves.set(leaf(row(j)), 8 * j);
  const tree = treeOf(leaves);
  return {
    columns: stack,
    root: rootOf(tree),
    bytes: 0,
    open: async (positions) => ({
      rows: Uint32Array.from(positions.flatMap((j) => [...row(j)])),
      siblings: siblingOrder(positions, h + lr).map(({ level, index }) => digestAt(tree, level, index)),
    }),
    free() {},
  };
}

const commitments = new WeakMap<Contents, Map<string, CommittedGroup>>();

/** The commitment to some weights, made once. */
async function commitOnce({ h, lr }: Key, weights: Contents, stack: Int32Array): Promise<CommittedGroup> {
  const known = commitments.get(weights) ?? new Map<string, CommittedGroup>();
  commitments.set(weights, known);
  const g = known.get(`${h} ${lr}`) ?? (await reference.commit(stack, h, lr));
  known.set(`${h} ${lr}`, g);
  return g;
}

/** The plan in which an extra tensor has the shape and the place of the tensor it is like, without being committed itself. */
function withAliases({ key, plan }: Bench, { extra = [] }: Lie): Plan {
  const likes = extra.map((e) => e.like);
  class Aliased extends Map<number, { readonly group: 'W' | 'X' | 'A'; readonly address: number }> {
    override get(t: number) {
      return super.get(t < key.tensors.length ? t : (likes[t - key.tensors.length] as number));
    }
  }
  return {
    ...plan,
    bits: [...plan.bits, ...likes.map((t) => plan.bits[t] as number[])],
    size: [...plan.size, ...likes.map((t) => plan.size[t] as number)],
    place: new Aliased(plan.place),
  };
}

/** Runs the prover with a lie. */
export async function tell(b: Bench, lie: Lie = {}): Promise<Told> {
  const { key, plan } = b;
  const honest = reference;
  const kernels: Kernels = { ...honest, ...lie.kernels?.(honest) };

  // The prover's own relation: the key's, or another one.
  const fields = { ...key, tensors: [...key.tensors, ...(lie.extra ?? []).map((e) => key.tensors[e.like] as Tensor)] };
  const otherForms = (): readonly Op[] =>
    key.ops.map((op, i) => ((op.kind === 'req' || op.kind === 'out') && lie.forms ? { ...op, form: lie.forms(op.form, i) } : op));
  fields.ops = otherForms();
  const until = lie.until ?? 'segs';
  const back = (): void => {
    fields.ops = key.ops;
  };

  const circuit: ProvingCircuit = { fields, plan: withAliases(b, lie), contents: b.contents };
  const fillExtra = (values: ValueMap): void => {
    (lie.extra ?? []).forEach((e, i) => {
      if (values.has(e.like)) values.set(key.tensors.length + i, e.values(values));
    });
  };
  // Extra tensors follow the values they are made from, op by op.
  const source: ProvingCircuit = lie.extra === undefined ? circuit : { ...circuit, contents: new Map(b.contents) };
  if (lie.extra !== undefined) {
    const first = evaluate(b.circuit, b.inputs);
    fillExtra(first);
    (lie.extra ?? []).forEach((_, i) => {
      (source.contents as ValueMap).set(key.tensors.length + i, first.get(key.tensors.length + i) as Int32Array);
    });
  }
  const values = evaluate(source, b.inputs, (i, op, all) => {
    lie.afterOp?.(i, op, all);
    fillExtra(all);
  });
  if (until === 'evaluated') back();
  lie.values?.(values);
  const witness = buildWitness(circuit, values);
  lie.counts?.(values, witness);

  const wrap = (group: string, g: CommittedGroup): CommittedGroup => ({
    ...g,
    open: async (positions) => {
      const opened = await g.open(positions);
      return lie.opened?.(group, positions, opened) ?? opened;
    },
  });
  const commit = async (group: string, stack: Int32Array): Promise<CommittedGroup> => {
    lie.stack?.(group, stack);
    return wrap(
      group,
      lie.code === undefined && (lie.leaf === undefined || group !== 'A')
        ? await kernels.commit(stack, key.h, key.lr)
        : commitCode(stack, key.h, key.lr, (code, n) => lie.code?.(group, code, n), (group === 'A' && lie.leaf) || leafOf),
    );
  };
  const committed = new Map<string, CommittedGroup>();
  const weights = lie.committed ?? b.contents;
  for (const { group } of plan.groups) {
    if (group === 'A') continue;
    const stack = stackOf(plan, key.h, group, (t) => (group === 'W' ? weights : values).get(t) as Int32Array);
    const honestly = group === 'W' && lie.code === undefined && lie.stack === undefined && lie.kernels === undefined;
    committed.set(group, honestly ? wrap(group, await commitOnce(key, weights, stack)) : await commit(group, stack));
  }

  lie.published?.(values);
  const dimsOf = (t: number): readonly number[] => (key.tensors[t] as Tensor).dims;
  const inputs = key.inputs.map(({ tensor, dtype, zp }) =>
    key.tensors[tensor]?.home === 'X'
      ? committedItem(dtype, dimsOf(tensor), (committed.get('X') as CommittedGroup).root)
      : publicItem(
          dtype,
          dimsOf(tensor),
          unpad(values.get(tensor) as Int32Array, dimsOf(tensor)).map((v) => v + zp),
        ),
  );
  const raw = outputsOf(b.circuit, values);
  const outputs = key.outputs.map(({ tensor, dtype }, i) => publicItem(dtype, dimsOf(tensor), raw[i] as Int32Array));
  const plain = {
    system: SYSTEM,
    profile: key.profile,
    vkHash: key.hash,
    modelId: lie.modelId ?? MODEL_ID,
    inputs,
    outputs,
    context: lie.context ?? CONTEXT,
  };
  const statement = lie.statement?.(plain) ?? plain;

  const t = new LyingTranscript(key.profile, lie, () => {
    if (until === 'segs') back();
  });
  // W and X are opened from the prover's own values, or from `columns`, whatever was committed; A is what `commit` saw.
  const opening: Kernels['opening'] = async (groups, h) => {
    const own = groups.map((g, k) => {
      const group = plan.groups[k]?.group ?? 'A';
      if (group === 'A') return g;
      const source = (group === 'W' ? lie.columns : undefined) ?? values;
      const stack = stackOf(plan, h, group, (i) => source.get(i) as Int32Array);
      lie.stack?.(group, stack);
      return { ...g, columns: stack };
    });
    return kernels.opening(own, h);
  };
  try {
    await provePass(
      t,
      { ...kernels, commit: (stack) => commit('A', stack), opening },
      { circuit, witness, committed, statementDigest: statementDigest(statement) },
    );
  } catch (e) {
    if (!(e instanceof Ended)) throw e;
  }
  const proof = t.proof();
  return {
    envelope: encodeEnvelope({ ...statement, proof }),
    witness,
    statement,
    proof,
    messages: t.sent,
    log: t.log ?? [],
    missing: witness.missing,
  };
}

/** What a verifier with this key answers. */
export function judge(b: Bench, envelope: Uint8Array, options: VerifyOptions = {}): Verdict {
  return verify(envelope, b.key, { context: CONTEXT, modelId: MODEL_ID, contents: b.contents, allowToy: true, ...options });
}

/** The verdict on a lie. */
export async function verdictOn(b: Bench, lie: Lie): Promise<Verdict> {
  return judge(b, (await tell(b, lie)).envelope);
}

/** Refused by this check (E6: and this condition of §6.4). */
export function expectRefused(v: Verdict, code: string, condition?: string): void {
  expect(v).toMatchObject({ ok: false, code, ...(condition === undefined ? {} : { detail: { condition } }) });
}

export function expectAccepted(v: Verdict): void {
  expect(v).toMatchObject({ ok: true });
}

/** The refusal of something that throws one, as a verdict; anything else thrown is a crash of the test. */
export function refusalOf(run: () => unknown): Verdict {
  return asVerdict(() => {
    run();
    return { ok: true } as Verdict;
  });
}

/** The refusal of work that ends in one. */
export async function refusalOfAsync(
  run: () => Promise<unknown>,
): Promise<{ code: string; detail: Readonly<Record<string, unknown>> } | null> {
  try {
    await run();
    return null;
  } catch (e) {
    if (e instanceof Refused) return e;
    throw e;
  }
}

/** Index of a position in the padded layout of a tensor. */
export function at(b: Bench, tensor: number, position: readonly number[]): number {
  const strides = paddedStrides((b.key.tensors[tensor] as Tensor).dims);
  return position.reduce((s, v, k) => s + v * (strides[k] as number), 0);
}

/** Rows of table `id`, ascending by T. */
export function rowsOf(b: Bench, id: number): { t: number; y: number; w: number }[] {
  const { t, y, w } = tablesOf(b.circuit).get(id) as TableIndex;
  return Array.from(t, (v, i) => ({ t: v, y: y[i] as number, w: w[i] as number }));
}

/** The op of a kind, `skip` of them passed over. */
export function opOf<K extends Op['kind']>(b: Bench, kind: K, skip = 0): Extract<Op, { kind: K }> & { readonly index: number } {
  const index = b.key.ops.flatMap((op, i) => (op.kind === kind ? [i] : []))[skip] as number;
  return { ...(b.key.ops[index] as Extract<Op, { kind: K }>), index };
}

/** A change of one element of a message; negative k counts from the end. */
export function addTo(k: number, d: F4 = fromInteger(1)): Change<readonly F4[]> {
  return (v) => v.map((e, i) => (i === (k < 0 ? v.length + k : k) ? add(e, d) : e));
}

/** An envelope with fields changed and everything else as it was. */
export function resealed(envelope: Uint8Array, change: (e: Envelope) => Partial<Envelope>): Uint8Array {
  const e = decodeEnvelope(envelope);
  return encodeEnvelope({ ...e, ...change(e) });
}

/** A seeded generator of integers below n (xorshift32). */
export function seeded(seed: number): (n: number) => number {
  let s = seed >>> 0 || 1;
  return (n) => {
    s ^= s << 13;
    s >>>= 0;
    s ^= s >>> 17;
    s ^= s << 5;
    s >>>= 0;
    return s % n;
  };
}
