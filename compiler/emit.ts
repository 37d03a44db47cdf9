/** Forms as stable text: the same model prints the same bytes on any machine. Long data is shown by its length and a checksum. */
import type { Network } from '../circuits/network.ts';
import type { Attribute, Graph, Node, Tensor } from './onnx/graph.ts';
import type { Activation, Combine, QuantizedGraph, QuantizedOp, Show, Stage } from './quantized/form.ts';

/** FNV-1a over 32-bit words: tells apart what a diff should tell apart. */
export function checksum(data: ArrayLike<number>): string {
  const word = new DataView(new ArrayBuffer(8));
  let h = 0x811c9dc5;
  for (let i = 0; i < data.length; i++) {
    word.setFloat64(0, (data[i] as number) + 0);
    h = Math.imul(h ^ word.getUint32(0), 0x01000193);
    h = Math.imul(h ^ word.getUint32(4), 0x01000193);
  }
  return (h >>> 0).toString(16).padStart(8, '0');
}

const dims = (d: readonly number[] | null): string => (d === null ? '[?]' : `[${d.join(',')}]`);
const numbers = (v: ArrayLike<number>): string => (v.length <= 8 ? `[${Array.from(v).join(' ')}]` : `${v.length} numbers #${checksum(v)}`);

export function emitGraph(graph: Graph): string {
  const lines = [`graph ${JSON.stringify(graph.name)}`];
  for (const [domain, version] of [...graph.opsets].sort()) lines.push(`opset ${domain === '' ? 'ai.onnx' : domain} ${version}`);
  for (const i of graph.inputs) lines.push(`input ${i.name}: ${i.dtype}${dims(i.shape)}`);
  for (const t of graph.initializers.values()) lines.push(`constant ${constant(t)}`);
  for (const n of graph.nodes) lines.push(node(n));
  for (const n of graph.dead) lines.push(`dead ${node(n)}`);
  for (const o of graph.outputs) lines.push(`output ${o.name}${o.dtype === null ? '' : `: ${o.dtype}`}`);
  return `${lines.join('\n')}\n`;
}

const constant = (t: Tensor): string => `${t.name}: ${t.dtype}${dims(t.dims)} = ${t.data === null ? 'not read' : numbers(t.data)}`;

function node(n: Node): string {
  const attributes = [...n.attributes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, a]) => `${name}=${attribute(a)}`);
  return `node ${n.label}: ${n.outputs.join(', ')} = ${n.op}(${n.inputs.join(', ')})${attributes.length > 0 ? ` {${attributes.join(', ')}}` : ''}`;
}

const attribute = (a: Attribute): string => (a.kind === 'tensor' ? constant(a.value) : JSON.stringify(a.value));

export function emitQuantized(graph: QuantizedGraph): string {
  const lines = ['quantized graph'];
  for (const i of graph.inputs)
    lines.push(
      `input ${activation(i.activation)} from graph input ${i.input}${i.steps.length > 0 ? ` ${JSON.stringify(i.steps)}` : ''}${i.quantize === null ? '' : ` quantized by scale ${i.quantize.scale} zp ${i.quantize.zp}`}`,
    );
  for (const op of graph.ops) lines.push(quantizedOp(op));
  for (const o of graph.outputs) lines.push(`output ${o.name}: ${o.dtype}${dims(o.shape)} from t${o.source.id} ${JSON.stringify(o.steps)}`);
  return `${lines.join('\n')}\n`;
}

const activation = (a: Activation): string => `t${a.id} ${a.name}: ${a.dtype}${dims(a.dims)} zp ${a.zp.value} in [${a.lo}, ${a.hi}]`;

