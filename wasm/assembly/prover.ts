/** The prover's kernels. A function over a range takes the number of its thread first: threads share the memory and nothing else. */
export { grind, hashRows } from './blake3';
export { combine, dots, evaluate, magnitudes } from './columns';
export { eqTable, fromPlanes, sumOut, toPlanes } from './extension';
export { above, denominators, forestRound, montgomery, shift, weigh } from './forest';
export { encode, scaleTable, strip, twiddleTable } from './ntt';
export { convChannels, denseRows } from './inference';
export { foldTop, innerProducts, lift, outer, productRound, repeat } from './sumcheck';
