/**
 * An integer network as a circom program over the templates of `circuits/circom`: weights are constants, so layers are free linear
 * combinations; requantisations, tables and maxima are relations; inputs are ranged and packed into few public signals
 * (circuits/groth16/signals.ts), or committed to. The same network gives the same text.
 */
import { CHUNK, partialRounds, poseidonConstants, poseidonCost } from '../../circuits/groth16/poseidon.ts';
import { limbCount, perLimb } from '../../circuits/groth16/signals.ts';
import type { Network, TableMeaning } from '../../circuits/network.ts';
import { forEachValid, product } from '../../circuits/shape.ts';
import {
  type IoTensor,
  isComputed,
  type MaxOp,
  type Op,
  type PairMaxOp,
  type ReqOp,
  type Tensor,
  type UnaryOp,
  type ViewOp,
} from '../../circuits/types.ts';
import { forEachShown } from '../../circuits/views.ts';
import { ceilLog2 } from '../../protocol/integers.ts';
import { Refused } from '../../protocol/refused.ts';
import { DTYPES } from '../../protocol/statement.ts';
import { accumulator } from './accumulator.ts';
import { bitLength } from './line.ts';
import { filled, type Relation, relationCost, relationOf, stepTables, stepWidth, unaryCost } from './relation.ts';
import { list, rows } from './text.ts';

export interface Visibility {
  readonly hideInput: boolean;
  readonly hideOutput: boolean;
}

export interface CircomProgram {
  readonly source: string;
  /** R1CS constraints after circom's linear simplification; it may find a few of them equal. */
  readonly constraints: number;
  /** By op: its node, and its share of them. */
  readonly parts: readonly { readonly label: string; readonly constraints: number }[];
  readonly publicSignals: number;
}

interface Part {
  readonly text: string;
  readonly constraints: number;
}

/** The program of a network. Refused `groth16.*` where it has an op or a function that has no relation here. */
export function circomProgram(network: Network, { hideInput, hideOutput }: Visibility): CircomProgram {
  const parts = network.ops.map((op, i) => template(network, op, i));
  const inputs = network.inputs.map((io, k) => port(network, io, 'in', k, hideInput));
  const outputs = network.outputs.map((io, k) => port(network, io, 'out', k, hideOutput));
  const ports = [...inputs, ...outputs];
  const bits = network.inputs.reduce((n, io) => n + rangeCost(network.tensors[io.tensor] as Tensor), 0);
  const text = [
    'pragma circom 2.1.6;',
    'include "bits.circom";\ninclude "table.circom";\ninclude "requantize.circom";\ninclude "pack.circom";\ninclude "poseidon.circom";',
    ...parts.map((p) => p.text),
    ...[...new Set(ports.flatMap((p) => p.chunks))].sort((a, b) => a - b).map(poseidonText),
    main(network, inputs, outputs),
    'component main {public [context]} = Main();',
  ];
  const shared = [
    { label: 'inputs in range', constraints: bits },
    { label: 'commitments', constraints: ports.reduce((n, p) => n + p.constraints, 0) },
    { label: 'context', constraints: 2 },
  ];
  const all = [...parts.map((p, i) => ({ label: network.labels[i] as string, constraints: p.constraints })), ...shared];
  return {
    source: `${text.join('\n\n')}\n`,
    constraints: all.reduce((n, p) => n + p.constraints, 0),
    parts: all.filter((p) => p.constraints > 0),
    publicSignals: ports.reduce((n, p) => n + p.signals, 2),
  };
}

const span = ({ lo, hi }: Tensor): number => (hi as number) - (lo as number);

function rangeCost(t: Tensor): number {
  const n = ceilLog2(span(t) + 1);
  return product(t.dims) * (span(t) + 1 === 2 ** n ? n : 2 * n);
}

