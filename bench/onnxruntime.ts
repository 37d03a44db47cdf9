/** The same inferences by onnxruntime-node: on the CPU, one thread. */
import type { NamedTensor } from '../index.ts';
import { median } from './statistics.ts';

export interface Beside {
  readonly version: string;
  /** Median milliseconds of an inference. */
  readonly ms: number;
  /** What it computes for each input. */
  readonly outputs: readonly (readonly NamedTensor[])[];
}

/** Null where onnxruntime-node is not installed. Tensors have the shapes the model declares. */
export async function onnxruntime(
  model: Uint8Array,
  inputs: readonly Readonly<Record<string, NamedTensor>>[],
  budget: number,
): Promise<Beside | null> {
  const ort = await import('onnxruntime-node').catch(() => null);
  if (ort === null) return null;
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
  });
  const feeds = inputs.map((all) =>
    Object.fromEntries(
      Object.entries(all).map(([n, t]) => [n, new ort.Tensor(t.dtype as 'float32', t.data as Float32Array, [...t.shape])]),
    ),
  );
  const outputs: NamedTensor[][] = [];
  for (const feed of feeds)
    outputs.push(
      Object.entries(await session.run(feed)).map(([name, { type, dims, data }]) => {
        return { name, dtype: type as NamedTensor['dtype'], shape: dims, data: data as NamedTensor['data'] };
      }),
    );
  const times: number[] = [];
  const started = performance.now();
  for (let i = 0; i < 3 || (i < 200 && performance.now() - started < budget); i++) {
    const before = performance.now();
    await session.run(feeds[i % feeds.length] as (typeof feeds)[number]);
    times.push(performance.now() - before);
  }
  return { version: ort.env.versions.node ?? 'unknown', ms: median(times), outputs };
}
