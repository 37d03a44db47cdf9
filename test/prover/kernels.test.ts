/** Every kernel set against the definitions. */
import { reference } from '../../prover/kernels/reference/index.ts';
import { wasmKernels } from '../../prover/kernels/wasm/index.ts';
import { conformance } from './conformance.ts';

conformance('reference', reference);
conformance('WebAssembly', wasmKernels());
