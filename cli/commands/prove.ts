/** `assay prove`: a proof for each input. */
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { systemOf } from '../../circuits/container.ts';
import { EZKL_SYSTEM } from '../../circuits/ezkl/key.ts';
import { GROTH16 } from '../../circuits/groth16/key.ts';
import { SYSTEM } from '../../protocol/envelope.ts';
import { asKind } from '../artefact.ts';
import { parseContext, parseHash } from '../context.ts';
import { proveWithEzkl } from '../ezkl/prove.ts';
import { LIMITS, readFile, target, writeFiles } from '../files.ts';
import { proveWithGroth16 } from '../groth16/prove.ts';
import { readInputs } from '../inputs/index.ts';
import { type ChosenKernels, chooseKernels, describeInputs, openCircuit } from '../library.ts';
import { CannotTell, conclude, type Exit } from '../outcome.ts';
import { progressLine } from '../progress.ts';
import { outputsLine } from '../show.ts';
import { stoppable } from '../stop.ts';
import { note, print, say } from '../talk.ts';
import { printable, size } from '../text.ts';

export interface ProveOptions {
  input: string;
  output?: string;
  context?: string;
  modelId?: string;
  kernels: 'auto' | 'wasm' | 'reference';
  threads?: string;
  key?: string;
  provingKey?: string;
}

export function addProve(program: Command): void {
  program
    .command('prove')
    .summary('prove one or several inferences')
    .description('Runs the circuit on each input and writes a proof of it.')
    .argument('<circuit>', 'the .circuit file made by assay compile, or imported')
    .requiredOption('--input <file>', 'JSON, .npy, .npz or PNG (see assay run --help)')
    .option('-o, --output <file>', 'the proof to write; default: the name of the circuit with .proof, in this folder')
    .option('--context <text>', 'bytes the proof is bound to, as text or as 0x and hex; the verifier must name the same')
    .option('--model-id <hash>', '64 hex digits, when a registry names the model; default: the hash of the key')
    .addOption(
      new Option('--kernels <kind>', 'native: WebAssembly, or the slower definition in TypeScript; the proof is the same')
        .choices(['auto', 'wasm', 'reference'])
        .default('auto'),
    )
    .option('--key <file>', 'groth16: the key; default: the name of the circuit with .key, beside it')
    .option('--proving-key <file>', 'groth16: the proving key; default: the name of the circuit with .zkey, beside it')
    .option('--threads <n>', 'native: threads that share the work, 1 to 64; default: as many as the machine has cores, at most 8')
    .addHelpText(
      'after',
      `
Several inputs give name.0.proof, name.1.proof, …; each is complete when it appears.
A proof of the native system shows the input and the output to whoever has it, and is not zero knowledge. One of groth16 is; what it
hides is said when its circuit is compiled, and name.proof.opening, which is secret, opens what it hides.

Example
  $ assay prove digits.circuit --input digit.json
  $ assay prove digits.circuit --input digit.json -o answer.proof --context "order 1841"

Exit codes: 0 done, 1 the input or circuit is refused, 2 could not tell, 130 stopped by Ctrl-C.`,
    )
    .action((path: string, options: ProveOptions) => conclude(() => proveCommand(path, options)));
}

async function proveCommand(path: string, options: ProveOptions): Promise<Exit> {
  const threads = parseThreads(options.threads);
  const context = parseContext(options.context);
  const modelId = options.modelId === undefined ? undefined : parseHash(options.modelId, '--model-id');
  const circuit = readFile(path, 'circuit', LIMITS.circuit);
  const system = asKind('circuit', path, circuit, () => systemOf(circuit, 'circuit'));
  const mistake = mistakenOption(system, options);
  if (mistake !== null) throw new CannotTell('usage', `${mistake}, and ${printable(path)} is a circuit of ${system}`);
  if (system === GROTH16) return proveWithGroth16(path, circuit, { ...options, context, modelId });
  if (system === EZKL_SYSTEM) return proveWithEzkl(path, circuit, { ...options, context, modelId });
  const wanted = describeInputs(circuit);
  const inputs = readInputs(readFile(options.input, 'input', LIMITS.input), wanted);
  const names = proofNames(options.output ?? `${basename(path).replace(/\.circuit$/, '')}.proof`, inputs.length);
  const targets: string[] = [];
  for (const name of names) targets.push(await target(name, [path, options.input]));
  const { kernels, note: slower, close } = kernelsFor(options.kernels, threads);
  if (slower !== null) note(slower);
  const open = openCircuit(circuit, { kernels });
  await stoppable(async (signal) => {
    for (const [i, input] of inputs.entries()) {
      const name = names[i] as string;
      const line = progressLine(inputs.length > 1 ? `proof ${i + 1} of ${inputs.length}` : 'proof');
      const started = performance.now();
      const { envelope, outputs } = await open.prove(input, { context, modelId, signal, onProgress: line.update }).finally(line.end);
      writeFiles([{ path: targets[i] as string, bytes: envelope }], signal);
      const seconds = (performance.now() - started) / 1000;
      await print(`${printable(name)}  ${outputsLine(outputs)}`);
      say(`${printable(name)}: ${size(envelope.length)}, ${seconds.toFixed(2)} s`);
    }
  }).finally(close);
  return 0;
}

/** An option that another system has would be ignored. */
function mistakenOption(system: string, { key, provingKey, threads, kernels }: ProveOptions): string | null {
  if (system !== GROTH16 && key !== undefined) return '--key is for groth16';
  if (system !== GROTH16 && provingKey !== undefined) return '--proving-key is for groth16';
  if (system !== SYSTEM && threads !== undefined) return '--threads is for the native system';
  if (system !== SYSTEM && kernels !== 'auto') return '--kernels is for the native system';
  return null;
}

/** `--threads`; where it is not given, as many as there are cores, at most 8. */
function parseThreads(text: string | undefined): number {
  if (text === undefined) return Math.min(8, availableParallelism());
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > 64) throw new CannotTell('usage', `--threads takes a number from 1 to 64, not ${printable(text)}`);
  return count;
}

function kernelsFor(kind: ProveOptions['kernels'], threads: number): ChosenKernels {
  try {
    return chooseKernels({ kind, threads });
  } catch (e) {
    throw new CannotTell('kernels', `--kernels ${kind}: ${e instanceof Error ? e.message : String(e)}`);
  }
}

/** `x.proof`, or `x.0.proof`, `x.1.proof`, … for several. */
export function proofNames(name: string, inputs: number): string[] {
  if (inputs === 1) return [name];
  const stem = name.replace(/\.proof$/, '');
  return Array.from({ length: inputs }, (_, i) => `${stem}.${i}.proof`);
}
