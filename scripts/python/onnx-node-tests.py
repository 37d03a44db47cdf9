#!/usr/bin/env python3
"""The node tests of ONNX that are about integers, as JSON lines on stdout: name, operator, model (base64), inputs, outputs.

    python onnx-node-tests.py > cases.jsonl

Taken are cases of onnx.backend.test.case.node
 - whose tensors are all integers, and those of quantization, with the outputs that the suite expects;
 - that move float32 elements: made uint8, with random data of a fixed seed and the outputs of onnx.reference.

A node test gives every operand as an input. Here scales, zero points, shapes, indices and the like are initializers, as in an exported model;
opsets beyond 23 become 23. What ONNX does not define for uint8 is left out. Needs onnx, numpy.
"""
import base64
import json
import sys
import warnings
import zlib

try:
    import numpy as np
    import onnx
    from onnx import TensorProto, checker, numpy_helper
    from onnx.backend.test.case.node import collect_testcases
    from onnx.reference import ReferenceEvaluator
except ImportError as missing:
    sys.exit(f"{missing}: pip install onnx numpy")

OPSET = 23
INTEGERS = ("uint8", "int8", "int32", "int64")
# Operands that hold data; None: all of them. Of every other operator all operands of the type of the first.
QUANTIZATION = {
    "QuantizeLinear": (0,),
    "DequantizeLinear": (0,),
    "DynamicQuantizeLinear": (0,),
    "QLinearConv": (0,),
    "QLinearMatMul": (0, 3),
    "ConvInteger": (0,),
    "MatMulInteger": (0, 1),
}
MOVES = {
    "CenterCropPad": (0,),
    "Concat": None,
    "DepthToSpace": (0,),
    "Expand": (0,),
    "Flatten": (0,),
    "Gather": (0,),
    "GatherElements": (0,),
    "GatherND": (0,),
    "Identity": (0,),
    "MaxPool": (0,),
    "Pad": (0, 2),
    "Reshape": (0,),
    "Resize": (0,),
    "ReverseSequence": (0,),
    "Slice": (0,),
    "SpaceToDepth": (0,),
    "Split": (0,),
    "Squeeze": (0,),
    "Tile": (0,),
    "Transpose": (0,),
    "Trilu": (0,),
    "Unsqueeze": (0,),
    "Upsample": (0,),
}
# Bounds and fills are constants of a model.
PARAMETERS = {"Clip": (1, 2), "Pad": (2,)}


def arrays(values):
    """Tensors as arrays; None if there is anything else, a sequence or a missing one."""
    made = [numpy_helper.to_array(v) if isinstance(v, TensorProto) else v for v in values]
    return made if all(isinstance(v, (np.ndarray, np.generic)) for v in made) else None


def positions(node, data):
    return range(len(node.input)) if data is None else data


def as_uint8(case, node):
    """The model and inputs of a case that moves float32, made uint8; None if it is none of these."""
    mode = next((a.s for a in node.attribute if a.name == "mode"), b"nearest")
    inputs = arrays(case.data_sets[0][0])
    if node.op_type not in MOVES or (node.op_type == "Resize" and mode != b"nearest") or inputs[0].dtype != np.float32:
        return None
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    data = {node.input[i] for i in positions(node, MOVES[node.op_type]) if i < len(node.input)}
    dice = np.random.default_rng(zlib.crc32(case.name.encode()))
    changed = []
    for info, value in zip(model.graph.input, inputs):
        if info.name in data and value.dtype == np.float32:
            info.type.tensor_type.elem_type = TensorProto.UINT8
            value = dice.integers(0, 256, value.shape, dtype=np.uint8)
        changed.append(value)
    for info in model.graph.output:
        if info.type.tensor_type.elem_type == TensorProto.FLOAT:
            info.type.tensor_type.elem_type = TensorProto.UINT8
    return model, changed


def with_constants(model, node, inputs):
    """Makes initializers of the operands that are no data; gives the inputs that remain."""
    kept = QUANTIZATION.get(node.op_type, MOVES.get(node.op_type, None))
    first = inputs[0].dtype if inputs else None
    at = {name: i for i, name in enumerate(node.input)}
    infos, remaining = list(model.graph.input), []
    del model.graph.input[:]
    for info, value in zip(infos, inputs):
        i = at.get(info.name)
        dynamic = i is None or (i in kept if kept is not None else value.dtype == first)
        if dynamic and i not in PARAMETERS.get(node.op_type, ()):
            model.graph.input.append(info)
            remaining.append((info.name, value))
        else:
            model.graph.initializer.append(numpy_helper.from_array(value, info.name))
    return remaining


def lower_opset(model):
    for entry in model.opset_import:
        if entry.domain == "" and entry.version > OPSET:
            entry.version = OPSET
    model.ir_version = min(model.ir_version, 10)


def plain(name, value):
    value = np.asarray(value)
    native = value if value.dtype.kind in "fiu" else value.astype(np.float32)
    return {"name": name, "dtype": str(value.dtype), "shape": list(value.shape), "data": native.reshape(-1).tolist()}


def export(case, model, node, inputs, outputs, kind):
    lower_opset(model)
    remaining = with_constants(model, node, inputs)
    checker.check_model(model)
    if outputs is None:
        outputs = ReferenceEvaluator(model).run(None, dict(remaining))
    if any(v.size == 0 for _, v in remaining):
        return None
    return {
        "name": case.name.removeprefix("test_"),
        "kind": kind,
        "op": node.op_type if len(model.graph.node) == 1 else "a function",
        "model": base64.b64encode(model.SerializeToString()).decode(),
        "inputs": [plain(n, v) for n, v in remaining],
        "outputs": [plain(o.name, v) for o, v in zip(model.graph.output, outputs)],
    }


def cases():
    for case in sorted(collect_testcases(None), key=lambda c: c.name):
        inputs, outputs = map(arrays, case.data_sets[0])
        if not inputs or outputs is None:
            continue
        node = case.model.graph.node[0]
        types = {str(v.dtype) for v in [*inputs, *outputs]}
        quantization = any(n.op_type in QUANTIZATION for n in case.model.graph.node)
        if quantization or types <= set(INTEGERS):
            yield case, case.model, node, inputs, outputs, "as it is"
        elif len(case.model.graph.node) == 1:
            made = as_uint8(case, node)
            if made is not None:
                yield case, made[0], node, made[1], None, "as uint8"


def main():
    warnings.simplefilter("ignore")
    print(json.dumps({"onnx": onnx.__version__, "numpy": np.__version__}))
    for case in cases():
        try:
            made = export(*case)
        except (checker.ValidationError, onnx.shape_inference.InferenceError) as e:
            print(f"{case[0].name}: {str(e).splitlines()[0]}", file=sys.stderr)
            continue
        if made is not None:
            print(json.dumps(made))


if __name__ == "__main__":
    main()
