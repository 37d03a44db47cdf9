import { describe, expect, it } from 'vitest';
import { parseManifest } from '../../cli/manifest.ts';
import { CannotTell } from '../../cli/outcome.ts';
import { bytesOf } from './files.helpers.ts';

const fixture = { name: 'a', proof: 'a.proof', expect: 'refused', code: 'V9' };
const manifest = (fixtures: unknown, more: object = {}): Uint8Array =>
  bytesOf(JSON.stringify({ format: 'assay-fixtures', version: 1, key: 'default.key', fixtures, ...more }));

describe('manifests of fixtures', () => {
  it('joins paths to the folder and fills in the default key', () => {
    expect(parseManifest(manifest([fixture, { ...fixture, name: 'b', key: 'sub/b.key', context: '0x01' }]), 'dir')).toEqual([
      { ...fixture, proof: 'dir/a.proof', key: 'dir/default.key' },
      { ...fixture, name: 'b', proof: 'dir/a.proof', key: 'dir/sub/b.key', context: '0x01' },
    ]);
  });

  it('cannot tell from a manifest that is not as described', () => {
    const lies = [
      bytesOf('{'),
      bytesOf('[]'),
      bytesOf('null'),
      Uint8Array.of(0xff),
      manifest([]),
      manifest({}),
      manifest([null]),
      manifest([fixture], { version: 2 }),
      manifest([fixture], { format: 'other' }),
      manifest([fixture], { kee: 'x' }),
      manifest([fixture], { key: undefined }),
      manifest([fixture, fixture]),
      manifest([{ ...fixture, name: undefined }]),
      manifest([{ ...fixture, proof: 7 }]),
      manifest([{ ...fixture, expect: 'maybe' }]),
      manifest([{ ...fixture, expect: 'accepted' }]),
      manifest([{ ...fixture, codes: 'V9' }]),
      manifest([{ ...fixture, sha256: 'ABC' }]),
      manifest([{ ...fixture, proof: '' }]),
      manifest([{ ...fixture, proof: '../a.proof' }]),
      manifest([{ ...fixture, proof: 'x/../../a.proof' }]),
      manifest([{ ...fixture, proof: '/etc/passwd' }]),
    ];
    for (const [i, bytes] of lies.entries()) expect(() => parseManifest(bytes, 'dir'), `lie ${i}`).toThrow(CannotTell);
  });
});
