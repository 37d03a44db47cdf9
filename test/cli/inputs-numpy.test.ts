import { describe, expect, it } from 'vitest';
import { readInputs, type Wanted } from '../../cli/inputs/index.ts';
import { readNpy } from '../../cli/inputs/npy.ts';
import { bytesOf, concat, npy, npyHeader, refusal, type ZipMember, zip } from './files.helpers.ts';

const x: Wanted = { name: 'x', dtype: 'float32', shape: [1, 2, 3] };
const y: Wanted = { name: 'y', dtype: 'uint8', shape: [2] };
const six = Float32Array.of(1, 2, 3, 4, 5, 6);

describe('inputs in .npy', () => {
  it('reads the array of the one input, and several with a leading dimension', () => {
    expect(readInputs(npy('<f4', [1, 2, 3], six), [x])).toEqual([{ x: six }]);
    expect(readInputs(npy('<f4', [2, 3], six, { major: 2 }), [x])).toEqual([{ x: six }]);
    expect(readInputs(npy('<f4', [6], six, { major: 3 }), [x])).toEqual([{ x: six }]);
    expect(readInputs(npy('<f4', [2, 1, 2, 3], Float32Array.of(...six, ...six)), [x])).toEqual([{ x: six }, { x: six }]);
  });

  it('reads both byte orders and every number type', () => {
    const swapped = (array: ArrayBufferView, width: number): Uint8Array =>
      width === 2
        ? Buffer.from(array.buffer).swap16()
        : width === 4
          ? Buffer.from(array.buffer).swap32()
          : Buffer.from(array.buffer).swap64();
    const arrays: [string, number, () => ArrayBufferView][] = [
      ['f4', 4, () => Float32Array.of(1, 2, 100)],
      ['f8', 8, () => Float64Array.of(1, 2, 100)],
      ['u2', 2, () => Uint16Array.of(1, 2, 100)],
      ['i2', 2, () => Int16Array.of(1, 2, 100)],
      ['u4', 4, () => Uint32Array.of(1, 2, 100)],
      ['i4', 4, () => Int32Array.of(1, 2, 100)],
      ['u8', 8, () => BigUint64Array.of(1n, 2n, 100n)],
      ['i8', 8, () => BigInt64Array.of(1n, 2n, 100n)],
    ];
    const wanted: Wanted = { name: 'z', dtype: 'float32', shape: [3] };
    for (const [type, width, make] of arrays) {
      expect(readInputs(npy(`<${type}`, [3], make()), [wanted])[0]?.z).toEqual(Float32Array.of(1, 2, 100));
      expect(readInputs(npy(`>${type}`, [3], swapped(make(), width)), [wanted])[0]?.z).toEqual(Float32Array.of(1, 2, 100));
    }
    expect(readInputs(npy('|u1', [3], Uint8Array.of(1, 2, 100)), [wanted])[0]?.z).toEqual(Float32Array.of(1, 2, 100));
    expect(readInputs(npy('|i1', [3], Int8Array.of(-1, 2, 100)), [wanted])[0]?.z).toEqual(Float32Array.of(-1, 2, 100));
  });

  it('turns column-major arrays', () => {
    // numpy.asfortranarray([[1, 2, 3], [4, 5, 6]])
    const columns = npy('<f4', [2, 3], Float32Array.of(1, 4, 2, 5, 3, 6), { fortran: true });
    expect(Array.from(readNpy(columns).values)).toEqual([1, 2, 3, 4, 5, 6]);
    const cube = npy('<f4', [2, 2, 2], Float32Array.of(0, 4, 2, 6, 1, 5, 3, 7), { fortran: true });
    expect(Array.from(readNpy(cube).values)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('keeps int64 exact', () => {
    const wanted: Wanted = { name: 'z', dtype: 'int64', shape: [2] };
    const values = BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n);
    expect(readInputs(npy('<i8', [2], values), [wanted])).toEqual([{ z: values }]);
    expect(refusal(() => readInputs(npy('<u8', [2], BigUint64Array.of(0n, 2n ** 63n)), [wanted])).code).toBe('input.range');
  });

  it('refuses, each by its code, what is not the input of the model', () => {
    const good = npy('<f4', [1, 2, 3], six);
    const header = (text: string): Uint8Array => npyHeader(text);
    const lies: [string, Uint8Array, ...Wanted[]][] = [
      ['input.npy', good, x, y],
      ['input.npy', good.subarray(0, 7), x],
      ['input.npy', good.subarray(0, 40), x],
      ['input.npy', good.subarray(0, good.length - 1), x],
      ['input.npy', concat(good, Uint8Array.of(0)), x],
      ['input.npy', concat(good.subarray(0, 6), Uint8Array.of(9), good.subarray(7)), x],
      ['input.npy', header('not a dictionary'), x],
      ['input.npy', header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,), }"), x],
      ['input.npy', header("{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999999, 999999999999999), }"), x],
      ['input.npy', header("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296,), }"), x],
      ['input.npy', header(`{'descr': '<f4', 'fortran_order': False, 'shape': (${'1,'.repeat(40)}), }`), x],
      ['input.type', header("{'descr': '<c8', 'fortran_order': False, 'shape': (6,), }"), x],
      ['input.type', header("{'descr': '|O', 'fortran_order': False, 'shape': (6,), }"), x],
      ['input.type', npy('<f4', [2], Float32Array.of(1, 2)), y],
      ['input.shape', npy('<f4', [3, 2], six), x],
      ['input.none', npy('<f4', [0, 1, 2, 3], new Float32Array(0)), x],
      ['input.not-finite', npy('<f4', [6], Float32Array.of(1, 2, 3, 4, 5, Number.NaN)), x],
      ['input.range', npy('<i2', [2], Int16Array.of(1, -1)), y],
    ];
    for (const [i, [code, bytes, ...wanted]] of lies.entries())
      expect([i, refusal(() => readInputs(bytes, wanted)).code]).toEqual([i, code]);
  });

  it('refuses a header longer than the file or the bound, of any version', () => {
    const huge = npyHeader('{}', 2);
    new DataView(huge.buffer).setUint32(8, 0xffffffff, true);
    expect(refusal(() => readInputs(huge, [x])).code).toBe('input.npy');
    expect(refusal(() => readInputs(npyHeader(' '.repeat(70_000), 2), [x])).code).toBe('input.npy');
  });

  it('answers every truncation and every changed byte of the header with values or a refusal, never a crash', () => {
    const good = npy('<f4', [1, 2, 3], six);
    for (let length = 1; length < good.length; length++) refusal(() => readInputs(good.slice(0, length), [x]));
    for (let at = 6; at < 100; at++) {
      for (const byte of [0, 0x28, 0x2c, 0x39, 0xff]) {
        const changed = good.slice();
        changed[at] = byte;
        try {
          readInputs(changed, [x]);
        } catch {
          refusal(() => readInputs(changed, [x]));
        }
      }
    }
  });
});

describe('inputs in .npz', () => {
  const members = (): ZipMember[] => [
    { name: 'x.npy', content: npy('<f4', [1, 2, 3], six), deflate: true },
    { name: 'y.npy', content: npy('|u1', [2], Uint8Array.of(7, 8)) },
  ];

  it('reads stored and deflated arrays by name, and several inputs', () => {
    expect(readInputs(zip(members()), [x, y])).toEqual([{ x: six, y: Uint8Array.of(7, 8) }]);
    const several = zip([
      { name: 'x.npy', content: npy('<f4', [2, 1, 2, 3], Float32Array.of(...six, ...six)), deflate: true },
      { name: 'y.npy', content: npy('|u1', [2, 2], Uint8Array.of(1, 2, 3, 4)), deflate: true },
    ]);
    expect(readInputs(several, [x, y])[1]).toEqual({ x: six, y: Uint8Array.of(3, 4) });
  });

  it('takes the unnamed array of numpy for the one input', () => {
    expect(readInputs(zip([{ name: 'arr_0.npy', content: npy('<f4', [6], six) }]), [x])).toEqual([{ x: six }]);
  });

  it('refuses, each by its code, what lies', () => {
    const first = members()[0] as ZipMember;
    const bomb: ZipMember = { name: 'x.npy', content: new Uint8Array(4_000_000), deflate: true, says: { unpacked: 1000 } };
    const lies: [string, Uint8Array, ...Wanted[]][] = [
      ['input.unknown', zip(members()), x],
      ['input.missing', zip(members().slice(1)), x, y],
      ['input.npz', zip([first, first]), x],
      ['input.npz', zip(members()).subarray(0, 200), x, y],
      ['input.npz', zip([{ ...first, says: { crc: 1 } }]), x],
      ['input.npz', zip([{ ...first, says: { unpacked: 100 } }]), x],
      ['input.npz', zip([{ ...first, says: { unpacked: 1_000_000 } }]), x],
      ['input.npz', zip([{ ...first, says: { packed: 1_000_000 } }]), x],
      ['input.npz', zip([{ ...first, says: { packed: 10 } }]), x],
      ['input.npz', zip([{ ...first, says: { offset: 0xfffffff0 } }]), x],
      ['input.npz', zip([{ ...first, says: { offset: 3 } }]), x],
      ['input.npz', zip([{ ...first, says: { flags: 1 } }]), x],
      ['input.npz', zip([{ ...first, says: { method: 12 } }]), x],
      ['input.npz', zip([bomb]), x],
      ['input.too-large', zip([{ ...bomb, says: { unpacked: 0xffffffff } }]), x],
      [
        'input.too-large',
        zip(Array.from({ length: 300 }, (_, i) => ({ name: `${i}`, content: Uint8Array.of(0), says: { unpacked: 1_000_000 } }))),
        x,
      ],
      ['input.npz', zip(Array.from({ length: 1025 }, (_, i) => ({ name: `${i}`, content: Uint8Array.of(0) }))), x],
      ['input.npy', zip([{ name: 'x.npy', content: bytesOf('no array') }]), x],
      ['input.shape', zip([{ name: 'x.npy', content: npy('<f4', [3], six.subarray(0, 3)) }]), x],
      ['input.missing', zip([]), x],
    ];
    for (const [i, [code, bytes, ...wanted]] of lies.entries())
      expect([i, refusal(() => readInputs(bytes, wanted)).code]).toEqual([i, code]);
  });

  it('refuses arrays with different numbers of inputs', () => {
    const uneven = zip([
      { name: 'x.npy', content: npy('<f4', [2, 2, 3], Float32Array.of(...six, ...six)) },
      { name: 'y.npy', content: npy('|u1', [2], Uint8Array.of(1, 2)) },
    ]);
    expect(refusal(() => readInputs(uneven, [x, y])).message).toBe('the arrays hold different numbers of inputs: "x" 2, "y" 1');
  });

  it('answers every truncation and every changed byte with values or a refusal, never a crash', () => {
    const good = zip([{ name: 'x.npy', content: npy('<f4', [6], six), deflate: true }]);
    for (let length = 4; length < good.length; length++) refusal(() => readInputs(good.slice(0, length), [x]));
    for (let at = 0; at < good.length; at++) {
      for (const flip of [1, 0x80, 0xff]) {
        const changed = good.slice();
        changed[at] = (changed[at] as number) ^ flip;
        try {
          expect(readInputs(changed, [x])).toEqual([{ x: six }]);
        } catch {
          refusal(() => readInputs(changed, [x]));
        }
      }
    }
  });
});
