#!/usr/bin/env python3
"""Make EZKL artefacts of one float ONNX model, and measure them.

    python make-ezkl.py FLOAT_ONNX INPUTS OUT [--srs FILE] [--name NAME]

FLOAT_ONNX  the float model (batch 1)
INPUTS      the model directory of the zoo (meta.json, io.bin) with its 32 real inputs
OUT         the folder that gets settings.json, input.json, calibration.json, model.compiled, vk.key,
            witness.json, proof.json, verifier.srs (the SRS reduced to 388 bytes, enough to
            verify), measured.json; pk.key is large and removed at the end unless --keep-pk
--srs       an SRS file; made there with ezkl.gen_srs (random, INSECURE) when it does not exist or is not of exactly the
            logrows of the circuit: ezkl cuts a larger one down in every setup, prove and verify, which takes far longer
            than they do

Input public, output public, params fixed; calibrate_settings(target "resources"). Every step runs in a child process
of its own, of which wall time and peak resident memory are taken: seconds are of the ezkl call alone,
seconds_process of the whole child (Python start and import included); peak_rss_mb is VmHWM of the child (Linux) and
not ru_maxrss, which begins at the size of the process that started it. Needs ezkl, numpy, onnxruntime.
"""
import argparse
import inspect
import json
import os
import pathlib
import subprocess
import sys
import time

STEPS = {
    "import": lambda e, a: None,  # for the memory and time of Python and the import alone
    "gen_settings": lambda e, a: e.gen_settings(a["onnx"], a["settings"], py_run_args=run_args(e)),
    "calibrate_settings": lambda e, a: e.calibrate_settings(a["calibration"], a["onnx"], a["settings"], "resources"),
    "compile_circuit": lambda e, a: e.compile_circuit(a["onnx"], a["compiled"], a["settings"]),
    "gen_srs": lambda e, a: e.gen_srs(a["srs"], a["logrows"]),
    "setup": lambda e, a: e.setup(a["compiled"], a["vk"], a["pk"], a["srs"]),
    "gen_witness": lambda e, a: e.gen_witness(a["input"], a["compiled"], a["witness"]),
    "mock": lambda e, a: e.mock(a["witness"], a["compiled"]),
    "prove": lambda e, a: e.prove(a["witness"], a["compiled"], a["pk"], a["proof"], a["srs"]),
    "verify": lambda e, a: e.verify(a["proof"], a["settings"], a["vk"], a["srs"]),
    "verify_reduced": lambda e, a: e.verify(a["proof"], a["settings"], a["vk"], a["reduced"], reduced_srs=True),
    "witnesses": lambda e, a: witnesses(e, a),
}


def run_args(ezkl):
    r = ezkl.PyRunArgs()
    r.input_visibility, r.output_visibility, r.param_visibility = "public", "public", "fixed"
    return r


def witnesses(ezkl, a):
    """The rescaled outputs of the circuit for every input in a["inputs"]."""
    out = []
    for x in a["inputs"]:
        pathlib.Path(a["tmp"]).write_text(json.dumps({"input_data": [x]}))
        ezkl.gen_witness(a["tmp"], a["compiled"], a["tmp"])
        w = json.loads(pathlib.Path(a["tmp"]).read_text())
        out.append([float(v) for v in w["pretty_elements"]["rescaled_outputs"][0]])
    pathlib.Path(a["tmp"]).unlink()
    return out


