/**
 * The `reveal` message: the values of the tensors of home R (protocol §7.7). Accumulators are bounded by the worst input and mostly small, so
 * they are packed in blocks: the least value of a block, and how far above it the others are, in as many bits as the farthest needs.
 *
 * It is the one message whose length is not known from the key alone; the key bounds it, and no value has two encodings.
 */
import { ceilLog2 } from '../protocol/integers.ts';
import { Refused } from '../protocol/refused.ts';
import { BitReader, BitWriter } from './bits.ts';
import { forEachValid, paddedSize, product, sum } from './shape.ts';
import type { Tensor } from './types.ts';

/** Values of a block. */
const BLOCK = 64;
/** Bits that say how many bits the values of a block have. */
const WIDTH = 5;
/** Bits by which the spread of a block is typically smaller than the bounds: over the networks of `bench/`. */
const TYPICAL_SAVING = 4;

interface Revealed {
  readonly tensor: number;
  readonly dims: readonly number[];
  readonly lo: number;
  readonly span: number;
  /** Bits of the span. */
  readonly bits: number;
}

function revealed(tensors: readonly Tensor[]): Revealed[] {
  return [...tensors.entries()].flatMap(([tensor, t]) => {
    if (t.home !== 'R') return [];
    const [lo, hi] = [t.lo as number, t.hi as number];
    return [{ tensor, dims: t.dims, lo, span: hi - lo, bits: ceilLog2(hi - lo + 1) }];
  });
}

/** Bytes of the message: at least, at most, and what is to be expected. */
export function revealedBytes(tensors: readonly Tensor[]): {
  readonly minimum: number;
  readonly expected: number;
  readonly maximum: number;
} {
  const bytesFor = (saving: number): number =>
    Math.ceil(
      sum(
        revealed(tensors).map(({ dims, bits }) => {
          const n = product(dims);
          return Math.ceil(n / BLOCK) * (bits + WIDTH) + n * Math.max(0, bits - saving);
        }),
      ) / 8,
    );
  return { minimum: bytesFor(Number.POSITIVE_INFINITY), expected: bytesFor(TYPICAL_SAVING), maximum: bytesFor(0) };
}

/** The message of padded values; empty if nothing is revealed. */
export function encodeRevealed(tensors: readonly Tensor[], values: (tensor: number) => Int32Array): Uint8Array {
  const out = new BitWriter();
  for (const { tensor, dims, lo, bits } of revealed(tensors)) {
    const padded = values(tensor);
    const list = new Float64Array(product(dims));
    let n = 0;
    forEachValid(dims, (p) => {
      list[n++] = (padded[p] as number) - lo;
    });
    for (let from = 0; from < n; from += BLOCK) {
      const block = list.subarray(from, from + BLOCK);
      const least = Math.min(...block);
      const width = ceilLog2(Math.max(...block) - least + 1);
      out.write(least, bits);
      out.write(width, WIDTH);
      for (const v of block) out.write(v - least, width);
    }
  }
  return out.bytes();
}

/**
 * The padded values at the beginning of `bytes`, and how many bytes they are. Throws R1 for a value outside its bounds or a block that has
 * another encoding, C1 where the bytes end.
 */
export function decodeRevealed(tensors: readonly Tensor[], bytes: Uint8Array): { values: [number, Int32Array][]; length: number } {
  const { minimum } = revealedBytes(tensors);
  // Before room for them is made.
  if (bytes.length < minimum) refuse('C1', `the proof ends inside reveal: ${bytes.length} bytes are left, not the least ${minimum}`, null);
  const reader = new BitReader(bytes);
  const values = revealed(tensors).map((r): [number, Int32Array] => {
    const read = (bits: number): number =>
      reader.read(bits) ?? refuse('C1', `the proof ends inside reveal, in the values of tensor ${r.tensor}`, r.tensor);
    const out = new Int32Array(paddedSize(r.dims));
    const block = { left: 0, least: 0, width: 0, lowest: 0, highest: 0 };
    const close = (): void => {
      if (block.lowest !== 0 || ceilLog2(block.highest + 1) !== block.width)
        refuse('R1', `a block of tensor ${r.tensor} does not have its shortest encoding`, r.tensor);
    };
    let rest = product(r.dims);
    forEachValid(r.dims, (p) => {
      if (block.left === 0) {
        block.left = Math.min(BLOCK, rest);
        block.least = read(r.bits);
        block.width = read(WIDTH);
        block.lowest = Number.POSITIVE_INFINITY;
        block.highest = 0;
        if (block.width > r.bits)
          refuse('R1', `a block of tensor ${r.tensor} has ${block.width} bits a value, its bounds have ${r.bits}`, r.tensor);
      }
      const v = read(block.width);
      block.lowest = Math.min(block.lowest, v);
      block.highest = Math.max(block.highest, v);
      const value = block.least + v;
      if (value > r.span)
        refuse('R1', `a revealed value of tensor ${r.tensor} is ${value + r.lo}, outside [${r.lo}, ${r.lo + r.span}]`, r.tensor);
      out[p] = value + r.lo;
      rest--;
      if (--block.left === 0) close();
    });
    return [r.tensor, out];
  });
  if (!reader.padded) refuse('R1', 'bits follow the last revealed value', null);
  return { values, length: reader.length };
}

function refuse(code: string, sentence: string, tensor: number | null): never {
  throw new Refused(code, sentence, tensor === null ? {} : { tensor });
}
