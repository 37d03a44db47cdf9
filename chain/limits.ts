/** Caps and first values (settlement §4.1, §5.2, §8.7). Bytes unless said. */
export const MAX_TX_BYTES = 720_896;
export const MAX_BLOCK_BYTES = 4 * 2 ** 20;
export const MAX_KEY_BYTES = 512 * 1024;
/** Input and output of a proof together. */
export const MAX_TENSOR_BYTES = 128 * 1024;
/** An output kept in a job record (settlement mode 2). */
export const MAX_KEPT_OUTPUT = 4096;
export const MAX_URI = 256;
export const MAX_ENDPOINT = 256;
export const MAX_IO_SPEC = 4096;
export const MAX_DENOM = 16;
export const MAX_CHAIN_ID = 50;
/** Blocks that `valid_until` may lie ahead. */
export const MAX_VALIDITY = 1000n;
export const TX_GAS = 1000n;
/** Transactions of one sender that wait in a mempool. */
export const MAX_PENDING = 64;
/** Jobs and tabs that the sweep of one block moves. */
export const SWEEP_CAP = 4096;
/** An order's block counts: [least, most]. */
export const BLOCK_COUNTS = { prove: [20, 10_000], rescue: [0, 10_000] } as const;

/** The verifier that this release runs; every validator runs the same (settlement §8.8). */
export const VERIFIER_VERSION = 1;
