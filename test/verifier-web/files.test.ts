/** Files: what they are, which belong together, what archives hold; total on bytes. */
import { readFileSync } from 'node:fs';
import { zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { encodeContainer } from '../../circuits/container.ts';
import { verifyAny } from '../../verifier/any.ts';
import { kindOf, readFiles } from '../../verifier-web/files.ts';
import type { GivenFile, Held } from '../../verifier-web/messages.ts';
import { pairs, together } from '../../verifier-web/pairs.ts';
import { openZip, ZIP_LIMITS } from '../../verifier-web/zip.ts';
import { Random } from '../random.ts';

const fixture = (name: string): GivenFile => ({ name, bytes: new Uint8Array(readFileSync(`fixtures/envelopes/${name}`)) });
const bytes = (...b: number[]): Uint8Array => Uint8Array.from(b);
const held = (kind: Held['kind'], name: string, vkHash: string | null): Held => ({ kind, name, vkHash, bytes: bytes() });

describe('kinds', () => {
  test('by the mark, else by the name', () => {
    for (const kind of ['proof', 'key', 'circuit'] as const) {
      const file = fixture(`digits-i0.${kind}`);
      expect(kindOf({ ...file, name: 'no-ending' })).toBe(kind);
      expect(kindOf({ ...file, name: 'lies.txt' })).toBe(kind);
      expect(kindOf({ name: `X.${kind.toUpperCase()}`, bytes: bytes(1, 2) })).toBe(kind);
    }
    expect(kindOf({ name: 'x.txt', bytes: bytes(1, 2) })).toBe(null);
    expect(kindOf({ ...fixture('digits.proof'), name: 'a.key' })).toBe('proof');
  });

  test('a proof, its key and its circuit say the same of what they are for', () => {
    const { held: all } = readFiles(['proof', 'key', 'circuit'].map((kind) => fixture(`digits-i0.${kind}`)));
    expect(all.map((h) => h.kind)).toEqual(['proof', 'key', 'circuit']);
    expect(new Set(all.map((h) => h.vkHash)).size).toBe(1);
    expect(all[0]?.vkHash).toMatch(/^[0-9a-f]{64}$/);
  });

  test('so do those of another proof system', () => {
    const of = (name: string): GivenFile => ({ name, bytes: new Uint8Array(readFileSync(`fixtures/groth16/${name}`)) });
    const { held: all, strangers } = readFiles(['digits.proof', 'digits.key', 'digits-cnn.proof', 'digits-cnn.key'].map(of));
    expect(strangers).toEqual([]);
    expect(all.map((h) => h.kind)).toEqual(['proof', 'key', 'proof', 'key']);
    expect(new Set(all.map((h) => h.vkHash)).size).toBe(2);
    expect(pairs(all).map(({ proof, key }) => [proof.name, key.name])).toEqual([
      ['digits.proof', 'digits.key'],
      ['digits-cnn.proof', 'digits-cnn.key'],
    ]);
    expect(readFiles([of('digits.circuit')]).held).toMatchObject([{ kind: 'circuit', vkHash: null }]);
  });

  test('a key of an unknown proof system is left out and says so; every system that is known is one that the verifier reads', async () => {
    const key = encodeContainer('key', 'plonk-v9', bytes(1));
    expect(readFiles([{ name: 'x.key', bytes: key }])).toEqual({
      held: [],
      strangers: [{ name: 'x.key', why: 'a key of the proof system plonk-v9, which this page does not know' }],
    });
    const verdict = await verifyAny(bytes(), key);
    const read = verdict.verdict === 'refused' ? /this verifier reads (.*)$/.exec(verdict.sentence)?.[1]?.split(', ') : [];
    expect(read).toHaveLength(3);
    for (const system of read ?? [])
      expect(readFiles([{ name: 'x', bytes: encodeContainer('key', system, bytes(1)) }]).strangers).toEqual([]);
  });

  test('what others leave beside a proof is named', () => {
    const why = (name: string): string | undefined => readFiles([{ name, bytes: bytes(1, 2) }]).strangers[0]?.why;
    expect(why('digits.proof.opening')).toContain('opening');
    expect(why('digits.zkey')).toContain('proving key');
    expect(why('model.onnx')).toContain('assay compile');
  });

  test('cut, changed and random bytes are read without a throw', () => {
    const random = new Random(1);
    const others = ['digits.proof', 'digits.key'].map((name) => new Uint8Array(readFileSync(`fixtures/groth16/${name}`)));
    const own = ['proof', 'key', 'circuit'].map((kind) => fixture(`digits-i0.${kind}`).bytes);
    for (const [k, good] of [...own, ...others].entries())
      for (let i = 0; i < 60; i++) {
        const name = `x.${['proof', 'key', 'circuit'][k % 3]}`;
        const bad = good.slice(0, Math.floor(random.next() * good.length));
        if (bad.length > 0) bad[Math.floor(random.next() * bad.length)] = Math.floor(random.next() * 256);
        const { held: found, strangers } = readFiles([{ name, bytes: bad }]);
        // Only where the very name of the system was changed is it a stranger's.
        if (strangers.length > 0) expect(strangers[0]?.why).toMatch(/^a key of the proof system .*, which this page does not know$/);
        else expect(found).toHaveLength(1);
      }
  });
});

describe('pairs', () => {
  test('a proof goes with the key it names, else with the first, and the circuit of that key', () => {
    const all = [
      held('key', 'k1', 'aa'),
      held('key', 'k2', 'bb'),
      held('circuit', 'c2', 'bb'),
      held('proof', 'p1', 'bb'),
      held('proof', 'p2', 'cc'),
      held('proof', 'p3', null),
    ];
    expect(pairs(all).map(({ proof, key, circuit }) => [proof.name, key.name, circuit?.name])).toEqual([
      ['p1', 'k2', 'c2'],
      ['p2', 'k1', 'c2'],
      ['p3', 'k1', 'c2'],
    ]);
    expect(pairs(all.filter((h) => h.kind !== 'key'))).toEqual([]);
    // Two unreadable files do not belong together for that.
    expect(pairs([held('key', 'a', 'aa'), held('key', 'n', null), held('proof', 'p', null)])[0]?.key.name).toBe('a');
  });

  test('files given later replace those of their kind', () => {
    const before = [held('key', 'k', 'a'), held('proof', 'p', 'a')];
    expect(together(before, [held('proof', 'q', 'a')]).map((h) => h.name)).toEqual(['k', 'q']);
  });
});

describe('archives', () => {
  const [proof, key] = [fixture('digits.proof'), fixture('digits.key')];
  const good = zipSync({ 'a/digits.proof': [proof.bytes, { level: 0 }], 'a/digits.key': key.bytes });
  const open = (file: Uint8Array, limits = ZIP_LIMITS) => openZip({ name: 'x.zip', bytes: file }, limits);

  test('stored and deflated entries come out as they were', () => {
    const { files, strangers } = open(good);
    expect(strangers).toEqual([]);
    expect(files.map((f) => [f.name, Buffer.from(f.bytes).equals(f.name.endsWith('key') ? key.bytes : proof.bytes)])).toEqual([
      ['a/digits.proof', true],
      ['a/digits.key', true],
    ]);
    expect(readFiles([{ name: 'x', bytes: good }]).held.map((h) => h.kind)).toEqual(['proof', 'key']);
  });

  test('a cut archive is left out, wherever it is cut', () => {
    for (let n = 4; n < good.length; n += 97)
      expect(open(good.subarray(0, n))).toMatchObject({ files: [], strangers: [{ name: 'x.zip' }] });
  });

  test('changed bytes never throw', () => {
    const random = new Random(2);
    for (let i = 0; i < 300; i++) {
      const bad = good.slice();
      bad[i < 100 ? i : Math.floor(random.next() * bad.length)] = Math.floor(random.next() * 256);
      expect(() => readFiles([{ name: 'x.zip', bytes: bad }])).not.toThrow();
    }
  });

  test('more entries, and more bytes, than its limits are refused', () => {
    const many = zipSync({ a: bytes(1), b: bytes(2), c: bytes(3) });
    expect(open(many, { entries: 2, total: 100 } as never).strangers[0]?.why).toContain('more than 2 entries');
    const large = zipSync({ a: new Uint8Array(3 * 2 ** 20) });
    expect(open(large, { entries: 2, total: 2 ** 20 } as never).strangers[0]?.why).toContain('more than 1 MiB');
  });

  test('a size that the archive lies about is not believed', () => {
    const lie = zipSync({ a: new Uint8Array(3 * 2 ** 20) });
    new DataView(lie.buffer, lie.byteOffset).setUint32(22, 1, true); // uncompressed size in the local header
    expect(open(lie, { entries: 2, total: 2 ** 20 } as never).strangers[0]?.why).toContain('more than 1 MiB');
  });

  test('an archive inside is a stranger, and not opened', () => {
    const shadows = zipSync({
      'digits.proof': proof.bytes,
      '__MACOSX/._digits.proof': bytes(9),
      'a/._b.key': bytes(9),
      'digits.key': key.bytes,
    });
    expect(readFiles([{ name: 'x.zip', bytes: shadows }])).toMatchObject({ held: [{ kind: 'proof' }, { kind: 'key' }], strangers: [] });
    const { held: found, strangers } = readFiles([{ name: 'x.zip', bytes: zipSync({ 'y.zip': good }) }]);
    expect([found, strangers]).toEqual([[], [{ name: 'y.zip', why: 'no proof, key or circuit' }]]);
  });
});
