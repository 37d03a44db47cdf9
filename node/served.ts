/** A model that is served: its circuit open, its key as the ledger has it (settlement §12.2). */
import { type LedgerInference, type LedgerModel, ledgerInference, ledgerModel } from '../chain/client/index.ts';
import { portsToTensors, tensorsToPorts } from '../chain/systems/gkr-tensors.ts';
import { decodeTensors } from '../chain/tensors.ts';
import type { NamedTensor } from '../circuits/named.ts';
import { decodeEnvelope } from '../protocol/envelope.ts';
import { type NamedInputs, type OpenCircuit, openCircuit, type ProveOptions } from '../prover/index.ts';
import type { Kernels } from '../prover/kernels/kernels.ts';
import { openOnnxruntime, type Runtime } from './onnxruntime.ts';

export interface ServedModel {
  /** For people: the file's name. */
  readonly name: string;
  readonly modelId: Uint8Array;
  readonly model: LedgerModel;
  readonly inputs: OpenCircuit['inputs'];
  /** What computes the answers, for people. */
  readonly runtime: string;
  /** Throws `Refused` for inputs that do not fit. */
  answer(
    inputs: NamedInputs,
    inputNonce: Uint8Array,
  ): Promise<{ readonly inference: LedgerInference; readonly outputs: readonly NamedTensor[] }>;
  /** What the circuit computes of canonical input tensors, as canonical tensors: what a proof will show. */
  outputOf(input: Uint8Array): Uint8Array;
  /** The raw proof of a run from its canonical input tensors, for a statement. */
  prove(input: Uint8Array, context: Uint8Array, options?: Pick<ProveOptions, 'signal' | 'onProgress'>): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface ServeModelOptions extends Pick<ProveOptions, 'signal' | 'onProgress'> {
  readonly kernels?: Kernels | undefined;
  /** The ONNX file that the circuit was compiled from: onnxruntime-node then answers, else the integers of the circuit are run. */
  readonly onnx?: Uint8Array | undefined;
}

/**
 * Opens a circuit file under the id that `idOf` gives it. Throws `Refused` or `Rejected` for a circuit that cannot settle; with `onnx` what
 * `openOnnxruntime` throws.
 */
export async function serveModel(
  name: string,
  circuit: Uint8Array,
  idOf: (model: LedgerModel) => Uint8Array,
  { kernels, onnx, signal, onProgress }: ServeModelOptions = {},
): Promise<ServedModel> {
  const open = openCircuit(circuit, { kernels });
  const model = ledgerModel(open.key);
  const runtime: Runtime =
    onnx === undefined
      ? { name: 'integers of the circuit', run: async (inputs) => open.run(inputs), close: async () => {} }
      : await openOnnxruntime(onnx, open, { signal, onProgress }).catch((e) => {
          open.close();
          throw e;
        });
  const integersOf = (input: Uint8Array): Int32Array[] => {
    const raw = tensorsToPorts(model.inputs, decodeTensors(input), 'input');
    if (typeof raw === 'string') throw new Error(`queue: ${raw}`);
    return raw;
  };
  return {
    name,
    modelId: idOf(model),
    model,
    inputs: open.inputs,
    runtime: runtime.name,
    async answer(inputs, inputNonce) {
      const { integers, outputs } = await runtime.run(inputs);
      return { inference: ledgerInference(model, integers, inputNonce), outputs };
    },
    outputOf: (input) => portsToTensors(model.outputs, open.runIntegers(integersOf(input)).integers.outputs),
    async prove(input, context, more = {}) {
      const { envelope } = await open.proveIntegers(integersOf(input), { ...more, context });
      return decodeEnvelope(envelope).proof;
    },
    async close() {
      open.close();
      await runtime.close();
    },
  };
}
