/** Hand-made .npy, .npz and folders for the tests: every field can lie. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { expect, onTestFinished } from 'vitest';
import { Refused } from '../../protocol/refused.ts';

/** A folder that disappears with the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'assay-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** The refusal that `work` throws. */
export function refusal(work: () => unknown): Refused {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(Refused);
    return error as Refused;
  }
  throw new Error('nothing was refused');
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

export function npyHeader(header: string, major = 1): Uint8Array {
  const text = bytesOf(header);
  const wide = major > 1;
  const start = new DataView(new ArrayBuffer(wide ? 12 : 10));
  [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, major, 0].forEach((byte, i) => {
    start.setUint8(i, byte);
  });
  if (wide) start.setUint32(8, text.length, true);
  else start.setUint16(8, text.length, true);
  return concat(new Uint8Array(start.buffer), text);
}

/** As numpy.save writes it. */
export function npy(
  descr: string,
  shape: readonly number[],
  values: ArrayBufferView,
  options: { fortran?: boolean; major?: number } = {},
): Uint8Array {
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const header = `{'descr': '${descr}', 'fortran_order': ${options.fortran ? 'True' : 'False'}, 'shape': (${dims}), }`;
  const padded = `${header.padEnd(128 - 10 - 1)}\n`;
  return concat(npyHeader(padded, options.major), new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}

export interface ZipMember {
  name: string;
  content: Uint8Array;
  deflate?: boolean;
  /** Lies of the directory. */
  says?: { unpacked?: number; packed?: number; crc?: number; offset?: number; flags?: number; method?: number };
}

export function zip(members: readonly ZipMember[]): Uint8Array {
  const files: Uint8Array[] = [];
  const entries: Uint8Array[] = [];
  let offset = 0;
  for (const { name, content, deflate = false, says = {} } of members) {
    const packed = deflate ? new Uint8Array(deflateRawSync(content)) : content;
    const title = bytesOf(name);
    const local = new DataView(new ArrayBuffer(30));
    local.setUint32(0, 0x04034b50, true);
    local.setUint16(26, title.length, true);
    const entry = new DataView(new ArrayBuffer(46));
    entry.setUint32(0, 0x02014b50, true);
    entry.setUint16(8, says.flags ?? 0, true);
    entry.setUint16(10, says.method ?? (deflate ? 8 : 0), true);
    entry.setUint32(16, says.crc ?? crc32(content), true);
    entry.setUint32(20, says.packed ?? packed.length, true);
    entry.setUint32(24, says.unpacked ?? content.length, true);
    entry.setUint16(28, title.length, true);
    entry.setUint32(42, says.offset ?? offset, true);
    files.push(concat(new Uint8Array(local.buffer), title, packed));
    entries.push(concat(new Uint8Array(entry.buffer), title));
    offset += 30 + title.length + packed.length;
  }
  const directory = concat(...entries);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(10, members.length, true);
  end.setUint32(12, directory.length, true);
  end.setUint32(16, offset, true);
  return concat(...files, directory, new Uint8Array(end.buffer));
}
