/** The line of a requantisation is the requantisation, at every accumulator that is tried: all of small intervals, all thresholds of large ones. */
import { expect, test } from 'vitest';
import { requantize } from '../../circuits/step.ts';
import { findLine, type Line, lineAt, lineCost } from '../../compiler/circom/line.ts';

function disagreement(d: ReturnType<typeof requantize>, line: Line, lo: number, hi: number, zp: number, low: number): string | null {
  const every = hi - lo < 300_000;
  const probe = function* (): Generator<number> {
    if (every) for (let a = lo; a <= hi; a++) yield a;
    else {
      for (let i = 0; i < 100_000; i++) yield lo + Math.floor(((hi - lo) * i) / 99_999);
      let a = lo;
      while (a <= hi) {
        const y = d.at(a);
        let [x, z] = [a, hi + 1];
        while (z - x > 1) {
          const mid = Math.floor((x + z) / 2);
          if (d.at(mid) === y) x = mid;
          else z = mid;
        }
        yield x;
        if (z <= hi) yield z;
        a = z;
      }
      yield* line.at;
    }
  };
  for (const a of probe()) if (lineAt(line, a) + low - zp !== d.at(a)) return `at ${a}: ${lineAt(line, a) + low - zp}, not ${d.at(a)}`;
  return null;
}

test('is the function at every reachable accumulator', () => {
  let seed = 1;
  const random = (): number => {
    seed = (seed * 48271) % 2147483647;
    return seed / 2147483647;
  };
  let cost = 0;
  let corrected = 0;
  for (let i = 0; i < 300; i++) {
    const scale = Math.fround(2 ** -(1 + 12 * random()));
    const zp = Math.floor(256 * random());
    const [low, high] = random() < 0.3 ? [zp, 255] : random() < 0.2 ? [3, 200] : [0, 255];
    const reach = Math.floor(2 ** (8 + 15 * random()));
    const [lo, hi] = [-Math.floor(reach * random()), Math.floor(reach * random())];
    const d = requantize(scale, zp, low as number, high as number);
    const line = findLine(d.description as never, lo, hi);
    expect(line, `R=${scale} zp=${zp} [${lo},${hi}]`).not.toBeNull();
    expect(
      disagreement(d, line as Line, lo, hi, zp, low as number),
      `R=${scale} zp=${zp} clip [${low},${high}] [${lo},${hi}] ${JSON.stringify(line)}`,
    ).toBeNull();
    cost += lineCost(line as Line);
    corrected += (line as Line).at.length;
  }
  console.log(cost / 300, corrected / 300);
});
