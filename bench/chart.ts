/** How cost grows with lookups, as an SVG of its own: three panels, both axes logarithmic, in the colours of the reader's scheme. */
import { proofsBy } from './goals.ts';
import type { Measured } from './measure.ts';
import { WAYS, type Way } from './rounds.ts';
import { median } from './statistics.ts';
import { syntheticSize } from './synthetic.ts';

type Mark = 'a' | 'b' | 'c';

interface Series {
  readonly name: string;
  readonly mark: Mark;
  /** [k, value]: 2^k lookups. */
  readonly points: readonly (readonly [number, number])[];
}

interface Panel {
  readonly title: string;
  readonly series: readonly Series[];
}

const WIDTH = 320;
const HEIGHT = 300;
const EDGE = { left: 58, right: 14, top: 40, bottom: 46 };
const STYLE = `text{font:12px system-ui,sans-serif;fill:#24292f}.title{font-weight:600;font-size:13px}.grid{stroke:#d0d7de;stroke-width:1}
.a{--c:#b35900}.b{--c:#0550ae}.c{--c:#1a7f37}.line{fill:none;stroke:var(--c);stroke-width:2}.b.line{stroke-dasharray:7 3}.c.line{stroke-dasharray:2 3}
.dot{fill:var(--c)}.ground{fill:#fff}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.grid{stroke:#3d444d}.a{--c:#f0a050}.b{--c:#79b8ff}.c{--c:#56d364}.ground{fill:#0d1117}}`;

const round = (v: number): string => v.toFixed(1);

/** 1, 2, 5, 10, 20 … from just below the least to just above the greatest value; powers of ten alone where those are many. */
function rulesOf(values: readonly number[]): number[] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const steps: number[] = [];
  for (let n = -6; n <= 12; n++) for (const f of [1, 2, 5]) steps.push(Number(`${f}e${n}`));
  const first = steps.findLastIndex((s) => s <= low);
  const last = Math.max(
    first + 1,
    steps.findIndex((s) => s >= high),
  );
  const range = steps.slice(first, last + 1);
  return range.length <= 8 ? range : range.filter((s, i) => i === 0 || i === range.length - 1 || /^0?\.?0*10*$/.test(String(s)));
}

/** Shapes as well as colours tell the series apart. */
function dot(mark: Mark, x: number, y: number): string {
  if (mark === 'a') return `<circle class="dot a" cx="${round(x)}" cy="${round(y)}" r="3.5"/>`;
  if (mark === 'b') return `<rect class="dot b" x="${round(x - 3.2)}" y="${round(y - 3.2)}" width="6.4" height="6.4"/>`;
  return `<path class="dot c" d="M${round(x)} ${round(y - 4.4)}l4.4 7.6h-8.8z"/>`;
}

function panel({ title, series }: Panel, left: number): string {
  const all = series.flatMap((s) => s.points);
  const ks = all.map(([k]) => k);
  const [kLow, kHigh] = [Math.min(...ks), Math.max(...ks)];
  const steps = rulesOf(all.map(([, v]) => v));
  const [low, high] = [Math.log10(steps[0] as number), Math.log10(steps.at(-1) as number)];
  const [x0, x1] = [left + EDGE.left, left + WIDTH - EDGE.right];
  const [y0, y1] = [HEIGHT - EDGE.bottom, EDGE.top];
  const x = (k: number): number => x0 + ((x1 - x0) * (k - kLow)) / Math.max(1, kHigh - kLow);
  const y = (log: number): number => y0 + ((y1 - y0) * (log - low)) / (high - low);
  const rules = steps.map((v) => {
    const at = round(y(Math.log10(v)));
    return `<path class="grid" d="M${x0} ${at}H${x1}"/><text x="${x0 - 6}" y="${at}" dy="4" text-anchor="end">${v}</text>`;
  });
  const ticks = [...new Set(ks)]
    .filter((k) => (k - kLow) % 2 === 0)
    .map((k) => `<text x="${round(x(k))}" y="${y0 + 18}" text-anchor="middle">2<tspan dy="-4" font-size="9">${k}</tspan></text>`);
  const lines = series.map(({ mark, points }) => {
    const path = points.map(([k, v]) => `${round(x(k))},${round(y(Math.log10(v)))}`).join(' ');
    return `<polyline class="line ${mark}" points="${path}"/>${points.map(([k, v]) => dot(mark, x(k), y(Math.log10(v)))).join('')}`;
  });
  return [
    `<text class="title" x="${x0}" y="22">${title}</text>`,
    ...rules,
    ...ticks,
    `<text x="${(x0 + x1) / 2}" y="${y0 + 38}" text-anchor="middle">lookups</text>`,
    ...lines,
  ].join('\n');
}

const NAMES: Readonly<Record<Way, string>> = {
  reference: 'reference (plain TypeScript)',
  wasm: 'WebAssembly, 1 thread',
  'wasm 2 threads': 'WebAssembly, 2 threads',
};
const MARKS: Readonly<Record<Way, Mark>> = { reference: 'a', wasm: 'b', 'wasm 2 threads': 'c' };

/** Of the synthetic models; null where there are fewer than two. */
export function growth(models: readonly Measured[]): string | null {
  const sized = models.flatMap((m) => {
    const k = syntheticSize(m.name);
    return k === null ? [] : [[k, m] as const];
  });
  if (sized.length < 2) return null;
  sized.sort(([a], [b]) => a - b);
  const series = (mark: Mark, name: string, value: (m: Measured) => number | null | undefined): Series[] => {
    const points = sized.flatMap(([k, m]) => {
      const v = value(m);
      return v === null || v === undefined || !(v > 0) ? [] : [[k, v] as const];
    });
    return points.length === 0 ? [] : [{ name, mark, points }];
  };
  const ways = (value: (m: Measured, way: Way) => number | null | undefined): Series[] =>
    WAYS.flatMap((way) => series(MARKS[way], NAMES[way], (m) => value(m, way)));
  const panels: Panel[] = [
    { title: 'Prove, ms (Node)', series: ways((m, way) => median(proofsBy(m.node.proofs, way)?.ms ?? [Number.NaN])) },
    {
      title: 'Verify, ms: □ Node, △ Chromium',
      series: [
        ...series('b', 'Node', (m) => median(m.node.verify.warm)),
        ...series('c', 'Chromium', (m) => m.chromium && median(m.chromium.plain.verify.warm)),
      ],
    },
    { title: 'Peak memory, MB (Node)', series: ways((m, way) => (m.node.peaks[way] ?? Number.NaN) / 1e6) },
  ];
  const [width, height] = [WIDTH * panels.length, HEIGHT + 34];
  const legend = WAYS.map((way, i) => {
    const at = EDGE.left + i * 240;
    return `<path class="line ${MARKS[way]}" d="M${at} ${HEIGHT + 12}h28"/>${dot(MARKS[way], at + 14, HEIGHT + 12)}<text x="${at + 36}" y="${HEIGHT + 16}">${NAMES[way]}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="t">`,
    '<title id="t">Milliseconds to prove and to verify, and megabytes at the peak, against the number of lookups</title>',
    `<style>${STYLE}</style>`,
    `<rect class="ground" width="${width}" height="${height}" rx="6"/>`,
    ...panels.map((p, i) => panel(p, i * WIDTH)),
    ...legend,
    '</svg>',
    '',
  ].join('\n');
}
