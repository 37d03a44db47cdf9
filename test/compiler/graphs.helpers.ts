/**
 * Random quantized graphs of every operator: one to six operations on tensors that earlier ones made, QOperator or QDQ, any opset, one or
 * more inputs; whatever nobody read is an output.
 */
import type { NamedTensor } from '../../circuits/interface.ts';
import { elementwise } from './graph-functions.helpers.ts';
import { moving } from './graph-moves.helpers.ts';
import { sums } from './graph-sums.helpers.ts';
import { type Output, Sketch } from './sketch.helpers.ts';

export interface RandomGraph {
  readonly about: string;
  readonly bytes: Uint8Array;
  readonly inputs: Readonly<Record<string, NamedTensor>>;
  /** Operators of its nodes, as `ops` names them. */
  readonly operators: readonly string[];
  readonly outputs: ReadonlyMap<string, Output>;
}

/** By the operator that each is there for. */
const kinds = { ...moving, ...elementwise, ...sums };
const names = Object.keys(kinds);
const families = [...new Set(names.map((n) => kinds[n]?.family))].map((f) => names.filter((n) => kinds[n]?.family === f));

/** Seeds take the operators in turn, so that each is met; the other operations of a graph are random. */
export function randomGraph(seed: number, most = 6): RandomGraph {
  const wanted = names[seed % names.length] as string;
  const g = new Sketch(seed, kinds[wanted]?.since ?? 10);
  const count = Math.min(most, g.d.int(1, 6));
  const turn = g.d.int(0, count - 1);
  const done: string[] = [];
  g.input(g.shape(() => true));
  for (let i = 0; i < count; i++) {
    const name = i === turn ? wanted : g.d.pick(g.d.pick(families));
    if (g.opset < (kinds[name]?.since ?? 10)) continue;
    g.begin();
    kinds[name]?.build(g);
    done.push(name);
  }
  const outputs = g.finish();
  return {
    about: `seed ${seed} opset ${g.opset} ${g.qop ? 'QOperator' : 'QDQ'} ${g.dtype}: ${done.join(', ')}`,
    bytes: g.m.bytes(),
    inputs: g.inputs,
    operators: g.m.nodes.map((n) => (n.domain ? `${n.domain}.${n.opType}` : (n.opType as string))),
    outputs,
  };
}
