/** Recorded models are compiled, proven and verified, and the verified outputs are those of a plain run. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { check } from '../../compiler/compile.ts';
import { compile, openCircuit, verify } from '../../index.ts';
import { named, recorded } from '../compiler/models.helpers.ts';

const ROOT = 'fixtures/models';
/** All networks but the largest; of the four graphs of an operator one, signed. */
const names = readdirSync(ROOT).filter((n) => /\.(q|s8a)/.test(n) && !n.startsWith('dense-4m'));

test.each(names)(
  '%s',
  async (name) => {
    const model = recorded(`${ROOT}/${name}`);
    const { circuit, key } = await compile(model.model);
    const open = openCircuit(circuit);
    try {
      const inputs = Object.fromEntries(Object.entries(named(model, 0)).map(([n, t]) => [n, Array.from(t.data as ArrayLike<number>)]));
      const { outputs } = open.run(inputs);
      const { envelope } = await open.prove(inputs);
      // What `assay check` predicts, but for what grows with a context.
      const { predicted } = check(model.model);
      expect(predicted?.keyBytes).toBe(key.length);
      expect(Math.abs((predicted?.proofBytes ?? 0) / envelope.length - 1)).toBeLessThan(0.2);
      expect(envelope.length).toBeLessThanOrEqual(predicted?.maximumProofBytes ?? 0);
      const verdict = verify(envelope, key);
      expect(verdict).toMatchObject({ verdict: 'accepted' });
      expect(verdict.verdict === 'accepted' && verdict.outputs).toEqual(outputs);
    } finally {
      open.close();
    }
  },
  30_000,
);
