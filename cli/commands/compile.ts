/** `assay compile`: a model to the prover's circuit and the verifier's key. */
import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { LIMITS, readFile, target, writeFiles } from '../files.ts';
import { compile, emit, FORMS, type Form } from '../library.ts';
import { conclude, type Exit } from '../outcome.ts';
import { progressLine } from '../progress.ts';
import { stoppable } from '../stop.ts';
import { note, print, say } from '../talk.ts';
import { hex, printable, size } from '../text.ts';

interface Options {
  output?: string;
  mode: 'I1' | 'I0';
  committedInput?: true;
  emit?: Form;
}

export function addCompile(program: Command): void {
  program
    .command('compile')
    .summary('make the circuit and the key of a model')
    .description('Compiles a quantized ONNX model. The prover needs the circuit; the verifier needs only the key.')
    .argument('<model>', 'the ONNX file')
    .option('-o, --output <name>', 'writes name.circuit and name.key; default: the name of the model, in this folder')
    .addOption(
      new Option('--mode <mode>', 'I1: the key commits to the weights; I0: the verifier holds the model')
        .choices(['I1', 'I0'])
        .default('I1'),
    )
    .option('--committed-input', 'the proof shows a commitment to the input instead of the input (not hiding)')
    .addOption(new Option('--emit <form>', 'prints this form as stable text and writes nothing').choices([...FORMS]))
    .addHelpText(
      'after',
      `
The same model gives the same files, byte for byte, on any machine.

Example
  $ assay compile digits.onnx
  $ assay compile digits.onnx -o build/digits --mode I0
  $ assay compile digits.onnx --emit ${FORMS[0]}

Exit codes: 0 done, 1 the model is refused, 2 could not tell, 130 stopped by Ctrl-C.`,
    )
    .action((path: string, options: Options) => conclude(() => compileCommand(path, options)));
}

async function compileCommand(path: string, options: Options): Promise<Exit> {
  const name = (options.output ?? basename(path).replace(/\.onnx$/i, '')).replace(/\.(circuit|key)$/, '');
  const model = readFile(path, 'model', LIMITS.model);
  if (options.emit) {
    await print(emit(model, options.emit, { mode: options.mode, committedInput: options.committedInput === true }).trimEnd());
    return 0;
  }
  const circuitPath = await target(`${name}.circuit`, [path]);
  const keyPath = await target(`${name}.key`, [path]);
  const line = progressLine('compile');
  const started = performance.now();
  const made = await stoppable(async (signal) => {
    const { mode, committedInput = false } = options;
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
