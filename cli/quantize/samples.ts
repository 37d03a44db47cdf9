/** `--calibrate F`: inputs of a float model, many at once, and labels beside them where an .npz has an array of integers for them. */
import type { Prepared, Sample } from '../../compiler/quantize/index.ts';
import { Refused } from '../../protocol/refused.ts';
import { LIMITS, readFile } from '../files.ts';
import type { Input, Wanted } from '../inputs/index.ts';
import { readInputs } from '../inputs/index.ts';
import { fitNpz, isZip, openNpz } from '../inputs/npz.ts';
import { shapeText } from '../text.ts';

export interface Samples {
  readonly inputs: readonly Sample[];
  readonly labels: readonly number[] | null;
}

const LABELS = ['labels', 'label', 'y'];

export function readSamples(path: string, { draft }: Prepared): Samples {
  const bytes = readFile(path, 'inputs', LIMITS.input);
  const wanted: Wanted[] = draft.inputs.map(({ name, dtype, shape }) => ({ name, dtype: dtype === 'int64' ? 'int64' : 'float32', shape }));
  if (!isZip(bytes)) return { inputs: readInputs(bytes, wanted).map((i) => sampleOf(i, wanted)), labels: null };
  const arrays = openNpz(bytes);
  const name = LABELS.find((n) => arrays.has(n) && !wanted.some((w) => w.name === n));
  const given = name === undefined ? null : (arrays.get(name)?.() ?? null);
  if (name !== undefined) arrays.delete(name);
  const inputs = fitNpz(arrays, wanted);
  if (given !== null && (!given.integers || given.values.length !== inputs.length || given.shape.filter((d) => d !== 1).length > 1))
    throw new Refused(
      'input.labels',
      `the labels "${name}" are ${given.type} ${shapeText(given.shape)}; wanted: one integer for each of the ${inputs.length} inputs`,
    );
  return { inputs: inputs.map((i) => sampleOf(i, wanted)), labels: given === null ? null : Array.from(given.values, Number) };
}

const sampleOf = (input: Input, wanted: readonly Wanted[]): Sample =>
  Object.fromEntries(wanted.map(({ name, shape }) => [name, { shape, data: input[name] as Float32Array | BigInt64Array }]));
