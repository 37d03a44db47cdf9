/** Replays the network fixtures (fixtures/nets), whose expected hashes come from the executable model of the protocol. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Mode } from '../circuits/key.ts';
import { type Network, NetworkBuilder } from '../circuits/network.ts';
import { requantize, type StepFunction } from '../circuits/step.ts';
import type { Dtype, Form } from '../circuits/types.ts';
import { ascii } from '../protocol/bytes.ts';
import { bitsToFloat } from '../protocol/float32.ts';

const folder = new URL('../fixtures/nets/', import.meta.url);

export const MODEL_ID = Uint8Array.from({ length: 32 }, (_, i) => (i === 31 ? 7 : 0));
export const CONTEXT = ascii('chain-1/job-42/nonce-9');

/** One builder call; which fields it has depends on `call`. */
interface Call {
  readonly call: string;
  readonly dims: number[];
  readonly values: number[];
  readonly x: number;
  readonly a: number;
  readonly b: number;
  readonly form: Form;
  readonly functions: readonly { scaleBits: number; zp: number; lo: number; hi: number }[];
  readonly perChannel: boolean;
  readonly lo: number;
  readonly hi: number;
  readonly home: 'A' | 'PUB';
  readonly widths: number[] | null;
  readonly rows: number[][];
  readonly kh: number;
  readonly kw: number;
  readonly stride: [number, number];
  readonly pad: [number, number, number, number];
  readonly dilation: [number, number];
}

export interface NetFixture {
  readonly mode: Mode;
  readonly inputs: readonly { dims: number[]; home: 'PUB' | 'X'; lo: number; hi: number; dtype: Dtype; zp: number; values: number[] }[];
  readonly calls: readonly Call[];
  readonly outputs: readonly { tensor: number; dtype: Dtype; zp: number; values: number[] }[];
  readonly expect: { vkHash: string; vkBytesHash: string; wroot: string; proofBytes: number; proofHash: string; envelopeHash: string };
}

export const netNames: readonly string[] = readdirSync(folder)
  .filter((f) => f.endsWith('.json') && f !== 'certificate.json')
  .map((f) => f.slice(0, -5))
  .sort();

export function netFixture(name: string): NetFixture {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as NetFixture;
}

/** Rebuilds the network of a fixture; `home` of an input may be overridden. */
export function networkOf(fixture: NetFixture, firstId = 2, widths?: readonly number[]): Network {
  const b = new NetworkBuilder({ firstId, sizing: 'specification' });
  const inputs = fixture.inputs.map((i) => ({ tensor: b.input(i.dims, i.lo, i.hi, i.home), dtype: i.dtype, zp: i.zp }));
  for (const c of fixture.calls) {
    const scaled = () => c.functions.map((f) => requantize(bitsToFloat(f.scaleBits), f.zp, f.lo, f.hi));
    if (c.call === 'weight') b.weight(c.dims, Int32Array.from(c.values));
    else if (c.call === 'range') b.range(c.x);
    else if (c.call === 'req')
      b.req(c.form, c.perChannel ? scaled() : (scaled()[0] as StepFunction), c.lo, c.hi, {
        home: c.home,
        ...(c.widths ? { widths: c.widths } : widths ? { widths } : {}),
      });
    else if (c.call === 'unary') b.unary(c.x, new Map(c.rows as [number, number][]), c.lo, c.hi, { home: c.home });
    else if (c.call === 'bin') {
      const rows = new Map<string, number>(c.rows.map(([u, v, y]) => [`${u},${v}`, y as number]));
      b.bin(c.a, c.b, (u, v) => rows.get(`${u},${v}`) as number, c.lo, c.hi, { home: c.home });
    } else if (c.call === 'maxPool') b.maxPool(c.x, [c.kh, c.kw], c.stride, c.pad, c.dilation, { home: c.home });
    else if (c.call === 'out') b.out(c.form);
    else throw new Error(`unknown call ${c.call}`);
  }
  return b.finish(
    inputs,
    fixture.outputs.map(({ tensor, dtype, zp }) => ({ tensor, dtype, zp })),
  );
}
