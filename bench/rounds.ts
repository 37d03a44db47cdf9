/**
 * Timed rounds of proving and verifying, in Node and in a worker of Chromium alike. What is compared is proven in turn within one round, so
 * that a busy machine slows all of it alike.
 */
import { blake3 } from '../protocol/blake3.ts';
import { toHex } from '../protocol/bytes.ts';
import { type NamedInputs, type OpenCircuit, openCircuit } from '../prover/index.ts';
import { type ChosenKernels, chooseKernels, type KernelOptions } from '../prover/kernels/index.ts';
import { kernelsInUse, verify } from '../verifier/index.ts';
import { median } from './statistics.ts';

export type Way = 'reference' | 'wasm' | 'wasm 2 threads';
export const WAYS: readonly Way[] = ['reference', 'wasm', 'wasm 2 threads'];

export interface Artefacts {
  readonly circuit: Uint8Array;
  readonly inputs: NamedInputs;
  /** The only envelope that is right, whatever makes it: BLAKE3, hex. */
  readonly digest: string;
}

interface Proof {
  readonly ms: number;
  readonly phases: Readonly<Record<string, number>>;
}

export interface Proofs {
  readonly way: Way;
  /** Milliseconds of the first proof, which commits to the weights and meets cold code. */
  readonly first: number;
  /** Milliseconds, by round, of an opened circuit. */
  readonly ms: readonly number[];
  /** Median milliseconds of each stage, the moments given to the event loop included. */
  readonly phases: Readonly<Record<string, number>>;
  /** Most bytes the kernels held in WebAssembly memory; null for the reference. */
  readonly wasmPeak: number | null;
}

export interface Limits {
  /** Rounds in all, after one that checks, warms up and is not counted; may be 0. */
  readonly repeats: number;
  /** Milliseconds after which the reference leaves the rounds, and then the rounds end; two rounds are counted in any case. */
  readonly budget: number;
}

export const digestOf = (bytes: Uint8Array): string => toHex(blake3(bytes));

function kernelsFor(way: Way, start: KernelOptions['start']): ChosenKernels {
  const chosen = chooseKernels({ kind: way === 'reference' ? 'reference' : 'wasm', threads: way === 'wasm 2 threads' ? 2 : 1, start });
  if (chosen.note === null) return chosen;
  chosen.close();
  throw new Error(`"${way}" cannot be measured here: ${chosen.note}`);
}

/** One proof; throws unless it is the right one, to the byte. */
async function proveOnce({ inputs, digest }: Artefacts, way: Way, open: OpenCircuit): Promise<Proof> {
  const phases: Record<string, number> = {};
  let stage: string | null = null;
  const started = performance.now();
  let since = started;
  const onProgress = (p: { readonly stage: string }): void => {
    const now = performance.now();
    if (stage !== null) phases[stage] = (phases[stage] ?? 0) + now - since;
    [stage, since] = [p.stage, now];
  };
  const { envelope } = await open.prove(inputs, { onProgress });
  const ms = performance.now() - started;
  if (digestOf(envelope) !== digest) throw new Error(`the proof by "${way}" is not the one that was checked, to the byte`);
  return { ms, phases };
}

/** Milliseconds of proofs that make code warm, and that a turn in a round may take; proofs in either at most. */
const WARM_UP = 500;
const TURN = 150;
const MOST = 12;

/** Proves again and again for some milliseconds, at least once. */
async function proofsFor(milliseconds: number, prove: () => Promise<Proof>): Promise<Proof[]> {
  const out: Proof[] = [];
  for (let spent = 0; out.length === 0 || (out.length < MOST && spent < milliseconds); ) {
    const proof = await prove();
    spent += proof.ms;
    out.push(proof);
  }
  return out;
}

/** Of several proofs, the one in the middle. */
const middle = (proofs: readonly Proof[]): Proof => [...proofs].sort((a, b) => a.ms - b.ms)[proofs.length >> 1] as Proof;

/**
 * Checks every way first and warms it up; then proves in turn, in changing order. A turn is the middle one of the proofs that fit its time:
 * the collector runs before it, and its first proof, which would pay for that, is not counted where there are others.
 */
export async function proveRounds(
  artefacts: Artefacts,
  ways: readonly Way[],
  { repeats, budget }: Limits,
  start?: KernelOptions['start'],
): Promise<Proofs[]> {
  const sets = ways.map((way) => {
    const chosen = kernelsFor(way, start);
    return { way, chosen, open: openCircuit(artefacts.circuit, { kernels: chosen.kernels }), first: 0, proofs: [] as Proof[] };
  });
  try {
    for (const set of sets) set.first = (await proveOnce(artefacts, set.way, set.open)).ms;
    if (repeats > 0) for (const { way, open } of sets) await proofsFor(WARM_UP, () => proveOnce(artefacts, way, open));
    const started = performance.now();
    for (let round = 0; round < repeats; round++) {
      const spent = performance.now() - started;
      if (round >= 2 && spent > 2 * budget) break;
      const present = sets.filter(({ way }) => way !== 'reference' || round < 2 || spent < budget);
      for (const { way, open, proofs } of round % 2 === 0 ? present : present.reverse()) {
        (globalThis as { gc?: () => void }).gc?.();
        const turn = await proofsFor(TURN, () => proveOnce(artefacts, way, open));
        proofs.push(middle(turn.length > 1 ? turn.slice(1) : turn));
      }
    }
    return sets.map(({ way, chosen: { kernels }, first, proofs }) => {
      const { memory } = kernels as { memory?: () => { readonly peak: number } };
      const stages = Object.keys(proofs[0]?.phases ?? {});
      const phases = Object.fromEntries(stages.map((s) => [s, median(proofs.map((p) => p.phases[s] ?? 0))]));
      return { way, first, ms: proofs.map((p) => p.ms), phases, wasmPeak: memory === undefined ? null : memory().peak };
    });
  } finally {
    for (const { chosen, open } of sets) {
      open.close();
      chosen.close();
    }
  }
}

export interface Verifications {
  /** The first call of its process or worker, which reads the key and starts what there is to start. */
  readonly first: number;
  readonly warm: readonly number[];
  /** What the verifier computes with. */
  readonly kernels: string;
}

/** Throws unless every verdict is `accepted`. `repeats` counts the calls after the first and those that make code warm. */
export function verifyRounds(proof: Uint8Array, key: Uint8Array, repeats: number): Verifications {
  const once = (): number => {
    const started = performance.now();
    const verdict = verify(proof, key);
    const ms = performance.now() - started;
    if (verdict.verdict !== 'accepted') throw new Error(`the proof is refused: ${verdict.code}, ${verdict.sentence}`);
    return ms;
  };
  const first = once();
  for (let i = 0, spent = 0; i < 4 || (i < 60 && spent < WARM_UP); i++) spent += once();
  const warm = Array.from({ length: repeats }, once);
  return { first, warm, kernels: kernelsInUse() };
}
