/** The proof systems of this release. */
import { gkr } from './gkr.ts';
import type { ProofSystem } from './system.ts';

export { gkr } from './gkr.ts';
export type { ProofQuestion, ProofSystem, ProofVerdict, SystemKey } from './system.ts';

export const SYSTEMS: readonly ProofSystem[] = [gkr];
