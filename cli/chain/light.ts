/** A light client for commands: from a checkpoint that the user pins, or from a block as the node shows it, and then it says so. */
import { setTimeout as pause } from 'node:timers/promises';
import { WrongChain } from '../../chain/client/index.ts';
import { beginning } from '../../chain/light/begin.ts';
import { type Checkpoint, parseCheckpoint } from '../../chain/light/checkpoint.ts';
import { LightClient } from '../../chain/light/follow.ts';
import { type JobView, viewJob } from '../../chain/light/lamps.ts';
import type { Rpc } from '../../chain/rpc/rpc.ts';
import { SYSTEMS } from '../../chain/systems/index.ts';
import { CannotTell } from '../outcome.ts';
import { note } from '../talk.ts';

export const around = {
  now: (): bigint => BigInt(Date.now()) * 1_000_000n,
  pause: async (ms: number): Promise<void> => {
    await pause(ms);
  },
};

/** Throws WrongChain for headers of another chain than `only`: a node can say one in its status and show another. */
export async function lightClient(rpc: Rpc, text: string | undefined, only?: string): Promise<LightClient> {
  let checkpoint: Checkpoint | null;
  if (text === undefined) {
    checkpoint = await beginning(rpc, around.now());
    note(`no --checkpoint: trust begins with block ${checkpoint.height} as this node shows it`);
  } else checkpoint = parseCheckpoint(text);
  if (checkpoint === null)
    throw new CannotTell('usage', '--checkpoint is no checkpoint: CHAIN:HEIGHT:HASH:VALIDATORS, as assay chain checkpoint prints it');
  if (only !== undefined && checkpoint.chainId !== only) throw new WrongChain(checkpoint.chainId, only);
  return new LightClient(rpc, checkpoint, around);
}

/** What this machine can say of a job; the proof is verified in this process. */
export const lampsOf = (
  rpc: Rpc,
  light: LightClient,
  jobId: Uint8Array,
  more: { modelId?: Uint8Array | undefined; answer?: Uint8Array | undefined } = {},
): Promise<JobView> =>
  viewJob({ rpc, light, jobId, systems: SYSTEMS, verify: async (system, question) => system.verify(question), ...more });
