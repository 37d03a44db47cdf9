/** The verifier's module. */
import { mul } from './field';
export function mulTest(a: u32, b: u32): u32 { return mul(a, b); }
