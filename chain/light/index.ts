/** The light client and the four lamps (settlement §10): what the package exports as `assay/light`. Runs in pages. */
export { httpRpc, type Rpc, RpcError } from '../rpc/rpc.ts';
export { SYSTEMS } from '../systems/index.ts';
export { beginning } from './begin.ts';
export { type Checkpoint, checkpointOf, parseCheckpoint, showCheckpoint } from './checkpoint.ts';
export { type Evidence, findEvidence } from './evidence.ts';
export { type Followed, LightClient, type Surroundings } from './follow.ts';
export { chainLamp, type JobView, type Lamp, type LampOptions, STALE, unpinned, viewJob } from './lamps.ts';
export { askRecord, type OpenedRecord, openRecord, RecordRefused } from './record.ts';
export { type LightCode, LightRefused, TRUST_PERIOD } from './verify.ts';
