/** A tiny model whose output does not use the whole range of its type: uint8 [1,16] times weights, Relu, zero point 10. */
import proto from 'onnx-proto';

const FLOAT = 1;
const UINT8 = 2;
const INT8 = 3;

export function reluModel(): Uint8Array {
  const tensor = (name: string, dataType: number, dims: number[], rawData: Uint8Array) => ({ name, dataType, dims, rawData });
  const scale = (name: string, value: number) => tensor(name, FLOAT, [], new Uint8Array(Float32Array.of(value).buffer));
  const value = (name: string, dims: number[]) => ({
    name,
    type: { tensorType: { elemType: UINT8, shape: { dim: dims.map((dimValue) => ({ dimValue })) } } },
  });
  const node = (opType: string, input: string[], output: string) => ({ name: `${opType}-${output}`, opType, input, output: [output] });
  const weights = Uint8Array.from({ length: 16 * 4 }, (_, i) => ((i * 37) % 255) - 127);
  const { ModelProto } = proto.onnx;
  return ModelProto.encode(
    ModelProto.create({
      irVersion: 8,
      producerName: 'assay fixtures',
      opsetImport: [{ domain: '', version: 17 }],
      graph: {
        name: 'relu',
        input: [value('x', [1, 16])],
        output: [value('y', [1, 4])],
        initializer: [
          scale('x_scale', 1 / 64),
          tensor('x_zero', UINT8, [], Uint8Array.of(0)),
          tensor('w', INT8, [16, 4], weights),
          scale('w_scale', 1 / 128),
          tensor('w_zero', INT8, [], Uint8Array.of(0)),
          scale('y_scale', 1 / 8),
          tensor('y_zero', UINT8, [], Uint8Array.of(10)),
        ],
        node: [
          node('DequantizeLinear', ['x', 'x_scale', 'x_zero'], 'x_float'),
          node('DequantizeLinear', ['w', 'w_scale', 'w_zero'], 'w_float'),
          node('MatMul', ['x_float', 'w_float'], 'm'),
          node('Relu', ['m'], 'r'),
          node('QuantizeLinear', ['r', 'y_scale', 'y_zero'], 'y'),
        ],
      },
    }),
  ).finish();
}
