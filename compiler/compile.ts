/**
 * The compiler's front door: a model to its circuit and key files, the report of `assay check`, and the audit of a key against a model.
 */
import { auditKey } from '../circuits/audit.ts';
import { decodeCircuitFile, decodeKeyFile, encodeCircuitFile, encodeKeyFile } from '../circuits/files.ts';
import { encodeInterface } from '../circuits/interface-encoding.ts';
import type { Key, KeyFields, Mode } from '../circuits/key.ts';
import { encodeKey } from '../circuits/key.ts';
import { committedElements, proofSize, proverMemory, proverSeconds } from '../circuits/proof-size.ts';
import { draftKey, type SetupResult, setup, setupPaced } from '../circuits/setup.ts';
import { product, sum } from '../circuits/shape.ts';
import type { Home, Tensor } from '../circuits/types.ts';
import { equalBytes } from '../protocol/bytes.ts';
import { hash } from '../protocol/hash.ts';
import { Pace, type PaceOptions } from '../protocol/pace.ts';
import { Refused } from '../protocol/refused.ts';
import { DTYPES } from '../protocol/statement.ts';
import { emitCircuit } from './emit-circuit.ts';
import { type CheckReport, check as checkNodes, emit as emitForm, type FormName, type LowerOptions, lower, stages } from './index.ts';

export interface CompileOptions extends PaceOptions {
  /** I1: the key commits to the weights; I0: the verifier holds the model. Default I1. */
  readonly mode?: Mode | undefined;
  /** The statement shows a commitment to the input instead of the input (integrity only: not hiding). */
  readonly committedInput?: boolean | undefined;
  /** Let proofs show accumulators where that is cheaper (§7.7). Default true. */
  readonly reveal?: boolean | undefined;
}

const loweringOf = ({ committedInput = false, reveal = true }: CompileOptions): LowerOptions => ({ committedInput, reveal });

export interface Compiled {
  /** The prover's file. */
  readonly circuit: Uint8Array;
  /** The verifier's file. */
  readonly key: Uint8Array;
  readonly vkHash: Uint8Array;
  /** H_key of the key file: covers the interface too. */
  readonly keyDigest: Uint8Array;
  readonly notes: readonly string[];
}

/** Compiles a quantized ONNX model. Deterministic: same bytes in, same bytes out. Throws `Refused` with all reasons in its detail. */
export async function compile(model: Uint8Array, options: CompileOptions = {}): Promise<Compiled> {
  const pace = new Pace(options);
  await pace.at('read the model', 0);
  const program = lower(model, loweringOf(options));
  await pace.at('make the tables', 0.2);
  const { key, contents } = await setupPaced(program.network, { mode: options.mode ?? 'I1' }, (f) =>
    pace.at('commit to the weights', 0.3 + 0.65 * f),
  );
  const keyFile = encodeKeyFile(key, program.interface);
  const circuit = encodeCircuitFile(keyFile, key, contents, program.network.labels);
  await pace.at('done', 1);
  return { circuit, key: keyFile, vkHash: key.hash, keyDigest: hash('key', keyFile), notes: program.notes };
}

/** What a proof of the model will cost; sizes in bytes, of a proof those of its file: body and statement. */
export type Prediction = {
  readonly lookups: number;
  readonly tableRows: number;
  readonly committedElements: number;
  readonly weightElements: number;
  readonly proofBytes: number;
  readonly maximumProofBytes: number;
  readonly keyBytes: number;
  /** Peak of `assay prove` with one thread. */
  readonly proverMemoryBytes: number;
  /** Of `assay prove` with one thread, on the machine of README's figures. */
  readonly proverSeconds: number;
};

/** Bytes of an envelope without its proof body and context: names, digests, and the items of the statement. */
function statementBytes({ tensors, inputs, outputs }: KeyFields): number {
  const items = [...inputs, ...outputs].map(({ tensor, dtype }) => {
    const { dims, home } = tensors[tensor] as Tensor;
    return 7 + 4 * dims.length + (home === 'X' ? 32 : DTYPES[dtype].bytes * product(dims));
  });
  return 120 + sum(items);
}

export type FullReport = CheckReport & { readonly predicted?: Prediction };

