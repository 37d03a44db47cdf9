/** The second phase of a ceremony for one circuit, by snarkjs: from a prepared powers-of-tau file to a proving key that nobody can forge under. */
import { randomBytes } from 'node:crypto';
import { Refused } from '../protocol/refused.ts';
import { readPtau, zkeyContributors } from './ceremony.ts';
import { domainBits } from './powers.ts';
import { isPublished } from './published-powers.ts';
import { readR1cs } from './r1cs.ts';
import { askSnarkjs, guarded, withSnarkjs } from './snarkjs.ts';

type Memory = { type: 'mem'; data?: Uint8Array };

/**
 * Checks a powers-of-tau file: one that is published, or every power and every contribution of it. The latter is slow: it hashes all that
 * the ceremony had before the first contribution, which of a file cut from 2^28 powers takes most of an hour. Refused `ptau`.
 */
export async function checkPtau(ptau: Uint8Array, signal?: AbortSignal): Promise<void> {
  const { contributors } = readPtau(ptau);
  if (isPublished(ptau)) return;
  if (contributors === 0)
    throw new Refused('ptau', 'nobody contributed to the powers of tau, a public beacon at most: their secret is known to everybody');
  const good = await guarded('ptau', 'the powers-of-tau file', () => askSnarkjs('powersOfTau.verify', [ptau], signal));
  if (!good) throw new Refused('ptau', 'the powers-of-tau file does not hold: a power or a contribution in it is wrong');
}

function checkPower(r1cs: Uint8Array, ptau: Uint8Array): void {
  const { power } = readPtau(ptau);
  const needed = domainBits(readR1cs(r1cs));
  if (power < needed) throw new Refused('ptau', `the powers-of-tau file is for 2^${power} constraints; this circuit needs 2^${needed}`);
}

/** The proving key before any contribution. It must not be used: whoever knows that there was none can forge. */
export async function beginSetup(r1cs: Uint8Array, ptau: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
  checkPower(r1cs, ptau);
  return await guarded('ptau', 'the powers-of-tau file', () =>
    withSnarkjs(async ({ zKey }) => {
      const out: Memory = { type: 'mem' };
      if ((await zKey.newZKey(r1cs, ptau, out)) === -1)
        throw new Refused('ptau', 'the powers-of-tau file is not prepared for the second phase (snarkjs powersoftau prepare phase2)');
      return out.data as Uint8Array;
    }, signal),
  );
}

/** One more contribution, under a name that the record keeps. `entropy` is added to 64 random bytes of this machine. */
export async function contribute(zkey: Uint8Array, name: string, entropy: string, signal?: AbortSignal): Promise<Uint8Array> {
  return await changed(
    zkey,
    (from, to, { zKey }) => zKey.contribute(from, to, name, `${entropy}${randomBytes(64).toString('hex')}`),
    signal,
  );
}

/** A public random beacon as the last contribution: 2^iterations hashes of `hash`. */
export async function applyBeacon(
  zkey: Uint8Array,
  name: string,
  hash: Uint8Array,
  iterations: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const hex = Buffer.from(hash).toString('hex');
  return await changed(zkey, (from, to, { zKey }) => zKey.beacon(from, to, name, hex, iterations), signal);
}

async function changed(
  zkey: Uint8Array,
  change: (from: Uint8Array, to: Memory, library: typeof import('snarkjs')) => Promise<Uint8Array | false>,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  zkeyContributors(zkey);
  return await guarded('zkey.format', 'the proving key', () =>
    withSnarkjs(async (library) => {
      const out: Memory = { type: 'mem' };
      if ((await change(zkey, out, library)) === false) throw new Refused('zkey.format', 'the proving key takes no contribution');
      return out.data as Uint8Array;
    }, signal),
  );
}

/**
 * Whether a proving key is of this circuit and these powers, with every contribution as it says. Refused `zkey.invalid`. The powers are taken
 * as they are: whether anybody contributed to them is `checkPtau`'s to say.
 */
export async function checkSetup(r1cs: Uint8Array, ptau: Uint8Array, zkey: Uint8Array, signal?: AbortSignal): Promise<void> {
  checkPower(r1cs, ptau);
  if (zkeyContributors(zkey) === 0)
    throw new Refused(
      'zkey.invalid',
      'nobody contributed to the proving key, a public beacon at most: everybody can forge proofs under it',
    );
  const good = await guarded('zkey.invalid', 'the proving key', () => askSnarkjs('zKey.verifyFromR1cs', [r1cs, ptau, zkey], signal));
  if (!good) throw new Refused('zkey.invalid', 'the proving key is not of this circuit and these powers, or a contribution in it is wrong');
}
