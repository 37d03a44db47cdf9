/** `assay check`: can this model be proven, and what will it cost? */
import { type Command, Option } from 'commander';
import { LIMITS, readFile } from '../files.ts';
import { checkForGroth16 } from '../groth16/compile.ts';
import { encode } from '../json.ts';
import { check } from '../library.ts';
import { conclude, type Exit } from '../outcome.ts';
import { quantizeHint } from '../quantize/hint.ts';
import { hint, note, print, say } from '../talk.ts';
import { columns, count, printable, size } from '../text.ts';
import { slowness } from '../yardstick.ts';

interface Options {
  system: 'gkr' | 'groth16';
  json?: true;
}

export function addCheck(program: Command): void {
  program
    .command('check')
    .summary('say whether a model can be proven, and at what cost')
    .description('Looks at every node of a model and says what is supported, what the proof will cost, or all the reasons why not.')
    .argument('<model>', 'the ONNX file')
    .addOption(new Option('--system <system>', 'the proof system it is to be proven in').choices(['gkr', 'groth16']).default('gkr'))
    .option('--json', 'one JSON object: supported, reasons, nodes, notes, predicted')
    .addHelpText(
      'after',
      `
Example
  $ assay check digits.onnx
  $ assay check digits.onnx --system groth16

Exit codes: 0 it can be proven, 1 it cannot (with all the reasons), 2 could not tell.`,
    )
    .action((path: string, options: Options) => conclude(() => checkCommand(path, options), options.json ? {} : 'text'));
}

async function checkCommand(path: string, options: Options): Promise<Exit> {
  const model = readFile(path, 'model', LIMITS.model);
  const native = check(model);
  const report = options.system === 'groth16' && native.supported ? await checkForGroth16(model, native) : await here(native);
  const exit: Exit = report.supported ? 0 : 1;
  const advice = report.supported ? null : quantizeHint(path, model);
  if (options.json) {
    await print(encode(report));
    if (advice !== null) hint(advice);
    return exit;
  }
  const { reasons, nodes, notes, predicted } = report;
  const codes = [...new Set(reasons.map(({ code }) => code))].join(' ');
  await print(report.supported ? `supported ${nodes.length} nodes` : `refused ${codes}`);
  if (nodes.length > 0) {
    await print(
      columns(
        nodes.map((node) => [node.status, node.op, node.name, node.meaning ?? node.note ?? ''].map(printable)),
        '  ',
      ),
    );
  }
  if (predicted) await print(predictedText(predicted));
  for (const { sentence, node } of reasons) say(printable(node && !sentence.includes(node) ? `${node}: ${sentence}` : sentence));
  for (const sentence of notes) note(printable(sentence));
  if (advice !== null) hint(advice);
  return exit;
}

/** With the proving time of this machine. */
async function here(report: ReturnType<typeof check>): Promise<ReturnType<typeof check>> {
  const { predicted } = report;
  if (predicted === undefined) return report;
  return { ...report, predicted: { ...predicted, proverSeconds: Number((predicted.proverSeconds * (await slowness())).toPrecision(2)) } };
}

function predictedText(predicted: Readonly<Record<string, unknown>>): string {
  const rows = Object.entries(predicted).map(([name, value]) => {
    const words = name.replace(/Bytes$/, '').replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
    if (typeof value !== 'number') return [words, String(value)];
    if (name === 'proverSeconds') return ['prover time', `${value} s here, one thread, from start to end`];
    return [words, name.endsWith('Bytes') ? size(value) : count(value)];
  });
  return `predicted\n${columns(rows, '  ')}`;
}
