/** The reference kernels against the definitions. */
import { reference } from '../../prover/kernels/reference/index.ts';
import { conformance } from './conformance.ts';

conformance('reference', reference);