/** The program of one op: `x0`, `x1`, … are the tensors it reads, flat and row-major; `y` is what it makes. */
function template(network: Network, op: Op, index: number): Part {
  if (op.kind === 'range') return { text: '', constraints: 0 };
  const label = network.labels[index] as string;
  const { text, constraints } = body(network, op, index, label);
  const declared = operandsOf(op).map((t, k) => `    signal input x${k}[${size(network, t)}];\n`);
  return {
    text: `// ${comment(label)}\ntemplate Op${index}() {\n${declared.join('')}    signal output y[${size(network, op.y)}];\n${text}}`,
    constraints,
  };
}

/** A name that cannot end its comment. */
const comment = (label: string): string => label.replace(/[^\x20-\x7e]/g, '?').slice(0, 80);

export function operandsOf(op: Op): number[] {
  switch (op.kind) {
    case 'req':
    case 'out':
      if (op.form.kind === 'lin') return op.form.terms.map(([, t]) => t);
      return op.form.kind === 'mul' || op.form.kind === 'bmm' ? [op.form.a, op.form.b] : [op.form.x];
    case 'max':
      return op.prev === null ? [op.x] : [op.x, op.prev];
    case 'unary':
    case 'apply':
    case 'softmax':
    case 'layernorm':
    case 'maxpool':
    case 'range':
      return [op.x];
    case 'accumulate':
      return operandsOf({ ...op, kind: 'out', bound: 0 });
    case 'bin':
    case 'pairmax':
    case 'maximum':
      return [op.a, op.b];
    case 'gather':
      return [op.x, op.ids];
    case 'view':
      return op.parts.map((p) => p.x);
  }
}

function body(network: Network, op: Exclude<Op, { kind: 'range' }>, index: number, label: string): Part {
  if (op.kind === 'bin')
    throw new Refused('groth16.op', `"${label}": a table of two tensors has no relation in this proof system`, { node: label });
  if (op.kind === 'max') return maximum(network, op);
  if (op.kind === 'unary') return unary(network, op, index);
  if (op.kind === 'view') return shown(network, op);
  if (op.kind === 'pairmax') return pairs(network, op);
  if (op.kind === 'gather')
    throw new Refused('groth16.op', `"${label}": rows by computed indices have no relation in this proof system`, { node: label });
  if (op.kind === 'softmax' || op.kind === 'layernorm')
    throw new Refused('groth16.op', `"${label}": ${op.kind} has no relation in this proof system`, { node: label });
  if (isComputed(op)) throw new Error('a network with tensors in the clear is one of the native system');
  const acc = accumulator(network.tensors, network.weights, op.form, op.y);
  if (op.kind === 'out')
    return { text: `${acc.text}    for (var i = 0; i < ${size(network, op.y)}; i++) y[i] <== acc[i];\n`, constraints: acc.constraints };
  const relation = requantization(network, op, network.meanings.get(index), label);
  return { text: acc.text + relation.text, constraints: acc.constraints + relation.constraints };
}

const size = (network: Network, t: number): number => product((network.tensors[t] as Tensor).dims);

/** y from acc: every channel has its function, and each function its relation. */
function requantization(network: Network, op: ReqOp, meaning: TableMeaning | undefined, label: string): Part {
  if (meaning?.kind !== 'cells') throw new Error('a requantisation without its functions');
  const { dims } = network.tensors[op.y] as Tensor;
  const channels = op.cd === null ? 1 : (dims[op.cd] as number);
  const inner = op.cd === null ? 1 : product(dims.slice(op.cd + 1));
  const elements = product(dims) / channels;
  let text = '';
  let constraints = 0;
  meaning.functions.forEach((f, c) => {
    const relation = relationOf(f, meaning.intervals[c] as readonly [number, number], label);
    constraints += elements * relationCost(relation);
    const at =
      channels === 1 ? 'i' : inner === 1 ? `i * ${channels} + ${c}` : `i \\ ${inner} * ${channels * inner} + ${c * inner} + i % ${inner}`;
    text += relationText(relation, `c${c}`, elements, at);
  });
  return { text, constraints };
}

