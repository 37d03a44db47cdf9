/** `assay quantize`: a float model to a quantized one that can be compiled and proven. */
import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import {
  type Comparison,
  calibrate,
  compare,
  forProving,
  type Method,
  prepare,
  type Quantized,
  quantize,
} from '../../compiler/quantize/index.ts';
import { LIMITS, readFile, target, writeFiles } from '../files.ts';
import { encode } from '../json.ts';
import { type CheckReport, check, type Progress } from '../library.ts';
import { CannotTell, conclude, type Exit } from '../outcome.ts';
import { progressLine } from '../progress.ts';
import { onnxruntime } from '../quantize/onnxruntime.ts';
import { readSamples } from '../quantize/samples.ts';
import { comparisonText, layerTable, savingText } from '../quantize/show.ts';
import { stoppable } from '../stop.ts';
import { hint, note, print, say } from '../talk.ts';
import { printable, size } from '../text.ts';

interface Options {
  calibrate: string;
  evaluate?: string;
  output?: string;
  calibration: Method;
  percentile?: string;
  perTensor?: true;
  forProving?: true;
  reduceRange?: true;
  shape?: string[];
  perLayer?: true;
  json?: true;
}

export function addQuantize(program: Command): void {
  program
    .command('quantize')
    .summary('make a quantized model of a float one')
    .description(
      'Quantizes a float32 ONNX model, as PyTorch, TensorFlow or scikit-learn export it, to 8 bits: the form that assay compile takes.',
    )
    .argument('<model>', 'the float ONNX file')
    .requiredOption('--calibrate <file>', 'inputs that show what the tensors hold: .npz (also with labels), .npy or JSON')
    .option('--evaluate <file>', 'other inputs that accuracy and error are measured on; default: those of --calibrate')
    .option('-o, --output <file>', 'the quantized model; default: the name of the model with .q.onnx, in this folder')
    .addOption(
      new Option('--calibration <method>', 'which part of what a tensor held gets the 256 steps')
        .choices(['minmax', 'percentile', 'entropy'])
        .default('minmax'),
    )
    .option('--percentile <p>', 'percentile: the share of values inside the range, in percent (99.99)')
    .option('--per-tensor', 'one scale for the weights of a layer instead of one a channel')
    .option('--for-proving', 'one weight scale a layer wherever that costs less than 1 dB, for fewer tables; says what it saves')
    .option('--reduce-range', 'weights of 7 bits, for onnxruntime on CPUs without VNNI')
    .option(
      '--shape <name=dims>',
      'the shape of an input with open dimensions, as x=1,3,32,32; may be given again',
      (v, list: string[] = []) => [...list, v],
    )
    .option('--per-layer', 'the noise of every layer')
    .option('--json', 'one JSON object: output, bytes, supported, samples, classes, outputs, layers, saving')
    .addHelpText(
      'after',
      `
Labels are an array of integers in the .npz called labels, label or y. A first dimension that the model leaves open becomes 1; the arrays
have one more leading dimension for the inputs, or the first one in its place.
A hundred inputs or more show what tensors hold; what goes beyond is cut. The same model and inputs give the same file.
onnxruntime-node runs the models (npm install onnxruntime-node).

Example
  $ assay quantize net.onnx --calibrate digits.npz            -> net.q.onnx
  $ assay quantize net.onnx --calibrate digits.npz --for-proving --per-layer -o small.onnx
  $ assay compile net.q.onnx

Exit codes: 0 done, 1 the model or the inputs are refused, 2 could not tell, 130 stopped by Ctrl-C.`,
    )
    .action((path: string, options: Options) => conclude(() => quantizeCommand(path, options), options.json ? {} : 'silent'));
}

