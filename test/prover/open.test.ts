/** A circuit opened once proves what `prove` proves, holds its weights until it is closed, and survives cancelled proofs. */
import { describe, expect, it } from 'vitest';
import { decodeCircuitFile } from '../../circuits/files.ts';
import { CONTENT } from '../../circuits/plan.ts';
import { k0Column, ZETA } from '../../circuits/tables.ts';
import { compile, describeInputs, openCircuit, prove, run, verify } from '../../index.ts';
import { wasmKernels } from '../../prover/kernels/wasm/index.ts';
import { tableRowsOf } from '../../prover/rows.ts';
import { recorded } from '../../scripts/recorded.ts';
import { Random } from '../random.ts';

const model = recorded('mnist-cnn.qop-pt');
const compiled = compile(model.model);
/** Nothing is in the clear, and every value is looked up. */
const lookedUp = compile(model.model, { reveal: false });

describe('an opened circuit', () => {
  it('makes the bytes that single proofs have, one after the other and at once', async () => {
    const { circuit, key } = await compiled;
    const open = openCircuit(circuit, { kernels: wasmKernels() });
    const expected = [await prove(circuit, model.inputs(0)), await prove(circuit, model.inputs(1))];
    expect(await open.prove(model.inputs(0))).toEqual(expected[0]);
    const both = await Promise.all([open.prove(model.inputs(0)), open.prove(model.inputs(1))]);
    expect(both).toEqual(expected);
    expect(verify(both[1].envelope, key).verdict).toBe('accepted');
    expect(open.run(model.inputs(1))).toEqual(run(circuit, model.inputs(1)));
    expect(open.inputs.map((i) => i.name)).toEqual(['input']);
    open.close();
  });

  it('holds its weights between proofs and nothing after', async () => {
    const { circuit } = await compiled;
    const kernels = wasmKernels();
    const open = openCircuit(circuit, { kernels });
    await open.prove(model.inputs(0));
    const held = kernels.memory().used;
    await open.prove(model.inputs(1));
    expect(kernels.memory().used).toBe(held);
    open.close();
    // The tables of one transform stay with the kernels.
    expect(kernels.memory().used).toBeLessThan(2 ** 18);
    expect(held).toBeGreaterThan(2 ** 20);
  });

  it('keeps one commitment when two first proofs run at once', async () => {
    const { circuit } = await compiled;
    const kernels = wasmKernels();
    const open = openCircuit(circuit, { kernels });
    const alone = openCircuit(circuit, { kernels });
    await Promise.all([open.prove(model.inputs(0)), open.prove(model.inputs(1))]);
    const one = kernels.memory().used;
    await alone.prove(model.inputs(0));
    const tables = 2 ** 18;
    expect(kernels.memory().used).toBeLessThan(2 * one + tables);
    expect(kernels.memory().used).toBeGreaterThan(2 * one - tables);
    open.close();
    alone.close();
  });

  it('goes on after a proof that was cancelled at any stage', async () => {
    const { circuit } = await lookedUp;
    const kernels = wasmKernels();
    const open = openCircuit(circuit, { kernels });
    const stages = ['commit to the weights', 'inference', 'commit to the run', 'lookups', 'opening'];
    for (const stage of stages) {
      const stop = new AbortController();
      const onProgress = (p: { stage: string }): void => {
        if (p.stage === stage) stop.abort();
      };
      await expect(open.prove(model.inputs(0), { signal: stop.signal, onProgress })).rejects.toThrow(/abort/i);
    }
    expect(await open.prove(model.inputs(0))).toEqual(await prove(circuit, model.inputs(0)));
    open.close();
    expect(kernels.memory().used).toBeLessThan(2 ** 18);
  });

  it('proves beside other circuits on the same kernels, each with its own bytes', async () => {
    const kernels = wasmKernels();
    const names = ['mnist-cnn.qop', 'lenet5-max.qop', 'mnist-cnn.qop-pt', 'digits-mlp.qop'];
    const open = await Promise.all(
      names.map(async (name) => {
        const { inputs, ...other } = recorded(name);
        return { circuit: (await compile(other.model)).circuit, inputs: inputs(0) };
      }),
    );
    const alone: Uint8Array[] = [];
    for (const { circuit, inputs } of open) alone.push((await prove(circuit, inputs, { kernels: wasmKernels() })).envelope);
    const left: number[] = [];
    for (let round = 0; round < 3; round++) {
      const together = await Promise.all(open.map(({ circuit, inputs }) => prove(circuit, inputs, { kernels })));
      expect(together.map((p) => p.envelope)).toEqual(alone);
      left.push(kernels.memory().used);
    }
    // What stays are the tables of the shape that came last, lenet5's at most (2^18 bytes and some lines): nothing of a round.
    for (const used of left) expect(used).toBeLessThanOrEqual(2 ** 18 + 2 ** 9);
  });

  it('that is closed during a proof ends that proof well, gives back its memory and takes no other', async () => {
    const { circuit } = await compiled;
    const kernels = wasmKernels();
    const expected = await prove(circuit, model.inputs(0), { kernels });
    for (const wait of [0, 1, 30]) {
      const open = openCircuit(circuit, { kernels });
      const beside = openCircuit(circuit, { kernels });
      const [proof, other] = [open.prove(model.inputs(0)), beside.prove(model.inputs(0))];
      if (wait > 0) await new Promise((done) => setTimeout(done, wait));
      open.close();
      await expect(open.prove(model.inputs(1))).rejects.toThrow(/closed/);
      expect(() => open.run(model.inputs(1))).toThrow(/closed/);
      expect([await proof, await other]).toEqual([expected, expected]);
      beside.close();
      open.close();
      expect(kernels.memory().used).toBeLessThan(2 ** 18);
    }
  });

  it('gives out nothing of its own: what callers write to stays theirs', async () => {
    const { circuit } = await compiled;
    const open = openCircuit(circuit);
    const expected = await open.prove(model.inputs(0));
    for (const input of open.inputs) (input.shape as number[]).fill(7);
    for (const t of [...open.run(model.inputs(0)).outputs, ...expected.proven]) (t.shape as number[]).length = 0;
    expect((await open.prove(model.inputs(0))).envelope).toEqual(expected.envelope);
    expect(describeInputs(circuit)[0]?.shape).not.toContain(7);
    open.close();
  });

  it('refuses inputs before it commits to anything', async () => {
    const { circuit } = await compiled;
    const kernels = wasmKernels();
    const open = openCircuit(circuit, { kernels });
    await expect(open.prove({ input: [1, 2, 3] })).rejects.toThrow(/input/);
    expect(kernels.memory().peak).toBe(0);
  });

  it('says how far it is, never going back', async () => {
    const { circuit } = await compiled;
    const told: number[] = [];
    await prove(circuit, model.inputs(0), { onProgress: (p) => told.push(p.fraction) });
    expect(told.length).toBeGreaterThan(10);
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(told.at(-1)).toBe(1);
  });
});

