import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseContext, parseHash } from '../../cli/context.ts';
import { encode, tensorsToJson } from '../../cli/json.ts';
import { CannotTell } from '../../cli/outcome.ts';
import { picture } from '../../cli/picture.ts';
import { progressLine, progressText } from '../../cli/progress.ts';
import { outputsLine, tensorTable } from '../../cli/show.ts';
import { columns, count, printable, short, size } from '../../cli/text.ts';
import { VERSION } from '../../cli/version.ts';
import { bytesOf } from './files.helpers.ts';

describe('JSON', () => {
  it('prints every finite float32 so that it reads back to the same bits', () => {
    const view = new DataView(new ArrayBuffer(4));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (bits) => {
        view.setUint32(0, bits);
        const value = view.getFloat32(0);
        if (!Number.isFinite(value)) return;
        view.setFloat32(0, JSON.parse(encode(value)) as number);
        expect(view.getUint32(0)).toBe(bits);
      }),
    );
    expect(encode(Float32Array.of(0.1, -0, 1, 1e-45, 3.4028234663852886e38))).toBe(
      '[0.10000000149011612,-0.0,1,1.401298464324817e-45,3.4028234663852886e+38]',
    );
  });

  it('prints what JSON has no number for as strings', () => {
    expect(encode(Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY))).toBe('["NaN","Infinity","-Infinity"]');
  });

  it('prints bytes as hex, tensors as numbers, int64 exactly, and leaves out what is undefined', () => {
    const tensor = { name: 'x', dtype: 'uint8' as const, shape: [2], data: Uint8Array.of(1, 255) };
    expect(encode({ hash: Uint8Array.of(1, 255), none: undefined, nil: null, yes: true, big: 2n ** 63n })).toBe(
      '{"hash":"0x01ff","nil":null,"yes":true,"big":9223372036854775808}',
    );
    expect(encode(tensorsToJson([tensor, { ...tensor, name: '__proto__' }]))).toBe(
      '{"x":{"dtype":"uint8","shape":[2],"data":[1,255]},"__proto__":{"dtype":"uint8","shape":[2],"data":[1,255]}}',
    );
  });

  it('agrees with JSON.stringify on ordinary values', () => {
    const value = { a: [1, 2.5, 'x\n', true, null], b: { c: [] } };
    expect(encode(value)).toBe(JSON.stringify(value));
  });
});

describe('contexts', () => {
  it('reads text as UTF-8 and 0x as hex', () => {
    expect(parseContext(undefined)).toEqual(new Uint8Array(0));
    expect(parseContext('é0x')).toEqual(bytesOf('é0x'));
    expect(parseContext('0x')).toEqual(new Uint8Array(0));
    expect(parseContext('0xAbc0')).toEqual(Uint8Array.of(0xab, 0xc0));
    expect(parseHash(`0x${'01'.repeat(32)}`, '--model-id')).toEqual(new Uint8Array(32).fill(1));
  });

  it('takes a digest as it is printed, with or without 0x', () => {
    expect(parseHash('0a'.repeat(32), '--model-id')).toEqual(new Uint8Array(32).fill(10));
    expect(parseHash(`0x${'0A'.repeat(32)}`, '--model-id')).toEqual(new Uint8Array(32).fill(10));
  });

  it('refuses half a byte and letters that are no digits as wrong usage', () => {
    for (const text of ['0x1', '0xzz', '0x 11', '0x1\n1']) expect(() => parseContext(text)).toThrow(CannotTell);
    for (const text of ['', '0x', '01'.repeat(31), `0x${'01'.repeat(33)}`, `0x${'0g'.repeat(32)}`])
      expect(() => parseHash(text, '--model-id')).toThrow(CannotTell);
  });
});

describe('for people', () => {
  it('counts', () => {
    expect([count(1234567), size(999), size(95688), size(2e9), size(999_999)]).toEqual([
      '1,234,567',
      '999 bytes',
      '95.7 kB',
      '2.00 GB',
      '1.00 MB',
    ]);
    expect([short(Uint8Array.of(0x9c, 0x1e, 3)), short('0x71d0ff')]).toEqual(['9c1e…', '71d0…']);
  });

  it('shows control and direction characters of names', () => {
    expect(printable('a\x1b[31m\n\u202eb')).toBe('a\\u001b[31m\\u000a\\u202eb');
  });

  it('sets columns under each other', () => {
    expect(
      columns(
        [
          ['a', 'bb', ''],
          ['ccc', 'd', 'e'],
        ],
        ' ',
      ),
    ).toBe(' a    bb\n ccc  d   e');
  });

  it('draws scores as bars and names the largest', () => {
    const tensor = { name: 'output', dtype: 'float32' as const, shape: [1, 3], data: Float32Array.of(-1, 0.5, 0.1) };
    expect(tensorTable(tensor)).toBe(
      'output  float32 [1,3]\n  0  -1\n  1  0.5  ████████████████████████ largest\n  2  0.1  ██████████████████',
    );
    expect(outputsLine([tensor])).toBe('output largest at 1 (0.5)');
    const one = { name: 'y', dtype: 'int64' as const, shape: [1], data: BigInt64Array.of(7n) };
    expect([tensorTable(one), outputsLine([one])]).toEqual(['y  int64 [1]  7', 'y = 7']);
    const equal = { name: 'z', dtype: 'uint8' as const, shape: [2, 2], data: Uint8Array.of(1, 1, 1, 1) };
    expect(outputsLine([equal])).toBe('z = 1 1 1 1');
  });

  it('tells stage, percent and time left on one line', () => {
    expect(progressText('proof', { stage: 'commit', fraction: 0.25 }, 3, 80)).toBe('proof █████░░░░░░░░░░░░░░░  25 % commit, 9 s left');
    expect(progressText('proof', { stage: 'commit', fraction: 0.5 }, 100, 80)).toContain('1 min 40 s left');
    expect(progressText('proof', { stage: 'commit', fraction: 0.001 }, 3, 80)).not.toContain('left');
    expect(progressText('proof', { stage: 'commit', fraction: 7 }, 3, 10)).toHaveLength(9);
  });

  it('draws progress on a terminal only', () => {
    const written: string[] = [];
    const stream = (isTTY: boolean): NodeJS.WriteStream => ({ isTTY, columns: 80, write: (text: string) => written.push(text) }) as never;
    for (const isTTY of [false, true]) {
      const line = progressLine('proof', stream(isTTY));
      line.update({ stage: 'commit', fraction: 0.5 });
      line.update({ stage: 'commit', fraction: 0.6 });
      line.end();
      expect(written).toHaveLength(isTTY ? 2 : 0);
    }
  });

  it('draws two rows of pixels with each character', () => {
    expect(picture([255, 0, 255, 0, 255, 255, 0, 0, 200], 3, 3, false)).toBe('▀▄█\n  ▀');
    expect(picture([0, 255], 1, 2, true)).toBe('\x1b[38;5;232;48;5;255m▀\x1b[0m');
    expect(() => picture([1], 2, 2, false)).toThrow(RangeError);
  });

  it('knows its version', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
    expect(VERSION).toBe(version);
  });
});
