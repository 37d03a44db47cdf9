import { useEffect, useRef } from 'preact/hooks';
import type { NamedTensor } from '../../circuits/named.ts';
import { count, shape, value } from '../format.ts';
import { isScores, pictureOf, shades } from '../picture.ts';
import { largest } from '../proving.ts';

const MOST_SCORES = 12;
const MOST_VALUES = 64;
/** What fits a phone. */
const MOST_COLUMNS = 4;

/** `int16`: of a ledger; models have none. */
export type Drawn = Omit<NamedTensor, 'dtype'> & { readonly dtype: NamedTensor['dtype'] | 'int16' };

/** A tensor as people see it best: a picture; bars, if it may be scores; else a table. */
export function TensorView({ tensor, scores = false }: { tensor: Drawn; scores?: boolean }) {
  const { name, dtype } = tensor;
  return (
    <figure class="tensor">
      <figcaption>
        <span class="name">{name}</span>{' '}
        <span class="type">
          {dtype} {shape(tensor.shape)}
        </span>
      </figcaption>
      {pictureOf(tensor.shape) !== null ? (
        <Picture tensor={tensor} />
      ) : scores && isScores(tensor.shape, tensor.data.length) ? (
        <Scores tensor={tensor} />
      ) : (
        <Numbers tensor={tensor} />
      )}
    </figure>
  );
}

export function Picture({ tensor }: { tensor: Drawn }) {
  const ref = useRef<HTMLCanvasElement>(null);
  const p = pictureOf(tensor.shape);
  useEffect(() => {
    const canvas = ref.current;
    const context = canvas?.getContext('2d');
    if (canvas === null || context == null || p === null) return;
    const shade = shades(tensor.data, tensor.dtype);
    const image = context.createImageData(p.width, p.height);
    const n = p.width * p.height;
    for (let i = 0; i < n; i++)
      for (let c = 0; c < 4; c++)
        image.data[4 * i + c] = c === 3 ? 255 : (shade[p.channels === 1 ? i : p.planar ? c * n + i : 3 * i + c] as number);
    context.putImageData(image, 0, 0);
  }, [tensor]);
  if (p === null) return null;
  return (
    <canvas
      class="picture"
      ref={ref}
      width={p.width}
      height={p.height}
      role="img"
      aria-label={`${tensor.name}, drawn as ${p.width} by ${p.height} pixels`}
    />
  );
}

/** With the same number of decimals, so that points stand below each other; the JSON has every digit. */
const score = (v: number | bigint, dtype: string): string =>
  dtype === 'float32' && Math.abs(Number(v)) < 1e6 ? Number(v).toFixed(3).replace('-', '−') : value(v, dtype);

/** Values of classes as bars from a common zero, the largest marked. */
export function Scores({ tensor: { data, dtype } }: { tensor: Pick<Drawn, 'data' | 'dtype'> }) {
  const all = Array.from<number | bigint, number>(data, Number);
  const best = largest(all);
  const order = all.map((_, i) => i);
  const rows = all.length <= MOST_SCORES ? order : order.sort((a, b) => (all[b] as number) - (all[a] as number)).slice(0, MOST_SCORES);
  const low = Math.min(0, ...rows.map((i) => all[i] as number));
  const high = Math.max(0, ...rows.map((i) => all[i] as number));
  const span = high - low || 1;
  return (
    <>
      <table class="scores">
        <thead class="unseen">
          <tr>
            <th scope="col">class</th>
            <th scope="col">value</th>
            <th scope="col">bar</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((i) => {
            const v = all[i] as number;
            const [from, to] = [Math.min(0, v), Math.max(0, v)];
            return (
              <tr key={i} class={i === best ? 'best' : ''}>
                <th scope="row">{i}</th>
                <td class="figure">{score(data[i] as number | bigint, dtype)}</td>
                <td class="bar" aria-hidden="true">
                  <i style={{ left: `${(100 * (from - low)) / span}%`, width: `${(100 * (to - from)) / span}%` }} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {all.length > rows.length && <p class="more">and {count(all.length - rows.length)} smaller values</p>}
    </>
  );
}

/** Values in row-major order; a row begins with the index of its first value. */
function Numbers({ tensor: { data, dtype, shape: dims } }: { tensor: Drawn }) {
  const shown = Array.from<number | bigint>(data.subarray(0, MOST_VALUES));
  const width = Math.min(MOST_COLUMNS, dims.at(-1) ?? 1);
  const rows = Array.from({ length: Math.ceil(shown.length / width) }, (_, r) => shown.slice(r * width, (r + 1) * width));
  return (
    <>
      <table class="numbers">
        <tbody>
          {rows.map((row, r) => (
            <tr key={r}>
              <th scope="row">{r * width}</th>
              {row.map((v, i) => (
                <td key={i}>{value(v, dtype)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {data.length > shown.length && <p class="more">and {count(data.length - shown.length)} more values</p>}
    </>
  );
}