/** Every node's status, all reasons why a model cannot be proven, and what a proof in mode I1 will cost if it can. Never throws on bytes. */
export function check(model: Uint8Array, options: Pick<CompileOptions, 'reveal'> = {}): FullReport {
  const report = checkNodes(model);
  if (!report.supported) return report;
  const program = lower(model, loweringOf(options));
  const { fields, plan } = draftKey(program.network);
  const size = proofSize(fields, plan);
  const elements = committedElements(plan);
  const statement = statementBytes(fields);
  const predicted: Prediction = {
    lookups: plan.lookupCount,
    tableRows: plan.tableCount,
    committedElements: elements.A ?? 0,
    weightElements: elements.W ?? 0,
    proofBytes: size.expected + statement,
    maximumProofBytes: size.maximum + statement,
    keyBytes: 18 + encodeKey(fields).length + encodeInterface(program.interface).length,
    proverMemoryBytes: proverMemory(fields, plan),
    proverSeconds: proverSeconds(fields, plan),
  };
  return { ...report, predicted };
}

export const FORMS = [...stages.map((s) => s.produces), 'circuit'] as const;
export type Form = FormName | 'circuit';

/** A form of the model as stable text. */
export function emit(model: Uint8Array, form: Form, options: Omit<CompileOptions, keyof PaceOptions> = {}): string {
  const lowering = loweringOf(options);
  if (form !== 'circuit') return emitForm(model, form, lowering);
  const { network } = lower(model, lowering);
  return emitCircuit(setup(network, { mode: options.mode ?? 'I1' }), network.labels);
}

export type AuditResult =
  | { readonly ok: true; readonly canonical: boolean }
  | { readonly ok: false; readonly code: string; readonly sentence: string };

/**
 * Recomputes what a key file says about a model (protocol §6.7). The canonical key is compared byte for byte; for any other choice of
 * widths, ids or sizes the contents are needed: give the `.circuit` that was published with the key.
 */
export function audit(model: Uint8Array, keyFile: Uint8Array, circuit?: Uint8Array): AuditResult {
  try {
    const { key, interface: face } = decodeKeyFile(keyFile);
    const has = (...homes: Home[]): boolean => key.tensors.some((t) => homes.includes(t.home));
    const program = lower(model, { committedInput: has('X'), reveal: has('R', 'D') });
    if (!equalBytes(encodeInterface(face), encodeInterface(program.interface)))
      throw new Refused('audit', 'interface: names, shapes, scales or tail of the key are not those of the model', { where: 'interface' });
    if (key.profile !== 'S100') throw new Refused('audit', `profile: ${key.profile} is not S100`);
    if (key.mode !== 'I0' && key.mode !== 'I1') throw new Refused('audit', `mode: ${JSON.stringify(key.mode)}`);
    const canonical = setup(program.network, { mode: key.mode });
    if (equalBytes(canonical.key.bytes, key.bytes)) return { ok: true, canonical: true };
    if (circuit === undefined) throw new Refused('audit', firstDifference(canonical, key), { where: 'key' });
    const published = decodeCircuitFile(circuit);
    if (!equalBytes(published.fields.bytes, key.bytes))
      throw new Refused('audit', 'the circuit was not published with this key', { where: 'circuit' });
    auditKey(program.network, key, published.contents);
    return { ok: true, canonical: false };
  } catch (e) {
    if (e instanceof Refused) return { ok: false, code: e.code, sentence: e.message };
    throw e;
  }
}

/** Where a key leaves the canonical one, in words. */
function firstDifference({ key: wanted }: SetupResult, key: Key): string {
  const fields = [
    'mode',
    'inputs',
    'outputs',
    'ops',
    'tensors',
    'omega',
    'descriptions',
    'runs',
    'h',
    'lr',
    't',
    'grinding',
    'version',
  ] as const;
  for (const f of fields) {
    const d = difference(f, wanted[f], key[f]);
    if (d !== null) return d;
  }
  return 'wroot: the key commits to other weights or tables than the model';
}

function difference(path: string, model: unknown, key: unknown): string | null {
  if (Object.is(model, key)) return null;
  const [a, b] = [model, key].map((v) => (typeof v === 'object' && v !== null ? (v as Record<string, unknown>) : null));
  if (a === null || b === null || a === undefined || b === undefined)
    return `${path}: the key has ${text(key)}, the model gives ${text(model)}`;
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  if (Array.isArray(a) && Array.isArray(b) && a.length !== b.length)
    return `${path}: the key has ${b.length} entries, the model gives ${a.length}`;
  for (const name of names) {
    const d = difference(Array.isArray(a) ? `${path}[${name}]` : `${path}.${name}`, a[name], b[name]);
    if (d !== null) return d;
  }
  return null;
}

const text = (v: unknown): string => (typeof v === 'object' && v !== null ? 'another kind of entry' : (JSON.stringify(v) ?? 'nothing'));
