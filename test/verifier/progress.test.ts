/** A check says what it is at, in order, and ends where the check that refuses ends it. */
import { expect, it } from 'vitest';
import type { Progress } from '../../index.ts';
import { verify } from '../../verifier/index.ts';
import { recordedProof } from './recorded.helpers.ts';

function told(proof: Uint8Array, key: Uint8Array): { readonly verdict: string; readonly list: Progress[] } {
  const list: Progress[] = [];
  const { verdict } = verify(proof, key, { onProgress: (p) => list.push(p) });
  return { verdict, list };
}

it('names every part of the work, never going back', () => {
  const { proof, key } = recordedProof();
  const { verdict, list } = told(proof, key);
  expect(verdict).toBe('accepted');
  expect(list.map((p) => p.stage)).toEqual(['read the key', 'check the key', 'lookups', 'values', 'layers', 'opening']);
  const fractions = list.map((p) => p.fraction);
  expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
  expect(Math.max(...fractions)).toBeLessThan(1);
});

it('stops at the part that refuses', () => {
  const { proof, key, changed } = recordedProof();
  expect(told(changed, key)).toMatchObject({ verdict: 'refused', list: { length: 6 } });
  expect(told(proof.slice(0, 600), key)).toMatchObject({ verdict: 'refused', list: { length: 1 } });
  expect(told(proof, new Uint8Array(8))).toMatchObject({ verdict: 'refused', list: { length: 1 } });
});