/** A relation between acc[at] and y[at], for `i` from 0 to `elements`. */
function relationText(r: Relation, name: string, elements: number, at: string): string {
  const loop = (lines: string): string => `    for (var i = 0; i < ${elements}; i++) {\n        var p = ${at};\n${lines}    }\n`;
  const each = (component: string, made: string, wires: string): string =>
    `    component ${component}[${elements}];\n${loop(`        ${component}[i] = ${made};\n${wires}`)}`;
  if (r.kind === 'constant') return loop(`        y[p] <== ${r.y};\n`);
  if (r.kind === 'table') {
    const n = ceilLog2(r.values.length);
    return each(
      name,
      `Unary(${n}, ${r.from}, ${list(filled(r.values))})`,
      `        ${name}[i].x <== acc[p];\n        y[p] <== ${name}[i].y;\n`,
    );
  }
  if (r.kind === 'steps') {
    const n = ceilLog2(r.steps.length);
    return each(
      name,
      `Steps(${n}, ${stepWidth(r.steps)}, ${rows(stepTables(r.steps))})`,
      `        ${name}[i].acc <== acc[p];\n        y[p] <== ${name}[i].out;\n`,
    );
  }
  const { m, b, s, k, sign, top, at: wrong, by } = r.line;
  const line = `Line(${[m, b, s, k, sign, top, wrong.length].join(', ')}, ${list(atLeastOne(wrong))}, ${list(atLeastOne(by))})`;
  const wires = `        ${name}[i].acc <== acc[p];\n`;
  if (r.map === null) return each(name, line, `${wires}        y[p] <== ${name}[i].out + ${r.offset};\n`);
  const n = bitLength(top);
  return (
    each(name, line, wires) +
    each(
      `${name}m`,
      `Unary(${n}, 0, ${list(filled(r.map))})`,
      `        ${name}m[i].x <== ${name}[i].out;\n        y[p] <== ${name}m[i].y;\n`,
    )
  );
}

/** circom has no empty lists. */
const atLeastOne = (values: readonly number[]): readonly number[] => (values.length > 0 ? values : [0]);

function unary(network: Network, op: UnaryOp, index: number): Part {
  const meaning = network.meanings.get(index);
  if (meaning?.kind !== 'unary') throw new Error('a table without its rows');
  const { lo, hi } = network.tensors[op.x] as { lo: number; hi: number };
  const values = Array.from({ length: hi - lo + 1 }, (_, i) => meaning.rows.get(lo + i) as number);
  const n = ceilLog2(values.length);
  const count = size(network, op.y);
  return {
    text: `    component c[${count}];
    for (var i = 0; i < ${count}; i++) {
        c[i] = Unary(${n}, ${lo}, ${list(filled(values))});
        c[i].x <== x0[i];
        y[i] <== c[i].y;
    }
`,
    constraints: count * unaryCost(values),
  };
}

function pairs(network: Network, op: PairMaxOp): Part {
  const n = ceilLog2(span(network.tensors[op.y] as Tensor) + 1);
  const count = size(network, op.y);
  const text = `    component c[${count}];
    for (var i = 0; i < ${count}; i++) {
        c[i] = Max(${n});
        c[i].a <== x0[i];
        c[i].b <== x1[i];
        y[i] <== c[i].out;
    }
`;
  return { text, constraints: count * (n + 2) };
}

