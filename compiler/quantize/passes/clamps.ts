/**
 * Relu and Clip move before max-pools and views that alone read what they clamp: clamping commutes with taking a maximum and with moving
 * elements. There they meet the Conv or Gemm, whose requantisation clamps for nothing.
 */
import type { Draft } from '../draft.ts';
import { Edit } from '../edit.ts';

const COMMUTE = ['MaxPool', 'Reshape', 'Flatten', 'Transpose', 'Slice'];

export function hoistClamps(draft: Draft): Draft {
  let current = draft;
  for (;;) {
    const edit = new Edit(current);
    const clamp = current.nodes.find(
      (n) => (n.op === 'Relu' || n.op === 'Clip') && COMMUTE.includes(edit.links.only(n.inputs[0] as string)?.op ?? ''),
    );
    if (clamp === undefined) return current;
    const mover = edit.links.producer.get(clamp.inputs[0] as string);
    if (mover === undefined) return current;
    const clamped = edit.tensor(`${clamp.outputs[0]}/clamped`, edit.shape(mover.inputs[0]));
    edit.replace(mover, []);
    edit.replace(clamp, [
      { ...clamp, inputs: [mover.inputs[0] as string, ...clamp.inputs.slice(1)], outputs: [clamped] },
      { ...mover, inputs: [clamped, ...mover.inputs.slice(1)], outputs: clamp.outputs },
    ]);
    current = edit.done();
  }
}
