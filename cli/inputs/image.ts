/**
 * A PNG file to 8-bit samples, through fast-png.
 *
 * Only the chunks that make the picture reach the decoder, and the pixels are inflated once before, to exactly their size: fast-png
 * itself inflates without a bound and fills what is missing with zeros. Chunks that only describe (text, colour profiles) are skipped.
 */
import { crc32, inflateSync } from 'node:zlib';
import { convertIndexedToRgb, type DecodedPng, decode } from 'fast-png';
import { Refused } from '../../protocol/refused.ts';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const KEPT = ['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND'];
/** Channels by colour type: grey, -, RGB, palette, grey + alpha, -, RGB + alpha. */
const CHANNELS = [1, 0, 3, 1, 2, 0, 4];

/** A file whose header is sound; its pixels have not been looked at. */
export interface Png {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  /** Samples a pixel in the file (1 with a palette). */
  readonly channels: number;
  readonly interlaced: boolean;
  readonly chunks: readonly Chunk[];
}

export interface Image {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** 8 bits a sample, interleaved. */
  readonly samples: Uint8Array;
}

export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte);
}

/** Reads the header and finds the chunks; the caller may still refuse the size. */
export function openPng(bytes: Uint8Array): Png {
  const chunks = readChunks(bytes);
  const header = chunks[0];
  if (header?.type !== 'IHDR' || header.content.length !== 13 || chunks.filter(({ type }) => type === 'IHDR').length > 1) {
    throw broken('its header is broken');
  }
  const view = new DataView(header.content.buffer, header.content.byteOffset, 13);
  const [width, height, depth, colour] = [view.getUint32(0), view.getUint32(4), view.getUint8(8), view.getUint8(9)];
  const interlaced = view.getUint8(12) === 1;
  const channels = CHANNELS[colour] ?? 0;
  if (width === 0 || height === 0) throw broken(`its size is ${width}×${height}`);
  if (depth === 16) throw broken('it has 16 bits a channel; 8 are supported');
  const depths = colour === 0 || colour === 3 ? [1, 2, 4, 8] : [8];
  if (!channels || !depths.includes(depth)) throw broken(`its colour type ${colour} with ${depth} bits is not known`);
  if (view.getUint8(12) > 1 || (interlaced && depth !== 8)) throw broken('it is interlaced in a way that is not supported');
  return { width, height, depth, channels, interlaced, chunks };
}

/** Inflates and decodes; memory is a small multiple of the size in the header. */
export function decodeImage(file: Png): Image {
  checkPixels(file);
  try {
    const png = decode(join([Uint8Array.from(SIGNATURE), ...file.chunks.map(({ whole }) => whole)]));
    const { width, height, channels, depth, palette, transparency } = png;
    if (palette) {
      const hasAlpha = palette.some((colour) => colour.length > 3);
      return { width, height, channels: hasAlpha ? 4 : 3, samples: convertIndexedToRgb(png) };
    }
    if (transparency?.length) throw broken('it names a transparent colour, which no tensor holds');
    return { width, height, channels, samples: depth === 8 ? Uint8Array.from(png.data) : expand(png) };
  } catch (error) {
    throw error instanceof Refused ? error : broken(error instanceof Error ? error.message : String(error));
  }
}

/** Grey of 1, 2 or 4 bits, packed in rows, to 8 bits: 255 is white at every depth. */
function expand({ width, height, depth, data }: DecodedPng): Uint8Array {
  const samples = new Uint8Array(width * height);
  const row = Math.ceil((width * depth) / 8);
  const most = 2 ** depth - 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      const byte = data[y * row + (bit >> 3)] as number;
      samples[y * width + x] = ((byte >> (8 - depth - (bit & 7))) & most) * (255 / most);
    }
  }
  return samples;
}

interface Chunk {
  readonly type: string;
  readonly content: Uint8Array;
  /** With length, type and CRC. */
  readonly whole: Uint8Array;
}

/** The chunks that make the picture, in order, each with a good CRC. */
function readChunks(bytes: Uint8Array): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let at = SIGNATURE.length; chunks.at(-1)?.type !== 'IEND'; ) {
    if (at + 12 > bytes.length) throw broken('it is cut off');
    const length = view.getUint32(at);
    const next = at + 12 + length;
    if (next > bytes.length) throw broken('it is cut off');
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (KEPT.includes(type)) {
      if (crc32(bytes.subarray(at + 4, next - 4)) !== view.getUint32(next - 4)) throw broken(`the checksum of its ${type} chunk is wrong`);
      chunks.push({ type, content: bytes.subarray(at + 8, next - 4), whole: bytes.subarray(at, next) });
    } else if (/^[A-Z]/.test(type)) throw broken(`its chunk "${type}" is not known`);
    at = next;
  }
  return chunks;
}

/** The pixels must inflate to exactly what the header promises: a row is a filter byte and its samples. */
function checkPixels({ width, height, depth, channels, interlaced, chunks }: Png): void {
  const passes = interlaced ? adam7(width, height) : [[width, height] as const];
  const expected = passes.reduce((sum, [w, h]) => sum + (w && h ? h * (1 + Math.ceil((w * channels * depth) / 8)) : 0), 0);
  const packed = join(chunks.filter(({ type }) => type === 'IDAT').map(({ content }) => content));
  let got = -1;
  try {
    got = inflateSync(packed, { maxOutputLength: expected + 1 }).length;
  } catch {}
  if (got !== expected) throw broken('its pixels do not inflate to its size');
}

/** Width and height of the seven passes. */
function adam7(width: number, height: number): (readonly [number, number])[] {
  const passes = ['0 0 8 8', '4 0 8 8', '0 4 4 8', '2 0 4 4', '0 2 2 4', '1 0 2 2', '0 1 1 2'].map((pass) => pass.split(' ').map(Number));
  return passes.map(([x = 0, y = 0, dx = 1, dy = 1]) => [
    Math.max(0, Math.ceil((width - x) / dx)),
    Math.max(0, Math.ceil((height - y) / dy)),
  ]);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function broken(sentence: string): Refused {
  return new Refused('input.png', `the PNG cannot be used: ${sentence}`);
}
