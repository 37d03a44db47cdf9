/** Accumulators of dense and conv forms (protocol §7.2) with SIMD; the other forms are cheap, their definition does them. */
import type { Values } from '../../../circuits/forms/form.ts';
import { accumulate as plain } from '../../../circuits/forms/index.ts';
import { forEachValid, paddedSize, paddedStrides } from '../../../circuits/shape.ts';
import type { ConvForm, DenseForm, Form, Tensor } from '../../../circuits/types.ts';
import { Scope } from '../../../wasm/memory.ts';
import type { Machine, Task } from './machine.ts';

/** Weights that are copied at a time: 1 MiB stays near while it is used. */
const PIECE = 2 ** 18;

export function accumulate(
  machine: Machine,
  tensors: readonly Tensor[],
  form: Form,
  values: Values,
  outDims: readonly number[],
): Int32Array {
  if (form.kind !== 'dense' && form.kind !== 'conv') return plain(tensors, form, values, outDims);
  const scope = new Scope(machine.memory);
  try {
    return form.kind === 'dense'
      ? dense(machine, scope, form, tensors, values, outDims)
      : conv(machine, scope, form, tensors, values, outDims);
  } finally {
    scope.free();
  }
}

function dense(
  machine: Machine,
  scope: Scope,
  f: DenseForm,
  tensors: readonly Tensor[],
  values: Values,
  outDims: readonly number[],
): Int32Array {
  const [x, w, b] = [values(f.x), values(f.w), values(f.b)];
  const rowSize = paddedSize((tensors[f.x] as Tensor).dims.slice(f.sp));
  const rows = x.length / rowSize;
  const channels = outDims[outDims.length - 1] as number;
  const stride = paddedSize([channels]);
  const source = scope.copy(x);
  const out = scope.zeroed(4 * rows * stride);
  const together = Math.min(channels, Math.max(1, Math.floor(PIECE / rowSize)));
  const piece = scope.alloc(4 * together * rowSize);
  for (let c = 0; c < channels; c += together) {
    const count = Math.min(together, channels - c);
    machine.memory.i32.set(w.subarray(c * rowSize, (c + count) * rowSize), piece / 4);
    const ranges = machine.ranges(count, 1, rows * rowSize);
    machine.run(
      Array.from({ length: rows }, (_, t) =>
        ranges.map(([from, to]): Task => ['denseRows', from, to, piece, source + 4 * t * rowSize, rowSize, out + 4 * (t * stride + c)]),
      ).flat(),
    );
  }
  const acc = machine.memory.i32.slice(out / 4, out / 4 + rows * stride);
  const addBias = (from: number): void => {
    for (let c = 0; c < channels; c++) acc[from + c] = (acc[from + c] as number) + (b[c] as number);
  };
  if (f.sp === 0) addBias(0);
  else forEachValid(outDims.slice(0, f.sp), (p) => addBias(p * stride));
  return acc;
}

function conv(
  machine: Machine,
  scope: Scope,
  f: ConvForm,
  tensors: readonly Tensor[],
  values: Values,
  outDims: readonly number[],
): Int32Array {
  const xDims = (tensors[f.x] as Tensor).dims as [number, number, number];
  const wDims = (tensors[f.w] as Tensor).dims as [number, number, number];
  const [co, ho, wo] = outDims as [number, number, number];
  const [xc, xr] = paddedStrides(xDims) as [number, number, number];
  const [wc, wi] = paddedStrides(wDims) as [number, number, number];
  const [oc, or] = paddedStrides(outDims) as [number, number, number];
  const size = paddedSize(outDims);
  // In the order of wasm/assembly/inference.ts.
  const shape = Int32Array.from([
    ...[wDims[1], co / f.groups, f.kh, f.kw, ...f.stride, ...f.dilation, f.pad[0], f.pad[1]],
    ...[xDims[1], xDims[2], ho, wo, xc, xr, wc, wi, oc, or],
  ]);
  const out = scope.zeroed(4 * size);
  const [x, w, b, words] = [values(f.x), values(f.w), values(f.b), shape].map((v) => scope.copy(v)) as [number, number, number, number];
  const work = ho * wo * wDims[1] * f.kh * f.kw;
  machine.run(machine.ranges(co, 1, work).map(([from, to]): Task => ['convChannels', from, to, x, w, b, out, words]));
  return machine.memory.i32.slice(out / 4, out / 4 + size);
}
