/**
 * `npm run demo [-- N]`: compiles a network, proves what it saw in handwritten digit N, verifies, then flips one bit of the proof and shows
 * the refusal. Exit 0 only if all of it goes as it should.
 */

import { picture } from '../cli/picture.ts';
import { progressLine } from '../cli/progress.ts';
import { namesOf, tensorTable } from '../cli/show.ts';
import { short, size } from '../cli/text.ts';
import { compile, type NamedTensor, prove, verify } from '../index.ts';
import { differing, MODELS, recorded } from './recorded.ts';

const MODEL = 'mnist-cnn.qop';

async function timed<T>(work: () => T | Promise<T>): Promise<[T, string]> {
  const started = performance.now();
  const value = await work();
  const ms = performance.now() - started;
  return [value, ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`];
}

const line = (label: string, text = ''): void => console.log(`${label.padEnd(12)}${text}`.trimEnd());
const indented = (text: string): string => text.replace(/^/gm, ' '.repeat(12));
const largest = ({ data }: NamedTensor): number => data.indexOf(Math.max(...Array.from(data as ArrayLike<number>)) as never);

/** What did not go as it should. */
async function demo(digit: number): Promise<string[]> {
  const wrong: string[] = [];
  const should = (holds: boolean, sentence: string): void => {
    if (!holds) wrong.push(sentence);
  };
  const { model, count, labels, inputs, outputs } = recorded(MODEL);
  if (!Number.isInteger(digit) || digit < 0 || digit >= count) return [`there is no digit ${digit}; there are 0 to ${count - 1}`];

  line('model', `${MODELS}/${MODEL}/model.onnx, ${size(model.length)}: a convolutional network, quantized to 8 bits`);
  const [compiled, compileTime] = await timed(() => compile(model));
  line(
    'compiled',
    `circuit ${size(compiled.circuit.length)} for the prover, key ${size(compiled.key.length)} for the verifier, ${compileTime}`,
  );

  const given = inputs(digit);
  const [image] = Object.values(given) as [NamedTensor];
  const colour = process.stdout.isTTY === true && !process.env.NO_COLOR;
  line('input', `a handwritten ${labels[digit]}, ${image.shape.slice(-2).join('×')} pixels`);
  const pixels = Array.from(image.data as Float32Array, (v) => 255 * v);
  const drawn = picture(pixels, 28, 28, colour);
  // Without colour, rows without ink are empty lines.
  console.log(indented(drawn.replace(/^\n+|\n+$/g, '')));

  const progress = progressLine('proof');
  const [proved, proveTime] = await timed(() => prove(compiled.circuit, given, { onProgress: progress.update }).finally(progress.end));
  line('proved', `${size(proved.envelope.length)}, ${proveTime}`);
  should(differing(proved.outputs, outputs(digit)) === 0, 'the outputs are those that onnxruntime computed');

  const [verdict, verifyTime] = await timed(() => verify(proved.envelope, compiled.key));
  if (verdict.verdict === 'refused') return [`the proof is accepted (${verdict.code}: ${verdict.sentence})`];
  line('accepted', `${verdict.securityBits.toFixed(1)} bits, ${verifyTime}, from proof and key alone, without the model`);
  for (const tensor of verdict.outputs) console.log(indented(tensorTable(tensor)));
  line('proven', `the network of circuit ${short(verdict.vkHash)} maps ${namesOf(verdict.inputs)} to ${namesOf(verdict.proven)}`);
  line('recomputed', `by the verifier, outside the proof: ${namesOf(verdict.outputs)} from those integers`);
  line('not hidden', 'input and output, values in between, and something of the weights: it is not zero knowledge');
  should(differing(verdict.outputs, outputs(digit)) === 0, 'the verified outputs are those that onnxruntime computed');
  should(largest(verdict.outputs[0] as NamedTensor) === labels[digit], `the network sees a ${labels[digit]}`);

  const changed = proved.envelope.slice();
  const at = Math.floor((2 * changed.length) / 3);
  changed.set([(changed[at] as number) ^ 8], at);
  const [second, secondTime] = await timed(() => verify(changed, compiled.key));
  line('one bit', `bit 3 of byte ${at} of the proof is flipped`);
  if (second.verdict === 'accepted') return [...wrong, 'the changed proof is refused'];
  line('refused', `${second.code}: ${second.sentence}, ${secondTime}`);
  return wrong;
}

const wrong = await demo(Number(process.argv[2] ?? 0));
for (const sentence of wrong) line('NOT TRUE', sentence);
process.exitCode = wrong.length === 0 ? 0 : 1;
