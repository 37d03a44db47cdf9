/** Constraint systems and proving keys of strangers: their counts are believed as far as the file is long. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decodeGroth16Circuit } from '../../circuits/groth16/circuit.ts';
import { readR1cs, sectionsOf } from '../../groth16/r1cs.ts';
import { readZkey } from '../../groth16/zkey.ts';
import { Refused } from '../../protocol/refused.ts';
import { Random } from '../random.ts';

const { r1cs } = decodeGroth16Circuit(new Uint8Array(readFileSync('fixtures/groth16/digits.circuit')));
const zkey = new Uint8Array(readFileSync('fixtures/groth16/digits.zkey'));

test.each([
  ['wires', 36, 0xffffffff],
  ['public outputs', 40, 0xffffffff],
  ['public inputs', 44, 0x10000000],
  ['private inputs', 48, 0xfffffff0],
  ['constraints', 60, 0],
  ['constraints', 60, 0xffffffff],
])('a header with another number of %s is refused', (_, at, value) => {
  const lie = r1cs.slice();
  const header = sectionsOf(lie, 'r1cs').get(1) as Uint8Array;
  new DataView(header.buffer, header.byteOffset).setUint32(at, value, true);
  expect(() => readR1cs(lie)).toThrowError(expect.objectContaining({ code: 'circuit.format' }));
});

test.each([
  ['r1cs', r1cs, readR1cs, 'circuit.format'],
  ['zkey', zkey, readZkey, 'zkey.format'],
] as const)(
  'any bytes of a %s give a value or a refusal',
  (_, bytes, read, code) => {
    const random = new Random(11);
    for (let i = 0; i < 300; i++) {
      const lie = i % 3 === 0 ? bytes.slice(0, random.int(0, 400)) : bytes.slice(0, i % 3 === 1 ? bytes.length : 4000);
      for (let j = random.int(1, 4); j > 0 && lie.length > 0; j--) lie[random.int(0, Math.min(lie.length, 200) - 1)] = random.int(0, 255);
      try {
        read(lie);
      } catch (e) {
        expect(e).toBeInstanceOf(Refused);
        expect(e).toMatchObject({ code });
      }
    }
  },
  60_000,
);
