/** A model that is served: its circuit open, its key as the ledger has it (settlement §12.2). */
import { type LedgerInference, type LedgerModel, ledgerInference, ledgerModel } from '../chain/client/index.ts';
import { tensorsToPorts } from '../chain/systems/gkr-tensors.ts';
import { decodeTensors } from '../chain/tensors.ts';
import type { NamedTensor } from '../circuits/named.ts';
import { decodeEnvelope } from '../protocol/envelope.ts';
import { type NamedInputs, type OpenCircuit, openCircuit, type ProveOptions } from '../prover/index.ts';

export interface ServedModel {
  /** For people: the file's name. */
  readonly name: string;
  readonly modelId: Uint8Array;
  readonly model: LedgerModel;
  readonly inputs: OpenCircuit['inputs'];
  /** Runs the integers of the circuit: what is answered is what will be proven. Throws `Refused` for inputs that do not fit. */
  answer(inputs: NamedInputs, inputNonce: Uint8Array): { readonly inference: LedgerInference; readonly outputs: readonly NamedTensor[] };
  /** The raw proof of a run from its canonical input tensors, for a statement. */
  prove(input: Uint8Array, context: Uint8Array, options?: Pick<ProveOptions, 'signal' | 'onProgress'>): Promise<Uint8Array>;
  close(): void;
}

/** Opens a circuit file under the id that `idOf` gives it. Throws `Refused` or `Rejected` for a circuit that cannot settle. */
export function serveModel(
  name: string,
  circuit: Uint8Array,
  idOf: (model: LedgerModel) => Uint8Array,
  options: Parameters<typeof openCircuit>[1] = {},
): ServedModel {
  const open = openCircuit(circuit, options);
  const model = ledgerModel(open.key);
  return {
    name,
    modelId: idOf(model),
    model,
    inputs: open.inputs,
    answer(inputs, inputNonce) {
      const ran = open.run(inputs);
      return { inference: ledgerInference(model, ran.integers, inputNonce), outputs: ran.outputs };
    },
    async prove(input, context, more = {}) {
      const raw = tensorsToPorts(model.inputs, decodeTensors(input), 'input');
      if (typeof raw === 'string') throw new Error(`queue: ${raw}`);
      const { envelope } = await open.proveIntegers(raw, { ...more, context });
      return decodeEnvelope(envelope).proof;
    },
    close: () => open.close(),
  };
}
