/** Commitment and opened rows: encode every column, hash every row (protocol §3.2, §4.2, §9.4). */
import { commitPaced } from '../../../circuits/contents.ts';
import { digestAt, rootOf, siblingOrder } from '../../../protocol/merkle.ts';
import type { OpenedRows } from '../../../protocol/opening.ts';
import type { CommittedGroup, StepPace } from '../kernels.ts';

export async function commit(stack: Int32Array, h: number, lr: number, pace: StepPace = async () => {}): Promise<CommittedGroup> {
  const { code, tree } = await commitPaced(stack, h, lr, pace);
  const n = 2 ** (h + lr);
  const columns = code.length / n;
  return {
    columns: stack,
    root: rootOf(tree),
    bytes: stack.byteLength + code.byteLength + tree.reduce((s, l) => s + l.byteLength, 0),
    async open(positions): Promise<OpenedRows> {
      const rows = new Uint32Array(positions.length * columns);
      positions.forEach((j, i) => {
        for (let c = 0; c < columns; c++) rows[i * columns + c] = code[c * n + j] as number;
      });
      return { rows, siblings: siblingOrder(positions, h + lr).map(({ level, index }) => digestAt(tree, level, index)) };
    },
    free() {},
  };
}
