/** `assay verify --opening`: what a groth16 proof hides, for whoever has its opening. */
import { GROTH16 } from '../../circuits/groth16/key.ts';
import { LIMITS, readFile } from '../files.ts';
import { tensorsToJson } from '../json.ts';
import type { Verdict } from '../library.ts';
import { CannotTell } from '../outcome.ts';
import { tensorTable } from '../show.ts';
import { print } from '../talk.ts';

type Accepted = Extract<Verdict, { verdict: 'accepted' }>;

/** Checks an opening against the accepted proof. Throws `Refused` `opening.*` where it is of another. */
export async function readOpening(path: string, verdict: Accepted, key: Uint8Array) {
  if (verdict.system !== GROTH16) throw new CannotTell('usage', `--opening is of groth16; this proof is of ${verdict.system}`);
  const { openHidden } = await import('../../verifier/groth16/opening.ts');
  return openHidden(verdict, key, readFile(path, 'opening', LIMITS.input));
}

type Opened = Awaited<ReturnType<typeof readOpening>>;

export const openedJson = ({ tensors, outputs }: Opened) => ({ integers: tensorsToJson(tensors), outputs: tensorsToJson(outputs) });

/** `shown`: whether the verdict showed the outputs already. */
export async function showOpened({ tensors, outputs }: Opened, shown: boolean): Promise<void> {
  for (const tensor of shown ? tensors : [...tensors, ...outputs]) await print(`opened ${tensorTable(tensor)}`);
}
