/**
 * EZKL's settings.json as far as a statement rests on it: which tensors are public, their shapes, and the scales of their fixed-point
 * integers. Versions differ in the rest, which the engine reads and we do not. Whatever would make the statement say less than "these
 * integers, under these weights" is refused by the name of its field.
 */
import { Refused } from '../../protocol/refused.ts';

export interface FixedPoint {
  readonly name: string;
  readonly dims: readonly number[];
  /** The real number is integer / 2^scale. */
  readonly scale: number;
}

export interface EzklSettings {
  /** The version of EZKL that made the artefacts. */
  readonly version: string;
  /** The circuit has 2^logrows rows. */
  readonly logrows: number;
  readonly inputs: readonly FixedPoint[];
  readonly outputs: readonly FixedPoint[];
}

/** EZKL writes 2 kB to 40 kB. */
const MOST_BYTES = 2 ** 20;
/** Integers of one statement; an instance is 68 bytes of JSON to the engine. */
const MOST_VALUES = 2 ** 20;
const MOST_SCALE = 62;
/** Words of 32 bytes in a proof; those of real networks have 100 to 400. */
export const MOST_PROOF_WORDS = 2 ** 12;
const CODE = 'key.settings';

type Json = Readonly<Record<string, unknown>>;

function refuse(field: string, sentence: string): never {
  throw new Refused(CODE, `EZKL settings: ${field} ${sentence}`, { field });
}

const isObject = (v: unknown): v is Json => typeof v === 'object' && v !== null && !Array.isArray(v);
const isCount = (v: unknown, least: number, most: number): v is number =>
  typeof v === 'number' && Number.isInteger(v) && v >= least && v <= most;

