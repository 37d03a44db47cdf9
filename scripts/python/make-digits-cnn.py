#!/usr/bin/env python3
"""Make digits-cnn.qop: a small quantised CNN with ground truth from onnxruntime.

    python make-digits-cnn.py OUT

writes OUT/digits-cnn.qop/{float.onnx, model.onnx, meta.json, io.bin, mid.bin.gz}.

Data:  scikit-learn digits (1,797 images of 8x8), pixel/16 as float32.
Net:   Conv 3x3 pad 1 1->8, Relu, MaxPool 2; Conv 3x3 pad 1 8->16, Relu, MaxPool 2; Flatten; Gemm 64->10.
       Trained here with plain numpy (im2col, softmax cross-entropy, Adam).
Quant: onnxruntime.quantization.quantize_static, QOperator format, MinMax, u8 activations, per-channel s8 weights.

All seeds are fixed and BLAS uses one thread, so the same machine and the same packages give the same bytes.
Needs numpy, scikit-learn, onnx, onnxruntime.
"""
import argparse
import os

for _v in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_v] = "1"  # before numpy is imported: the order of float sums must not depend on the cores

import collections
import gzip
import hashlib
import json
import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType,
                                      quantize_static)
from sklearn.datasets import load_digits

FAMILY, FORMAT, SEED = "digits-cnn", "qop", 41
N_TRAIN, N_CALIB, N_IO, N_MID = 1329, 256, 32, 2  # the other 468 images are the test set
EPOCHS, BATCH, RATE, DECAY = 40, 32, 2e-3, 1e-4
f32 = np.float32


# ---------------------------------------------------------------- data

def data():
    d = load_digits()
    order = np.random.default_rng(SEED).permutation(len(d.target))
    x = (d.images.astype(f32) / f32(16)).reshape(-1, 1, 8, 8)[order]
    y = d.target.astype(np.int64)[order]
    return x[:N_TRAIN], y[:N_TRAIN], x[N_TRAIN:], y[N_TRAIN:]


# ---------------------------------------------------------------- the net in numpy

def conv(x, w, b):
    """3x3, stride 1, pad 1. Returns the output and the columns, which the gradient needs."""
    n, c, h, wd = x.shape
    p = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    cols = np.stack([p[:, :, i:i + h, j:j + wd] for i in range(3) for j in range(3)], 2)  # n c 9 h w
    cols = cols.reshape(n, c * 9, h * wd)
    return (w.reshape(len(w), -1) @ cols + b[:, None]).reshape(n, -1, h, wd), cols


def conv_grad(g, cols, w, want_input):
    n, o, h, wd = g.shape
    g = g.reshape(n, o, -1)
    dw = np.einsum("nop,nkp->ok", g, cols, optimize=True).reshape(w.shape)
    db = g.sum((0, 2))
    if not want_input:
        return dw, db, None
    dc = (w.reshape(o, -1).T @ g).reshape(n, w.shape[1], 3, 3, h, wd)
    dp = np.zeros((n, w.shape[1], h + 2, wd + 2), f32)
    for i in range(3):
        for j in range(3):
            dp[:, :, i:i + h, j:j + wd] += dc[:, :, i, j]
    return dw, db, dp[:, :, 1:-1, 1:-1]


def pool(x):
    n, c, h, w = x.shape
    q = x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // 2, w // 2, 4)
    k = q.argmax(-1)
    return np.take_along_axis(q, k[..., None], -1)[..., 0], k


def pool_grad(g, k):
    n, c, h, w = g.shape
    q = np.zeros((n, c, h, w, 4), f32)
    np.put_along_axis(q, k[..., None], g[..., None], -1)
    return q.reshape(n, c, h, w, 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, 2 * h, 2 * w)


def forward(p, x):
    a, ca = conv(x, p[0], p[1])
    ra = np.maximum(a, 0)
    ma, ka = pool(ra)
    b, cb = conv(ma, p[2], p[3])
    rb = np.maximum(b, 0)
    mb, kb = pool(rb)
    flat = mb.reshape(len(x), -1)
    return flat @ p[4].T + p[5], (a, ca, ka, b, cb, kb, mb, flat)


def gradients(p, x, y):
    z, (a, ca, ka, b, cb, kb, mb, flat) = forward(p, x)
    e = np.exp(z - z.max(1, keepdims=True))
    g = e / e.sum(1, keepdims=True)
    g[np.arange(len(y)), y] -= 1
    g /= f32(len(y))
    dw3, db3 = g.T @ flat, g.sum(0)
    g = pool_grad((g @ p[4]).reshape(mb.shape), kb) * (b > 0)
    dw2, db2, g = conv_grad(g, cb, p[2], True)
    g = pool_grad(g, ka) * (a > 0)
    dw1, db1, _ = conv_grad(g, ca, p[0], False)
    return [dw1, db1, dw2, db2, dw3, db3]