describe('table rows', () => {
  it('count the first row equal to a key, and the keys that are no row', async () => {
    const { circuit } = await lookedUp;
    const c = decodeCircuitFile(circuit);
    const rows = tableRowsOf(c);
    expect(tableRowsOf(c)).toBe(rows);
    // All rows of all instances in order, as text: the definition.
    const first = new Map<string, [number, number]>();
    rows.columns.forEach(({ k0, k1, k2 }, table) => {
      k0.forEach((v, row) => {
        const key = `${v} ${k1[row]} ${k2[row]}`;
        if (!first.has(key)) first.set(key, [table, row]);
      });
    });
    const contentKeys = k0Column(c.fields.runs);
    expect(rows.columns.some(({ k0 }) => contentKeys.every((v, i) => k0[i] === v))).toBe(true);
    expect(c.plan.tables[0]?.segments[0]?.op).toBe(CONTENT);
    const r = new Random(5);
    const keys = Array.from({ length: 3000 }, (): [number, number, number] => {
      const { k0, k1, k2 } = rows.columns[r.int(0, rows.columns.length - 1)] as (typeof rows.columns)[number];
      const row = r.int(0, k0.length - 1);
      const near = r.int(0, 3) === 0 ? r.int(-1, 1) : 0;
      return [
        (k0[row] as number) + (r.int(0, 9) === 0 ? near : 0),
        (k1[row] as number) + near,
        (k2[row] as number) + (r.int(0, 9) === 0 ? near : 0),
      ];
    });
    keys.push([0, 0, ZETA], [32, 0, 0], [8, -1, ZETA], [8, 256, ZETA], [7, 0, ZETA], [0, 1, ZETA], [-1, 0, ZETA]);
    const counts = c.plan.tables.map((i) => new Int32Array(2 ** i.bits));
    const column = (k: 0 | 1 | 2): Int32Array => Int32Array.from(keys, (key) => key[k]);
    const missing = rows.count({ k0: column(0), k1: column(1), k2: column(2) }, counts);
    const expected = c.plan.tables.map((i) => new Int32Array(2 ** i.bits));
    let lost = 0;
    for (const key of keys) {
      const found = first.get(key.join(' '));
      if (found === undefined) lost++;
      else (expected[found[0]] as Int32Array)[found[1]] = ((expected[found[0]] as Int32Array)[found[1]] as number) + 1;
    }
    expect(lost).toBeGreaterThan(3);
    expect(missing).toBe(lost);
    expect(counts).toEqual(expected);
  });
});
