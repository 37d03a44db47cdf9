/** float32 numbers as their bit patterns: the one canonical form of a scale in a key. */

const view = new DataView(new ArrayBuffer(4));

/** The bit pattern of a float32 as an unsigned integer. */
export function floatToBits(value: number): number {
  view.setFloat32(0, value);
  return view.getUint32(0);
}

/** The float32 of a bit pattern. */
export function bitsToFloat(bits: number): number {
  view.setUint32(0, bits);
  return view.getFloat32(0);
}
