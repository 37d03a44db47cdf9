/** Canonical tensors (settlement §2.7): one encoding of an input or output, and what it is committed to with. */
import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encode } from '../../chain/codec.ts';
import { Rejected } from '../../chain/codes.ts';
import { TensorsSchema } from '../../chain/generated/messages_pb.ts';
import {
  decodeTensors,
  encodeTensors,
  inputCommitment,
  type LedgerTensor,
  outputCommitment,
  TENSOR_DTYPES,
  type TensorDtype,
} from '../../chain/tensors.ts';
import { ascii, concat, toHex } from '../../protocol/bytes.ts';

const tensor = (change: Partial<LedgerTensor> = {}): LedgerTensor => ({
  name: 'x',
  dtype: 'int32',
  shape: [2],
  data: Uint8Array.of(1, 0, 0, 0, 255, 255, 255, 255),
  ...change,
});

const names = fc.string({ unit: fc.integer({ min: 32, max: 126 }).map((c) => String.fromCharCode(c)), minLength: 1, maxLength: 5 });
const tensors = fc
  .uniqueArray(fc.tuple(names, fc.constantFrom(...(Object.keys(TENSOR_DTYPES) as TensorDtype[])), fc.array(fc.nat(3), { maxLength: 3 })), {
    selector: ([name]) => name,
    maxLength: 5,
  })
  .map((list) =>
    list.map(([name, dtype, shape]): LedgerTensor => {
      const size = shape.reduce((n, d) => n * d, TENSOR_DTYPES[dtype].bytes);
      return { name, dtype, shape, data: Uint8Array.from({ length: size }, (_, i) => i) };
    }),
  );

test('come back sorted by name, whatever the order they were given in', () => {
  fc.assert(
    fc.property(tensors, (list) => {
      const bytes = encodeTensors(list);
      expect(encodeTensors(list.toReversed())).toEqual(bytes);
      const sorted = list.toSorted((a, b) => (a.name < b.name ? -1 : 1));
      expect(decodeTensors(bytes)).toEqual(sorted);
      expect(encodeTensors(decodeTensors(bytes))).toEqual(bytes);
    }),
  );
});

describe('no tensors', () => {
  test.each<[string, readonly LedgerTensor[]]>([
    ['a name twice', [tensor(), tensor()]],
    ['no name', [tensor({ name: '' })]],
    ['a name of 256 characters', [tensor({ name: 'x'.repeat(256) })]],
    ['a name that is no ASCII', [tensor({ name: 'é' })]],
    ['a name with a line end', [tensor({ name: 'a\n' })]],
    ['nine dimensions', [tensor({ shape: [1, 1, 1, 1, 1, 1, 1, 1, 2] })]],
    ['data of another size', [tensor({ shape: [3] })]],
    ['dimensions whose product wraps', [tensor({ dtype: 'int8', shape: [2 ** 31, 2 ** 31, 4], data: new Uint8Array(0) })]],
  ])('%s', (_, list) => expect(() => encodeTensors(list)).toThrow(Rejected));

  const raw = (...list: readonly { name: string; dtype: number }[]): Uint8Array =>
    encode(TensorsSchema, { tensors: list.map((t) => ({ name: ascii(t.name), dtype: t.dtype, shape: [1], data: Uint8Array.of(1) })) });
  test.each<[string, Uint8Array]>([
    ['bytes that are no message', Uint8Array.of(255)],
    ['names that descend', raw({ name: 'b', dtype: 1 }, { name: 'a', dtype: 1 })],
    ['names that repeat', raw({ name: 'a', dtype: 1 }, { name: 'a', dtype: 1 })],
    ['dtype 0', raw({ name: 'a', dtype: 0 })],
    ['dtype 6', raw({ name: 'a', dtype: 6 })],
    ['an unknown field', concat(raw({ name: 'a', dtype: 1 }), Uint8Array.of(0x10, 1))],
    ['more than 128 KiB', new Uint8Array(131_073)],
  ])('%s', (_, bytes) => expect(() => decodeTensors(bytes)).toThrow(Rejected));

  test('more than a caller takes', () => {
    const bytes = encodeTensors([tensor()]);
    expect(decodeTensors(bytes, bytes.length)).toHaveLength(1);
    expect(() => decodeTensors(bytes, bytes.length - 1)).toThrow(Rejected);
  });
});

test('commitments are hashes with a domain, and the input’s with a nonce', () => {
  const bytes = encodeTensors([tensor()]);
  const nonce = new Uint8Array(32).fill(9);
  const hash = (...parts: Uint8Array[]): string => toHex(sha256(concat(...parts)));
  expect(toHex(inputCommitment(nonce, bytes))).toBe(hash(ascii('opg/in/v1\0'), nonce, bytes));
  expect(toHex(outputCommitment(bytes))).toBe(hash(ascii('opg/out/v1\0'), bytes));
});
