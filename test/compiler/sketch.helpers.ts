/**
 * What random graphs are made of: a builder, dice, and the quantized tensors that later operations read. Scales are such that values fill the
 * range of their type.
 */
import type { NamedTensor } from '../../circuits/interface.ts';
import { type AttributeValue, Dice, ModelBuilder } from './onnx.helpers.ts';

export type Integer = 'uint8' | 'int8';
export type Shape = readonly number[];

/** Scale and zero point, and the names of the constants that hold them. */
export interface Scaling {
  readonly dtype: Integer;
  readonly scale: number;
  readonly zp: number;
  readonly s: string;
  readonly z: string;
}

/** A quantized tensor: the name of its integers. */
export interface Quantized extends Scaling {
  readonly q: string;
  readonly shape: Shape;
}

/** What a graph gives, and by which nodes. */
export interface Output {
  /** How much one integer is worth. */
  readonly step: number;
  readonly nodes: ReadonlySet<string>;
  /** Those of them that the operation has which made it. */
  readonly last: ReadonlySet<string>;
}

/** A kind of operation: chooses its operands and adds its result. */
export interface Kind {
  readonly family: string;
  /** The opset that brought it. */
  readonly since?: number;
  readonly build: (g: Sketch) => void;
}

export type Attributes = Record<string, AttributeValue>;

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
/** Some of a list, evenly. */
export const spread = (values: readonly number[], n = 24): number[] =>
  range(n).map((i) => values[Math.floor((i * (values.length - 1)) / (n - 1))] as number);
export const float = (v: number) => ({ float: Math.fround(v) });
export const RANGE: Readonly<Record<Integer, readonly [number, number]>> = { uint8: [0, 255], int8: [-128, 127] };
export const size = (shape: Shape): number => shape.reduce((p, d) => p * d, 1);
/** Of a tensor of a graph: small graphs find as many faults as large ones. */
export const MOST = 400;

export class Sketch {
  readonly d: Dice;
  readonly m: ModelBuilder;
  readonly qop: boolean;
  readonly dtype: Integer;
  readonly made: Quantized[] = [];
  readonly inputs: Record<string, NamedTensor> = {};
  readonly #read = new Set<string>();
  /** The nodes of the operation that made a tensor. */
  readonly #madeBy = new Map<string, ReadonlySet<string>>();
  #start = 0;
  readonly #reals = new Map<string, string>();
  readonly #domain: string;

  constructor(seed: number, since: number) {
    this.d = new Dice(seed * 2654435761 + 17);
    this.m = new ModelBuilder(this.d.pick([10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21].filter((v) => v >= since)));
    this.qop = this.d.chance(0.4);
    this.dtype = this.d.chance(0.35) ? 'int8' : 'uint8';
    this.#domain = this.d.chance(0.08) ? 'com.microsoft.' : '';
  }

  get opset(): number {
    return this.m.opset;
  }

  /** An operation begins. */
  begin(): void {
    this.#start = this.m.nodes.length;
  }

  node(...args: Parameters<ModelBuilder['node']>): string {
    return this.m.node(...args);
  }

  /** A list of integers, as initializer or as a Constant. */
  list(values: readonly number[], dtype = 'int64'): string {
    if (dtype === 'int64' && this.opset >= 12 && values.length > 0 && this.d.chance(0.3))
      return this.node('Constant', [], { value_ints: values });
    return this.m.constant(dtype, [values.length], values);
  }

  /** Operands and attributes of a node whose list of integers is an attribute before some opset, an operand since. */
  listed(x: string, name: string, values: readonly number[], since: number): [string[], Attributes] {
    return this.opset < since ? [[x], { [name]: [...values] }] : [[x, this.list(values)], {}];
  }

  parameters(scale: number, zp: number, dtype: Integer = this.dtype): Scaling {
    return { dtype, scale, zp, s: this.m.scalar('float32', scale), z: this.m.scalar(dtype, zp) };
  }

  /** Scaling under which these values fill most of the range, or some more. */
  around(values: Iterable<number>): Scaling {
    const { d } = this;
    const sorted = [...values].filter(Number.isFinite).sort((a, b) => a - b);
    const cut = Math.floor(sorted.length * d.pick([0, 0, 0.05, 0.15]));
    const [lo, hi] = [sorted[cut] ?? 0, sorted[sorted.length - 1 - cut] ?? 1];
    const step = Math.max(hi - lo, Math.abs(hi) / 8, 1e-2) / 255;
    const scale = d.chance(0.2) ? 2 ** Math.round(Math.log2(step)) : Math.fround(step * (0.7 + 0.7 * d.next()));
    // In a QDQ graph any tensor may have any type.
    const dtype = !this.qop && d.chance(0.06) ? d.pick(['uint8', 'int8'] as const) : this.dtype;
    const [min, max] = RANGE[dtype];
    const fitting = Math.min(max, Math.max(min, Math.round(min - lo / scale)));
    return this.parameters(scale, d.pick([min, min + 128, d.int(min, max), fitting, fitting, fitting]), dtype);
  }

