/**
 * The door for every proof system: the key says which one it is of, and an envelope of another is refused (E2).
 *
 * The verifiers of the other systems load when a key asks for them, so that whoever checks native proofs carries none of them.
 */
import { systemOf } from '../circuits/container.ts';
import { SYSTEM } from '../protocol/envelope.ts';
import { Refused } from '../protocol/refused.ts';
import type { EzklEngine } from './ezkl/engine.ts';
import { type VerifyOptions, verify } from './native.ts';
import type { Verdict } from './verdict.ts';

export type { EzklEngine, EzklFiles } from './ezkl/engine.ts';

export interface AnyOptions extends VerifyOptions {
  /** Starts the engine that checks EZKL proofs: `assay/ezkl` has one for Node. Asked for when a key of that system is given. */
  readonly ezkl?: (() => Promise<EzklEngine>) | undefined;
}

interface Verifier {
  verify(envelope: Uint8Array, key: Uint8Array, options: AnyOptions): Verdict | Promise<Verdict>;
  /** Makes and keeps what follows from a key alone. Throws `Refused`. */
  prepareKey?(key: Uint8Array): void;
}

const VERIFIERS: Readonly<Record<string, () => Promise<Verifier>>> = {
  [SYSTEM]: async () => ({ verify }),
  'groth16-bn254-v1': () => import('./groth16/index.ts'),
  'ezkl-halo2-kzg-bn254-v1': () => import('./ezkl/index.ts'),
};

/** The proof systems whose proofs are checked here. */
export const SYSTEMS: readonly string[] = Object.keys(VERIFIERS);

/** Loads the verifier that a key asks for and has it prepare the key, ahead of the first proof. For a key that is none, nothing. */
export async function prepareVerifier(key: Uint8Array): Promise<void> {
  try {
    const system = systemOf(key, 'key');
    if (Object.hasOwn(VERIFIERS, system)) (await VERIFIERS[system]?.())?.prepareKey?.(key);
  } catch (e) {
    if (!(e instanceof Refused)) throw e;
  }
}

/** Checks a proof of any system against a key. Total on bytes: every refusal is a verdict; a rejection is a bug of ours or a missing engine. */
export async function verifyAny(envelope: Uint8Array, key: Uint8Array, options: AnyOptions = {}): Promise<Verdict> {
  for (const [what, bytes] of [
    ['proof', envelope],
    ['key', key],
  ] as const)
    if (!(bytes instanceof Uint8Array)) throw new TypeError(`the ${what} is no Uint8Array`);
  try {
    const system = systemOf(key, 'key');
    const load = Object.hasOwn(VERIFIERS, system) ? VERIFIERS[system] : undefined;
    if (load === undefined)
      throw new Refused('key.system', `the key is one of ${system}; this verifier reads ${SYSTEMS.join(', ')}`, { system });
    return await (await load()).verify(envelope, key, options);
  } catch (e) {
    if (e instanceof Refused) return { verdict: 'refused', code: e.code, sentence: e.message, detail: e.detail };
    throw e;
  }
}
