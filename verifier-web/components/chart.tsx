import { ticksOf } from '../chain/ticks.ts';
import { brief } from '../format.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

const [WIDTH, HEIGHT] = [320, 150];
const [LEFT, RIGHT, TOP, BOTTOM] = [46, 8, 10, 24];

/** A small chart over block heights. What it shows is told in words too, and stands in a table on the page. */
export function Chart({ title, unit, points, bars = false }: { title: string; unit: string; points: readonly Point[]; bars?: boolean }) {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return null;
  const values = points.map((p) => p.y);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const ticks = ticksOf(bars || low === high ? 0 : low, high);
  const [bottom, top] = [ticks[0] as number, ticks.at(-1) as number];
  const span = last.x - first.x;
  const across = WIDTH - LEFT - RIGHT;
  const wide = across / (span + 1);
  const x = (v: number): number => LEFT + (span === 0 ? across / 2 : bars ? (v - first.x + 0.5) * wide : ((v - first.x) / span) * across);
  const y = (v: number): number => HEIGHT - BOTTOM - ((v - bottom) / (top - bottom)) * (HEIGHT - TOP - BOTTOM);
  const blocks = span === 0 ? `Block ${first.x}` : `Blocks ${first.x} to ${last.x}`;
  const range = low === high ? `${figure(low)} ${unit}` : `${figure(low)} to ${figure(high)} ${unit}, ${figure(last.y)} at the end`;
  const words = `${blocks}: ${range}.`;
  const bar = Math.max(1, Math.min(10, wide * 0.8));
  return (
    <figure class="chart">
      <figcaption>
        {title} <small>{unit}</small>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${title}. ${words}`}>
        <title>{title}</title>
        {ticks.map((t) => (
          <g key={t}>
            <line class="grid" x1={LEFT} x2={WIDTH - RIGHT} y1={y(t)} y2={y(t)} />
            <text x={LEFT - 5} y={y(t) + 3.5} text-anchor="end">
              {figure(t)}
            </text>
          </g>
        ))}
        <line class="axis" x1={LEFT} x2={WIDTH - RIGHT} y1={HEIGHT - BOTTOM} y2={HEIGHT - BOTTOM} />
        <line class="axis" x1={LEFT} x2={LEFT} y1={TOP} y2={HEIGHT - BOTTOM} />
        <text x={LEFT} y={HEIGHT - 8}>
          {first.x}
        </text>
        <text x={WIDTH - RIGHT} y={HEIGHT - 8} text-anchor="end">
          {span === 0 ? '' : last.x}
        </text>
        <text x={LEFT + across / 2} y={HEIGHT - 8} text-anchor="middle">
          block
        </text>
        {bars ? (
          points
            .filter((p) => p.y > 0)
            .map((p) => <rect key={p.x} class="data" x={x(p.x) - bar / 2} y={y(p.y)} width={bar} height={y(bottom) - y(p.y)} />)
        ) : (
          <>
            <polyline class="data" points={points.map((p) => `${x(p.x).toFixed(1)},${y(p.y).toFixed(1)}`).join(' ')} />
            <circle class="data" cx={x(last.x)} cy={y(last.y)} r="2.5" />
          </>
        )}
      </svg>
      <p class="more">{words}</p>
    </figure>
  );
}

/** Few digits: charts are looked at, tables are read. */
function figure(n: number): string {
  if (n === 0) return '0';
  const size = Math.abs(n);
  if (size >= 1e9) return n.toExponential(1).replace('e+', 'e');
  if (size >= 1000) return brief(n);
  return size < 1e-4 ? n.toExponential(1).replace('-', '−') : String(Number(n.toPrecision(3)));
}
