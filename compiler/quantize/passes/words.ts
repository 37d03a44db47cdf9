/**
 * One word for one meaning, so that later passes and the prover see fewer: Sub and Div by a constant become Add and Mul, Min and Max with a
 * number Clip, GlobalMaxPool MaxPool over the whole image, zeros around a Conv its pads.
 */
import type { Refused } from '../../../protocol/refused.ts';
import { type Constant, floats } from '../../onnx/arrays.ts';
import { elements, intsOf, type Node, stringOf } from '../../onnx/graph.ts';
import { numbersOf } from '../../onnx/slices.ts';
import type { Draft } from '../draft.ts';
import { type Edit, editEach, nodeLike } from '../edit.ts';

type Word = (edit: Edit, node: Node) => readonly Node[] | null;

export function fewerWords(draft: Draft, reasons: Refused[]): Draft {
  return editEach(draft, reasons, (edit, node) => {
    const made = (Object.hasOwn(WORDS, node.op) && WORDS[node.op]?.(edit, node)) || null;
    if (made !== null) edit.replace(node, made);
  });
}

/** op by `f` of the constant that is the second operand. */
const byConstant =
  (op: string, f: (v: number) => number): Word =>
  (edit, node) => {
    const k = edit.constant(node.inputs[1]);
    const y = node.outputs[0] as string;
    return k === null || k.data.some((v) => !Number.isFinite(f(v)))
      ? null
      : [nodeLike(node, op, [node.inputs[0] as string, edit.add({ ...k, data: k.data.map(f) } as Constant, `${y}/constant`)], y)];
  };

/** Min and Max of a tensor and a number. */
const bounded =
  (side: 'min' | 'max'): Word =>
  (edit, node) => {
    const at = node.inputs.findIndex((n) => edit.constant(n) !== null);
    const [k, y] = [edit.constant(node.inputs[at]), node.outputs[0] as string];
    if (node.inputs.length !== 2 || k === null || elements(k.dims) !== 1) return null;
    const name = edit.add(floats(`${y}/${side}`, [], k.data));
    // Written as opset 11 has it, whatever the model's.
    return [
      {
        ...nodeLike(node, 'Clip', [node.inputs[1 - at] as string, ...(side === 'min' ? [name] : ['', name])], y),
        opset: Math.max(11, node.opset),
      },
    ];
  };

const wholeMaximum: Word = (edit, node) => {
  const x = node.inputs[0] as string;
  return [nodeLike(node, 'MaxPool', [x], node.outputs[0] as string, { kernel_shape: edit.shape(x).slice(2) })];
};

/** Zeros that a Pad puts around the pixels which one Conv alone reads. */
const paddedConv: Word = (edit, node) => {
  const pad = edit.links.only(node.inputs[0] as string);
  if (pad?.op !== 'Pad' || edit.gone(pad) || stringOf(node, 'auto_pad', 'NOTSET') !== 'NOTSET') return null;
  if (stringOf(pad, 'mode', 'constant') !== 'constant' || (pad.inputs[3] ?? '') !== '') return null;
  const value = pad.opset < 11 ? pad.attributes.get('value')?.value : edit.constants.get(pad.inputs[2] ?? '')?.data?.[0];
  const pads = pad.opset < 11 ? intsOf(pad, 'pads') : numbersOf(pad, (i) => edit.constants.get(pad.inputs[i] ?? ''), 1);
  const rank = edit.shape(pad.inputs[0]).length;
  if ((value ?? 0) !== 0 || pads?.length !== 2 * rank || pads.some((n, i) => n < 0 || (i % rank < 2 && n !== 0))) return null;
  const more = [...pads.slice(2, rank), ...pads.slice(rank + 2)];
  const own = intsOf(node, 'pads') ?? more.map(() => 0);
  edit.replace(pad, []);
  const attributes = new Map(node.attributes).set('pads', { kind: 'ints', value: more.map((n, i) => n + (own[i] as number)) });
  return [{ ...node, inputs: [pad.inputs[0] as string, ...node.inputs.slice(1)], attributes }];
};

const WORDS: Readonly<Record<string, Word>> = {
  Sub: byConstant('Add', (v) => -v),
  Div: byConstant('Mul', (v) => 1 / v),
  Min: bounded('max'),
  Max: bounded('min'),
  GlobalMaxPool: wholeMaximum,
  Conv: paddedConv,
};
