/** Checked keys are kept: by their bytes alone, a bounded number of them, and a key that fails is never one of them. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { encodeKeyFile } from '../../circuits/files.ts';
import { type Accepted, verify } from '../../verifier/index.ts';
import { KEPT_KEYS, knownKey } from '../../verifier/keys.ts';
import { recordedProof } from './recorded.helpers.ts';

it('checks a key once, whatever memory its bytes lie in', () => {
  const { key } = recordedProof();
  const first = knownKey(key).checked();
  expect(knownKey(Buffer.from(key)).checked()).toBe(first);
  expect(knownKey(key.slice()).checked()).toBe(first);
});

it('tells keys apart that differ in one byte', () => {
  const { proof, key } = recordedProof();
  expect(verify(proof, key).verdict).toBe('accepted');
  for (let at = 0; at < key.length; at += 97) {
    const other = key.slice();
    other.set([(other[at] as number) ^ 1], at);
    const verdict = verify(proof, other);
    // A bit of the interface (names, scales) leaves the key record as it is: accepted, under another digest.
    if (verdict.verdict === 'accepted') expect(verdict.keyDigest).not.toEqual(knownKey(key).file.digest);
  }
  expect(verify(proof, key).verdict).toBe('accepted');
});

it('sees a change made in the memory of a key it knows', () => {
  const { proof, key } = recordedProof();
  expect(verify(proof, key).verdict).toBe('accepted');
  key.set([0], 0);
  expect(verify(proof, key)).toMatchObject({ verdict: 'refused', code: 'key.format' });
});

it('refuses a key that fails a condition every time, and keeps none of it', () => {
  const key = new Uint8Array(readFileSync('fixtures/negatives/few-queries.key'));
  const proof = new Uint8Array(readFileSync('fixtures/negatives/few-queries.proof'));
  for (let i = 0; i < 3; i++) expect(verify(proof, key)).toMatchObject({ verdict: 'refused', code: 'E6' });
  expect(() => knownKey(key).checked()).toThrow(/S9/);
});

it('gives out nothing of what it keeps: what callers write to stays theirs', () => {
  const { proof, key } = recordedProof();
  const first = verify(proof, key) as Accepted;
  const honest = first.keyDigest.slice();
  const copy = JSON.stringify(first);
  const scribble = (v: unknown): void => {
    if (v instanceof Uint8Array || ArrayBuffer.isView(v)) (v as Uint8Array).reverse();
    else if (Array.isArray(v)) {
      v.forEach(scribble);
      v.pop();
    } else if (typeof v === 'object' && v !== null) for (const member of Object.values(v)) scribble(member);
  };
  scribble(first);
  expect(JSON.stringify(first)).not.toBe(copy);
  expect(JSON.stringify(verify(proof, key))).toBe(copy);
  expect(verify(proof, key, { keyDigest: honest }).verdict).toBe('accepted');
  expect(verify(proof, key, { keyDigest: honest.slice().reverse() })).toMatchObject({ verdict: 'refused', code: 'E3' });
});

it('keeps no memory that another thread may write to', () => {
  const { proof, key } = recordedProof();
  const shared = new Uint8Array(new SharedArrayBuffer(key.length));
  shared.set(key);
  // Another name, so that the key is not known yet.
  const { file } = knownKey(shared);
  const renamed = encodeKeyFile(file.key, { ...file.interface, inputs: file.interface.inputs.map((t) => ({ ...t, name: 'shared' })) });
  const view = new Uint8Array(new SharedArrayBuffer(renamed.length));
  view.set(renamed);
  expect(verify(proof, view).verdict).toBe('accepted');
  view.fill(0);
  expect(verify(proof, renamed).verdict).toBe('accepted');
  expect(knownKey(renamed).file.key.bytes.buffer).not.toBe(view.buffer);
});

it('forgets the key that was not used for longest', () => {
  const { key } = recordedProof();
  const { file, checked } = knownKey(key);
  const first = checked();
  // The same record under other names: keys of their own.
  for (let i = 0; i < KEPT_KEYS; i++) {
    const inputs = file.interface.inputs.map((t) => ({ ...t, name: `input ${i}` }));
    knownKey(encodeKeyFile(file.key, { ...file.interface, inputs })).checked();
  }
  expect(knownKey(key).checked()).not.toBe(first);
});
