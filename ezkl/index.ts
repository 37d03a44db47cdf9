/** EZKL in Node (`assay/ezkl`): verify, import and prove with `@ezkljs/engine`, which whoever uses this installs. */
export { EngineDied, EngineMissing, ezkl } from './engine.ts';
export { type ImportOptions, importCircuit, importKey, importProof, type VerifierFiles } from './import.ts';
export { describeEzklInputs, type EzklInput, type EzklProved, type EzklProveOptions, proveEzkl, runEzkl } from './prove.ts';
