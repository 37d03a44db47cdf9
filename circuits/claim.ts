/** A claim: "the MLE of tensor at point equals value" (protocol §1.2). Claims are never merged or dropped. */
import type { F4 } from '../protocol/extension.ts';
import type { Point } from '../protocol/mle.ts';

export interface Claim {
  readonly tensor: number;
  readonly point: Point;
  readonly value: F4;
}