def train(x, y):
    rng = np.random.default_rng(SEED + 1)
    p = []
    for shape in ((8, 1, 3, 3), (16, 8, 3, 3), (10, 64)):  # He initialisation, zero biases
        p += [(rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))).astype(f32), np.zeros(shape[0], f32)]
    m, v, t = [np.zeros_like(q) for q in p], [np.zeros_like(q) for q in p], 0
    for epoch in range(EPOCHS):
        rate = RATE * 0.5 * (1 + np.cos(np.pi * epoch / EPOCHS))
        order = rng.permutation(len(x))
        for s in range(0, len(x) - BATCH + 1, BATCH):
            t += 1
            k = order[s:s + BATCH]
            for i, g in enumerate(gradients(p, x[k], y[k])):
                if p[i].ndim > 1:
                    g = g + f32(DECAY) * p[i]
                m[i] = f32(0.9) * m[i] + f32(0.1) * g
                v[i] = f32(0.999) * v[i] + f32(0.001) * g * g
                step = (m[i] / f32(1 - 0.9 ** t)) / (np.sqrt(v[i] / f32(1 - 0.999 ** t)) + f32(1e-8))
                p[i] = (p[i] - f32(rate) * step).astype(f32)
    return p


# ---------------------------------------------------------------- ONNX

def float_model(p):
    names = ["w_1", "b_2", "w_6", "b_7", "w_12", "b_13"]
    c = dict(dilations=[1, 1], group=1, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1])
    m = dict(kernel_shape=[2, 2], strides=[2, 2])
    node = lambda op, ins, out, name, **at: helper.make_node(op, ins, [out], name=name + "_node", **at)
    nodes = [
        node("Conv", ["input", "w_1", "b_2"], "conv_3", "conv_3", **c),
        node("Relu", ["conv_3"], "relu_4", "relu_4"),
        node("MaxPool", ["relu_4"], "maxpool_5", "maxpool_5", **m),
        node("Conv", ["maxpool_5", "w_6", "b_7"], "conv_8", "conv_8", **c),
        node("Relu", ["conv_8"], "relu_9", "relu_9"),
        node("MaxPool", ["relu_9"], "maxpool_10", "maxpool_10", **m),
        node("Flatten", ["maxpool_10"], "flatten_11", "flatten_11", axis=1),
        node("Gemm", ["flatten_11", "w_12", "b_13"], "output", "gemm_14", alpha=1.0, beta=1.0, transB=1),
    ]
    graph = helper.make_graph(
        nodes, FAMILY,
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 1, 8, 8])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 10])],
        [numpy_helper.from_array(np.ascontiguousarray(a), n) for n, a in zip(names, p)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="zoo")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


class Reader(CalibrationDataReader):
    def __init__(self, x):
        self.it = iter([{"input": a[None]} for a in x])

    def get_next(self):
        return next(self.it, None)


def session(model, level, dump=None):
    o = ort.SessionOptions()
    o.graph_optimization_level = level
    o.intra_op_num_threads = o.inter_op_num_threads = 1
    o.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    o.log_severity_level = 3
    if dump:
        o.optimized_model_filepath = str(dump)
    return ort.InferenceSession(model, o, providers=["CPUExecutionProvider"])


def run(sess, x):
    """Every graph output for every image, stacked: {name: [len(x), ...]}."""
    names = [o.name for o in sess.get_outputs()]
    rows = [sess.run(names, {"input": a[None]}) for a in x]
    return {n: np.stack([r[i] for r in rows]) for i, n in enumerate(names)}


def accuracy(outputs, y):
    return float((outputs["output"][:, 0].argmax(1) == y).mean())


def op_counts(model):
    return dict(collections.Counter((n.domain + "." if n.domain else "") + n.op_type for n in model.graph.node))


def with_all_outputs(model):
    """The same model with every node output as a graph output (types from shape inference by onnxruntime)."""
    m = onnx.ModelProto()
    m.CopyFrom(model)
    have = {o.name for o in m.graph.output}
    for n in m.graph.node:
        for name in n.output:
            if name and name not in have:
                m.graph.output.append(onnx.ValueInfoProto(name=name))
    return m.SerializeToString()


def mid(model, x, role):
    vals = run(session(with_all_outputs(model), ort.GraphOptimizationLevel.ORT_DISABLE_ALL), x)
    op = {name: n.op_type for n in model.graph.node for name in n.output}
    return [(role, name, a, op[name]) for name, a in vals.items()]


