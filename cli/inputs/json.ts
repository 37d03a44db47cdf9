/**
 * Inputs as JSON: `{tensor name: numbers, nested or flat}`, a list of such objects, or, for a model with one input tensor, the bare array.
 *
 * The text is scanned before it is parsed, because JSON.parse spends tens of bytes on two (`[]`).
 */
import { Refused } from '../../protocol/refused.ts';
import { printable, size } from '../text.ts';
import { countInputs, type Data, fitTo, type Input, of, type Wanted } from './fit.ts';

const MAX_BYTES = 32 * 2 ** 20;
const MAX_BRACKETS = 2_000_000;
const MAX_DEPTH = 34;

export function readJson(bytes: Uint8Array, wanted: readonly Wanted[]): Input[] {
  const value = parse(bytes);
  if (Array.isArray(value)) {
    if (value.length === 0) throw new Refused('input.none', 'the list of inputs is empty');
    if (isObject(value[0])) {
      return value.map((one, i) => {
        if (isObject(one)) return readObject(one, wanted, `input ${i} of the list: `);
        throw new Refused('input.form', `input ${i} of the list is not an object {tensor name: numbers}`);
      });
    }
    return readBare(value, wanted);
  }
  if (isObject(value)) return [readObject(value, wanted, '')];
  throw new Refused('input.form', 'the JSON is neither {tensor name: numbers}, a list of such objects, nor an array of numbers');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readObject(object: Record<string, unknown>, wanted: readonly Wanted[], where: string): Input {
  const names = wanted.map(({ name }) => name);
  for (const name of Object.keys(object)) {
    if (!names.includes(name)) {
      throw new Refused('input.unknown', `${where}the model has no input "${printable(name)}"; it has ${listOf(names)}`);
    }
  }
  return Object.fromEntries(
    wanted.map((tensor) => {
      if (!Object.hasOwn(object, tensor.name))
        throw new Refused('input.missing', `${where}the input "${printable(tensor.name)}" is missing`);
      return [tensor.name, readNumbers(object[tensor.name], tensor, where, false)[0]];
    }),
  ) as Input;
}

function readBare(value: unknown[], wanted: readonly Wanted[]): Input[] {
  const [only, ...others] = wanted;
  if (!only || others.length > 0) {
    throw new Refused(
      'input.form',
      `the model has ${wanted.length} inputs, so the JSON must name them: ${listOf(wanted.map(({ name }) => name))}`,
    );
  }
  return readNumbers(value, only, '', true).map((data) => ({ [only.name]: data }));
}

/** Numbers nested to a rectangle, or one number; the shape is compared before the numbers are looked at. */
function readNumbers(value: unknown, wanted: Wanted, where: string, several: boolean): Data[] {
  const shape: number[] = [];
  for (let inner = value; Array.isArray(inner); inner = inner[0]) shape.push(inner.length);
  const notNumber = (at: number): Refused =>
    new Refused('input.not-number', `${where}${of(wanted)}: element ${at} is not a number`, { element: at });
  if (!Array.isArray(value) && typeof value !== 'number') throw notNumber(0);
  const inputs = countInputs({ shape }, wanted, several);
  const values: number[] = [];
  const walk = (part: unknown, depth: number): void => {
    if (depth === shape.length) {
      if (typeof part === 'number') values.push(part);
      else if (Array.isArray(part)) throw ragged(where, wanted);
      else throw notNumber(values.length);
      return;
    }
    if (!Array.isArray(part) || part.length !== shape[depth]) throw ragged(where, wanted);
    for (const inner of part) walk(inner, depth + 1);
  };
  walk(value, 0);
  return fitTo({ shape, values, type: 'numbers', integers: true }, wanted, inputs);
}

function ragged(where: string, wanted: Wanted): Refused {
  return new Refused('input.ragged', `${where}${of(wanted)}: the nested lists are not a rectangle`);
}

function parse(bytes: Uint8Array): unknown {
  if (bytes.length > MAX_BYTES) {
    throw new Refused('input.too-large', `the JSON is larger than ${size(MAX_BYTES)}; .npy and .npz may be larger`);
  }
  scan(bytes);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    const reason = error instanceof Error ? printable(error.message) : '';
    throw new Refused('input.json', `the file is not JSON, .npy, .npz or PNG: ${reason}`);
  }
}

/** Counts brackets and their depth, outside of strings. */
function scan(bytes: Uint8Array): void {
  let depth = 0;
  let brackets = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inString) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > MAX_DEPTH) throw new Refused('input.too-deep', `the JSON is nested deeper than ${MAX_DEPTH} levels`);
      if (++brackets > MAX_BRACKETS)
        throw new Refused('input.too-large', `the JSON holds more than ${MAX_BRACKETS} lists; flat ones, .npy and .npz may be larger`);
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
}

export function listOf(names: readonly string[]): string {
  return names.map((name) => `"${printable(name)}"`).join(', ');
}
