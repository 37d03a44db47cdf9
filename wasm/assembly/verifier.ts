/** The verifier's arithmetic (verifier/wasm.ts). */
export { hashRows } from './blake3';
export { evaluate } from './columns';
export { toPlanes } from './extension';
export { reach } from './reach';
export { evaluateElements, halve, valueAt } from './remainders';
