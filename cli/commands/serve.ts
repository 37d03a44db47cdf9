/** `assay serve`: an inference node. */
import type { Command } from 'commander';
import { type ChainFlags, gather, withWallet } from '../chain/flags.ts';

export interface ServeFlags extends ChainFlags {
  readonly model?: string[];
  readonly id?: string[];
  readonly onnx?: string[];
  readonly port: string;
  readonly dir: string;
  readonly price: string;
  readonly denom: string;
  readonly maxBond: string;
  readonly proveBlocks: string;
  readonly threads?: string;
}

export function addServe(program: Command): void {
  withWallet(
    program
      .command('serve')
      .summary('answer and prove for money')
      .description('An inference node: answers at once with a signed receipt, then opens the job, proves it and posts the proof.')
      .option('--model <circuit>', 'a .circuit to serve; may be given several times', gather)
      .option('--id <hash>', 'the model’s id on the chain, in the order of --model; default: registered by this wallet', gather)
      .option(
        '--onnx <file>',
        'the ONNX file of a model, in the order of --model: onnxruntime-node answers, after 1000 inputs gave the circuit’s integers; default: the circuit itself',
        gather,
      )
      .option('--port <n>', 'HTTP on 127.0.0.1', '8080')
      .option('--dir <folder>', 'where the queue is kept; a job is there before its receipt leaves', 'assay-node')
      .option('--price <n>', 'what an inference costs', '0.02')
      .option('--denom <denom>', 'in which asset', 'usd')
      .option('--max-bond <opg>', 'the most opg that one job may lock', '100')
      .option('--prove-blocks <n>', 'least blocks to prove in that an order must leave', '20')
      .option('--threads <n>', 'threads of the prover, 1 to 64; default: as many as the machine has cores, at most 8'),
  )
    .addHelpText(
      'after',
      `
The wallet must be a prover (assay prover register) and have opg for gas. GET /healthz and /metrics tell how it is.

Example
  $ assay model register digits.key
  $ assay prover register --bond 200
  $ assay serve --model digits.circuit`,
    )
    .action(async (flags: ServeFlags) => (await import('../chain/serve.ts')).serve(flags));
}
