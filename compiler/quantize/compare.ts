/**
 * A quantized model against the float model it was made from, input by input: how far the outputs are, how often the class is the same, and,
 * on request, how much noise each layer adds. Nothing here decides anything; it is what a person reads before they prove.
 */
import { Pace, type PaceOptions } from '../../protocol/pace.ts';
import { writeModel } from '../onnx/write.ts';
import { isIndices } from './draft.ts';
import type { Quantized, QuantizedTensor } from './insert.ts';
import { draftBytes, type Prepared } from './prepare.ts';
import { type Floats, type Runtime, type Sample, withModel } from './runtime.ts';

/** Differences of one tensor over all inputs and elements. */
export interface Difference {
  readonly max: number;
  readonly meanAbs: number;
  /** Signal to quantization noise in dB, 10·log10(Σ f² / Σ (f − q)²); Infinity without any difference, -Infinity if all f are 0. */
  readonly sqnr: number;
}

export interface Comparison {
  readonly samples: number;
  /** Of floats; indices (ArgMax) are classes. */
  readonly outputs: readonly (Difference & { readonly name: string })[];
  /** Of the first output that is a list of scores or a class, or rows of them (a sequence); shares are 0 to 1. */
  readonly classes: {
    readonly output: string;
    /** Classes that an input has: 1, or one a row. */
    readonly rows: number;
    /** Classes that both models name. */
    readonly agreement: number;
    /** Inputs of which each names the label; null without labels, and of rows. */
    readonly accuracy: { readonly float: number; readonly quantized: number } | null;
  } | null;
  /** Every tensor that became integers, in order; only where asked for. */
  readonly layers: readonly (QuantizedTensor & Difference)[];
}

export interface CompareOptions extends PaceOptions {
  /** One a sample. */
  readonly labels?: readonly number[] | null | undefined;
  readonly perLayer?: boolean | undefined;
}

/** `model`: the float model as it was given. Throws what the runtime throws, or an AbortError. */
export async function compare(
  model: Uint8Array,
  { draft }: Prepared,
  quantized: Quantized,
  samples: readonly Sample[],
  runtime: Runtime,
  options: CompareOptions = {},
): Promise<Comparison> {
  const pace = new Pace(options);
  const perLayer = options.perLayer === true;
  const names = draft.outputs.map((o) => o.name).filter((name) => !isIndices(draft, name));
  const inside = perLayer ? quantized.tensors.filter((t) => t.op !== 'input') : [];
  const outputs = names.map(() => new Meter());
  const layers = quantized.tensors.map(() => new Meter());
  const classes: { float: number[]; quantized: number[] } = { float: [], quantized: [] };
  const widths = draft.outputs.map((o) => scoresOf(draft.shapes.get(o.name) ?? [], isIndices(draft, o.name)));
  const at = widths.findIndex((w) => w > 0);
  const [scored, width] = [draft.outputs[at]?.name, widths[at] as number];
  const reference = perLayer
    ? draftBytes(
        draft,
        inside.map((t) => t.name),
      )
    : model;
  const other = perLayer ? exposed(quantized, inside, draft.shapes) : quantized.model;
  await withModel(runtime, reference, (a) =>
    withModel(runtime, other, async (b) => {
      for (const [i, sample] of samples.entries()) {
        await pace.at('compare', i / samples.length);
        const [float, integer] = [await a.run(sample), await b.run(sample)];
        for (const [k, name] of names.entries()) outputs[k]?.add(floats(float, name), floats(integer, name));
        if (scored !== undefined) {
          classes.float.push(...classesOf(floats(float, scored), width));
          classes.quantized.push(...classesOf(floats(integer, scored), width));
        }
        if (!perLayer) continue;
        quantized.tensors.forEach((t, k) => {
          const exact = t.op === 'input' ? floats(sample, t.name) : floats(float, t.name);
          const rounded = t.op === 'input' ? roundTrip(exact, t) : floats(integer, t.dequantized);
          layers[k]?.add(exact, rounded);
        });
      }
    }),
  );
  await pace.at('done', 1);
  const share = (a: readonly number[], b: readonly number[]): number => a.filter((v, i) => v === b[i]).length / Math.max(1, a.length);
  const rows = classes.float.length / Math.max(1, samples.length);
  const labels = rows === 1 ? (options.labels ?? null) : null;
  return {
    samples: samples.length,
    outputs: names.map((name, k) => ({ name, ...(outputs[k] as Meter).difference() })),
    classes:
      scored === undefined
        ? null
        : {
            output: scored,
            rows,
            agreement: share(classes.float, classes.quantized),
            accuracy: labels === null ? null : { float: share(classes.float, labels), quantized: share(classes.quantized, labels) },
          },
    layers: perLayer ? quantized.tensors.map((t, k) => ({ ...t, ...(layers[k] as Meter).difference() })) : [],
  };
}

/** The quantized model with the dequantized tensors as further outputs. */
function exposed({ graph }: Quantized, tensors: readonly QuantizedTensor[], shapes: ReadonlyMap<string, readonly number[]>): Uint8Array {
  const own = new Set(graph.outputs.map((o) => o.name));
  const more = tensors.filter((t) => !own.has(t.dequantized)).map((t) => ({ name: t.dequantized, dtype: 'float32' }));
  return writeModel({ ...graph, outputs: [...graph.outputs, ...more] }, shapes);
}

function floats(from: Floats | Sample, name: string): Float32Array {
  const data = from[name]?.data;
  if (!(data instanceof Float32Array)) throw new Error(`the runtime gave no floats for "${name}"`);
  return data;
}

function roundTrip(values: Float32Array, { scale, zp }: QuantizedTensor): Float32Array {
  return values.map((v) => (Math.min(255, Math.max(0, Math.round(v / scale) + zp)) - zp) * scale);
}

/** How many scores a class is chosen from: 2 to 1000 along the last large dimension of at most two; 1 if the values are classes; 0 if neither. */
function scoresOf(shape: readonly number[], indices: boolean): number {
  const big = shape.filter((d) => d !== 1);
  if (indices) return big.length <= 1 ? 1 : 0;
  const width = big.at(-1) ?? 0;
  return big.length <= 2 && width <= 1000 ? width : 0;
}

/** The first largest score of each row; of a single value, the value. */
function classesOf(values: Float32Array, width: number): number[] {
  if (width === 1) return Array.from(values);
  return Array.from({ length: values.length / width }, (_, row) => {
    let best = row * width;
    for (let i = best + 1; i < (row + 1) * width; i++) if ((values[i] as number) > (values[best] as number)) best = i;
    return best - row * width;
  });
}

/** Sums of a comparison. */
class Meter {
  #max = 0;
  #abs = 0;
  #count = 0;
  #signal = 0;
  #noise = 0;

  add(float: Float32Array, quantized: Float32Array): void {
    if (float.length !== quantized.length) throw new Error(`${float.length} values against ${quantized.length}`);
    for (let i = 0; i < float.length; i++) {
      const [f, d] = [float[i] as number, (float[i] as number) - (quantized[i] as number)];
      this.#max = Math.max(this.#max, Math.abs(d));
      this.#abs += Math.abs(d);
      this.#signal += f * f;
      this.#noise += d * d;
    }
    this.#count += float.length;
  }

  difference(): Difference {
    const sqnr = this.#noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(this.#signal / this.#noise);
    return { max: this.#max, meanAbs: this.#abs / Math.max(1, this.#count), sqnr };
  }
}
