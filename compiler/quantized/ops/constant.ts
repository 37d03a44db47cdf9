/** Constant: a tensor, a number or a list of numbers in an attribute. */
import { refuse, type Tensor } from '../../onnx/graph.ts';
import { type OpReader, result } from './op.ts';

export const constant: OpReader = {
  attributes: ['value', 'value_float', 'value_int', 'value_floats', 'value_ints'],
  read(node, ctx) {
    const [entry, more] = [...node.attributes.values()];
    if (entry === undefined || more !== undefined) refuse(node, 'model.invalid-attribute', 'must have exactly one value');
    const name = node.outputs[0] as string;
    const make = (dtype: string, dims: readonly number[], data: Tensor['data']) =>
      result(ctx, node, { kind: 'constant', tensor: { name, dtype, dims, data } });
    if (entry.kind === 'tensor') return make(entry.value.dtype, entry.value.dims, entry.value.data);
    if (entry.kind === 'float') return make('float32', [], Float32Array.of(entry.value));
    if (entry.kind === 'int') return make('int64', [], Float64Array.of(entry.value));
    if (entry.kind === 'floats') return make('float32', [entry.value.length], Float32Array.from(entry.value));
    if (entry.kind === 'ints') return make('int64', [entry.value.length], Float64Array.from(entry.value));
    refuse(node, 'model.unsupported-attribute', `holds a ${entry.kind}; supported: tensors and numbers`);
  },
};
