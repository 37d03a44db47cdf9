/**
 * A set-up for development: the proving key directly from a secret that whoever runs this could keep. Proofs under it are worth nothing to
 * anybody else, and the key says so. Seconds instead of a ceremony.
 */
import { bn254 } from '@noble/curves/bn254.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { ascii, concat } from '../protocol/bytes.ts';
import type { Pace } from '../protocol/pace.ts';
import { type Affine, multiples } from './fixed-base.ts';
import { domainBits, evaluations, lagrange } from './powers.ts';
import { R, type R1cs } from './r1cs.ts';
import { writeZkey } from './zkey.ts';

const { Fr, Fp, Fp2 } = bn254.fields;

/** The bytes of a .zkey from a seed of 32 bytes: the same seed gives the same key. */
export async function insecureSetup(r1cs: R1cs, seed: Uint8Array, pace: Pace): Promise<Uint8Array> {
  const [tau, alpha, beta, delta] = ['tau', 'alpha', 'beta', 'delta'].map((name) => secret(seed, name)) as [bigint, bigint, bigint, bigint];
  const bits = domainBits(r1cs);
  await pace.at('evaluate the constraints', 0);
  const { a, b, c } = evaluations(r1cs, lagrange(bits, tau));
  const mixed = a.map((_, i) => Fr.add(Fr.add(Fr.mul(beta, a[i] as bigint), Fr.mul(alpha, b[i] as bigint)), c[i] as bigint));
  const overDelta = Fr.inv(delta);
  // Of the polynomial A·B − C, which vanishes on the domain, the prover gives the values between: the odd points of twice the domain.
  const h = lagrange(bits + 1, tau).flatMap((l, i) => (i % 2 === 1 ? [Fr.mul(l, overDelta)] : []));
  const publics = r1cs.publics + 1;
  const ic = mixed.slice(0, publics);
  const rest = mixed.slice(publics).map((v) => Fr.mul(v, overDelta));
  const g1 = [alpha, beta, delta, ...ic, ...a, ...b, ...rest, ...h];
  const g2 = [beta, 1n, delta, ...b];
  // A multiple in G2 takes some three times as long as one in G1.
  const share = g1.length / (g1.length + 3 * g2.length);
  const one = bn254.G1.Point.BASE.toAffine();
  const two = bn254.G2.Point.BASE.toAffine();
  const p1 = await paced(multiples(Fp, one, g1), (f) => pace.at('points of G1', 0.05 + 0.9 * share * f));
  const p2 = await paced(multiples(Fp2, two, g2), (f) => pace.at('points of G2', 0.05 + 0.9 * (share + (1 - share) * f)));
  await pace.at('write the key', 0.96);
  const take = reader(p1);
  return writeZkey(
    {
      domainBits: bits,
      alpha1: take(1)[0] ?? null,
      beta1: take(1)[0] ?? null,
      delta1: take(1)[0] ?? null,
      ic: take(ic.length),
      a: take(a.length),
      b1: take(b.length),
      c: take(rest.length),
      h: take(h.length),
      beta2: p2[0] ?? null,
      gamma2: p2[1] ?? null,
      delta2: p2[2] ?? null,
      b2: p2.slice(3),
    },
    r1cs,
  );
}

/** A secret of the seed: 512 bits reduced, so that it is uniform. */
function secret(seed: Uint8Array, name: string): bigint {
  const wide = sha512(concat(ascii(`assay insecure set-up ${name}`), seed)).reduce((n, b) => (n << 8n) | BigInt(b), 0n);
  return (wide % (R - 1n)) + 1n;
}

async function paced<F>(
  work: Generator<number, (Affine<F> | null)[]>,
  tell: (fraction: number) => Promise<void>,
): Promise<(Affine<F> | null)[]> {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    await tell(step.value);
  }
}

/** Takes the next so many points. */
function reader<T>(points: readonly T[]): (n: number) => T[] {
  let at = 0;
  return (n) => {
    at += n;
    return points.slice(at - n, at);
  };
}
