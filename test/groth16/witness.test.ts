/** Witnesses: as snarkjs computes them; and whatever a program does that comes with a circuit, the work ends and says why. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decodeGroth16Circuit, encodeGroth16Circuit } from '../../circuits/groth16/circuit.ts';
import { openGroth16 } from '../../groth16/index.ts';
import { R, readR1cs } from '../../groth16/r1cs.ts';
import { hiddenCount, statedRun } from '../../groth16/signals.ts';
import { withSnarkjs } from '../../groth16/snarkjs.ts';
import { computeWitness } from '../../groth16/witness.ts';
import { compile, openCircuit } from '../../index.ts';
import { ascii, concat, concatAll } from '../../protocol/bytes.ts';
import { recorded } from '../../scripts/recorded.ts';
import { Random } from '../random.ts';

const read = (file: string): Uint8Array => new Uint8Array(readFileSync(`fixtures/groth16/${file}`));
const file = read('digits.circuit');
const circuit = decodeGroth16Circuit(file);
const keys = { key: read('digits.key'), zkey: read('digits.zkey') };
const { wires } = readR1cs(circuit.r1cs);
const model = recorded('digits-mlp.qop');

function inputsOf(i: number) {
  const { inputs, outputs } = openCircuit(circuit.native).run(model.inputs(i)).integers;
  const salts = Array.from({ length: hiddenCount(circuit) }, () => 7n);
  return statedRun(circuit, inputs, outputs, salts, new Uint8Array(32), new Uint8Array(0)).witnessInputs;
}

test('is byte for byte that of snarkjs', async () => {
  for (const i of [0, 1, 31]) {
    const theirs: { type: 'mem'; data?: Uint8Array } = { type: 'mem' };
    await withSnarkjs(({ wtns }) => wtns.calculate(inputsOf(i), circuit.witnessProgram, theirs));
    const ours = await computeWitness(circuit.witnessProgram, wires, inputsOf(i));
    expect(Buffer.compare(ours.file, theirs.data as Uint8Array)).toBe(0);
  }
});

function leb128(n: number): number[] {
  return n < 128 ? [n] : [(n % 128) + 128, ...leb128(Math.floor(n / 128))];
}

/** A module that exports one function of no arguments with this body, and has these sections too: imports, tables, a memory. */
function moduleOf(
  name: string,
  body: readonly number[],
  others: readonly (readonly [id: number, bytes: readonly number[]])[] = [],
): Uint8Array {
  const code = [...leb128(body.length + 2), 0, ...body, 0x0b];
  const sections: (readonly [number, readonly number[]])[] = [
    [1, [1, 0x60, 0, 1, 0x7f]],
    [3, [1, 0]],
    ...others,
    [7, [1, name.length, ...ascii(name), 0, 0]],
    [10, [1, ...code]],
  ];
  return concatAll([
    concat(Uint8Array.of(0), ascii('asm'), Uint8Array.of(1, 0, 0, 0)),
    ...sections.sort(([p], [q]) => p - q).map(([id, bytes]) => Uint8Array.from([id, ...leb128(bytes.length), ...bytes])),
  ]);
}
const ENDLESS = [0x03, 0x40, 0x0c, 0, 0x0b, 0];

/** The circuit's program, with another prime among its data. */
function otherPrime(): Uint8Array {
  const lie = circuit.witnessProgram.slice();
  const at = Buffer.from(lie.buffer).lastIndexOf(Buffer.from(R.toString(16), 'hex').reverse());
  lie[at + 8] = (lie[at + 8] as number) ^ 1;
  return lie;
}
const withProgram = (witnessProgram: Uint8Array): Uint8Array => encodeGroth16Circuit({ ...circuit, witnessProgram });

test('a program that never ends is ended when the work is cancelled', async () => {
  const lie = withProgram(moduleOf('getFieldNumLen32', ENDLESS));
  const work = openGroth16(lie, keys).prove(model.inputs(0), { signal: AbortSignal.timeout(500) });
  await expect(work).rejects.toThrowError(expect.objectContaining({ name: 'TimeoutError' }));
});

