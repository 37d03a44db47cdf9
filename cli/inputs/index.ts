/**
 * Reads `--input F`: what the file is, its first bytes say, not its name.
 */
import { Refused } from '../../protocol/refused.ts';
import { countInputs, fitTo, type Input, type Wanted } from './fit.ts';
import { isPng } from './image.ts';
import { readJson } from './json.ts';
import { isNpy, readNpy } from './npy.ts';
import { isZip, readNpz } from './npz.ts';
import { readPng } from './png.ts';

export type { Data, Input, Wanted } from './fit.ts';

/** The inputs in the file, at least one; throws `Refused` with a code `input.…`. */
export function readInputs(bytes: Uint8Array, wanted: readonly Wanted[]): Input[] {
  if (bytes.length === 0) throw new Refused('input.empty', 'the input file is empty');
  if (isPng(bytes)) return readPng(bytes, wanted);
  if (isZip(bytes)) return readNpz(bytes, wanted);
  if (isNpy(bytes)) return readArray(bytes, wanted);
  return readJson(bytes, wanted);
}

function readArray(bytes: Uint8Array, wanted: readonly Wanted[]): Input[] {
  const [tensor, ...others] = wanted;
  if (!tensor || others.length > 0) {
    throw new Refused('input.npy', `a .npy holds one array, but the model has ${wanted.length} inputs; an .npz names them`);
  }
  const given = readNpy(bytes);
  return fitTo(given, tensor, countInputs(given, tensor, true)).map((data) => ({ [tensor.name]: data }));
}
