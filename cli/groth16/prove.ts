/** `assay prove` for groth16. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { asKind } from '../artefact.ts';
import { type ProveOptions, proofNames } from '../commands/prove.ts';
import { LIMITS, readFile, target, writeFiles } from '../files.ts';
import { readInputs } from '../inputs/index.ts';
import { CannotTell, type Exit } from '../outcome.ts';
import { progressLine } from '../progress.ts';
import { outputsLine } from '../show.ts';
import { stoppable } from '../stop.ts';
import { note, print, say } from '../talk.ts';
import { printable, size } from '../text.ts';
import { withGroth16 } from './load.ts';

type Options = Omit<ProveOptions, 'context' | 'modelId'> & { readonly context: Uint8Array; readonly modelId: Uint8Array | undefined };

export async function proveWithGroth16(path: string, circuit: Uint8Array, options: Options): Promise<Exit> {
  const stem = path.replace(/\.circuit$/, '');
  const keyPath = options.key ?? `${stem}.key`;
  const zkeyPath = options.provingKey ?? `${stem}.zkey`;
  const key = readFile(keyPath, 'key', LIMITS.key);
  const zkey = readFile(zkeyPath, 'proving key', LIMITS.circuit);
  const open = await withGroth16((g) => asKind('key', keyPath, key, () => g.openGroth16(circuit, { key, zkey })));
  const inputs = readInputs(readFile(options.input, 'input', LIMITS.input), open.inputs);
  const names = proofNames(options.output ?? `${basename(stem)}.proof`, inputs.length);
  const given = [path, options.input, keyPath, zkeyPath];
  const targets: { proof: string; opening: string }[] = [];
  for (const name of names) targets.push({ proof: await target(name, given), opening: await target(`${name}.opening`, given) });
  for (const { opening } of open.hides ? targets : [])
    if (existsSync(opening))
      throw new CannotTell(
        'usage',
        `${printable(opening)} exists: it opens a proof made before, and nobody can make it again`,
        'move it away, or name another proof with -o',
      );
  await stoppable(async (signal) => {
    for (const [i, input] of inputs.entries()) {
      const name = names[i] as string;
      const { proof, opening } = targets[i] as { proof: string; opening: string };
      const line = progressLine(inputs.length > 1 ? `proof ${i + 1} of ${inputs.length}` : 'proof');
      const started = performance.now();
      const made = await withGroth16(() =>
        open.prove(input, { context: options.context, modelId: options.modelId, signal, onProgress: line.update }).finally(line.end),
      );
      const files: { path: string; bytes: Uint8Array; mode?: number }[] = [{ path: proof, bytes: made.envelope }];
      // Secret: readable by its owner alone.
      if (made.opening !== null) files.push({ path: opening, bytes: made.opening, mode: 0o600 });
      writeFiles(files, signal);
      const seconds = (performance.now() - started) / 1000;
      await print(`${printable(name)}  ${outputsLine(made.outputs)}`);
      say(`${printable(name)}: ${size(made.envelope.length)}, ${seconds.toFixed(2)} s`);
      if (made.opening !== null) note(`${printable(name)}.opening opens what the proof hides: it is secret, and nobody can make it again`);
    }
  });
  return 0;
}
