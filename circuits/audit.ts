/**
 * Audit(model, vk): is this key one of this network's? (protocol §6.7) It does not depend on the choice of widths, ids, h, lr or t, so it
 * accepts keys that are not the canonical one. Needs the contents of all W tensors.
 */
import { equalBytes } from '../protocol/bytes.ts';
import { encodeValue } from '../protocol/encoding.ts';
import { rootOf } from '../protocol/merkle.ts';
import { Refused } from '../protocol/refused.ts';
import { type Cell, cellsCover, type Interval } from './cells.ts';
import { type Contents, checkKey } from './check.ts';
import { commitStack, stackOf, tableContents, weightsHash } from './contents.ts';
import { describeTables, type TableDescription } from './descriptions.ts';
import { accumulatorBounds, accumulatorIntervals, forms } from './forms/index.ts';
import { encodeDescription, type Key } from './key.ts';
import type { Network, TableMeaning } from './network.ts';
import { planOf } from './plan.ts';
import { computedDescriptions, isDescribed } from './public.ts';
import { maxOf, unpad } from './shape.ts';
import { k0Column } from './tables.ts';
import { type Form, type IoTensor, isComputed, type Op, type ReqOp, type Tensor, type UnaryOp, type ViewPart } from './types.ts';

function ok(condition: boolean, where: string, sentence: string): void {
  if (!condition) throw new Refused('audit', `${where}: ${sentence}`, { where });
}

/** Refuses with code `audit` (or E6) and the place unless the key is one of the network's. */
export function auditKey(network: Network, key: Key, contents: Contents, options: { readonly allowToy?: boolean } = {}): void {
  const plan = planOf(key);
  const held = new Map([...contents, ...tableContents(key, plan)]);
  checkKey(key, plan, { ...options, contents: held });
  const root =
    key.mode === 'I1'
      ? rootOf(
          commitStack(
            stackOf(plan, key.h, 'W', (t) => contents.get(t) as Int32Array),
            key.h,
            key.lr,
          ).tree,
        )
      : weightsHash(key, contents);
  ok(equalBytes(root, key.wroot), 'wroot', 'the contents do not lead to the root of the key');
  ok(key.ops.length === network.ops.length, 'ops', `${key.ops.length} ops, the model has ${network.ops.length}`);

  // One renaming of tensors, a function from the model's to the key's.
  const renamed = new Map<number, number>();
  const same = (model: number, inKey: number, where: string): void => {
    const known = renamed.get(model);
    ok(known === undefined || known === inKey, where, `tensor ${inKey} where the model has the one it already uses as ${known}`);
    if (known !== undefined) return;
    renamed.set(model, inKey);
    const [a, b] = [network.tensors[model] as Tensor, key.tensors[inKey] as Tensor];
    ok(
      b !== undefined && a.dims.length === b.dims.length && a.dims.every((d, i) => d === b.dims[i]),
      where,
      `tensor ${inKey} has other dims than the model's`,
    );
    ok(a.home === b.home && a.lo === b.lo && a.hi === b.hi, where, `tensor ${inKey} has another home or bounds than the model's`);
    const constant = network.weights.get(model);
    if (constant === undefined || a.lo === null) return;
    const held = unpad(contents.get(inKey) as Int32Array, b.dims);
    const at = constant.findIndex((v, i) => v !== held[i]);
    ok(at < 0, where, `constant ${at} of tensor ${inKey} is ${held[at]}, the model has ${constant[at]}`);
  };
  const lists: [string, readonly IoTensor[], readonly IoTensor[]][] = [
    ['inputs', network.inputs, key.inputs],
    ['outputs', network.outputs, key.outputs],
  ];
  for (const [where, model, inKey] of lists) {
    ok(model.length === inKey.length, where, `${inKey.length} tensors, the model has ${model.length}`);
    model.forEach((m, i) => {
      const k = inKey[i] as IoTensor;
      ok(m.dtype === k.dtype && m.zp === k.zp, `${where}[${i}]`, 'another dtype or zero point than the model');
      same(m.tensor, k.tensor, `${where}[${i}]`);
    });
  }
  const rows = rowsById(key, plan.content, held);
  auditComputed(network, key);
  network.ops.forEach((model, i) => {
    const inKey = key.ops[i] as Op;
    const where = `op ${i} (${network.labels[i]})`;
    ok(model.kind === inKey.kind, where, `the key has ${inKey.kind}, the model ${model.kind}`);
    auditOp(network, key, contents, model, inKey, same, where);
    if (network.meanings.has(i) && !isComputed(model))
      auditTable(network.meanings.get(i) as TableMeaning, key, contents, inKey, rows, where);
  });
}