def pack(arrays):
    """64-byte aligned little-endian arrays, and the list that says where each lies."""
    blob, entries = bytearray(), []
    for role, name, a, *op in arrays:
        blob += bytes(-len(blob) % 64)
        raw = np.ascontiguousarray(a).astype(a.dtype.newbyteorder("<")).tobytes()
        e = dict(role=role, name=name, dtype=str(a.dtype), shape=list(a.shape), offset=len(blob), nbytes=len(raw))
        if op:
            e["op"] = op[0]
        entries.append(e)
        blob += raw
    return bytes(blob), entries


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("out", type=pathlib.Path, help="the folder that gets digits-cnn.qop/")
    out = ap.parse_args().out / f"{FAMILY}.{FORMAT}"
    out.mkdir(parents=True, exist_ok=True)
    level = ort.GraphOptimizationLevel

    xtr, ytr, xte, yte = data()
    params = train(xtr, ytr)
    onnx.save(float_model(params), out / "float.onnx")
    quantize_static(out / "float.onnx", out / "model.onnx", Reader(xtr[:N_CALIB]),
                    quant_format=QuantFormat.QOperator, per_channel=True, activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8, calibrate_method=CalibrationMethod.MinMax)
    raw = (out / "model.onnx").read_bytes()
    model = onnx.load_from_string(raw)

    with tempfile.TemporaryDirectory() as tmp:
        tmp = pathlib.Path(tmp)
        s_all = session(raw, level.ORT_ENABLE_ALL, tmp / "all.onnx")
        session(raw, level.ORT_ENABLE_EXTENDED, tmp / "ext.onnx")
        fused_all, fused_ext = onnx.load(tmp / "all.onnx"), onnx.load(tmp / "ext.onnx")
    s_off = session(raw, level.ORT_DISABLE_ALL)
    s_float = session((out / "float.onnx").read_bytes(), level.ORT_ENABLE_ALL)

    y_all, y_off = run(s_all, xte), run(s_off, xte)
    a, b = y_all["output"][:N_IO], y_off["output"][:N_IO]
    io_blob, io = pack([("input", "input", xte[:N_IO, None]), ("expected_all", "output", a),
                        ("expected_disabled", "output", b)])
    mid_blob, mids = pack(mid(model, xte[:N_MID], "mid_disabled") + mid(fused_ext, xte[:N_MID], "mid_fused"))
    (out / "io.bin").write_bytes(io_blob)
    (out / "mid.bin.gz").write_bytes(gzip.compress(mid_blob, 9, mtime=0))

    kind = lambda i: dict(name=i.name, type=i.type, shape=i.shape)
    meta = {
        "name": out.name, "set": "dev", "sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw),
        "ir_version": model.ir_version,
        "opset": {o.domain or "ai.onnx": o.version for o in model.opset_import},
        "onnxruntime": ort.__version__, "session": "CPUExecutionProvider, intra/inter threads 1, sequential",
        "inputs": [kind(i) for i in s_all.get_inputs()], "outputs": [kind(i) for i in s_all.get_outputs()],
        "n_inputs": N_IO,
        "all_vs_disabled": {"output": {
            "elements": a.size, "differ": int((a != b).sum()),
            "inputs_that_differ": int((a != b).reshape(N_IO, -1).any(1).sum()),
            "max_abs": float(np.abs(a - b).max())}},
        "ops": op_counts(model), "ops_fused_extended": op_counts(fused_ext), "ops_fused_all": op_counts(fused_all),
        "nodes": [dict(op=n.op_type, domain=n.domain, name=n.name, inputs=list(n.input), outputs=list(n.output))
                  for n in model.graph.node],
        "io": io, "mid": mids, "notes": "", "family": FAMILY, "format": FORMAT,
        "params": int(sum(p.size for p in params)),
        "macs": 8 * 9 * 64 + 16 * 8 * 9 * 16 + 64 * 10,
        "labels": [int(v) for v in yte[:N_IO]], "seed": SEED, "score_kind": "accuracy",
        "scores": {"float": accuracy(run(s_float, xte), yte), "quant": accuracy(y_all, yte),
                   "quant_disabled": accuracy(y_off, yte), "n_test": len(yte)},
    }
    (out / "meta.json").write_text(json.dumps(meta, separators=(",", ":")))
    print(json.dumps(meta["scores"]), json.dumps(meta["ops"]), json.dumps(meta["all_vs_disabled"]))


if __name__ == "__main__":
    main()
