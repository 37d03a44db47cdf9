/** What must be the same on every machine: the ledger's story, and the digests of a circuit, its key and a proof. */
import { createHash } from 'node:crypto';
import { compile } from '../compiler/compile.ts';
import { openCircuit } from '../prover/index.ts';
import { recorded } from '../scripts/recorded.ts';
import { type Story, tellStory } from './chain/helpers/story.ts';

export interface Everything {
  readonly story: Story;
  readonly circuit: string;
  readonly key: string;
  readonly proof: string;
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export async function everything(): Promise<Everything> {
  const { model, inputs } = recorded('digits-mlp.qop');
  const { circuit, key } = await compile(model);
  const { envelope } = await openCircuit(circuit).prove(inputs(0));
  return { story: tellStory(), circuit: digest(circuit), key: digest(key), proof: digest(envelope) };
}
