/**
 * Sumcheck: reduces `Σ over x in {0,1}^n of g(x) = claim` to one evaluation `g(point) = value` (protocol §8.5, §9.1).
 *
 * Round ℓ binds the top variable. It sends h_ℓ(X), of degree d, as `[h(0), h(2), …, h(d)]`; the verifier derives `h(1) = claim − h(0)`,
 * so a wrong claim survives to the end, and the caller's check of `g(point)` is what refuses it.
 */
import type { F4 } from './extension.ts';
import { sub } from './extension.ts';
import { interpolate, type Point } from './mle.ts';
import type { ProverTranscript, VerifierTranscript } from './transcript.ts';

/** The prover's polynomial: kernels stand behind it and never see the transcript. */
export interface RoundOracle {
  /** h(0), h(2), …, h(degree) of the current round. */
  round(): Promise<readonly F4[]>;
  /** Binds the top variable to x. */
  fold(x: F4): Promise<void>;
}

/** Runs the prover for `rounds` rounds; returns the point. */
export async function proveSumcheck(t: ProverTranscript, name: string, rounds: number, oracle: RoundOracle): Promise<Point> {
  const point: F4[] = [];
  for (let l = 0; l < rounds; l++) {
    t.sendElements(`${name}.r${l}`, await oracle.round());
    const x = t.challenge(`${name}.x${l}`);
    await oracle.fold(x);
    point.push(x);
  }
  return point;
}

/** The verifier's side. The caller owes the check that the polynomial takes `value` at `point`. */
export function verifySumcheck(
  t: VerifierTranscript,
  name: string,
  claim: F4,
  rounds: number,
  degree: number,
): { readonly point: Point; readonly value: F4 } {
  const point: F4[] = [];
  let value = claim;
  for (let l = 0; l < rounds; l++) {
    const [h0, ...rest] = t.receiveElements(`${name}.r${l}`, degree) as [F4, ...F4[]];
    const x = t.challenge(`${name}.x${l}`);
    value = interpolate([h0, sub(value, h0), ...rest], x);
    point.push(x);
  }
  return { point, value };
}
