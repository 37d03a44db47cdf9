/** The lens: small lies told with a good proof. Nothing here verifies. */
import { decodeEnvelope, type Envelope, encodeEnvelope } from '../protocol/envelope.ts';
import { DTYPES } from '../protocol/statement.ts';

/** The same file with one bit of one byte changed. */
export function flipBit(file: Uint8Array, at: number, bit = 0): Uint8Array {
  const out = file.slice();
  out[at] = (out[at] as number) ^ (1 << bit);
  return out;
}

/** The same proof with another raw value in its statement. Throws a RangeError if there is no such place, or its type has no such value. */
export function withValue(file: Uint8Array, side: 'inputs' | 'outputs', item: number, index: number, value: number): Uint8Array {
  const e = decodeEnvelope(file);
  const changed = e[side].map((bytes, i) => {
    if (i !== item) return bytes;
    const dtype = Object.values(DTYPES).find((d) => d.code === bytes[1]);
    if (dtype === undefined || !(Number.isInteger(value) && value >= dtype.lo && value <= dtype.hi))
      throw new RangeError('the type of the tensor has no such value');
    const width = dtype === DTYPES.int32 ? 4 : 1;
    const at = 3 + 4 * (bytes[2] as number) + width * index;
    if (bytes[0] !== 0 || !(at + width <= bytes.length)) throw new RangeError('the statement has no such value');
    const out = bytes.slice();
    const view = new DataView(out.buffer);
    if (width === 4) view.setInt32(at, value, true);
    else out[at] = value & 255;
    return out;
  });
  return encodeEnvelope({ ...e, [side]: changed } as Envelope);
}
