/** What a verdict rests on, in words: every set-up, secrecy and context has its own, and what takes the worth from a verdict comes out. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { SetUp, Trust } from '../../protocol/trust.ts';
import { verifyAny } from '../../verifier/any.ts';
import type { Accepted } from '../../verifier/index.ts';
import { bitsInWords, claimOf, groundsOf, isForgeable, statementWords } from '../../verifier-web/trust.ts';

const file = (path: string): Uint8Array => new Uint8Array(readFileSync(`fixtures/${path}`));
async function accepted(proof: string, key: string, context = ''): Promise<Accepted> {
  const verdict = await verifyAny(file(proof), file(key), { context: new TextEncoder().encode(context) });
  if (verdict.verdict !== 'accepted') throw new Error(verdict.sentence);
  return verdict;
}
const words = (verdict: Accepted): Record<string, string> => Object.fromEntries(groundsOf(verdict).map(({ id, word }) => [id, word]));

describe('of fixtures', () => {
  test('the native system', async () => {
    const verdict = await accepted('envelopes/digits.proof', 'envelopes/digits.key', 'order 1841');
    expect(words(verdict)).toEqual({
      setup: 'Transparent',
      security: expect.stringMatching(/^\d+\.\d bits, proven$/),
      secrecy: 'Not zero-knowledge',
      context: 'Bound to its context',
      assumption: 'BLAKE3 behaves as a random oracle.',
    });
    expect(isForgeable(verdict)).toBe(false);
    expect(groundsOf(verdict).every(({ tone }) => tone === 'plain')).toBe(true);
    expect(claimOf(verdict)).toBe('The network of this key maps exactly this input to this output');
    expect(bitsInWords(verdict.trust)).toEqual([expect.stringMatching(/^\d+\.\d bits$/), 'proven']);
  });

  test('groth16 under a key for development', async () => {
    const verdict = await accepted('groth16/digits.proof', 'groth16/digits.key', 'order 1841');
    expect(isForgeable(verdict)).toBe(true);
    expect(words(verdict)).toMatchObject({ setup: 'Insecure, for development', security: 'None', secrecy: 'Zero-knowledge' });
    expect(groundsOf(verdict).flatMap(({ id, tone }) => (tone === 'bad' ? id : []))).toEqual(['setup', 'security']);
    expect(bitsInWords(verdict.trust)).toEqual(['none', '']);
  });

  test('groth16 that hides', async () => {
    const verdict = await accepted('groth16/digits-private.proof', 'groth16/digits-private.key');
    expect(words(verdict)).toMatchObject({
      secrecy: `Zero-knowledge, hides the ${verdict.trust.hidden.join(' and ')}`,
      context: 'Bound to the empty context',
    });
    expect(verdict.trust.hidden).toEqual(['input', 'output']);
    expect(claimOf(verdict)).toBe('The network of this key maps an input to an output, neither of which the proof shows');
  });
});

describe('of anything', () => {
  const trust: Trust = {
    setup: 'universal',
    zeroKnowledge: true,
    hidden: [],
    bindsContext: false,
    securityBits: 100,
    security: 'estimated',
    assumption: 'the assumption',
  };
  const of = (change: Partial<Trust>, context = new Uint8Array(0)): Accepted =>
    ({ trust: { ...trust, ...change }, context, inputs: [], proven: [] }) as unknown as Accepted;

  test('every set-up has its own word and sentence, and one is forgeable', () => {
    const setups: readonly SetUp[] = ['transparent', 'universal', 'circuit', 'insecure-dev'];
    const grounds = setups.map((setup) => groundsOf(of({ setup }))[0]);
    expect(new Set(grounds.flatMap((g) => [g?.word, g?.why])).size).toBe(8);
    expect(setups.filter((setup) => isForgeable(of({ setup })))).toEqual(['insecure-dev']);
    expect(grounds.map((g) => g?.tone)).toEqual(['plain', 'plain', 'plain', 'bad']);
  });

  test('a context that is not bound is marked, whatever the file says', () => {
    for (const context of [new Uint8Array(0), Uint8Array.of(65)])
      expect(groundsOf(of({}, context))[3]).toMatchObject({
        word: 'Not bound to a context',
        why: expect.stringContaining('The same proof can be shown to anybody as an answer to anything'),
        tone: 'mind',
      });
  });

  test('proven bits and estimated ones are told apart', () => {
    expect(bitsInWords(trust)).toEqual(['100 bits', 'estimated']);
    expect(groundsOf(of({}))[1]?.word).toBe('100 bits, estimated');
    expect(groundsOf(of({ security: 'proven', securityBits: 101.26 }))[1]?.word).toBe('101.3 bits, proven');
  });

  test('what is hidden and what is shown', () => {
    const secrecy = (hidden: Trust['hidden']): string => groundsOf(of({ hidden }))[2]?.why ?? '';
    expect(secrecy([])).toContain('the input and output');
    expect(secrecy(['input'])).toContain('shows the output');
    expect(secrecy(['input', 'output'])).toContain('commitments alone');
    const root = { name: 'x', dtype: 'uint8', shape: [1], root: new Uint8Array(32) };
    const claims = [[], [root]].flatMap((inputs) => [[], [root]].map((proven) => claimOf({ inputs, proven })));
    expect(new Set(claims).size).toBe(4);
  });

  test('a statement in fixed point says so', () => {
    expect(statementWords('ezkl-halo2-kzg-bn254-v1')?.proven).toContain('fixed-point');
    expect(statementWords('gkr-koalabear-v1')).toBe(null);
    expect(statementWords('constructor')).toBe(null);
  });
});
