/**
 * A drawing as the model was taught digits (the convention of MNIST): the ink's bounding box scaled to 20 × 20, averaged, and placed so that
 * its centre of mass lies in the pixel right and below of the centre of 28 × 28, as that of every recorded digit does. Values 0 (paper) to
 * 1 (ink).
 */
export const SIDE = 28;
const BOX = 20;

/** `ink`: coverage 0..1, row-major, `width` × `height`. Null if there is no ink. */
export function toDigit(ink: ArrayLike<number>, width: number, height: number): Float32Array | null {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if ((ink[y * width + x] as number) > 0.05) {
        left = Math.min(left, x);
        right = Math.max(right, x);
        top = Math.min(top, y);
        bottom = Math.max(bottom, y);
      }
  if (right < left) return null;
  const [w, h] = [right - left + 1, bottom - top + 1];
  const scale = Math.max(w, h) / BOX;
  const [cols, rows] = [Math.max(1, Math.round(w / scale)), Math.max(1, Math.round(h / scale))];
  const small = new Float32Array(cols * rows);
  let [mass, mx, my] = [0, 0, 0];
  for (let j = 0; j < rows; j++)
    for (let i = 0; i < cols; i++) {
      const v = average(ink, width, left + (i * w) / cols, left + ((i + 1) * w) / cols, top + (j * h) / rows, top + ((j + 1) * h) / rows);
      small[j * cols + i] = v;
      mass += v;
      mx += v * (i + 0.5);
      my += v * (j + 0.5);
    }
  const place = (centre: number, length: number): number => Math.max(0, Math.min(SIDE - length, Math.ceil(SIDE / 2 - centre)));
  const [x0, y0] = [place(mx / mass, cols), place(my / mass, rows)];
  const out = new Float32Array(SIDE * SIDE);
  // As bytes / 255, which is how the recorded digits are written.
  for (let j = 0; j < rows; j++)
    for (let i = 0; i < cols; i++) out[(y0 + j) * SIDE + x0 + i] = Math.round(255 * Math.min(1, small[j * cols + i] as number)) / 255;
  return out;
}

/** Mean of the cells that a rectangle touches. */
function average(ink: ArrayLike<number>, width: number, x0: number, x1: number, y0: number, y1: number): number {
  let [sum, n] = [0, 0];
  for (let y = Math.floor(y0); y < Math.ceil(y1); y++)
    for (let x = Math.floor(x0); x < Math.ceil(x1); x++) {
      sum += ink[y * width + x] as number;
      n++;
    }
  return n === 0 ? 0 : sum / n;
}