/** The functions that the verifier computes are the model's. */
function auditComputed(network: Network, key: Key): void {
  const given = computedDescriptions(key);
  const wanted = computedDescriptions({ ops: network.ops, descriptions: describeTables(network) });
  network.ops.forEach((op, i) => {
    if (isComputed(op) && isDescribed(op))
      ok(
        sameDescription(given.get(i), wanted.get(i)),
        `op ${i} (${network.labels[i]})`,
        'the verifier would compute another function than the model',
      );
  });
}

const sameDescription = (a: TableDescription | undefined, b: TableDescription | undefined): boolean =>
  a !== undefined && b !== undefined && equalBytes(encodeValue(encodeDescription(a)), encodeValue(encodeDescription(b)));

type Same = (model: number, inKey: number, where: string) => void;

/** Attributes, shapes, operands, weights and bounds of one op. */
function auditOp(network: Network, key: Key, contents: Contents, model: Op, inKey: Op, same: Same, where: string): void {
  const weight = (t: number): Int32Array => unpad(contents.get(t) as Int32Array, (key.tensors[t] as Tensor).dims);
  if ((model.kind === 'req' || model.kind === 'out') && (inKey.kind === 'req' || inKey.kind === 'out')) {
    auditForm(network, model.form, inKey.form, same, weight, where);
    ok(
      inKey.bound === maxOf(accumulatorBounds(key.tensors, inKey.form, (t) => contents.get(t) as Int32Array)),
      where,
      'the accumulator bound is not that of the weights',
    );
    same(model.y, inKey.y, where);
    return;
  }
  if (model.kind === 'accumulate' && inKey.kind === 'accumulate') {
    auditForm(network, model.form, inKey.form, same, weight, where);
    same(model.y, inKey.y, where);
    return;
  }
  if (model.kind === 'view' && inKey.kind === 'view') {
    ok(model.parts.length === inKey.parts.length && model.fill === inKey.fill, where, 'another view than the model');
    model.parts.forEach(({ x, ...shown }, i) => {
      const { x: other, ...given } = inKey.parts[i] as ViewPart;
      ok(JSON.stringify(shown) === JSON.stringify(given), where, `part ${i} shows other elements than the model`);
      same(x, other, where);
    });
    same(model.y, inKey.y, where);
    return;
  }
  const references = ['x', 'ids', 'a', 'b', 'prev', 'y'];
  const attributes = ['axis', 'kernel', 'stride', 'pad', 'dilation', 'k0', 'k1', 'w', 'cd'];
  const [m, k] = [model as unknown as Record<string, number | null>, inKey as unknown as Record<string, number | null>];
  for (const f of references) {
    if (m[f] === undefined) continue;
    ok((m[f] === null) === (k[f] === null), where, `${f} is not the model's`);
    if (m[f] !== null) same(m[f] as number, k[f] as number, where);
  }
  for (const f of attributes) ok(String(m[f]) === String(k[f]), where, `${f} is ${k[f]}, the model has ${m[f]}`);
}

