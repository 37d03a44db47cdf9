/** Tensors and sizes for people. The forms here may change; programs read `--json`. */
import type { NamedTensor } from './library.ts';
import { columns, printable, shapeText } from './text.ts';

const MOST_ROWS = 20;
const BAR = 24;

/** A value with as many digits as its type tells apart. */
function valueText(value: number | bigint, dtype: NamedTensor['dtype']): string {
  return dtype === 'float32' ? String(Number(Number(value).toPrecision(6))) : String(value);
}

/** The classes of a score tensor, or null: all its elements lie along one dimension, and there are 2 to 1000 of them. */
function classes({ shape, data }: NamedTensor): ArrayLike<number | bigint> | null {
  return shape.filter((n) => n !== 1).length === 1 && data.length >= 2 && data.length <= 1000 ? data : null;
}

function largest(values: ArrayLike<number | bigint>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}

/** One tensor: a title, then its classes as bars, or its first values. */
export function tensorTable(tensor: NamedTensor): string {
  const title = `${printable(tensor.name)}  ${tensor.dtype} ${shapeText(tensor.shape)}`;
  const scores = classes(tensor);
  if (scores === null) return `${title}  ${valuesText(tensor, MOST_ROWS)}`;
  const best = largest(scores);
  const order = Array.from({ length: scores.length }, (_, i) => i);
  const shown = order.length <= MOST_ROWS ? order : order.sort((a, b) => Number(scores[b]) - Number(scores[a])).slice(0, MOST_ROWS);
  const low = Math.min(...shown.map((i) => Number(scores[i])));
  const high = Math.max(...shown.map((i) => Number(scores[i])));
  const rows = shown.map((i) => {
    const value = scores[i] as number | bigint;
    const length = high > low ? Math.round(((Number(value) - low) / (high - low)) * BAR) : 0;
    return [String(i), valueText(value, tensor.dtype), '█'.repeat(length) + (i === best ? ' largest' : '')];
  });
  const rest = order.length > shown.length ? `\n  … and ${order.length - shown.length} smaller` : '';
  return `${title}\n${columns(rows, '  ')}${rest}`;
}

/** The first values, on the rest of a line. */
function valuesText({ data, dtype }: NamedTensor, most: number): string {
  const shown = Array.from<number | bigint>(data.subarray(0, most)).map((value) => valueText(value, dtype));
  return `${shown.join(' ')}${data.length > most ? ` … (${data.length} values)` : ''}`;
}

/** All outputs of one input on one line: the largest class of scores, else the first values. */
export function outputsLine(outputs: readonly NamedTensor[]): string {
  return outputs
    .map((tensor) => {
      const scores = classes(tensor);
      if (scores === null) return `${printable(tensor.name)} = ${valuesText(tensor, 8)}`;
      const best = largest(scores);
      return `${printable(tensor.name)} largest at ${best} (${valueText(scores[best] as number | bigint, tensor.dtype)})`;
    })
    .join('; ');
}

/** `name uint8[1,10]` for each. */
export function namesOf(tensors: readonly { name: string; dtype: string; shape: readonly number[] }[]): string {
  return tensors.map(({ name, dtype, shape }) => `${printable(name)} ${dtype}${shapeText(shape)}`).join(', ');
}