async function quantizeCommand(path: string, options: Options): Promise<Exit> {
  const percentile = percentileOf(options);
  if (options.forProving && options.perTensor)
    throw new CannotTell('usage', '--for-proving chooses the weight scales, so --per-tensor cannot be given with it');
  const output = options.output ?? `${basename(path).replace(/\.onnx$/i, '')}.q.onnx`;
  const model = readFile(path, 'model', LIMITS.model);
  const outputPath = await target(output, [path, options.calibrate, ...(options.evaluate ? [options.evaluate] : [])]);
  const prepared = prepare(model, { shapes: shapesOf(options.shape ?? []) });
  const given = readSamples(options.calibrate, prepared);
  const judged = options.evaluate ? readSamples(options.evaluate, prepared) : given;
  const runtime = await onnxruntime();
  const line = progressLine('quantize');
  const started = performance.now();
  const { reduceRange = false, perLayer = false } = options;
  const made = await stoppable(async (signal) => {
    /** Progress of a part of the work, from and to as shares of the whole. */
    const part = (from: number, to: number) => ({
      signal,
      onProgress: ({ stage, fraction }: Progress) => line.update({ stage, fraction: from + (to - from) * fraction }),
    });
    const judge = async (quantized: Quantized, layers: boolean, from: number, to: number): Promise<Judged> => {
      const measured = { labels: judged.labels, perLayer: layers, ...part(from, to) };
      const comparison = await compare(model, prepared, quantized, judged.inputs, runtime, measured);
      return { quantized, comparison, report: check(quantized.model) };
    };
    const ranges = await calibrate(prepared, given.inputs, runtime, { method: options.calibration, percentile, ...part(0, 0.5) });
    const chosen = options.forProving
      ? (await forProving(model, prepared, ranges, given.inputs, runtime, { reduceRange, ...part(0.5, 0.8) })).quantized
      : quantize(prepared, ranges, { weights: options.perTensor ? 'tensor' : 'channel', reduceRange });
    const result = await judge(chosen, perLayer, options.forProving ? 0.8 : 0.5, options.forProving ? 0.9 : 1);
    const plain = options.forProving ? await judge(quantize(prepared, ranges, { reduceRange }), false, 0.9, 1) : null;
    writeFiles([{ path: outputPath, bytes: chosen.model }], signal);
    return { ...result, plain };
  }).finally(line.end);
  await (options.json ? printJson(output, made) : printText(output, made, perLayer));
  const seconds = (performance.now() - started) / 1000;
  say(`${size(model.length)} to ${size(made.quantized.model.length)}, ${given.inputs.length} inputs, ${seconds.toFixed(2)} s`);
  if (judged.labels !== null && !made.comparison.classes?.accuracy)
    note('the labels are not used: no output of the model is one list of scores or one class');
  if (given === judged) note('accuracy and error are of the inputs that were calibrated with; --evaluate takes others');
  if (made.report.supported) hint(`assay compile ${printable(output)} makes the circuit and the key`);
  else
    for (const { sentence } of made.report.reasons.slice(0, 5)) note(printable(`assay compile does not take this model yet: ${sentence}`));
  return 0;
}

/** A quantized model, how near it is, and what a proof of it costs. */
interface Judged {
  readonly quantized: Quantized;
  readonly comparison: Comparison;
  readonly report: CheckReport;
}

/** `plain`: with a weight scale a channel, where the model was made for proving. */
type Made = Judged & { readonly plain: Judged | null };

async function printText(output: string, made: Made, perLayer: boolean): Promise<void> {
  await print(`${printable(output)}\n${comparisonText(made.comparison)}`);
  if (perLayer) await print(layerTable(made.comparison));
  if (made.plain) await print(savingText(made.plain, made));
}

async function printJson(output: string, { quantized, comparison, report, plain }: Made): Promise<void> {
  const short = ({ comparison: { layers: _, ...rest }, report: { predicted } }: Judged) => ({ ...rest, predicted });
  const saving = plain && { perChannel: short(plain), forProving: short({ quantized, comparison, report }) };
  await print(encode({ output, bytes: quantized.model.length, supported: report.supported, ...comparison, ...(saving && { saving }) }));
}

function percentileOf(options: Options): number | undefined {
  if (options.percentile === undefined) return undefined;
  if (options.calibration !== 'percentile') throw new CannotTell('usage', '--percentile is a flag of --calibration percentile');
  const p = Number(options.percentile);
  if (!(p > 50 && p <= 100))
    throw new CannotTell('usage', `--percentile takes a number above 50 and at most 100, not ${options.percentile}`);
  return p;
}

function shapesOf(flags: readonly string[]): Record<string, number[]> {
  const shapes = flags.map((flag): [string, number[]] => {
    const [, name, dims] = /^(.+)=(\d{1,9}(?:,\d{1,9})*)$/.exec(flag) ?? [];
    const shape = dims?.split(',').map(Number) ?? [];
    if (name === undefined || shape.length === 0 || shape.includes(0))
      throw new CannotTell('usage', `--shape ${flag} is not understood; it is name=1,3,32,32 with numbers of at least 1`);
    return [name, shape];
  });
  return Object.fromEntries(shapes);
}
