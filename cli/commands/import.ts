/** `assay import`: artefacts of another toolchain as ours. */
import type { Command } from 'commander';
import { decodeEzklKey } from '../../circuits/ezkl/key.ts';
import { withEzkl } from '../ezkl/load.ts';
import { LIMITS, readFile, target, writeFiles } from '../files.ts';
import { CannotTell, conclude, type Exit } from '../outcome.ts';
import { progressLine } from '../progress.ts';
import { outputsLine } from '../show.ts';
import { stoppable } from '../stop.ts';
import { note, print, say } from '../talk.ts';
import { printable, size } from '../text.ts';

interface Options {
  settings: string;
  srs: string;
  output: string;
  vk?: string;
  proof?: string;
  compiled?: string;
  insecureDev?: true;
}

export function addImport(program: Command): void {
  program
    .command('import')
    .summary('make our files of the artefacts of another toolchain')
    .command('ezkl')
    .description(
      'Makes a key of EZKL’s settings, vk and SRS, a proof of its proof.json, or a circuit of its compiled model. Verifies before it writes.',
    )
    .requiredOption('--settings <file>', 'settings.json of EZKL 19.0.7 to 23.0.x, with public input and output and fixed parameters')
    .requiredOption('--srs <file>', 'kzg.srs, of 2^23 powers at most; with --compiled the one of the circuit’s size')
    .requiredOption('-o, --output <name>', 'writes name.key, and with --proof name.proof, with --compiled name.circuit')
    .option('--vk <file>', 'vk.key')
    .option('--proof <file>', 'proof.json')
    .option('--compiled <file>', 'the compiled model, in place of --vk: its key is made here, and assay prove proves with it')
    .option('--insecure-dev', 'take an SRS that is not of the ceremony: whoever made it can forge, and every verdict says so')
    .addHelpText(
      'after',
      `
Example
  $ assay import ezkl --proof proof.json --vk vk.key --settings settings.json --srs kzg.srs -o mlp   -> mlp.key, mlp.proof
  $ assay import ezkl --compiled model.compiled --settings settings.json --srs kzg11.srs -o mlp      -> mlp.circuit, mlp.key

Needs the package @ezkljs/engine 21.0.0.
Exit codes: 0 done, 1 an artefact is refused, 2 could not tell, 130 stopped by Ctrl-C.`,
    )
    .action((options: Options) => conclude(() => importCommand(options)));
}

async function importCommand(options: Options): Promise<Exit> {
  const { compiled, vk, proof } = options;
  if ((compiled === undefined) === (vk === undefined)) throw new CannotTell('usage', 'either --vk or --compiled is needed, and not both');
  if (compiled !== undefined && proof !== undefined)
    throw new CannotTell('usage', '--proof goes with --vk', 'import the proof by itself, or prove with the circuit');
  const given = [options.settings, options.srs, ...[compiled, vk, proof].filter((p) => p !== undefined)];
  const settings = readFile(options.settings, 'settings', LIMITS.manifest);
  const srs = readFile(options.srs, 'SRS', LIMITS.circuit);
  const stem = options.output.replace(/\.(key|proof|circuit)$/, '');
  const names = [`${stem}.key`, ...(proof === undefined ? [] : [`${stem}.proof`]), ...(compiled === undefined ? [] : [`${stem}.circuit`])];
  const targets: string[] = [];
  for (const name of names) targets.push(await target(name, given));
  const line = progressLine('import');
  const { outputs, insecure } = await stoppable(async (signal) => {
    const how = { insecureDev: options.insecureDev, signal, onProgress: line.update };
    const made = await withEzkl(async (e) => {
      if (compiled !== undefined) {
        const { key, circuit } = await e.importCircuit(
          { settings, srs, compiled: readFile(compiled, 'compiled model', LIMITS.circuit) },
          how,
        );
        return { files: [key, circuit], outputs: null };
      }
      const json = proof === undefined ? undefined : readFile(proof, 'proof', LIMITS.proof);
      const key = await e.importKey({ settings, srs, vk: readFile(vk as string, 'vk', LIMITS.key) }, { ...how, proof: json });
      if (json === undefined) return { files: [key], outputs: null };
      const { envelope, verdict } = await e.importProof(json, key, how);
      return { files: [key, envelope], outputs: verdict.outputs };
    }).finally(line.end);
    writeFiles(
      made.files.map((bytes, i) => ({ path: targets[i] as string, bytes })),
      signal,
    );
    for (const [i, bytes] of made.files.entries()) say(`${printable(names[i] as string)}: ${size(bytes.length)}`);
    return { outputs: made.outputs, insecure: decodeEzklKey(made.files[0] as Uint8Array).setup === 'insecure-dev' };
  });
  for (const name of names)
    await print(name.endsWith('.proof') && outputs ? `${printable(name)}  ${outputsLine(outputs)}` : printable(name));
  if (insecure) note('insecure set-up: the SRS is not of the ceremony, and whoever made it can prove what is false; every verdict says so');
  return 0;
}
