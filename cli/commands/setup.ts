/** `assay setup`: the keys of a groth16 circuit. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { decodeGroth16Circuit } from '../../circuits/groth16/circuit.ts';
import { decodeGroth16Key } from '../../circuits/groth16/key.ts';
import { fromHex } from '../../protocol/bytes.ts';
import { Refused } from '../../protocol/refused.ts';
import { asKind } from '../artefact.ts';
import { LIMITS, readFile, target, writeFiles } from '../files.ts';
import { type Groth16, withGroth16 } from '../groth16/load.ts';
import { CannotTell, conclude, type Exit } from '../outcome.ts';
import { progressLine } from '../progress.ts';
import { stoppable } from '../stop.ts';
import { note, print, say } from '../talk.ts';
import { printable, size } from '../text.ts';

interface Groth16Options {
  ptau?: string;
  insecureDev?: true;
  seed?: string;
  output?: string;
  name?: string;
  entropy?: string;
}

interface ZkeyOptions {
  output: string;
  name: string;
  entropy?: string;
  hash?: string;
  iterations?: number;
}

interface FinishOptions {
  ptau: string;
  provingKey: string;
  output?: string;
}

const EXITS = 'Exit codes: 0 done, 1 a file is refused, 2 could not tell, 130 stopped by Ctrl-C.';

export function addSetup(program: Command): void {
  const setup = program.command('setup').summary('make the keys of a groth16 circuit').description('Makes the keys of a groth16 circuit.');
  setup
    .command('groth16')
    .summary('begin: the first proving key and its key')
    .description(
      'Makes name.key for verifiers and name.zkey for the prover. Whoever knows the secrets of a set-up can forge proofs under its key.',
    )
    .argument('<circuit>', 'the .circuit file made by assay compile --system groth16')
    .option('--ptau <file>', 'a powers-of-tau file, prepared for phase 2: it is checked, then this machine contributes once')
    .option('--insecure-dev', 'a set-up for development, in seconds: the key is marked, and its proofs are worth nothing to others')
    .option('--seed <hex>', 'with --insecure-dev: 64 hex digits, to make the same keys again')
    .option('-o, --output <name>', 'writes name.key and name.zkey; default: the name of the circuit, beside it')
    .option('--name <text>', 'with --ptau: the name of the contribution; default: assay')
    .option('--entropy <text>', 'with --ptau: text that is added to the randomness of this machine')
    .addHelpText(
      'after',
      `
A ceremony: assay setup groth16 --ptau makes the first proving key; everybody else runs assay setup contribute on the one before and hands
on the result; assay setup beacon ends it; assay setup finish checks it all and writes the key. One honest contributor
to it suffices, and one to the powers of tau: take those of a ceremony that you know. The files that snarkjs publishes
(powersOfTau28_hez_final_NN.ptau) are known by their hash; others are checked power by power and contribution by contribution, which takes
most of an hour for one that was cut from a ceremony for 2^28.

Example
  $ assay setup groth16 digits.circuit --insecure-dev
  $ assay setup groth16 digits.circuit --ptau pot14.ptau

${EXITS}`,
    )
    .action((path: string, options: Groth16Options) => conclude(() => groth16Command(path, options)));
  setup
    .command('contribute')
    .summary('one more contribution to a proving key')
    .argument('<zkey>', 'the proving key so far')
    .requiredOption('-o, --output <file>', 'the proving key to write')
    .requiredOption('--name <text>', 'who contributes')
    .option('--entropy <text>', 'text that is added to the randomness of this machine')
    .addHelpText('after', `\n${EXITS}`)
    .action((path: string, options: ZkeyOptions) =>
      conclude(() => changeCommand(path, options, (g, zkey, signal) => g.contribute(zkey, options.name, options.entropy ?? '', signal))),
    );
  setup
    .command('beacon')
    .summary('the last contribution: a public random value')
    .argument('<zkey>', 'the proving key so far')
    .requiredOption('-o, --output <file>', 'the proving key to write')
    .requiredOption('--hash <hex>', 'a value that nobody could know before: of a block, say')
    .option('--iterations <n>', '2^n hashes are taken of it, 10 to 24', iterations, 10)
    .option('--name <text>', 'the name of the contribution', 'beacon')
    .addHelpText('after', `\n${EXITS}`)
    .action((path: string, options: ZkeyOptions) =>
      conclude(() => {
        const hash = fromHex((options.hash ?? '').replace(/^0x/, ''));
        if (hash === null || hash.length === 0 || hash.length > 255) throw new CannotTell('usage', '--hash wants pairs of hex digits');
        return changeCommand(path, options, (g, zkey, signal) => g.applyBeacon(zkey, options.name, hash, options.iterations ?? 10, signal));
      }),
    );
  setup
    .command('finish')
    .summary('check a ceremony and write its key')
    .description('Checks the last proving key of a ceremony against circuit and powers, contribution by contribution, and writes name.key.')
    .argument('<circuit>', 'the .circuit file')
    .requiredOption('--ptau <file>', 'the powers-of-tau file that the ceremony began with')
    .requiredOption('--proving-key <file>', 'the last proving key')
    .option('-o, --output <name>', 'writes name.key; default: the name of the circuit, beside it')
    .addHelpText('after', `\n${EXITS}`)
    .action((path: string, options: FinishOptions) => conclude(() => finishCommand(path, options)));
}

function iterations(text: string): number {
  const n = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (n < 10 || n > 24) throw new InvalidArgumentError('it takes a number from 10 to 24.');
  return n;
}

/** A file of another kind is a mistake of usage; a circuit of another system is refused. */
function readCircuit(path: string): Uint8Array {
  const circuit = readFile(path, 'circuit', LIMITS.circuit);
  asKind('circuit', path, circuit, () => decodeGroth16Circuit(circuit));
  return circuit;
}