/** A view is wires alone. */
function shown(network: Network, op: ViewOp): Part {
  const dims = (t: number): readonly number[] => (network.tensors[t] as Tensor).dims;
  const trueIndex = (t: number): Map<number, number> => {
    const out = new Map<number, number>();
    forEachValid(dims(t), (p, i) => void out.set(p, i));
    return out;
  };
  const sums: string[][] = Array.from({ length: size(network, op.y) }, () => []);
  const to = trueIndex(op.y);
  op.parts.forEach((part, k) => {
    const from = trueIndex(part.x);
    forEachShown(part, dims(part.x), dims(op.y), (i, o) => void sums[to.get(o) as number]?.push(`x${k}[${from.get(i)}]`));
  });
  const text = sums.map((s, o) => {
    const rest = op.fill * (1 - s.length);
    return `    y[${o}] <== ${[...s, ...(rest !== 0 || s.length === 0 ? [String(rest)] : [])].join(' + ')};
`;
  });
  return { text: text.join(''), constraints: 0 };
}

/** y = max(tap k0 | prev, tap k1) along an axis of [C, H, W]; outside the image a tap is the least value, so the other one is the greater. */
function maximum(network: Network, op: MaxOp): Part {
  const x = network.tensors[op.x] as Tensor;
  const [, h, w] = x.dims as [number, number, number];
  const dims = (network.tensors[op.y] as Tensor).dims as [number, number, number];
  const n = ceilLog2(span(x) + 1);
  const along = dims[op.axis];
  const length = x.dims[op.axis] as number;
  const source = (k: number): string => `o * ${op.stride} + ${k * op.dilation - op.pad}`;
  const inside = (k: number, o: number): boolean => {
    const at = o * op.stride + k * op.dilation - op.pad;
    return at >= 0 && at < length;
  };
  const count = product(dims);
  const tap = (at: string): string => (op.axis === 1 ? `x0[(c * ${h} + ${at}) * ${w} + j]` : `x0[(c * ${h} + j) * ${w} + ${at}]`);
  const other = op.axis === 1 ? dims[2] : dims[1];
  const index = op.axis === 1 ? `(c * ${dims[1]} + o) * ${dims[2]} + j` : `(c * ${dims[1]} + j) * ${dims[2]} + o`;
  let text = `    component c${count > 0 ? `m[${count}]` : ''};\n`;
  let constraints = 0;
  for (let o = 0; o < along; o++) {
    const first = op.prev === null ? inside(op.k0 as number, o) : true;
    const second = inside(op.k1, o);
    const a = op.prev === null ? (first ? tap(`(${source(op.k0 as number)})`) : String(op.lo)) : `x1[p]`;
    const b = second ? tap(`(${source(op.k1)})`) : String(op.lo);
    // Two taps of one place are one value.
    const same = op.prev === null && op.k0 === op.k1;
    const wires =
      first && second && !same
        ? `cm[p] = Max(${n}); cm[p].a <== ${a}; cm[p].b <== ${b}; y[p] <== cm[p].out;`
        : `y[p] <== ${first ? a : b};`;
    if (first && second && !same) constraints += dims[0] * other * (n + 2);
    text += `    for (var c = 0; c < ${dims[0]}; c++) for (var j = 0; j < ${other}; j++) { var o = ${o}; var p = ${index}; ${wires} }\n`;
  }
  return { text: constraints === 0 ? text.slice(text.indexOf('\n') + 1) : text, constraints };
}

/** An input or output of the statement: its public signals, and what they cost. */
interface Port {
  readonly text: string;
  readonly declared: string;
  readonly constraints: number;
  readonly signals: number;
  /** Sizes of the Poseidon calls. */
  readonly chunks: readonly number[];
  readonly hidden: boolean;
}

