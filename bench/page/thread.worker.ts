/** A thread of the kernels. */
import { servePageThread } from '../../prover/kernels/wasm/start.ts';

servePageThread();
