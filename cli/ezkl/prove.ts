/** `assay prove` and `assay run` for EZKL. */
import { basename } from 'node:path';
import type { EzklInput } from '../../ezkl/index.ts';
import { type ProveOptions, proofNames } from '../commands/prove.ts';
import { LIMITS, readFile, target, writeFiles } from '../files.ts';
import { readInputs } from '../inputs/index.ts';
import { CannotTell, type Exit } from '../outcome.ts';
import { progressLine } from '../progress.ts';
import { outputsLine } from '../show.ts';
import { stoppable } from '../stop.ts';
import { print, say } from '../talk.ts';
import { printable, size } from '../text.ts';
import { withEzkl } from './load.ts';

type Options = Omit<ProveOptions, 'context' | 'modelId'> & { readonly context: Uint8Array; readonly modelId: Uint8Array | undefined };

export async function proveWithEzkl(path: string, circuit: Uint8Array, options: Options): Promise<Exit> {
  if (options.context.length > 0)
    throw new CannotTell(
      'usage',
      'EZKL proofs are bound to no context',
      'without --context it proves; compile for another system to bind one',
    );
  const wanted = await withEzkl((e) => e.describeEzklInputs(circuit));
  const inputs = inputsOf(options.input, wanted);
  const names = proofNames(options.output ?? `${basename(path).replace(/\.circuit$/, '')}.proof`, inputs.length);
  const targets: string[] = [];
  for (const name of names) targets.push(await target(name, [path, options.input]));
  await stoppable(async (signal) => {
    for (const [i, input] of inputs.entries()) {
      const name = names[i] as string;
      const line = progressLine(inputs.length > 1 ? `proof ${i + 1} of ${inputs.length}` : 'proof');
      const started = performance.now();
      const { envelope, outputs } = await withEzkl((e) =>
        e.proveEzkl(circuit, input as Record<string, Float32Array>, { modelId: options.modelId, signal, onProgress: line.update }),
      ).finally(line.end);
      writeFiles([{ path: targets[i] as string, bytes: envelope }], signal);
      const seconds = (performance.now() - started) / 1000;
      await print(`${printable(name)}  ${outputsLine(outputs)}`);
      say(`${printable(name)}: ${size(envelope.length)}, ${seconds.toFixed(2)} s`);
    }
  });
  return 0;
}

/** What a proof of each input would show. */
export async function* runWithEzkl(circuit: Uint8Array, path: string) {
  const inputs = inputsOf(path, await withEzkl((e) => e.describeEzklInputs(circuit)));
  for (const input of inputs) {
    const result = await stoppable((signal) => withEzkl((e) => e.runEzkl(circuit, input as Record<string, Float32Array>, { signal })));
    yield { ...result, several: inputs.length > 1 };
  }
}

const inputsOf = (path: string, wanted: readonly EzklInput[]) => readInputs(renamed(readFile(path, 'input', LIMITS.input), wanted), wanted);

/** EZKL's own `{"input_data": [[…], …]}`, inputs by order, as ours by name; anything else as it is. */
function renamed(bytes: Uint8Array, wanted: readonly { readonly name: string }[]): Uint8Array {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return bytes; // a picture or an array, or JSON that its reader refuses
  }
  const data = typeof json === 'object' && json !== null && 'input_data' in json ? json.input_data : undefined;
  if (!Array.isArray(data) || data.length !== wanted.length) return bytes;
  return new TextEncoder().encode(JSON.stringify(Object.fromEntries(wanted.map(({ name }, i) => [name, data[i]]))));
}