def child(step):
    args = json.load(sys.stdin)
    import ezkl
    t = time.perf_counter()
    r = STEPS[step](ezkl, args)
    if inspect.isawaitable(r):
        raise SystemExit(f"{step} is asynchronous in this ezkl")
    seconds = time.perf_counter() - t
    status = pathlib.Path("/proc/self/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0])  # kB
    if not isinstance(r, (bool, list, type(None))):
        r = True
    print("\nRESULT " + json.dumps({"result": r, "seconds": round(seconds, 3), "peak_kb": peak}))


def call(step, args):
    t = time.perf_counter()
    p = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--child", step],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    p.stdin.write(json.dumps(args).encode())
    p.stdin.close()
    text = p.stdout.read().decode()
    _, status, use = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - t
    if p.returncode:
        raise SystemExit(f"{step} failed with {p.returncode}")
    r = json.loads([l for l in text.splitlines() if l.startswith("RESULT ")][-1][7:])
    m = {"seconds": r["seconds"], "seconds_process": round(wall, 3), "cpu_seconds": round(use.ru_utime + use.ru_stime, 2),
         "peak_rss_mb": round(r["peak_kb"] / 1024, 1)}
    print(step, r["result"] if step != "witnesses" else "", m, flush=True)
    if r["result"] is False:
        raise SystemExit(f"{step} returned False")
    return m, r["result"]


def reduce_srs(src, dst):
    """The k = 0 SRS of the same ceremony: u32 k, one G1 in each basis, [1]_2, [tau]_2 (388 bytes)."""
    with open(src, "rb") as f:
        k = int.from_bytes(f.read(4), "little")
        g = f.read(64)  # the generator: g[0], and the only Lagrange element of a domain of size 1
        f.seek(4 + 2 * 64 * 2 ** k)
        tail = f.read()
    if len(tail) != 256:
        raise SystemExit(f"{src} is no SRS in the raw format of halo2")
    pathlib.Path(dst).write_bytes(bytes(4) + g + g + tail)


def srs_rows(path):
    with open(path, "rb") as f:
        return int.from_bytes(f.read(4), "little")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("onnx", type=pathlib.Path)
    ap.add_argument("inputs", type=pathlib.Path)
    ap.add_argument("out", type=pathlib.Path)
    ap.add_argument("--srs", type=pathlib.Path)
    ap.add_argument("--name")
    ap.add_argument("--calibrate", type=int, default=8, help="number of inputs for calibrate_settings")
    ap.add_argument("--repeat", type=int, default=3,
                    help="run setup, prove and verify this often and report the median by seconds")
    ap.add_argument("--keep-pk", action="store_true")
    o = ap.parse_args()
    import numpy as np
    import onnxruntime as ort

    out = o.out
    out.mkdir(parents=True, exist_ok=True)
    meta = json.loads((o.inputs / "meta.json").read_text())
    raw = (o.inputs / "io.bin").read_bytes()

    def array(role):
        e = next(e for e in meta["io"] if e["role"] == role)
        return np.frombuffer(raw[e["offset"]:e["offset"] + e["nbytes"]], e["dtype"]).reshape(e["shape"])

    x, quant = array("input"), array("expected_all").reshape(meta["n_inputs"], -1)
    flat = [[float(v) for v in a.ravel()] for a in x]
    sess = ort.InferenceSession(str(o.onnx), providers=["CPUExecutionProvider"])
    ref = np.stack([sess.run(None, {sess.get_inputs()[0].name: a})[0].ravel() for a in x])

    (out / "input.json").write_text(json.dumps({"input_data": [flat[0]]}))
    # ezkl cuts one long list into batches by the input shape of the model
    (out / "calibration.json").write_text(json.dumps({"input_data": [sum(flat[:o.calibrate], [])]}))
    names = dict(settings="settings.json", calibration="calibration.json", input="input.json", compiled="model.compiled",
                 vk="vk.key", pk="pk.key", witness="witness.json", proof="proof.json", reduced="verifier.srs", tmp="tmp.json")
    a = {k: str(out / v) for k, v in names.items()}
    a["onnx"] = str(o.onnx)
    a["srs"] = str(o.srs or out / "kzg.srs")
    t = {}

    def step(s, repeat=1):
        runs = sorted((call(s, a)[0] for _ in range(repeat)), key=lambda m: m["seconds"])
        t[s] = runs[len(runs) // 2] | ({"runs": [m["seconds"] for m in runs]} if repeat > 1 else {})

    for s in ("import", "gen_settings", "calibrate_settings", "compile_circuit"):
        step(s)
    settings = json.loads((out / "settings.json").read_text())
    a["logrows"] = settings["run_args"]["logrows"]
    if not os.path.exists(a["srs"]) or srs_rows(a["srs"]) != a["logrows"]:
        step("gen_srs")
    reduce_srs(a["srs"], a["reduced"])
    step("setup", o.repeat)
    step("gen_witness")
    step("mock")
    for s in ("prove", "verify", "verify_reduced"):
        step(s, o.repeat)
    got = np.array(call("witnesses", dict(a, inputs=flat))[1])

    proof = json.loads((out / "proof.json").read_text())
    size = lambda k: os.path.getsize(a[k])
    import ezkl
    n = len(x)
    measured = {
        "model": o.name or out.name, "ezkl": ezkl.__version__, "onnxruntime": ort.__version__, "cores": os.cpu_count(),
        "logrows": a["logrows"], "srs_logrows": srs_rows(a["srs"]),
        "input_scale": settings["run_args"]["input_scale"], "param_scale": settings["run_args"]["param_scale"],
        "num_rows": settings["num_rows"], "steps": t,
        "bytes": {"proof": (len(proof["hex_proof"]) - 2) // 2, "proof_json": size("proof"), "vk": size("vk"),
                  "pk": size("pk"), "model_compiled": size("compiled"), "witness_json": size("witness"),
                  "srs": size("srs"), "verifier_srs": size("reduced")},
        "instances": [len(i) for i in proof["instances"]],
        "error": {"inputs": n, "elements": int(got.size),
                  "max_abs_against_float": float(np.abs(got - ref).max()),
                  "mean_abs_against_float": float(np.abs(got - ref).mean()),
                  "same_argmax_as_float": int((got.argmax(1) == ref.argmax(1)).sum()),
                  "max_abs_against_quantised": float(np.abs(got - quant).max()),
                  "quantised_max_abs_against_float": float(np.abs(quant - ref).max()),
                  "float_output_range": [float(ref.min()), float(ref.max())]},
    }
    if not o.keep_pk:
        os.remove(a["pk"])
    (out / "measured.json").write_text(json.dumps(measured, indent=1) + "\n")
    print(json.dumps(measured, indent=1))


if __name__ == "__main__":
    child(sys.argv[2]) if sys.argv[1:2] == ["--child"] else main()
