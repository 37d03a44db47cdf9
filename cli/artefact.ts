/**
 * The kind of an artefact, for hints: somebody who gives a proof where a key belongs should read just that.
 */
import { CIRCUIT_MAGIC, KEY_MAGIC } from '../circuits/files.ts';
import { modelKind } from '../compiler/quantize/index.ts';
import { MAGIC } from '../protocol/envelope.ts';
import { Refused } from '../protocol/refused.ts';
import { CannotTell } from './outcome.ts';
import { quantizeHint } from './quantize/hint.ts';
import { printable } from './text.ts';

export type Kind = 'circuit' | 'key' | 'proof';

const MAGICS: readonly (readonly [Kind, string])[] = [
  ['circuit', CIRCUIT_MAGIC],
  ['key', KEY_MAGIC],
  ['proof', MAGIC],
];
const ARTICLES = { circuit: 'a circuit', key: 'a key', proof: 'a proof', model: 'an ONNX model' } as const;

/** What the first bytes say that the file is, or null; the rest may be broken. */
export function kindOf(bytes: Uint8Array): Kind | null {
  const begins = (magic: string): boolean => Buffer.from(magic).equals(bytes.subarray(0, magic.length));
  return MAGICS.find(([, magic]) => begins(magic))?.[0] ?? null;
}

/** Files that lie beside artefacts and are none, by how they begin. */
const BESIDE: readonly (readonly [string, string])[] = [
  ['a proving key', 'zkey\x01\0\0\0'],
  ['a powers-of-tau file', 'ptau\x01\0\0\0'],
  ['an opening', '{"format":"assay-opening"'],
  ['a proof.json of EZKL, which assay import ezkl takes', '{"protocol":null,"instances":'],
];

/** `x.proof is a proof, not a key`, or null if the file may well be what it should be. */
export function mistaken(expected: Kind | 'model', path: string, bytes: Uint8Array): string | null {
  const kind = kindOf(bytes);
  if (kind === expected) return null;
  const start = Buffer.from(bytes.subarray(0, 64)).toString('latin1');
  const what = kind === null ? BESIDE.find(([, begins]) => start.startsWith(begins))?.[0] : ARTICLES[kind];
  if (what !== undefined) return `${printable(path)} is ${what}, not ${ARTICLES[expected]}`;
  if (expected !== 'circuit' || modelKind(bytes) === null) return null;
  return quantizeHint(path, bytes) ?? `${printable(path)} is an ONNX model: assay compile makes its circuit`;
}

/** Runs work on a file of the user's own; if it is refused because it is of another kind, that is wrong usage and no refusal. */
export function asKind<T>(expected: Kind | 'model', path: string, bytes: Uint8Array, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const mistake = mistaken(expected, path, bytes);
    if (mistake === null) throw error;
    throw new CannotTell('file.kind', `${printable(path)} cannot be used as ${ARTICLES[expected]}`, mistake);
  }
}
