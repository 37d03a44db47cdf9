/** What lies where in a proof file (docs/protocol.md §8.8, §11.1): lengths follow from the key, as for the verifier. */
import type { KeyFile } from '../circuits/files.ts';
import { planOf } from '../circuits/plan.ts';
import { proofSize } from '../circuits/proof-size.ts';
import { decodeEnvelope } from '../protocol/envelope.ts';

/** A stretch of the file: what it is, and where it begins. */
export interface Part {
  readonly name: string;
  readonly from: number;
  readonly length: number;
}

/** The parts of a proof that was accepted under this key, in order and without gaps. */
export function partsOf(file: Uint8Array, keyFile: KeyFile): Part[] {
  const e = decodeEnvelope(file);
  const { key } = keyFile;
  const plan = planOf(key);
  const items = (list: readonly Uint8Array[]): number => 1 + list.reduce((n, i) => n + 4 + i.length, 0);
  const [gL, gB, gQ] = key.grinding.map((g) => (g > 0 ? 8 : 0)) as [number, number, number];
  const depth = Math.max(0, ...plan.instances.map((i) => i.bits));
  let forest = 2 * plan.instances.length;
  for (let s = 0; s < depth; s++) {
    const active = plan.instances.filter((i) => i.bits > s);
    forest += 2 * s + 4 * active.length - 2 * active.filter((i) => i.side === 'L' && i.bits === s + 1).length;
  }
  const opening = 16 * (2 * key.h + plan.columns);
  const combined = 16 * 2 ** key.h;
  const { fixed } = proofSize(key, plan);
  const layers = fixed - 32 - gL - gB - gQ - 16 * forest - opening - combined;
  const lengths: [string, number][] = [
    ['Header: system, key, model', 4 + 2 + 4 + e.system.length + 4 + e.profile.length + 64],
    ['Input', items(e.inputs)],
    ['Output', items(e.outputs)],
    ['Context', 4 + e.context.length],
    ['Commitment to the computation', 4 + 32 + gL],
    ['Lookup argument', 16 * forest],
    ['Values at random points', layers],
    ['Opening', opening + gB],
    ['Combined column', combined + gQ],
  ];
  const before = lengths.reduce((n, [, length]) => n + length, 0);
  lengths.push(['Opened rows and Merkle paths', file.length - before]);
  let from = 0;
  return lengths.flatMap(([name, length]) => {
    const part = { name, from, length };
    from += length;
    return length > 0 ? [part] : [];
  });
}