/** 16 MiB filled 20,000 times over in straight-line code, which V8 does not interrupt. */
const FILLS = moduleOf(
  'getFieldNumLen32',
  [...Array(20_000).fill([0x41, 0, 0x41, 1, 0x41, 0x80, 0x80, 0x80, 8, 0xfc, 11, 0]).flat(), 0x41, 8],
  [[5, [1, 0, ...leb128(256)]]],
);

test('a program that fills memory for a minute is ended at once', async () => {
  const started = performance.now();
  const work = openGroth16(withProgram(FILLS), keys).prove(model.inputs(0), { signal: AbortSignal.timeout(1000) });
  await expect(work).rejects.toThrowError(expect.objectContaining({ name: 'TimeoutError' }));
  expect(performance.now() - started).toBeLessThan(10_000);
});

test('a program whose process dies is no verdict', async () => {
  // Tables of ten million entries, more than the heap of a process holds.
  const lie = moduleOf(
    'getFieldNumLen32',
    [0x41, 8],
    [
      [
        4,
        [
          100,
          ...Array(100)
            .fill([0x70, 0, ...leb128(10_000_000)])
            .flat(),
        ],
      ],
    ],
  );
  await expect(openGroth16(withProgram(lie), keys).prove(model.inputs(0))).rejects.toThrowError(
    expect.objectContaining({ name: 'Unanswered' }),
  );
});

const imports = (module: string, field: string): readonly [number, readonly number[]] => [
  2,
  [1, module.length, ...ascii(module), field.length, ...ascii(field), 0, 0],
];

test.each<[string, Uint8Array, RegExp]>([
  ['given Function', moduleOf('getFieldNumLen32', [0x41, 4], [imports('constructor', 'constructor')]), /cannot be run/],
  ['given Object', moduleOf('getFieldNumLen32', [0x41, 4], [imports('__proto__', 'constructor')]), /cannot be run/],
  ['given a method', moduleOf('getFieldNumLen32', [0x41, 4], [imports('runtime', 'constructor')]), /cannot be run/],
  ['no WebAssembly', ascii('no program'), /cannot be run/],
  ['cut', circuit.witnessProgram.slice(0, 5000), /cannot be run/],
  ['a trap', moduleOf('getFieldNumLen32', [0]), /cannot be run/],
  ['another interface', moduleOf('main', [0x41, 0]), /it has no getFieldNumLen32/],
  ['another field', moduleOf('getFieldNumLen32', [0x41, 4]), /is over another field/],
  ['another prime', otherPrime(), /is over another field/],
])('a witness program that is %s is refused, and named', async (_, program, sentence) => {
  await expect(openGroth16(withProgram(program), keys).prove(model.inputs(0))).rejects.toThrowError(
    expect.objectContaining({ code: 'circuit.witness', message: expect.stringMatching(sentence) }),
  );
});

test('a witness of another network than the circuit’s is not proven', async () => {
  // Fixture: a circuit file with its keys.  Lie: its network has other scales than its constraint system.
  const { circuit: native } = await compile(recorded('digits-mlp.qop-pt').model);
  await expect(openGroth16(encodeGroth16Circuit({ ...circuit, native }), keys).prove(model.inputs(0))).rejects.toThrowError(
    expect.objectContaining({ code: 'circuit.witness', message: expect.stringContaining('another public signal') }),
  );
});

test('is total on changed programs: a witness, a refusal, or work that can be cancelled', async () => {
  const random = new Random(6);
  const inputs = inputsOf(0);
  for (let i = 0; i < 60; i++) {
    const lie = circuit.witnessProgram.slice();
    lie[random.int(0, lie.length - 1)] = random.int(0, 255);
    const outcome = await computeWitness(lie, wires, inputs, AbortSignal.timeout(5000)).then(
      () => 'witness',
      (e: Error & { code?: unknown }) => (typeof e.code === 'string' ? e.code : e.name),
    );
    expect(['witness', 'circuit.witness', 'TimeoutError']).toContain(outcome);
  }
});