/** Nobody can make the keys of a ceremony again: they are not replaced by a new set-up. */
function keepCeremony(keyPath: string): void {
  if (!existsSync(keyPath)) return;
  let old: ReturnType<typeof decodeGroth16Key>;
  try {
    old = decodeGroth16Key(readFile(keyPath, 'key', LIMITS.key));
  } catch (e) {
    if (e instanceof Refused) return;
    throw e;
  }
  if (old.setup === 'circuit')
    throw new CannotTell(
      'file.exists',
      `${printable(keyPath)} is the key of a ceremony, which a new set-up would replace`,
      'name another with -o, or move it away',
    );
}

async function groth16Command(path: string, options: Groth16Options): Promise<Exit> {
  if ((options.ptau === undefined) === (options.insecureDev === undefined))
    throw new CannotTell(
      'usage',
      'a set-up takes either --ptau FILE or --insecure-dev',
      '--insecure-dev is for development: whoever runs it can forge',
    );
  if (options.seed !== undefined && options.insecureDev === undefined) throw new CannotTell('usage', '--seed goes with --insecure-dev');
  for (const flag of ['name', 'entropy'] as const)
    if (options[flag] !== undefined && options.ptau === undefined) throw new CannotTell('usage', `--${flag} goes with --ptau`);
  const seed = options.seed === undefined ? new Uint8Array(randomBytes(32)) : fromHex(options.seed.replace(/^0x/, ''));
  if (seed === null || seed.length !== 32) throw new CannotTell('usage', '--seed wants 64 hex digits');
  const circuit = readCircuit(path);
  const ptau = options.ptau === undefined ? null : readFile(options.ptau, 'powers of tau', LIMITS.circuit);
  const name = (options.output ?? path).replace(/\.(circuit|key|zkey)$/, '');
  const given = [path, ...(options.ptau === undefined ? [] : [options.ptau])];
  const keyPath = await target(`${name}.key`, given);
  const zkeyPath = await target(`${name}.zkey`, given);
  keepCeremony(keyPath);
  const line = progressLine('set-up');
  const started = performance.now();
  const made = await stoppable(async (signal) => {
    const pace = { signal, onProgress: line.update };
    const result = await withGroth16((g) =>
      ptau === null
        ? g.setUpInsecurely(circuit, seed, pace)
        : g.setUp(circuit, ptau, { ...pace, name: options.name, entropy: options.entropy }),
    ).finally(line.end);
    writeFiles(
      [
        { path: keyPath, bytes: result.key },
        { path: zkeyPath, bytes: result.zkey },
      ],
      signal,
    );
    return result;
  });
  await print(`${printable(name)}.key\n${printable(name)}.zkey`);
  say(`key ${size(made.key.length)}, proving key ${size(made.zkey.length)}, ${((performance.now() - started) / 1000).toFixed(2)} s`);
  if (ptau === null) note('insecure set-up: whoever ran it can forge proofs under this key; every verdict says so');
  else note('one contribution: its contributor can forge unless the secret was forgotten; assay setup contribute adds others');
  return 0;
}

async function changeCommand(
  path: string,
  { output }: ZkeyOptions,
  change: (library: Groth16, zkey: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>,
): Promise<Exit> {
  const zkey = readFile(path, 'proving key', LIMITS.circuit);
  const to = await target(output, [path]);
  await stoppable(async (signal) => {
    const bytes = await withGroth16((g) => change(g, zkey, signal));
    writeFiles([{ path: to, bytes }], signal);
  });
  await print(printable(output));
  return 0;
}

async function finishCommand(path: string, options: FinishOptions): Promise<Exit> {
  const circuit = readCircuit(path);
  const ptau = readFile(options.ptau, 'powers of tau', LIMITS.circuit);
  const zkey = readFile(options.provingKey, 'proving key', LIMITS.circuit);
  const name = (options.output ?? path).replace(/\.(circuit|key)$/, '');
  const to = await target(`${name}.key`, [path, options.ptau, options.provingKey]);
  const line = progressLine('check');
  await stoppable(async (signal) => {
    const key = await withGroth16((g) => g.finishSetUp(circuit, ptau, zkey, { signal, onProgress: line.update })).finally(line.end);
    writeFiles([{ path: to, bytes: key }], signal);
  });
  await print(`${printable(name)}.key`);
  return 0;
}