function parsed(bytes: Uint8Array): Json {
  if (bytes.length > MOST_BYTES) throw new Refused(CODE, `EZKL settings of ${bytes.length} bytes; at most ${MOST_BYTES} are read`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (e) {
    // Both say why with an Error of their own, and nothing else throws here.
    throw new Refused(CODE, `EZKL settings are no JSON: ${(e as Error).message.slice(0, 120)}`);
  }
  if (!isObject(value)) throw new Refused(CODE, 'EZKL settings are no JSON object');
  return value;
}

/** The engine is 21.0.0: proofs of 19.0.7 to 22.x verify as they are, those of 23.0.x too once their JSON is in its form; 16.x do not. */
function checkVersion(version: unknown): string {
  const m = typeof version === 'string' ? /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(version) : null;
  if (m === null) return refuse('version', 'is none of EZKL’s releases');
  const [major, minor, patch] = m.slice(1).map(Number) as [number, number, number];
  const read = major === 19 ? minor > 0 || patch >= 7 : (major >= 20 && major <= 22) || (major === 23 && minor === 0);
  if (!read) refuse('version', `is ${version}; this verifier reads 19.0.7 to 23.0.x`);
  return version as string;
}

/** A visibility as EZKL writes it, a word or an object of words; `JSON.stringify` overflows the stack on what is nested deep. */
function shown(v: unknown): string {
  if (isObject(v)) return `{${Object.keys(v).join(', ').slice(0, 58)}}`;
  return Array.isArray(v) ? 'a list' : String(JSON.stringify(v)).slice(0, 60);
}

function checkRunArgs(run: Json): number {
  const wanted = { input_visibility: 'Public', output_visibility: 'Public', param_visibility: 'Fixed' } as const;
  const why = {
    input_visibility: 'the statement would not show the input',
    output_visibility: 'the statement would not show the output',
    param_visibility: 'the key would not say which weights',
  } as const;
  for (const field of Object.keys(wanted) as (keyof typeof wanted)[])
    if (run[field] !== wanted[field]) refuse(`run_args.${field}`, `is ${shown(run[field])}, not "${wanted[field]}": ${why[field]}`);
  if (run.commitment !== undefined && run.commitment !== 'KZG')
    refuse('run_args.commitment', 'is not "KZG": the proof is of another proof system');
  if (run.ignore_range_check_inputs_outputs !== undefined && run.ignore_range_check_inputs_outputs !== false)
    refuse('run_args.ignore_range_check_inputs_outputs', 'is not false: the circuit leaves checks of its input and output out');
  if (!isCount(run.logrows, 1, 28)) return refuse('run_args.logrows', 'is no number from 1 to 28');
  return run.logrows;
}

/** Columns that one table of values is spread over. EZKL makes at most 12; what the engine does with them grows with their square. */
const MOST_TABLE_COLUMNS = 128;

/**
 * The engine lays out the circuit from these numbers before it looks at vk or proof: some thousand millions of columns keep it busy for
 * ever. Every column and every lookup puts a commitment or an evaluation, so a word at least, into a proof; counted low, honest circuits
 * have far fewer than the longest proof has words.
 */
function checkSize(s: Json, run: Json, logrows: number): void {
  const rows = 2 ** logrows;
  const count = (of: Json, field: string, name = field): number => {
    const v = of[field] ?? 0;
    return isCount(v, 0, Number.MAX_SAFE_INTEGER) ? v : refuse(name, 'is no count');
  };
  const list = (field: string): readonly unknown[] => {
    const v = s[field] ?? [];
    return Array.isArray(v) ? v : refuse(field, 'is no list');
  };
  const columnsOf = (range: unknown, field: string): number => {
    const [from, to] = Array.isArray(range) && range.length === 2 ? range : [];
    if (!Number.isInteger(from) || !Number.isInteger(to)) return refuse(field, 'is no range of integers');
    const columns = (to - from) / rows;
    return columns > MOST_TABLE_COLUMNS ? refuse(field, `takes more than ${MOST_TABLE_COLUMNS} columns`) : Math.max(1, columns);
  };
  const columns = Math.max(1, count(run, 'num_inner_cols', 'run_args.num_inner_cols'), count(s, 'total_assignments') / rows);
  const lookups = list('required_lookups').length;
  const tables =
    list('required_range_checks').reduce<number>((n, range) => n + columnsOf(range, 'required_range_checks'), 0) +
    (lookups === 0 ? 0 : lookups * columnsOf(run.lookup_range, 'run_args.lookup_range')) +
    (count(s, 'total_dynamic_col_size') + count(s, 'total_shuffle_col_size')) / rows;
  const committed = isObject(s.module_sizes) ? (s.module_sizes.polycommit ?? []) : [];
  if (!Array.isArray(committed) || committed.length > 0)
    refuse('module_sizes.polycommit', 'is no empty list: the circuit commits to tensors that the statement does not show');
  const words = 3 * columns + columns * tables + count(s, 'total_const_size') / rows;
  if (words > MOST_PROOF_WORDS)
    refuse('total_assignments', `and the tables need columns whose proof has more than ${MOST_PROOF_WORDS} words`);
}

function scalesOf(settings: Json, field: string): number[] {
  const scales = settings[field];
  if (!Array.isArray(scales) || scales.length === 0 || scales.length > 255 || !scales.every((s) => isCount(s, 0, MOST_SCALE)))
    return refuse(field, `is no list of 1 to 255 numbers from 0 to ${MOST_SCALE}`);
  return scales;
}

/** Reads and checks settings. Throws `key.settings`, with the field. */
export function readSettings(bytes: Uint8Array): EzklSettings {
  const s = parsed(bytes);
  const version = checkVersion(s.version);
  if (!isObject(s.run_args)) return refuse('run_args', 'is missing');
  const logrows = checkRunArgs(s.run_args);
  checkSize(s, s.run_args, logrows);
  const [inputScales, outputScales] = [scalesOf(s, 'model_input_scales'), scalesOf(s, 'model_output_scales')];
  const shapes: unknown = s.model_instance_shapes;
  const isShape = (v: unknown): v is number[] => Array.isArray(v) && v.length <= 16 && v.every((d) => isCount(d, 1, MOST_VALUES));
  if (!Array.isArray(shapes) || !shapes.every(isShape)) return refuse('model_instance_shapes', 'is no list of shapes');
  if (shapes.length !== inputScales.length + outputScales.length)
    refuse('model_instance_shapes', `has ${shapes.length} shapes for ${inputScales.length} inputs and ${outputScales.length} outputs`);
  // A circuit has one column of public values.
  const most = Math.min(MOST_VALUES, 2 ** logrows);
  if (shapes.reduce((n, shape) => n + shape.reduce((m, d) => m * d, 1), 0) > most)
    refuse('model_instance_shapes', `has more than ${most} values`);
  const named = (what: string, scales: readonly number[], from: number): FixedPoint[] =>
    scales.map((scale, i) => ({ name: scales.length === 1 ? what : `${what} ${i}`, dims: shapes[from + i] as number[], scale }));
  return { version, logrows, inputs: named('input', inputScales, 0), outputs: named('output', outputScales, inputScales.length) };
}
