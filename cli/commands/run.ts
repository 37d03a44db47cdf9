/** `assay run`: integer inference only, no proof. */
import type { Command } from 'commander';
import { systemOf } from '../../circuits/container.ts';
import { EZKL_SYSTEM } from '../../circuits/ezkl/key.ts';
import { decodeGroth16Circuit } from '../../circuits/groth16/circuit.ts';
import { GROTH16 } from '../../circuits/groth16/key.ts';
import { asKind } from '../artefact.ts';
import { runWithEzkl } from '../ezkl/prove.ts';
import { LIMITS, readFile } from '../files.ts';
import { readInputs } from '../inputs/index.ts';
import { encode, tensorsToJson } from '../json.ts';
import { describeInputs, run } from '../library.ts';
import { conclude, type Exit } from '../outcome.ts';
import { outputsLine, tensorTable } from '../show.ts';
import { nobodyReads, print } from '../talk.ts';

interface Options {
  input: string;
  json?: true;
}

export function addRun(program: Command): void {
  program
    .command('run')
    .summary('integer inference, no proof')
    .description('Runs the circuit on the inputs and prints the outputs: exactly the values that a proof would show.')
    .argument('<circuit>', 'the .circuit file made by assay compile, or imported')
    .requiredOption('--input <file>', 'JSON, .npy, .npz or PNG; several inputs give one line each')
    .option('--json', 'one JSON object a line: {"outputs": {name: {dtype, shape, data}}, "proven": {…}}')
    .addHelpText(
      'after',
      `
Outputs are what the model gives. "proven" are the integer tensors that a proof binds; what lies behind them (such as a last
DequantizeLinear) is recomputed by the verifier.

In JSON, a float32 is a number that reads back to the same bits; minus zero is -0.0; NaN and infinities are strings.

Inputs
  JSON   {"tensor name": numbers, nested or flat}, a list of such objects, or the bare array if the model has one input
  .npy   the array of the one input; one more leading dimension holds several inputs
  .npz   arrays named as the tensors
  .png   a picture for an image tensor of exactly its size: pixel / 255 for float32, the pixel for uint8

Example
  $ assay run digits.circuit --input digit.json
  $ assay run digits.circuit --input digits.npy --json | head -1

Exit codes: 0 done, 1 the input or circuit is refused, 2 could not tell, 130 stopped by Ctrl-C.`,
    )
    .action((path: string, options: Options) => conclude(() => runCommand(path, options)));
}

async function runCommand(path: string, options: Options): Promise<Exit> {
  const circuit = readFile(path, 'circuit', LIMITS.circuit);
  const system = asKind('circuit', path, circuit, () => systemOf(circuit, 'circuit'));
  const results = system === EZKL_SYSTEM ? runWithEzkl(circuit, options.input) : runHere(path, circuit, system, options.input);
  let i = 0;
  for await (const { outputs, proven, several } of results) {
    if (options.json) await print(encode({ outputs: tensorsToJson(outputs), proven: tensorsToJson(proven) }));
    else await print(several ? `${i++}: ${outputsLine(outputs)}` : outputs.map(tensorTable).join('\n'));
    if (nobodyReads()) break;
  }
  return 0;
}

/** Runs the circuit, or the definition inside one of another system. */
function* runHere(path: string, file: Uint8Array, system: string, input: string) {
  const circuit = system === GROTH16 ? decodeGroth16Circuit(file).native : file;
  const wanted = asKind('circuit', path, circuit, () => describeInputs(circuit));
  const inputs = readInputs(readFile(input, 'input', LIMITS.input), wanted);
  for (const one of inputs) yield { ...run(circuit, one), several: inputs.length > 1 };
}
