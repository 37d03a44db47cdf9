/**
 * A PNG as an image tensor: `[1,C,H,W]`, `[C,H,W]`, `[1,H,W,C]`, `[H,W,C]` or `[H,W]`, with C = 1, 3 or 4.
 *
 * A float32 tensor gets pixel / 255, a uint8 tensor the pixel. Only changes that lose nothing are made: grey to three equal channels,
 * equal channels to grey, an opaque alpha dropped. A picture of another size is refused; resizing is the caller's decision.
 */
import { Refused } from '../../protocol/refused.ts';
import { shapeText } from '../text.ts';
import { fitTo, type Input, of, type Wanted } from './fit.ts';
import { decodeImage, type Image, openPng } from './image.ts';
import { listOf } from './json.ts';

interface Layout {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly channelsLast: boolean;
}

export function readPng(bytes: Uint8Array, wanted: readonly Wanted[]): Input[] {
  const [tensor, ...others] = wanted;
  if (!tensor || others.length > 0) {
    throw new Refused('input.png', `a PNG gives one tensor, but the model has ${wanted.length}: ${listOf(wanted.map(({ name }) => name))}`);
  }
  if (tensor.dtype !== 'float32' && tensor.dtype !== 'uint8') {
    throw new Refused(
      'input.png',
      `${of(tensor)} holds ${tensor.dtype}, to which a picture has no natural meaning; give it as .npy or JSON`,
    );
  }
  const layout = layoutOf(tensor.shape);
  if (layout === null) throw new Refused('input.png', `${of(tensor)} has the shape ${shapeText(tensor.shape)}, which is no image`);
  const image = openPng(bytes);
  const { width, height } = layout;
  if (width !== image.width || height !== image.height) {
    throw new Refused(
      'input.png',
      `${of(tensor)} wants a picture of ${width}×${height} pixels (width×height), but this one has ${image.width}×${image.height}`,
    );
  }
  const pixels = arrange(toChannels(decodeImage(image), layout.channels), layout);
  const values = tensor.dtype === 'uint8' ? pixels : Float64Array.from(pixels, (pixel) => pixel / 255);
  return [{ [tensor.name]: fitTo({ shape: tensor.shape, values, type: 'pixels', integers: true }, tensor, 1)[0] as Input[string] }];
}

/** The shape as an image, or null; channels first where both would do, as in ONNX. */
function layoutOf(shape: readonly number[]): Layout | null {
  let dims = shape;
  if (dims.length === 4 && dims[0] === 1) dims = dims.slice(1);
  const [a, b, c] = dims as [number, number, number];
  if (dims.length === 2) return { channels: 1, height: a, width: b, channelsLast: false };
  if (dims.length !== 3) return null;
  if ([1, 3, 4].includes(a)) return { channels: a, height: b, width: c, channelsLast: false };
  return [1, 3, 4].includes(c) ? { channels: c, height: a, width: b, channelsLast: true } : null;
}

/** The samples with `wanted` channels, interleaved, if that loses nothing. */
function toChannels({ samples, channels, width, height }: Image, wanted: number): Uint8Array {
  if (channels === wanted) return samples;
  const out = new Uint8Array(width * height * wanted);
  const hasAlpha = channels === 2 || channels === 4;
  const colours = channels - (hasAlpha ? 1 : 0);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const sample = (c: number): number => samples[pixel * channels + (colours === 1 ? 0 : c)] as number;
    if (hasAlpha && samples[pixel * channels + channels - 1] !== 255) {
      throw new Refused('input.png', `the picture is transparent at pixel ${pixel}, and the model has no channel for that`);
    }
    if (wanted === 1 && (sample(0) !== sample(1) || sample(1) !== sample(2))) {
      throw new Refused('input.png', `the picture is coloured at pixel ${pixel}, but the model wants grey; make it grey first`);
    }
    for (let c = 0; c < wanted; c++) out[pixel * wanted + c] = c === 3 ? 255 : sample(c);
  }
  return out;
}

/** Interleaved samples in the order of the tensor. */
function arrange(samples: Uint8Array, { channels, height, width, channelsLast }: Layout): Uint8Array {
  if (channelsLast || channels === 1) return samples;
  const out = new Uint8Array(samples.length);
  const plane = height * width;
  for (let pixel = 0; pixel < plane; pixel++) {
    for (let c = 0; c < channels; c++) out[c * plane + pixel] = samples[pixel * channels + c] as number;
  }
  return out;
}
