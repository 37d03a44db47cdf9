/** The packing attack of protocol §5.2: a width column that selects another table in both of an op's keys. */
import type { ValueMap } from '../../circuits/evaluate.ts';
import { accumulate } from '../../circuits/forms/index.ts';
import { forEachValid, paddedStrides } from '../../circuits/shape.ts';
import type { ReqOp, Tensor } from '../../circuits/types.ts';
import { type Bench, rowsOf } from '../lies.ts';

export interface Cell {
  readonly t: number;
  readonly y: number;
  readonly w: number;
}

export interface Forged {
  readonly position: number;
  readonly rem: number;
  readonly y: number;
  readonly wid: number;
}

/**
 * wid = w + 32·j: the cells key is answered by table id + j, and the range key (wid, rem) would be answered by a row (32·j + w, T = rem, 0)
 * of table j. Finds an element of a per-channel op where both rows exist and y is false.
 */
export function forgedCell(b: Bench, op: ReqOp, values: ValueMap): Forged {
  const dims = (b.key.tensors[op.y] as Tensor).dims;
  const acc = accumulate(b.key.tensors, op.form, (t) => values.get(t) as Int32Array, dims);
  const honest = values.get(op.y) as Int32Array;
  const stride = paddedStrides(dims)[0] as number;
  const rows = (id: number): Cell[] => (b.key.runs.some(([k0]) => Math.floor(k0 / 32) === id) ? rowsOf(b, id) : []);
  const starts = new Map<number, Map<string, number>>();
  const startsOf = (id: number): Map<string, number> => {
    let m = starts.get(id);
    if (m === undefined) {
      m = new Map(rows(id).map((r) => [`${r.t} ${r.w}`, r.y]));
      starts.set(id, m);
    }
    return m;
  };
  const zeros = new Map([1, 2, 3].map((j) => [j, rows(j).filter((r) => r.y === 0)]));
  let found: Forged | null = null;
  forEachValid(dims, (p) => {
    for (const [j, list] of zeros) {
      if (found !== null) return;
      const other = startsOf(op.id + Math.floor(p / stride) + j);
      for (const r of list) {
        const y = other.get(`${(acc[p] as number) - r.t} ${r.w}`);
        if (y !== undefined && y !== honest[p]) {
          found = { position: p, rem: r.t, y, wid: r.w + 32 * j };
          return;
        }
      }
    }
  });
  if (found === null) throw new Error('the lie is not representable in this network');
  return found;
}