function auditForm(network: Network, model: Form, inKey: Form, same: Same, weight: (t: number) => Int32Array, where: string): void {
  ok(model.kind === inKey.kind, where, `the key has form ${inKey.kind}, the model ${model.kind}`);
  const [m, k] = [model as unknown as Record<string, unknown>, inKey as unknown as Record<string, unknown>];
  for (const [field] of forms[model.kind].fields as readonly (readonly [string, string])[]) {
    if (field === 'terms') {
      const [a, b] = [m.terms, k.terms] as [[number, number][], [number, number][]];
      ok(a.length === b.length && a.every(([c], i) => c === b[i]?.[0]), where, 'other coefficients than the model');
      a.forEach(([, t], i) => {
        same(t, b[i]?.[1] as number, where);
      });
    } else if (['x', 'a'].includes(field) || (field === 'b' && (model.kind === 'mul' || model.kind === 'bmm')))
      same(m[field] as number, k[field] as number, where);
    else if (field === 'w' || field === 'b') {
      same(m[field] as number, k[field] as number, where);
      const [a, b] = [network.weights.get(m[field] as number) as Int32Array, weight(k[field] as number)];
      const at = a.findIndex((v, i) => v !== b[i]);
      ok(at < 0, where, `${field === 'w' ? 'weight' : 'bias'} ${at} is ${b[at]}, the model has ${a[at]}`);
    } else ok(String(m[field]) === String(k[field]), where, `${field} is ${k[field]}, the model has ${m[field]}`);
  }
}

type RowsById = ReadonlyMap<number, readonly Cell[]>;

function rowsById(key: Key, [c1, c2]: readonly [number, number], contents: Contents): RowsById {
  const [k1, k2] = [contents.get(c1) as Int32Array, contents.get(c2) as Int32Array];
  const k0 = k0Column(key.runs);
  const total = 2 + key.runs.reduce((s, [, n]) => s + n, 0);
  const rows = new Map<number, Cell[]>();
  for (let i = 2; i < total; i++) {
    const id = Math.floor((k0[i] as number) / 32);
    const list = rows.get(id) ?? [];
    list.push({ t: k1[i] as number, y: k2[i] as number, w: (k0[i] as number) % 32 });
    rows.set(id, list);
  }
  return rows;
}

/** Every table of every channel against its function, exactly (§6.7, 4). */
function auditTable(meaning: TableMeaning, key: Key, contents: Contents, op: Op, rows: RowsById, where: string): void {
  if (meaning.kind === 'cells') {
    const req = op as ReqOp;
    const intervals = accumulatorIntervals(key.tensors, req.form, (t) => contents.get(t) as Int32Array);
    const whole: Interval = [-maxOf(intervals.map(([a]) => -a)), maxOf(intervals.map(([, b]) => b))];
    const channels = req.cd === null ? 1 : ((key.tensors[req.y] as Tensor).dims[req.cd] as number);
    ok(
      meaning.functions.length === 1 || meaning.functions.length === channels,
      where,
      `${channels} tables, the model has ${meaning.functions.length} functions`,
    );
    for (let c = 0; c < channels; c++) {
      const f = meaning.functions[meaning.functions.length === 1 ? 0 : c] as (typeof meaning.functions)[number];
      const reachable = req.per === 1 ? (intervals[c % intervals.length] as Interval) : whole;
      ok(
        cellsCover(f, reachable, rows.get(req.id + c) ?? []),
        where,
        `the cells of table ${req.id + c} (channel ${c}) are not those of the model`,
      );
    }
    return;
  }
  const wanted = new Map<number, number>();
  if (meaning.kind === 'unary') {
    // A description says what x may hold, and nothing else.
    const { lo, hi } = key.tensors[(op as UnaryOp).x] as { lo: number; hi: number };
    for (const [x, y] of meaning.rows) if (key.version !== 2 || (x >= lo && x <= hi)) wanted.set(x, y);
  }
  if (meaning.kind === 'pair') {
    const [a, b] = [(op as { a: number }).a, (op as { b: number }).b].map((t) => key.tensors[t] as { lo: number; hi: number }) as [
      { lo: number; hi: number },
      { lo: number; hi: number },
    ];
    for (let u = a.lo; u <= a.hi; u++) for (let v = b.lo; v <= b.hi; v++) wanted.set(u + 1024 * v, meaning.at(u, v));
  }
  const { id } = op as { id: number };
  const given = rows.get(id) ?? [];
  ok(
    given.length === wanted.size && given.every((r) => r.w === 0 && wanted.get(r.t) === r.y),
    where,
    `table ${id} is not that of the model`,
  );
}
