/** `assay export`: a key for other verifiers. */
import type { Command } from 'commander';
import { decodeGroth16Key } from '../../circuits/groth16/key.ts';
import { asKind } from '../artefact.ts';
import { LIMITS, readFile, target, writeFiles } from '../files.ts';
import { conclude, type Exit } from '../outcome.ts';
import { note, print } from '../talk.ts';
import { printable } from '../text.ts';

/** Public signals of a contract of 24,576 bytes, compiled by solc 0.8 with its optimizer: about 2,100 bytes, and 52 for each. */
const DEPLOYABLE = 430;

export function addExport(program: Command): void {
  program
    .command('export')
    .summary('write a key for another kind of verifier')
    .command('solidity')
    .description('Writes the verifier of a groth16 key as a Solidity contract, for chains with the precompiles of EIP-196 and EIP-197.')
    .argument('<key>', 'the .key file of a groth16 circuit')
    .option('-o, --output <file>', 'the contract to write; default: the name of the key with .sol, in this folder')
    .addHelpText(
      'after',
      `
Example
  $ assay export solidity digits.key

Exit codes: 0 done, 1 the key is refused, 2 could not tell.`,
    )
    .action((path: string, options: { output?: string }) => conclude(() => solidityCommand(path, options)));
}

async function solidityCommand(path: string, { output }: { output?: string }): Promise<Exit> {
  const bytes = readFile(path, 'key', LIMITS.key);
  const key = asKind('key', path, bytes, () => decodeGroth16Key(bytes));
  const { prepare } = await import('../../verifier/groth16/pairing.ts');
  const { solidityVerifier } = await import('../../groth16/solidity.ts');
  prepare(key); // a contract with a point that is none would refuse everything, or worse
  const name = output ?? `${path.replace(/^.*[\\/]/, '').replace(/\.key$/, '')}.sol`;
  const to = await target(name, [path]);
  writeFiles([{ path: to, bytes: new TextEncoder().encode(solidityVerifier(key)) }]);
  await print(printable(name));
  if (key.signals > DEPLOYABLE)
    note(`${key.signals} public signals: compiled it is likely over the 24,576 bytes that EIP-170 allows; hide the input to have fewer`);
  if (key.setup === 'insecure-dev') note('insecure set-up: whoever ran it can make the contract accept anything');
  return 0;
}
