#!/usr/bin/env python3
"""The node tests of ONNX that are about integers, as JSON lines on stdout: name, operator, model (base64), inputs, outputs.

    python onnx-node-tests.py [OPERATOR ...] > cases.jsonl

Taken are cases of onnx.backend.test.case.node
 - whose tensors are all integers, and those of quantization, with the outputs that the suite expects;
 - that move float32 elements: made uint8, with random data of a fixed seed and the outputs of onnx.reference;
 - of one of the float32 operators named: put between DequantizeLinear and QuantizeLinear, uint8 in and out, scales of the case's own data, constant weights of
   Conv and Gemm in int8, with the outputs of onnx.reference.

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
    from onnx import TensorProto, checker, helper, numpy_helper
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
# Operators whose second operand is a tensor as the first is.
OF_TWO = ("Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "PRelu", "MatMul", "Concat")
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


class Pairs:
    """A float32 operator between pairs: the graph that is made, piece by piece."""

    def __init__(self, case, node):
        self.case, self.node = case, node
        self.initializers, self.inputs, self.before, self.after, self.outputs = [], [], [], [], []
        self.scale = None

    def parameters(self, name, scale, zero):
        names = [f"{name}_scale", f"{name}_zero_point"]
        for n, value in zip(names, (np.asarray(scale, np.float32), zero)):
            self.initializers.append(numpy_helper.from_array(value, n))
        return names

    def dequantized(self, name, values, scale, zero):
        """Integers of these values as operand `name`, behind a DequantizeLinear; the integers."""
        limits = np.iinfo(zero.dtype)
        integers = np.clip(np.rint(values / scale) + zero, limits.min, limits.max).astype(zero.dtype)
        self.before.append(helper.make_node("DequantizeLinear", [name, *self.parameters(name, scale, zero)], [f"{name}_real"]))
        return integers

    def operand(self, i, name, values):
        """The operand by its new name."""
        if i == 0 or (self.node.op_type in OF_TWO and values.dtype == np.float32):
            scale, zero = scale_of(values)
            self.scale = scale if i == 0 else self.scale
            self.inputs.append((name, self.dequantized(name, values, scale, zero)))
        elif self.node.op_type in ("Conv", "Gemm") and i < 3:
            scale = np.float32(max(np.abs(values).max(), 1e-3) / 64) if i == 1 else self.scale
            self.scale = np.float32(self.scale * scale) if i == 1 else self.scale
            zero = np.array(0, np.int8 if i == 1 else np.int32)
            self.initializers.append(numpy_helper.from_array(self.dequantized(name, values, scale, zero), name))
        else:
            self.initializers.append(numpy_helper.from_array(values, name))
            return name
        return f"{name}_real"

    def output(self, name, values):
        # What moves elements keeps their scale.
        same = self.node.op_type in MOVES and self.node.op_type != "Concat"
        first = self.node.input[0]
        names = [f"{first}_scale", f"{first}_zero_point"] if same else self.parameters(name, *scale_of(values))
        self.after.append(helper.make_node("QuantizeLinear", [f"{name}_real", *names], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.UINT8, values.shape))
        return f"{name}_real"

    def model(self):
        given = dict(zip((i.name for i in self.case.model.graph.input), map(np.asarray, self.case.data_sets[0][0])))
        results = dict(zip((o.name for o in self.case.model.graph.output), map(np.asarray, self.case.data_sets[0][1])))
        node = onnx.NodeProto()
        node.CopyFrom(self.node)
        for i, name in enumerate(node.input):
            # A tensor that is read twice is one input.
            if name and f"{name}_real" not in node.input[:i]:
                node.input[i] = self.operand(i, name, given[name])
        for i, name in enumerate(node.output):
            if name in results and results[name].dtype == np.float32:
                node.output[i] = self.output(name, results[name])
        made = onnx.ModelProto()
        made.CopyFrom(self.case.model)
        for entry in made.opset_import:
            entry.version = max(entry.version, 19)
        infos = [helper.make_tensor_value_info(n, TensorProto.UINT8, v.shape) for n, v in self.inputs]
        made.graph.CopyFrom(
            helper.make_graph([*self.before, node, *self.after], "between pairs", infos, self.outputs, self.initializers)
        )
        return made, dict(self.inputs)


def scale_of(values):
    """Scale and zero point that hold all values and 0."""
    low, high = (min(values.min(), 0), max(values.max(), 0)) if values.size else (0, 1)
    scale = np.float32(max(high - low, 1e-3) / 255)
    return scale, np.array(np.clip(np.rint(-low / scale), 0, 255), np.uint8)


def is_float(node, inputs, outputs):
    values = [*inputs, *outputs]
    return node.domain == "" and inputs[0].dtype == np.float32 and outputs[0].dtype == np.float32 and all(np.isfinite(v).all() and v.size for v in values)


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
    remaining = list(inputs.items()) if isinstance(inputs, dict) else with_constants(model, node, inputs)
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
            if node.op_type in sys.argv[1:] and is_float(node, inputs, outputs):
                made, data = Pairs(case, node).model()
                yield case, made, node, data, None, "between pairs"


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
