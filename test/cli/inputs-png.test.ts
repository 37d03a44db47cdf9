import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { type Data, readInputs, type Wanted } from '../../cli/inputs/index.ts';
import { bytesOf, concat, refusal } from './files.helpers.ts';

const grey: Wanted = { name: 'image', dtype: 'uint8', shape: [1, 1, 2, 3] };
const float: Wanted = { ...grey, dtype: 'float32' };
const planes: Wanted = { name: 'image', dtype: 'uint8', shape: [1, 3, 2, 2] };

function png(width: number, height: number, channels: number, data: number[], extra: object = {}, options: object = {}): Uint8Array {
  return Uint8Array.from(encode({ width, height, channels, data: Uint8Array.from(data), depth: 8, ...extra }, options));
}
const imageOf = (bytes: Uint8Array, wanted: Wanted): Data | undefined => readInputs(bytes, [wanted])[0]?.image;
const codeOf = (bytes: Uint8Array, ...wanted: Wanted[]): string => refusal(() => readInputs(bytes, wanted)).code;

describe('inputs in PNG', () => {
  const pixels = [0, 51, 102, 153, 204, 255];

  it('gives the pixel to uint8 and pixel / 255 to float32', () => {
    expect(imageOf(png(3, 2, 1, pixels), grey)).toEqual(Uint8Array.from(pixels));
    expect(imageOf(png(3, 2, 1, pixels), float)).toEqual(Float32Array.from(pixels, (pixel) => Math.fround(pixel) / Math.fround(255)));
  });

  it('fits every layout of the tensor', () => {
    for (const shape of [
      [1, 1, 2, 3],
      [1, 2, 3],
      [2, 3],
      [2, 3, 1],
      [1, 2, 3, 1],
    ]) {
      expect(imageOf(png(3, 2, 1, pixels), { ...grey, shape })).toEqual(Uint8Array.from(pixels));
    }
    const colours = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    expect(imageOf(png(2, 2, 3, colours), planes)).toEqual(Uint8Array.of(1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12));
    expect(imageOf(png(2, 2, 3, colours), { ...planes, shape: [1, 2, 2, 3] })).toEqual(Uint8Array.from(colours));
  });

  it('changes channels only where nothing is lost', () => {
    expect(imageOf(png(2, 2, 1, [1, 2, 3, 4]), planes)).toEqual(Uint8Array.of(1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4));
    expect(
      imageOf(
        png(
          3,
          2,
          3,
          pixels.flatMap((p) => [p, p, p]),
        ),
        grey,
      ),
    ).toEqual(Uint8Array.from(pixels));
    expect(
      imageOf(
        png(
          3,
          2,
          4,
          pixels.flatMap((p) => [p, p, p, 255]),
        ),
        grey,
      ),
    ).toEqual(Uint8Array.from(pixels));
    expect(
      imageOf(
        png(
          3,
          2,
          2,
          pixels.flatMap((p) => [p, 255]),
        ),
        grey,
      ),
    ).toEqual(Uint8Array.from(pixels));
    expect(
      refusal(() =>
        imageOf(
          png(
            3,
            2,
            3,
            pixels.flatMap((p) => [p, p, 9]),
          ),
          grey,
        ),
      ).message,
    ).toContain('coloured');
    expect(
      refusal(() =>
        imageOf(
          png(
            3,
            2,
            2,
            pixels.flatMap((p) => [p, p]),
          ),
          grey,
        ),
      ).message,
    ).toContain('transparent');
  });

  it('reads interlaced pictures as others', () => {
    const wide: Wanted = { ...grey, shape: [1, 1, 9, 11] };
    const data = Array.from({ length: 99 }, (_, i) => (i * 37) % 256);
    expect(imageOf(png(11, 9, 1, data, {}, { interlace: 'Adam7' }), wide)).toEqual(Uint8Array.from(data));
    expect(imageOf(png(11, 9, 1, data), wide)).toEqual(Uint8Array.from(data));
  });

  it('reads grey of 1 bit', () => {
    // rows 101 and 010, one bit a pixel
    const bits = png(3, 2, 1, [0b10100000, 0b01000000], { depth: 1 });
    expect(imageOf(bits, grey)).toEqual(Uint8Array.of(255, 0, 255, 0, 255, 0));
  });

  it('refuses a picture of another size and says which is wanted', () => {
    expect(refusal(() => imageOf(png(2, 3, 1, pixels), grey)).message).toBe(
      'input "image" wants a picture of 3×2 pixels (width×height), but this one has 2×3',
    );
  });

  it('refuses tensors a picture does not mean', () => {
    const one = png(3, 2, 1, pixels);
    expect(codeOf(one, { ...grey, dtype: 'int8' })).toBe('input.png');
    expect(codeOf(one, { ...grey, shape: [6] })).toBe('input.png');
    expect(codeOf(one, { ...grey, shape: [2, 1, 2, 3] })).toBe('input.png');
    expect(codeOf(one, grey, { ...grey, name: 'other' })).toBe('input.png');
    expect(codeOf(png(3, 2, 1, pixels.slice(), { depth: 16, data: Uint16Array.from(pixels) }), grey)).toBe('input.png');
  });

  it('refuses a header that promises more pixels than there are, without taking the memory', () => {
    const one = png(3, 2, 1, pixels);
    const huge = withHeader(one, 60_000, 60_000);
    expect(codeOf(huge, { ...grey, shape: [1, 1, 60_000, 60_000] })).toBe('input.png');
    expect(codeOf(withHeader(one, 3, 3), { ...grey, shape: [3, 3] })).toBe('input.png');
    expect(codeOf(withHeader(one, 3, 1), { ...grey, shape: [1, 1, 1, 3] })).toBe('input.png');
    expect(codeOf(withHeader(one, 0, 0), { ...grey, shape: [1, 1, 1, 3] })).toBe('input.png');
  });

  it('ignores what only describes, and refuses what it cannot know', () => {
    const one = png(3, 2, 1, pixels);
    const end = one.length - 12;
    expect(imageOf(concat(one.subarray(0, end), chunk('tEXt', bytesOf('a')), one.subarray(end)), grey)).toEqual(Uint8Array.from(pixels));
    expect(codeOf(concat(one.subarray(0, end), chunk('NEWS', bytesOf('a')), one.subarray(end)), grey)).toBe('input.png');
  });

  it('answers every truncation and every changed byte with a picture or a refusal, never a crash', () => {
    const one = png(3, 2, 3, [...pixels, ...pixels, ...pixels].sort());
    const wanted: Wanted = { ...grey, shape: [1, 3, 2, 3] };
    for (let length = 8; length < one.length; length++) refusal(() => readInputs(one.slice(0, length), [wanted]));
    for (let at = 8; at < one.length; at++) {
      const changed = one.slice();
      changed[at] = (changed[at] as number) ^ 0x41;
      try {
        readInputs(changed, [wanted]);
      } catch {
        refusal(() => readInputs(changed, [wanted]));
      }
    }
  });
});

function chunk(type: string, content: Uint8Array): Uint8Array {
  const start = Buffer.alloc(8);
  start.writeUInt32BE(content.length);
  start.write(type, 4, 'latin1');
  const end = Buffer.alloc(4);
  end.writeUInt32BE(crcOf(concat(start.subarray(4), content)));
  return concat(start, content, end);
}

/** The same file with another size in its header, and the checksum to go with it. */
function withHeader(bytes: Uint8Array, width: number, height: number): Uint8Array {
  const content = bytes.slice(16, 29);
  const view = new DataView(content.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  return concat(bytes.subarray(0, 8), chunk('IHDR', content), bytes.subarray(33));
}

function crcOf(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
