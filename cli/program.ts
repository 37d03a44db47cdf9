/**
 * The commands, and what becomes of wrong usage: one sentence, a hint, exit code 2.
 */
import { Command, CommanderError } from 'commander';
import { addAsk } from './commands/ask.ts';
import { addAudit } from './commands/audit.ts';
import { addChain } from './commands/chain.ts';
import { addCheck } from './commands/check.ts';
import { addCompile } from './commands/compile.ts';
import { addExport } from './commands/export.ts';
import { addFixtures } from './commands/fixtures.ts';
import { addImport } from './commands/import.ts';
import { addInspect } from './commands/inspect.ts';
import { addJob } from './commands/job.ts';
import { addModel } from './commands/model.ts';
import { addNode } from './commands/node.ts';
import { addProve } from './commands/prove.ts';
import { addProver } from './commands/prover.ts';
import { addQuantize } from './commands/quantize.ts';
import { addRun } from './commands/run.ts';
import { addServe } from './commands/serve.ts';
import { addSettle } from './commands/settle.ts';
import { addSetup } from './commands/setup.ts';
import { addTab } from './commands/tab.ts';
import { addVerify } from './commands/verify.ts';
import { addWallet } from './commands/wallet.ts';
import { crash } from './outcome.ts';
import { failureOfStdout, hint, say, watchStreams } from './talk.ts';
import { printable } from './text.ts';
import { VERSION } from './version.ts';

/** Runs one command line (without node and script) and sets the exit code of the process. */
export async function main(args: readonly string[]): Promise<void> {
  watchStreams();
  process.on('uncaughtException', (error) => {
    crash(error);
    process.exit(2);
  });
  try {
    await build().parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = usage(error, args);
  }
  await new Promise(setImmediate); // a failed write to a file is reported one turn later
  const failure = failureOfStdout();
  if (failure !== null) {
    say(`stdout cannot be written: ${failure}`);
    process.exitCode = 2;
  }
}

const NAMES = ['check', 'compile', 'run', 'prover', 'prove', 'verify', 'audit', 'inspect', 'fixtures check', 'fixtures'].concat([
  'import ezkl',
  'import',
  'setup groth16',
  'setup contribute',
  'setup beacon',
  'setup finish',
  'setup',
  'export solidity',
  'export',
  'wallet',
  'chain',
  'model',
  'tab',
  'job',
  'settle',
  'quantize',
  'node',
  'serve',
  'ask',
]);

function build(): Command {
  const program = new Command('assay');
  program
    .description('Proves what a quantized neural network computed: ONNX in, proof out, checked without the model.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .addHelpText(
      'after',
      `
Example
  $ assay compile digits.onnx                       -> digits.circuit, digits.key
  $ assay prove digits.circuit --input digit.json   -> digits.proof
  $ assay verify digits.proof --key digits.key

stdout carries data, stderr carries talk. Exit codes: 0 accepted or done, 1 refused, 2 could not tell, 130 stopped by Ctrl-C.`,
    );
  for (const add of [
    addCheck,
    addQuantize,
    addCompile,
    addRun,
    addSetup,
    addProve,
    addVerify,
    addAudit,
    addInspect,
    addImport,
    addExport,
    addFixtures,
  ])
    add(program);
  for (const add of [addNode, addWallet, addChain, addModel, addProver, addTab, addJob, addSettle, addServe, addAsk]) add(program);
  return program;
}

/** Says what is wrong in our words; help and version, which also arrive here, are no error. */
function usage(error: CommanderError, args: readonly string[]): number {
  if (error.exitCode === 0) return 0;
  const [sentence = '', ...more] = error.message.replace(/^error: /, '').split('\n');
  const missing = error.code === 'commander.help';
  say(missing ? 'a command is missing' : printable(sentence));
  const advice = /^\(?Did you mean (.*?)\?\)?$/.exec(more.join(' ').trim())?.[1];
  if (advice) hint(`did you mean ${printable(advice)}?`);
  const command = NAMES.find((name) => args.join(' ').startsWith(name));
  hint(command ? `assay ${command} --help shows how it is used` : 'assay --help lists the commands');
  return 2;
}
