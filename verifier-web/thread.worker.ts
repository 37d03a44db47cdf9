/** A thread of the proving kernels: waits for its start from the proving worker, and serves until it is ended. */
import { servePageThread } from '../prover/kernels/wasm/start.ts';

servePageThread();