  /** The same, of the type of x: kernels of integers have one type. */
  like(x: Scaling, values: Iterable<number>): Scaling {
    const p = this.around(values);
    return p.dtype === x.dtype ? p : this.parameters(p.scale, RANGE[x.dtype][0], x.dtype);
  }

  /** What a tensor is worth at each of its integers. */
  values({ dtype, scale, zp }: Scaling): number[] {
    const [min] = RANGE[dtype];
    return Array.from({ length: 256 }, (_, i) => Math.fround((min + i - zp) * scale));
  }

  /** A random shape that fits. */
  shape(fits: (s: Shape) => boolean): Shape {
    const { d } = this;
    for (let i = 0; i < 1000; i++) {
      const n = d.chance(0.7) ? 1 : d.int(2, 3);
      const rank = d.pick([1, 2, 3, 4, 4, 4, 5]);
      const inner = d.chance(0.3) ? [d.int(1, 4), 4, 4] : [d.int(1, 8), d.int(1, 8), d.int(1, 8), d.int(1, 3)];
      const shape = rank === 1 ? [d.int(2, 30)] : rank === 2 ? [n, d.int(2, 24)] : [n, ...inner].slice(0, rank);
      if (size(shape) > 1 && size(shape) <= MOST && fits(shape)) return shape;
    }
    throw new Error('no shape fits');
  }

  input(shape: Shape, dtype = this.dtype): Quantized {
    const { d, m } = this;
    const name = m.fresh('x');
    const p = this.parameters(d.scale(-6), d.int(...RANGE[dtype]), dtype);
    const floats = d.chance(0.6);
    m.input(name, floats ? 'float32' : p.dtype, shape);
    const [min, max] = RANGE[p.dtype];
    const data = floats
      ? Float32Array.from({ length: size(shape) }, () => (min - 8 - p.zp + d.next() * 271) * p.scale)
      : Int32Array.from(d.ints(size(shape), min, max));
    this.inputs[name] = { dtype: floats ? 'float32' : p.dtype, shape, data };
    const q = floats ? this.node(`${this.#domain}QuantizeLinear`, [name, p.s, p.z]) : name;
    return this.add(q, shape, p);
  }

  add(q: string, shape: Shape, { dtype, scale, zp, s, z }: Scaling): Quantized {
    const t = { q, shape, dtype, scale, zp, s, z };
    this.made.push(t);
    this.#madeBy.set(q, namesOf(this.m.nodes.slice(this.#start)));
    return t;
  }

  /** A tensor that fits: often the last, else any, else a new input. */
  take(fits: (s: Shape, t: Scaling) => boolean, wanted: (s: Shape) => boolean = (s) => fits(s, this.made[0] as Quantized)): Quantized {
    const good = this.made.filter((t) => fits(t.shape, t));
    const found = this.d.chance(0.7) ? good.at(-1) : good.length > 0 ? this.d.pick(good) : undefined;
    return found ?? this.input(this.shape(wanted));
  }

  /** The integers of a tensor, as an operand. */
  integers(t: Quantized): string {
    this.#read.add(t.q);
    return t.q;
  }

  /** A tensor dequantized; its readers may share a DequantizeLinear. */
  real(t: Quantized): string {
    const known = this.#reals.get(t.q);
    if (known !== undefined && this.d.chance(0.5)) return known;
    const name = this.node(`${this.#domain}DequantizeLinear`, [this.integers(t), t.s, t.z]);
    this.#reals.set(t.q, name);
    return name;
  }

  /** A real tensor, quantized. */
  close(real: string, shape: Shape, p: Scaling): Quantized {
    return this.add(this.node(`${this.#domain}QuantizeLinear`, [real, p.s, p.z]), shape, p);
  }

  /** Makes an output of everything that nobody read. */
  finish(): Map<string, Output> {
    const outputs = new Map<string, Output>();
    for (const t of this.made) {
      if (this.#read.has(t.q) || this.inputs[t.q] !== undefined) continue;
      const integers = this.d.chance(0.4);
      const name = integers ? t.q : this.node(`${this.#domain}DequantizeLinear`, [t.q, t.s, t.z]);
      this.m.output(name, integers ? t.dtype : 'float32', t.shape);
      outputs.set(name, { step: integers ? 1 : t.scale, nodes: this.#before(name), last: this.#madeBy.get(t.q) as ReadonlySet<string> });
    }
    return outputs;
  }

  /** Names of the nodes that a tensor depends on. */
  #before(tensor: string): Set<string> {
    const node = this.m.nodes.find((n) => n.output?.includes(tensor));
    if (node === undefined) return new Set();
    return new Set([node.name as string, ...(node.input ?? []).flatMap((name) => [...this.#before(name)])]);
  }
}

const namesOf = (nodes: ModelBuilder['nodes']): ReadonlySet<string> => new Set(nodes.map((n) => n.name as string));
