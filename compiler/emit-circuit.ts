/** The circuit form as stable text: parameters, tensors, ops and tables of the key, without the weights. */

import { proofSize } from '../circuits/proof-size.ts';
import type { SetupResult } from '../circuits/setup.ts';
import type { Form, Op } from '../circuits/types.ts';
import { toHex } from '../protocol/bytes.ts';

const record = (o: object): string =>
  Object.entries(o)
    .filter(([k, v]) => k !== 'kind' && v !== null)
    .map(([k, v]) =>
      typeof v === 'object' && !Array.isArray(v)
        ? `${k}=${(v as Form).kind}(${record(v as object)})`
        : `${k}=${Array.isArray(v) ? `[${v.map((e) => (Array.isArray(e) ? `[${e.join(',')}]` : e)).join(',')}]` : v}`,
    )
    .join(' ');

export function emitCircuit({ key, plan }: SetupResult, labels: readonly string[]): string {
  const size = proofSize(key, plan);
  return [
    `circuit ${key.profile} ${key.mode} vkHash ${toHex(key.hash)}`,
    `parameters h ${key.h} lr ${key.lr} queries ${key.t} grinding ${key.grinding.join(' ')}`,
    `lookups ${plan.lookupCount} rows ${plan.tableCount} columns ${plan.groups.map((g) => `${g.group} ${g.columns}`).join(' ')} proof at most ${size.maximum} bytes`,
    `omega ${key.omega.join(' ')}`,
    ...key.tensors.map((t, i) => `tensor ${i} ${t.home} ${t.dims.join('x')}${t.lo === null ? '' : ` [${t.lo}, ${t.hi}]`}`),
    ...key.ops.map((op: Op, i) => `op ${i} ${op.kind} ${record(op)}  # ${JSON.stringify(labels[i])}`),
    ...key.runs.map(([k0, n]) => `run id ${Math.floor(k0 / 32)} width ${k0 % 32} rows ${n}`),
    ...key.inputs.map((e) => `input tensor ${e.tensor} ${e.dtype} zp ${e.zp}`),
    ...key.outputs.map((e) => `output tensor ${e.tensor} ${e.dtype} zp ${e.zp}`),
    '',
  ].join('\n');
}
