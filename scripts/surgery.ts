/**
 * Ways to make a false proof from an accepted one: bytes changed at known places, keys sealed again, provers that lie and do everything
 * else right.
 */
import { stackOf } from '../circuits/contents.ts';
import { evaluate } from '../circuits/evaluate.ts';
import type { Circuit } from '../circuits/files.ts';
import { decodeCircuitFile, decodeKeyFile, encodeKeyFile } from '../circuits/files.ts';
import { sealKey } from '../circuits/key.ts';
import { decodeEnvelope, type Envelope, encodeEnvelope } from '../protocol/envelope.ts';
import { add, type F4, get, set, sub } from '../protocol/extension.ts';
import { P } from '../protocol/field.ts';
import { eqTable } from '../protocol/mle.ts';
import type { Kernels } from '../prover/kernels/kernels.ts';
import { reference } from '../prover/kernels/reference/index.ts';
import { infer, type ProvingCircuit, proveValues } from '../prover/prove.ts';
import type { Made } from './envelopes.ts';
import { layoutOf, type Message } from './layout.ts';

/** What a lie gives the verifier; what it leaves out is the accepted fixture's. */
export interface Told {
  readonly envelope?: Uint8Array;
  readonly key?: Uint8Array;
  /** null: none. */
  readonly circuit?: Uint8Array | null;
  readonly context?: string;
}

/** A copy with something changed. */
export function edited<T extends Uint8Array | Int32Array>(values: T, change: (copy: T) => void): T {
  const copy = values.slice() as T;
  change(copy);
  return copy;
}

/** A copy with one byte changed; a negative place counts from the end. */
export const withByte = (bytes: Uint8Array, at: number, change: (b: number) => number): Uint8Array =>
  bytes.with(at, change(bytes.at(at) as number));

export const flip = (b: number): number => b ^ 1;

/** The envelope with other fields. */
export function envelope(m: Made, change: (e: Envelope) => Partial<Envelope>): Told {
  const e = decodeEnvelope(m.envelope);
  return { envelope: encodeEnvelope({ ...e, ...change(e) }) };
}

/** The envelope with another proof body. */
export const proof = (m: Made, change: (proof: Uint8Array) => Uint8Array): Told => envelope(m, (e) => ({ proof: change(e.proof) }));

/** The k-th message with this label; negative k counts from the end. */
export function find(m: Made, label: string, k = 0): Message {
  const found = layoutOf(m.envelope, m.key, m.options.mode === 'I0' ? m.circuit : undefined)
    .filter((message) => message.label === label)
    .at(k);
  if (found === undefined) throw new Error(`${m.name} has no message ${label}`);
  return found;
}

/** The proof with limbs of a message changed: `count` of them, from limb `first` on. */
export function limbs(m: Made, label: string, first: number, count: number, change: (v: number, i: number) => number): Told {
  const at = find(m, label).at + 4 * first;
  return proof(m, (bytes) =>
    edited(bytes, (b) => {
      const view = new DataView(b.buffer);
      for (let i = 0; i < count; i++) view.setUint32(at + 4 * i, change(view.getUint32(at + 4 * i, true), i), true);
    }),
  );
}

/** The proof with one added to the first limb of an element of a message. */
export const bumped = (m: Made, label: string, element = 0): Told => limbs(m, label, 4 * element, 1, (v) => (v + 1) % P);

/** The same network with other parameters in its key, sealed again, and the envelope made out to it. */
export function rekeyed(m: Made, change: { readonly t: number }): Told {
  const file = decodeKeyFile(m.key);
  const key = sealKey({ ...file.key, ...change });
  const told = envelope(m, () => ({ vkHash: key.hash, modelId: key.hash }));
  return { ...told, key: encodeKeyFile(key, file.interface) };
}

/** The inputs of a fixture as its prover had them: uint8 in all of them. */
function rawInputs(m: Made): Uint8Array[] {
  // A public item is a header of 3 + 4·rank bytes, then the raw values.
  return decodeEnvelope(m.envelope).inputs.map((item) => item.subarray(3 + 4 * (item[2] as number)));
}

const contextOf = (m: Made): Uint8Array => new TextEncoder().encode(m.context ?? '');

/** A prover that publishes an output which is one too high, and proves everything else as it is. */
export async function falseOutput(m: Made): Promise<Told> {
  const circuit = decodeCircuitFile(m.circuit);
  const { values } = infer(circuit, rawInputs(m));
  const output = circuit.fields.outputs[0]?.tensor as number;
  values.set(
    output,
    edited(values.get(output) as Int32Array, (y) => {
      y[3] = (y[3] as number) + 1;
    }),
  );
  return { envelope: (await proveValues(circuit, values, { context: contextOf(m) })).envelope };
}

/** A prover that shows an accumulator which is one too high, and goes on from it. */
export async function falseShown(m: Made): Promise<Told> {
  const circuit = decodeCircuitFile(m.circuit);
  const { fields } = circuit;
  const shown = fields.tensors.findIndex((t) => t.home === 'R');
  const centred = rawInputs(m).map((raw, i) => Int32Array.from(raw, (v) => v - (fields.inputs[i]?.zp ?? 0)));
  const values = evaluate(circuit, centred, (_, op, now) => {
    if (!('y' in op) || op.y !== shown) return;
    now.set(
      shown,
      edited(now.get(shown) as Int32Array, (y) => {
        y[0] = (y[0] as number) + 1;
      }),
    );
  });
  return { envelope: (await proveValues(circuit, values, { context: contextOf(m) })).envelope };
}

/** Another model of the same shape, one weight nearer to zero, proven honestly, under the hash of this key. */
export async function otherWeights(m: Made): Promise<Told> {
  const circuit: Circuit = decodeCircuitFile(m.circuit);
  const { tensors, h, lr } = circuit.fields;
  const weight = tensors.findIndex((t) => t.home === 'W');
  const contents = new Map(circuit.contents);
  contents.set(
    weight,
    edited(contents.get(weight) as Int32Array, (w) => {
      const i = w.findIndex((v) => v !== 0);
      w[i] = (w[i] as number) - Math.sign(w[i] as number);
    }),
  );
  const { root } = await reference.commit(
    stackOf(circuit.plan, h, 'W', (t) => contents.get(t) as Int32Array),
    h,
    lr,
  );
  const other: ProvingCircuit = { ...circuit, contents, fields: { ...circuit.fields, wroot: root } };
  const { values } = infer(other, rawInputs(m));
  return { envelope: (await proveValues(other, values, { context: contextOf(m) })).envelope };
}

/** A prover that sends another combined column with the right value at z, and does the work and the openings for it. */
export async function otherCombination(m: Made): Promise<Told> {
  const circuit = decodeCircuitFile(m.circuit);
  const { values } = infer(circuit, rawInputs(m));
  let z: readonly F4[] = [];
  const kernels: Kernels = {
    ...reference,
    async opening(stacks, h) {
      const columns = await reference.opening(stacks, h);
      return {
        batch: (claims, gamma) => columns.batch(claims, gamma),
        async columnsAt(point) {
          z = point;
          return columns.columnsAt(point);
        },
        async combine(eta) {
          const g = await columns.combine(eta);
          // Orthogonal to eq(z,·), so that ⟨G, eq(z,·)⟩ stays.
          const eq = eqTable(z);
          set(g, 0, add(get(g, 0), get(eq, 1)));
          set(g, 1, sub(get(g, 1), get(eq, 0)));
          return g;
        },
        free: () => columns.free(),
      };
    },
  };
  return { envelope: (await proveValues(circuit, values, { context: contextOf(m), kernels })).envelope };
}
