/**
 * Tensors of a key as the ledger has them (settlement §2.7), and back to the items of its statement (protocol §11.2). Names are the model's:
 * those of the graph inputs and outputs that the integers belong to. Used by ledger, prover, client and page alike.
 */
import type { Interface } from '../../circuits/interface.ts';
import type { Key } from '../../circuits/key.ts';
import type { IoTensor, Tensor } from '../../circuits/types.ts';
import { DTYPES, publicItem } from '../../protocol/statement.ts';
import { encodeTensors, type LedgerTensor, TENSOR_DTYPES } from '../tensors.ts';
import { isPrintable } from '../text.ts';

/** One key input or output: its name on the ledger, and the integers it holds. */
export interface LedgerPort {
  readonly name: string;
  readonly io: IoTensor;
  readonly dims: readonly number[];
}

export interface LedgerPorts {
  readonly inputs: readonly LedgerPort[];
  readonly outputs: readonly LedgerPort[];
}

/** The ports of a key, in its order. A name that comes again gets ` #2`, ` #3`, …; throws a RangeError for one that no tensor can have. */
export function ledgerPorts(key: Key, face: Interface): LedgerPorts {
  const ports = (list: readonly IoTensor[], nameOf: (i: number) => string): LedgerPort[] => {
    const seen = new Map<string, number>();
    return list.map((io, i) => {
      const base = nameOf(i);
      const count = (seen.get(base) ?? 0) + 1;
      seen.set(base, count);
      const name = count === 1 ? base : `${base} #${count}`;
      if (name === '' || name.length > 255 || !isPrintable(new TextEncoder().encode(name)))
        throw new RangeError(`the tensor ${JSON.stringify(name)} needs a name of 1 to 255 printable ASCII characters`);
      return { name, io, dims: (key.tensors[io.tensor] as Tensor).dims };
    });
  };
  return {
    inputs: ports(key.inputs, (i) => face.inputs[face.head[i]?.input ?? -1]?.name ?? `input ${i}`),
    outputs: ports(key.outputs, (i) => face.outputs.find((o) => o.source === i)?.name ?? `output ${i}`),
  };
}

const bytesOf = (dtype: IoTensor['dtype'], raw: ArrayLike<number>): Uint8Array => {
  const width = DTYPES[dtype].bytes;
  const out = new Uint8Array(width * raw.length);
  const view = new DataView(out.buffer);
  for (let i = 0; i < raw.length; i++) {
    if (width === 4) view.setInt32(4 * i, raw[i] as number, true);
    else view.setInt8(i, raw[i] as number);
  }
  return out;
};

/** Canonical tensors of the raw integers of ports (row-major, in the key's order). */
export function portsToTensors(ports: readonly LedgerPort[], raw: readonly ArrayLike<number>[]): Uint8Array {
  return encodeTensors(
    ports.map(({ name, io, dims }, i) => ({ name, dtype: io.dtype, shape: dims, data: bytesOf(io.dtype, raw[i] as ArrayLike<number>) })),
  );
}

/** The raw integers of the ports, in the key's order, or a sentence that says what does not fit. */
export function tensorsToPorts(ports: readonly LedgerPort[], tensors: readonly LedgerTensor[], what: string): Int32Array[] | string {
  const extra = tensors.find((t) => !ports.some((p) => p.name === t.name));
  if (extra !== undefined) return `the ${what} has a tensor ${JSON.stringify(extra.name)}, which the model does not`;
  const values: Int32Array[] = [];
  for (const { name, io, dims } of ports) {
    const t = tensors.find((x) => x.name === name);
    if (t === undefined) return `the ${what} lacks the tensor ${JSON.stringify(name)}`;
    if (t.dtype !== io.dtype) return `the ${what} ${JSON.stringify(name)} is ${t.dtype}, the model has ${io.dtype}`;
    if (t.shape.length !== dims.length || t.shape.some((d, i) => d !== dims[i]))
      return `the ${what} ${JSON.stringify(name)} has shape [${t.shape}], the model has [${dims}]`;
    const view = new DataView(t.data.buffer, t.data.byteOffset, t.data.byteLength);
    const width = TENSOR_DTYPES[t.dtype].bytes;
    const count = t.data.length / width;
    values.push(
      Int32Array.from({ length: count }, (_, i) =>
        width === 4 ? view.getInt32(4 * i, true) : t.dtype === 'int8' ? view.getInt8(i) : view.getUint8(i),
      ),
    );
  }
  return values;
}

/** The statement's items of raw integers. */
export const itemsOf = (ports: readonly LedgerPort[], raw: readonly Int32Array[]): Uint8Array[] =>
  ports.map(({ io, dims }, i) => publicItem(io.dtype, dims, raw[i] as Int32Array));
