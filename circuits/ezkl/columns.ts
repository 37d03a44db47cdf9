/**
 * How many columns EZKL's settings ask the engine for, before it is asked. It lays out the circuit they describe before it reads a byte of
 * vk or proof, so in 2^11 rows a range check of 10^6 values takes it 1.7 GB, and 1.6·10^7 assignments 12 s, growing with their square. A
 * statement needs few columns, for each of them costs words in its proof, and a proof has at most 4,096.
 */

type Json = Readonly<Record<string, unknown>>;
type Refuse = (field: string, sentence: string) => never;

/** Of one of the three advice tensors, of the constants, of the tables of all lookups together. Those of the fixtures have 2 to 8. */
const MOST_COLUMNS = 512;
const MOST_INNER = 64;
/** Each advice column is looked up in each column of a table: 16 times in the largest circuit here. 3,000 take the engine 1.7 GB. */
const MOST_LOOKUPS = 2 ** 10;
const MOST_COUNT = 2 ** 32 - 1;

/** Rows of a column that the circuit does not have: blinding, and what EZKL leaves free. */
const RESERVED_ROWS = 8;

/** Throws by `refuse` where the settings are not of a circuit that a proof of ours could be of. Fields that a version lacks count nothing. */
export function checkColumns(settings: Json, run: Json, logrows: number, refuse: Refuse): void {
  const rows = Math.max(1, 2 ** logrows - RESERVED_ROWS);
  const columns = (values: number): number => Math.floor(values / rows) + 1;
  const count = (from: Json, field: string, least: number, most: number): number => {
    const v = from[field] ?? least;
    return typeof v === 'number' && Number.isInteger(v) && v >= least && v <= most
      ? v
      : refuse(field, `is no number from ${least} to ${most}`);
  };
  const atMost = (field: string, n: number, most = MOST_COLUMNS): number =>
    n <= most ? n : refuse(field, `takes ${n} columns of 2^${logrows} rows; circuits of at most ${most} are read`);
  const inner = count(run, 'num_inner_cols', 1, MOST_INNER);
  const assignments = count(settings, 'total_assignments', 0, MOST_COUNT);
  const advice = atMost('total_assignments', inner * columns(assignments / inner));
  atMost('total_const_size', columns(count(settings, 'total_const_size', 0, MOST_COUNT)));
  let tables = 0;
  for (const field of ['total_dynamic_col_size', 'total_shuffle_col_size']) {
    const size = count(settings, field, 0, MOST_COUNT);
    if (size > 0) tables += columns(size);
  }
  for (const field of ['num_dynamic_lookups', 'num_shuffles']) count(settings, field, 0, MOST_COUNT);
  for (const range of listOf(settings, 'required_range_checks', refuse)) tables += columns(widthOf(range, 'required_range_checks', refuse));
  const lookups = listOf(settings, 'required_lookups', refuse);
  if (lookups.length > 0) tables += lookups.length * columns(widthOf(run.lookup_range, 'run_args.lookup_range', refuse));
  atMost('required_range_checks and required_lookups', advice * tables, MOST_LOOKUPS);
  const modules = settings.module_sizes;
  const committed = typeof modules === 'object' && modules !== null && 'polycommit' in modules ? modules.polycommit : [];
  if (!Array.isArray(committed) || committed.length > 0)
    refuse('module_sizes.polycommit', 'is no empty list: the circuit commits to tensors that the statement does not show');
}

function listOf(from: Json, field: string, refuse: Refuse): readonly unknown[] {
  const list = from[field] ?? [];
  return Array.isArray(list) ? list : refuse(field, 'is no list');
}

function widthOf(range: unknown, field: string, refuse: Refuse): number {
  const [lo, hi] = Array.isArray(range) && range.length === 2 ? (range as readonly unknown[]) : [];
  if (!Number.isSafeInteger(lo) || !Number.isSafeInteger(hi) || (lo as number) > (hi as number))
    return refuse(field, 'is no range of integers');
  return (hi as number) - (lo as number) + 1;
}
