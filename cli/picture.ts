/**
 * A greyscale image in the terminal: each character shows two rows, through the upper half block.
 *
 * With colour the halves are 24 greys of the 256-colour palette; without, a half is inked when it is brighter than the threshold.
 */

/** `pixels` are row-major, 0 (black) to 255 (white), at least `width * height` of them. Returns lines without a final line break. */
export function picture(pixels: ArrayLike<number>, width: number, height: number, colour: boolean): string {
  if (pixels.length < width * height) throw new RangeError(`${width}×${height} pixels were promised, ${pixels.length} given`);
  const at = (x: number, y: number): number => (y < height ? (pixels[y * width + x] ?? 0) : 0);
  const lines: string[] = [];
  for (let y = 0; y < height; y += 2) {
    let line = '';
    for (let x = 0; x < width; x++) line += colour ? greys(at(x, y), at(x, y + 1)) : ink(at(x, y), at(x, y + 1));
    lines.push(colour ? `${line}\x1b[0m` : line.trimEnd());
  }
  return lines.join('\n');
}

function greys(top: number, bottom: number): string {
  return `\x1b[38;5;${grey(top)};48;5;${grey(bottom)}m▀`;
}

/** 232 is almost black, 255 almost white. */
function grey(pixel: number): number {
  return 232 + Math.round((Math.min(255, Math.max(0, pixel)) / 255) * 23);
}

function ink(top: number, bottom: number): string {
  return ' ▄▀█'[(top >= 128 ? 2 : 0) + (bottom >= 128 ? 1 : 0)] as string;
}
