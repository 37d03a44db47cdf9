/**
 * Gemm with alpha = beta = 1, transA = 0 and a bias of one value a column; MatMul by constant weights and then Add of a bias becomes such a
 * Gemm (on more than two dimensions between two reshapes, which cost a proof nothing): an int32 bias is exact where a second
 * requantisation is not.
 */
import type { Refused } from '../../../protocol/refused.ts';
import { type Constant, floats, int64s } from '../../onnx/arrays.ts';
import { floatOf, intOf, type Node, refuse } from '../../onnx/graph.ts';
import type { Draft } from '../draft.ts';
import { Edit, editEach, nodeLike, perChannel } from '../edit.ts';

export function normalGemm(draft: Draft, reasons: Refused[]): Draft {
  return editEach(draft, reasons, (edit, node) => {
    if (node.op !== 'Gemm') return;
    const y = node.outputs[0] as string;
    const w =
      edit.constant(node.inputs[1]) ??
      refuse(node, 'model.unsupported-dynamic', `operand 1 ("${node.inputs[1]}") must be constant float32 weights`);
    const [alpha, beta] = [floatOf(node, 'alpha', 1), floatOf(node, 'beta', 1)];
    const weights = alpha === 1 ? (node.inputs[1] as string) : edit.add({ ...w, data: w.data.map((v) => alpha * v) }, `${y}/weights`);
    const made: Node[] = [];
    let x = node.inputs[0] as string;
    if (intOf(node, 'transA', 0) === 1) {
      const turned = edit.tensor(`${y}/turned`, [...edit.shape(x)].reverse());
      made.push({ ...nodeLike(node, 'Transpose', [x], turned, { perm: [1, 0] }), label: `${node.label}/turned` });
      x = turned;
    }
    const given = node.inputs[2] ?? '';
    const inputs = [x, weights];
    if (given !== '') {
      const c = edit.constant(given) ?? refuse(node, 'model.unsupported-dynamic', `operand 2 ("${given}") must be a constant float32 bias`);
      const values =
        perChannel(c, edit.shape(y), 1) ??
        refuse(node, 'model.unsupported-shape', `its bias has dims [${c.dims.join(', ')}]; supported: one value a column`);
      inputs.push(
        edit.add(
          floats(
            `${y}/bias`,
            [values.length],
            values.map((v) => beta * v),
          ),
        ),
      );
    }
    made.push(nodeLike(node, 'Gemm', inputs, y, { transB: intOf(node, 'transB', 0) }));
    edit.replace(node, made);
  });
}

export function matMulBias(draft: Draft): Draft {
  const edit = new Edit(draft);
  for (const node of draft.nodes) {
    if (node.op !== 'Add') continue;
    const k = node.inputs.findIndex((n) => edit.constant(n) !== null);
    const product = k < 0 ? null : edit.links.only(node.inputs[1 - k] as string);
    const w = product?.op === 'MatMul' ? edit.constant(product.inputs[1]) : null;
    if (product === null || w === null || w.dims.length !== 2 || edit.gone(product)) continue;
    const [x, y] = [product.inputs[0] as string, node.outputs[0] as string];
    const [from, to] = [edit.shape(x), edit.shape(product.outputs[0])];
    const values = perChannel(edit.constant(node.inputs[k]) as Constant, to, to.length - 1);
    if (values === null || from.length < 2) continue;
    const bias = edit.add(floats(`${y}/bias`, [values.length], values));
    const weights = product.inputs[1] as string;
    edit.replace(product, []);
    if (from.length === 2) {
      edit.replace(node, [nodeLike(product, 'Gemm', [x, weights, bias], y)]);
      continue;
    }
    const [rows, columns] = [from.slice(0, -1).reduce((p, d) => p * d, 1), to.at(-1) as number];
    const flat = edit.tensor(`${y}/rows`, [rows, from.at(-1) as number]);
    const result = edit.tensor(`${y}/flat`, [rows, columns]);
    edit.replace(node, [
      {
        ...nodeLike(product, 'Reshape', [x, edit.add(int64s(`${flat}/shape`, [...edit.shape(flat)]))], flat),
        label: `${product.label}/rows`,
      },
      nodeLike(product, 'Gemm', [flat, weights, bias], result),
      nodeLike(node, 'Reshape', [result, edit.add(int64s(`${y}/shape`, [...to]))], y),
    ]);
  }
  return edit.done();
}