function quantizedOp(op: QuantizedOp): string {
  if (op.kind === 'show') return shown(op);
  if (op.kind === 'gather') return `gather ${op.node}: ${activation(op.y)} = t${op.x.id} by t${op.ids.id}`;
  if ('description' in op) return `${op.kind} ${op.node}: ${activation(op.y)} = t${op.x.id} ${JSON.stringify(op.description)}`;
  if (op.kind === 'combine') return `combine ${op.node}: ${activation(op.y)} = t${op.a.id} t${op.b.id} ${form(op.form)}`;
  if (op.kind === 'pool')
    return `pool ${op.node}: ${activation(op.y)} = t${op.x.id} kernel ${dims(op.kernel)} stride ${dims(op.stride)} pad ${dims(op.pad)}${op.average ? ' of what it meets' : ''} ${op.steps === null ? `R ${numbers(op.requant?.scales ?? [])}` : `steps from ${numbers(op.steps.starts)} to ${numbers(op.steps.ys)}`}`;
  if (op.kind === 'product')
    return `product ${op.node}: ${activation(op.y)} = t${op.a.id} t${op.b.id} R ${numbers(op.requant.scales)}${op.stages.map((e) => `\n  then ${stage(e)}`).join('')}`;
  if (op.kind === 'constant') return `constant ${op.node}: ${activation(op.y)} = ${numbers(op.values)}`;
  const head = `${op.kind} ${op.node}: ${activation(op.y)} = t${op.x.id}`;
  if (op.kind === 'maxpool')
    return `${head} kernel ${dims(op.kernel)} stride ${dims(op.stride)} pad ${dims(op.pad)} dilation ${dims(op.dilation)}`;
  const stages = op.stages.map((s) => `\n  then ${stage(s)}`).join('');
  if (op.kind === 'lookup') return `${head}${stages}`;
  const requant =
    op.requant === null
      ? 'as int32'
      : `${'chain' in op.requant ? op.requant.chain.map((s) => `${s.op} ${numbers(s.constants)}`).join(', ') : `R ${numbers(op.requant.scales)}`} to scale ${op.requant.to.scale} zp ${op.requant.to.zp} clip [${op.requant.to.lo}, ${op.requant.to.hi}]`;
  return `${head} ${JSON.stringify(op.form)} weights ${dims(op.wDims)} ${numbers(op.weights)} bias ${numbers(op.bias)} ${requant}${stages}`;
}

function shown({ node, y }: Show): string {
  const { parts, fill } = y.shows as NonNullable<Activation['shows']>;
  const part = ({ x, base, at, from }: (typeof parts)[number]): string =>
    `\n  t${x.id} from ${base} at ${at.map(numbers).join(' x ')} moved ${from.map(numbers).join(' x ')}`;
  return `show ${node}: ${activation(y)}${fill === null ? '' : ` else ${fill}`}${parts.map(part).join('')}`;
}

function stage({ node, from, to, axis, lo, ys }: Stage): string {
  return `${node}: table from ${lo} ${ys.map(numbers).join(' ')} of scale ${from.scale} zp ${from.zp} to ${to.dtype} scale ${to.scale} zp ${to.zp} axis ${axis}`;
}

function form(f: Combine['form']): string {
  if (f.kind === 'max') return 'the greater';
  if (f.kind === 'table') return `by pairs ${numbers(f.table.ys)}`;
  return `steps of ${f.kind === 'lin' ? f.terms.join(' and ') : 'the product'} from ${numbers(f.steps.starts)} to ${numbers(f.steps.ys)}`;
}

export function emitNetwork(network: Network): string {
  const lines = ['network'];
  network.tensors.forEach((t, i) => {
    const w = network.weights.get(i);
    lines.push(
      `tensor ${i} ${t.home} ${dims(t.dims)}${t.lo === null ? '' : ` in [${t.lo}, ${t.hi}]`}${w === undefined ? '' : ` #${checksum(w)}`}`,
    );
  });
  network.ops.forEach((op, i) => {
    lines.push(`op ${i} ${network.labels[i]}: ${JSON.stringify(op)}`);
  });
  lines.push(`rows ${network.rows.length} #${checksum(network.rows.flat())}`);
  lines.push(`omega ${[...network.omega].sort((a, b) => a - b).join(' ')}`);
  for (const [what, list] of [
    ['input', network.inputs],
    ['output', network.outputs],
  ] as const)
    for (const t of list) lines.push(`${what} tensor ${t.tensor} ${t.dtype} zp ${t.zp}`);
  return `${lines.join('\n')}\n`;
}
