/** `assay compile`: a model to the prover's circuit and the verifier's key. */
import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { LIMITS, readFile, target, writeFiles } from '../files.ts';
import { compileForGroth16 } from '../groth16/compile.ts';
import { compile, emit, FORMS, type Form } from '../library.ts';
import { CannotTell, conclude, type Exit } from '../outcome.ts';
import { progressLine } from '../progress.ts';
import { withQuantizeHint } from '../quantize/hint.ts';
import { stoppable } from '../stop.ts';
import { note, print, say } from '../talk.ts';
import { hex, printable, size } from '../text.ts';

export interface CompileOptions {
  output?: string;
  system: 'gkr' | 'groth16';
  privateInput?: true;
  privateOutput?: true;
  force?: true;
  mode?: 'I1' | 'I0';
  committedInput?: true;
  emit?: Form | 'circom';
}

export function addCompile(program: Command): void {
  program
    .command('compile')
    .summary('make the circuit and the key of a model')
    .description('Compiles a quantized ONNX model. The prover needs the circuit; the verifier needs only the key.')
    .argument('<model>', 'the ONNX file')
    .option('-o, --output <name>', 'writes name.circuit and name.key; default: the name of the model, in this folder')
    .addOption(
      new Option(
        '--system <system>',
        'gkr: fast, transparent, for networks of any size; groth16: constant-size and zero knowledge, for small ones',
      )
        .choices(['gkr', 'groth16'])
        .default('gkr'),
    )
    .addOption(
      new Option('--mode <mode>', 'gkr: I1 (default): the key commits to the weights; I0: the verifier holds the model').choices([
        'I1',
        'I0',
      ]),
    )
    .option('--committed-input', 'gkr: the proof shows a commitment to the input instead of the input (not hiding)')
    .option('--private-input', 'groth16: the proof shows a hiding commitment to the input')
    .option('--private-output', 'groth16: the proof shows a hiding commitment to the output')
    .option('--force', 'groth16: compile beyond 65,536 constraints')
    .addOption(
      new Option('--emit <form>', 'prints this form as stable text and writes nothing; circom: of groth16').choices([...FORMS, 'circom']),
    )
    .addHelpText(
      'after',
      `
The same model gives the same files, byte for byte, on any machine.

Example
  $ assay compile digits.onnx
  $ assay compile digits.onnx -o build/digits --mode I0
  $ assay compile digits.onnx --system groth16 --private-input   -> digits.circuit; its keys come from assay setup
  $ assay compile digits.onnx --emit ${FORMS[0]}

Exit codes: 0 done, 1 the model is refused, 2 could not tell, 130 stopped by Ctrl-C.`,
    )
    .action((path: string, options: CompileOptions) => conclude(() => compileCommand(path, options)));
}

async function compileCommand(path: string, options: CompileOptions): Promise<Exit> {
  const name = (options.output ?? basename(path).replace(/\.onnx$/i, '')).replace(/\.(circuit|key)$/, '');
  requireSystem(options);
  const model = readFile(path, 'model', LIMITS.model);
  return withQuantizeHint(path, model, () => compileModel(model, path, name, options));
}

async function compileModel(model: Uint8Array, path: string, name: string, options: CompileOptions): Promise<Exit> {
  if (options.system === 'groth16') return compileForGroth16(model, path, name, options);
  const { mode = 'I1' } = options;
  if (options.emit) {
    await print(emit(model, options.emit as Form, { mode, committedInput: options.committedInput === true }).trimEnd());
    return 0;
  }
  const circuitPath = await target(`${name}.circuit`, [path]);
  const keyPath = await target(`${name}.key`, [path]);
  const line = progressLine('compile');
  const started = performance.now();
  const made = await stoppable(async (signal) => {
    const { committedInput = false } = options;
    const result = await compile(model, { mode, committedInput, signal, onProgress: line.update }).finally(line.end);
    writeFiles(
      [
        { path: circuitPath, bytes: result.circuit },
        { path: keyPath, bytes: result.key },
      ],
      signal,
    );
    return result;
  });
  await print(`${printable(name)}.circuit\n${printable(name)}.key`);
  for (const sentence of made.notes) note(printable(sentence));
  const seconds = (performance.now() - started) / 1000;
  say(`circuit ${size(made.circuit.length)}, key ${size(made.key.length)}, ${seconds.toFixed(2)} s`);
  say(`vkHash ${hex(made.vkHash)}, key digest ${hex(made.keyDigest)}`);
  return 0;
}

/** Flags of one system are no flags of the other. */
function requireSystem(options: CompileOptions): void {
  const strange =
    options.system === 'groth16'
      ? [
          options.mode && '--mode',
          options.committedInput && '--committed-input',
          options.emit && options.emit !== 'circom' && `--emit ${options.emit}`,
        ]
      : [
          options.privateInput && '--private-input',
          options.privateOutput && '--private-output',
          options.force && '--force',
          options.emit === 'circom' && '--emit circom',
        ];
  const [flag] = strange.filter((f) => typeof f === 'string');
  if (flag) throw new CannotTell('usage', `${flag} is no flag of --system ${options.system}`);
}