function port(network: Network, { tensor, dtype, zp }: IoTensor, kind: 'in' | 'out', k: number, hidden: boolean): Port {
  const values = size(network, tensor);
  const limbs = limbCount(dtype, values);
  const chunks: number[] = [];
  for (let i = 0; hidden && i < limbs; i += CHUNK) chunks.push(1 + Math.min(CHUNK, limbs - i));
  const name = `${kind}${k}`;
  const packed = `    component ${name}_limbs = Pack(${values}, ${perLimb(dtype)}, ${8 * DTYPES[dtype].bytes}, ${zp - DTYPES[dtype].lo});
    for (var i = 0; i < ${values}; i++) ${name}_limbs.v[i] <== t${tensor}[i];
`;
  if (!hidden)
    return {
      declared: `    signal output ${name}_public[${limbs}];\n`,
      text: `${packed}    for (var i = 0; i < ${limbs}; i++) ${name}_public[i] <== ${name}_limbs.out[i];\n`,
      constraints: 0,
      signals: limbs,
      chunks,
      hidden,
    };
  const calls = chunks.map((n, c) => {
    const state = c === 0 ? `salt[SALT]` : `${name}_hash${c - 1}.out`;
    return `    component ${name}_hash${c} = Hash${n}();
    ${name}_hash${c}.in[0] <== ${state};
    for (var i = 1; i < ${n}; i++) ${name}_hash${c}.in[i] <== ${name}_limbs.out[${c * CHUNK} + i - 1];
`;
  });
  return {
    declared: `    signal output ${name}_commitment;\n`,
    text: `${packed}${calls.join('')}    ${name}_commitment <== ${name}_hash${chunks.length - 1}.out;\n`,
    constraints: chunks.reduce((n, c) => n + poseidonCost(c), 0),
    signals: 1,
    chunks,
    hidden,
  };
}

function poseidonText(n: number): string {
  const { roundConstants, mds } = poseidonConstants(n);
  return `template Hash${n}() {
    signal input in[${n}];
    signal output out;
    component h = Poseidon(${n}, ${partialRounds(n)}, ${rows(roundConstants)}, ${rows(mds)});
    for (var i = 0; i < ${n}; i++) h.in[i] <== in[i];
    out <== h.out;
}`;
}

/** Constants of the model that ops read as they read computed tensors. */
const constantsOf = ({ ops, tensors }: Network): number[] => [...new Set(ops.flatMap(operandsOf))].filter((t) => tensors[t]?.home === 'W');

function main(network: Network, inputs: readonly Port[], outputs: readonly Port[]): string {
  const ports = [...inputs, ...outputs];
  const salts = ports.filter((p) => p.hidden).length;
  let salt = 0;
  const lines = [
    ...network.inputs.map(({ tensor }) => `    signal input t${tensor}[${size(network, tensor)}];\n`),
    salts > 0 ? `    signal input salt[${salts}];\n` : '',
    '    signal input context[2];\n',
    ...ports.map((p) => p.declared),
    ...network.inputs.map(({ tensor }) => {
      const t = network.tensors[tensor] as Tensor;
      return `    component range${tensor}[${size(network, tensor)}];
    for (var i = 0; i < ${size(network, tensor)}; i++) { range${tensor}[i] = Within(${span(t)}); range${tensor}[i].v <== t${tensor}[i] - (${t.lo}); }
`;
    }),
    ...constantsOf(network).map((t) => `    var t${t}[${size(network, t)}] = ${list([...(network.weights.get(t) as Int32Array)])};\n`),
    ...network.ops.map((op, i) => {
      if (op.kind === 'range') return '';
      const wires = operandsOf(op).map((t, k) => `    for (var i = 0; i < ${size(network, t)}; i++) op${i}.x${k}[i] <== t${t}[i];\n`);
      const n = size(network, op.y);
      return `    component op${i} = Op${i}();\n${wires.join('')}    signal t${op.y}[${n}];\n    for (var i = 0; i < ${n}; i++) t${op.y}[i] <== op${i}.y[i];\n`;
    }),
    ...ports.map((p) => (p.hidden ? p.text.replace('SALT', String(salt++)) : p.text)),
    '    // The proof is made for its context: the signals are bound by being used.\n    signal used[2];\n    for (var i = 0; i < 2; i++) used[i] <== context[i] * context[i];\n',
  ];
  return `template Main() {\n${lines.join('')}}`;
}
