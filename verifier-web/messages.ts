/**
 * The worker boundaries, carried by comlink: what the page asks and what it gets.
 *
 * A call that rejects, and a worker that dies, are failures of ours ("could not tell"); a refusal is an answer.
 */
import type { NamedTensor } from '../circuits/named.ts';
import type { Verdict } from '../verifier/index.ts';
import type { Network } from './network.ts';
import type { Part } from './parts.ts';

/** Bytes of one file that the page reads, and how many files at once. */
export const FILE_LIMIT = 64 * 2 ** 20;
export const FILES_LIMIT = 64;

export type Kind = 'proof' | 'key' | 'circuit';

export interface GivenFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A file that is a proof, a key or a circuit by its mark or its name; the rest of it may be anything. */
export interface Held extends GivenFile {
  readonly kind: Kind;
  /** The circuit that it says it is of, in hexadecimal; null where it cannot be read. It pairs files, and is believed no further. */
  readonly vkHash: string | null;
  /** Of a key: whether a proof is checked with the circuit too (mode I0). */
  readonly wantsCircuit?: boolean;
}

export interface Stranger {
  readonly name: string;
  readonly why: string;
}

export interface ReadFiles {
  readonly held: readonly Held[];
  readonly strangers: readonly Stranger[];
}

export interface Question {
  readonly proof: Uint8Array;
  readonly key: Uint8Array;
  /** For keys of mode I0. */
  readonly circuit: Uint8Array | null;
  /** What the proof must be bound to; empty: nothing. */
  readonly context: Uint8Array;
}

export interface Report {
  readonly verdict: Verdict;
  /** Of the verification alone. */
  readonly milliseconds: number;
  readonly proofBytes: number;
  readonly keyBytes: number;
  /** What the native verifier computes with; null where another system’s checked. */
  readonly kernels: string | null;
  /** Null where nothing was accepted, and for other proof systems. */
  readonly network: Network | null;
  /** What lies where in an accepted native proof; none of others. */
  readonly parts: readonly Part[];
}

export interface VerifyService {
  /** Opens archives and says what every file is. */
  read(files: readonly GivenFile[]): ReadFiles;
  /** `onProgress` hears of every part of the work as it begins. */
  check(question: Question, onProgress?: (p: ProgressOf) => void): Promise<Report>;
}

/** A proof that was made here. */
export interface Made {
  readonly envelope: Uint8Array;
  readonly milliseconds: number;
  /** What it was made with; the bytes are the same whatever that was. */
  readonly kernels: string;
  /** Why that is not the fastest there is; null where it is. */
  readonly note: string | null;
}

export interface ProgressOf {
  readonly stage: string;
  /** 0 to 1. */
  readonly fraction: number;
}

export interface ProveService {
  /** Compiles the model; returns the key file and the milliseconds it took. */
  compile(model: Uint8Array): Promise<{ readonly key: Uint8Array; readonly milliseconds: number }>;
  /** Integer inference alone: exactly what a proof would show. */
  answer(input: Float32Array): Promise<{ readonly outputs: readonly NamedTensor[]; readonly milliseconds: number }>;
  /** Null if it was stopped. */
  prove(input: Float32Array, onProgress: (p: ProgressOf) => void): Promise<Made | null>;
  stop(): void;
}
