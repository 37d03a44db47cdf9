/**
 * onnxruntime as the quantizer's runtime: CPU, one thread and no graph optimization, so that figures depend on neither the number of cores
 * nor on the 8-bit kernels of this CPU, which saturate where it has no VNNI. The package is the user's own (an optional peer).
 */
import type { FloatTensor, Runtime } from '../../compiler/quantize/index.ts';
import { CannotTell } from '../outcome.ts';
import { printable } from '../text.ts';

export async function onnxruntime(): Promise<Runtime> {
  const ort = await import('onnxruntime-node').catch((e: unknown) => {
    const missing = e instanceof Error && 'code' in e && e.code === 'ERR_MODULE_NOT_FOUND';
    throw new CannotTell(
      'package.missing',
      missing ? 'the package onnxruntime-node is not installed' : `onnxruntime-node cannot be loaded: ${firstLine(e)}`,
      'npm install onnxruntime-node',
    );
  });
  return {
    async open(model) {
      const session = await ort.InferenceSession.create(Uint8Array.from(model), {
        executionProviders: ['cpu'],
        graphOptimizationLevel: 'disabled',
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        logSeverityLevel: 3,
      }).catch((e: unknown) => {
        throw new CannotTell('onnxruntime.unfit', `onnxruntime cannot open the model: ${firstLine(e)}`);
      });
      return {
        async run(inputs) {
          const feeds = Object.fromEntries(
            Object.entries(inputs).map(([name, { shape, data }]) => [
              name,
              data instanceof Float32Array ? new ort.Tensor('float32', data, [...shape]) : new ort.Tensor('int64', data, [...shape]),
            ]),
          );
          const answers = await session.run(feeds).catch((e: unknown) => {
            throw new CannotTell('onnxruntime.unfit', `onnxruntime cannot run the model: ${firstLine(e)}`);
          });
          return Object.fromEntries(
            Object.entries(answers).map(([name, { dims, data }]): [string, FloatTensor] => [
              name,
              { shape: dims, data: data instanceof Float32Array ? data : Float32Array.from(data as ArrayLike<number | bigint>, Number) },
            ]),
          );
        },
        close: () => session.release(),
      };
    },
  };
}

const firstLine = (e: unknown): string => printable((e instanceof Error ? e.message : String(e)).split('\n')[0] ?? '');
