/** `assay quantize` by the command line: a session, what it says, and everything that can be given to it wrongly. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { onnxruntime } from '../../cli/quantize/onnxruntime.ts';
import { folder, npy, type ZipMember, zip } from './files.helpers.ts';
import { assay, type Ended } from './spawn.helpers.ts';

vi.setConfig({ testTimeout: 60_000 });

const loads = await onnxruntime().then(
  () => true,
  () => false,
);
if (!loads) console.warn('not run: assay quantize, onnxruntime-node does not load');

const DIGITS = resolve('fixtures/models/digits-mlp.qop');
const FLOAT = join(DIGITS, 'float.onnx');
const { labels } = JSON.parse(readFileSync(join(DIGITS, 'meta.json'), 'utf8')) as { labels: number[] };
/** The 32 recorded digits, 64 pixels each. */
const PIXELS = new Float32Array(Uint8Array.from(readFileSync(join(DIGITS, 'io.bin')).subarray(0, 32 * 64 * 4)).buffer);

const member = (name: string, content: Uint8Array): ZipMember => ({ name: `${name}.npy`, content });
const inputs = (pixels = PIXELS): ZipMember => member('input', npy('<f4', [pixels.length / 64, 64], pixels));
const answers = (list = labels): ZipMember => member('labels', npy('<i8', [list.length], BigInt64Array.from(list.map(BigInt))));

/** A folder with the float model's inputs; returns a runner in it. */
function desk(...members: ZipMember[]): { cwd: string; run: (...args: string[]) => Promise<Ended> } {
  const cwd = folder();
  writeFileSync(join(cwd, 'in.npz'), zip(members.length > 0 ? members : [inputs(), answers()]));
  return { cwd, run: (...args) => assay(args, { cwd }) };
}

describe.skipIf(!loads)('a session', () => {
  test('quantizes, says what it costs, compiles, and the same file comes again', async () => {
    const { cwd, run } = desk();
    const made = await run('quantize', FLOAT, '--calibrate', 'in.npz', '--per-layer');
    expect(made).toMatchObject({ code: 0, signal: null });
    const [file, accuracy, same, error, ...layers] = made.stdout.trimEnd().split('\n');
    expect(file).toBe('float.q.onnx');
    expect(accuracy).toMatch(/^accuracy {4}float 96\.9 %, quantized 9\d\.\d % of 32 inputs$/);
    expect(same).toMatch(/^same class {2}\d+\.\d % of 32 inputs$/);
    expect(error).toMatch(/^error {7}output: SQNR [34]\d\.\d dB, mean 0\.0\d+, largest 0\.\d+$/);
    expect(layers.map((l) => l.trim().split(/ {2,}/)[1])).toEqual(['input', 'Gemm', 'Gemm']);
    expect(layers[1]).toMatch(/dB {2}scale 0\.\d+ +zero point 0 +32 weight scales$/);
    expect(made.stderr).toContain('assay: hint: assay compile float.q.onnx makes the circuit and the key\n');
    const compiled = await run('compile', 'float.q.onnx', '-o', 'digits');
    expect(compiled).toMatchObject({ code: 0, stdout: 'digits.circuit\ndigits.key\n' });
    const again = await run('quantize', FLOAT, '--calibrate', 'in.npz', '-o', 'again.onnx');
    expect(again.code).toBe(0);
    expect(readFileSync(join(cwd, 'again.onnx'))).toEqual(readFileSync(join(cwd, 'float.q.onnx')));
    expect(readdirSync(cwd).filter((f) => f.endsWith('.tmp'))).toEqual([]);
  });

  test('--for-proving shows what is saved; --json holds the same', async () => {
    const { run } = desk();
    const text = await run('quantize', FLOAT, '--calibrate', 'in.npz', '--for-proving');
    expect(text.stdout).toMatch(/\n +a scale a channel {2}for proving\n {2}proof +\d+\.\d kB +\d+\.\d kB\n/);
    const json = await run('quantize', FLOAT, '--calibrate', 'in.npz', '--for-proving', '--json', '--per-layer');
    expect(json.code).toBe(0);
    const { output, samples, supported, outputs, layers, saving } = JSON.parse(json.stdout);
    expect({ output, samples, supported }).toEqual({ output: 'float.q.onnx', samples: 32, supported: true });
    expect(saving.forProving.predicted.keyBytes).toBeLessThan(0.95 * saving.perChannel.predicted.keyBytes);
    expect(saving.forProving.predicted.proofBytes).toBeLessThanOrEqual(saving.perChannel.predicted.proofBytes);
    expect(saving.forProving.outputs[0].sqnr).toBeGreaterThan(saving.perChannel.outputs[0].sqnr - 1);
    expect(saving.forProving.outputs).toEqual(outputs);
    expect(layers.map((l: { op: string; weightScales: number | null }) => [l.op, l.weightScales])).toEqual([
      ['input', null],
      ['Gemm', 1],
      ['Gemm', 1],
    ]);
  });

  test('other inputs to judge by, without labels, and a bare .npy', async () => {
    const { cwd, run } = desk(inputs(PIXELS.slice(0, 16 * 64)));
    writeFileSync(join(cwd, 'rest.npy'), npy('<f4', [16, 64], PIXELS.slice(16 * 64)));
    const { code, stdout, stderr } = await run(
      'quantize',
      FLOAT,
      '--calibrate',
      'in.npz',
      '--evaluate',
      'rest.npy',
      '--calibration',
      'percentile',
      '--percentile',
      '99.9',
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^float\.q\.onnx\nsame class {2}\d+\.\d % of 16 inputs\n/);
    expect(stderr).not.toContain('--evaluate takes others');
  });

  test('Ctrl-C leaves no file', async () => {
    const many = new Float32Array(40_000 * 64).fill(0.5);
    const { cwd } = desk(inputs(many));
    const args = ['quantize', FLOAT, '--calibrate', 'in.npz', '--calibration', 'entropy'];
    // On a busy machine the first signal may come while the inputs are still read, where it simply ends the process.
    for (const after of [1500, 4000, 8000]) {
      const ended = await assay(args, { cwd, onStart: (kill) => void setTimeout(() => kill('SIGINT'), after) });
      expect(readdirSync(cwd)).toEqual(['in.npz']);
      if (ended.signal === 'SIGINT') continue;
      expect(ended).toMatchObject({ code: 130, stdout: '' });
      expect(ended.stderr).toContain('stopped by SIGINT; nothing is half-written');
      return;
    }
    throw new Error('every signal came too early');
  });
});

describe.skipIf(!loads)('inputs that do not fit', () => {
  const bad: [string, ZipMember[], string][] = [
    [
      'another name',
      [member('pixels', npy('<f4', [32, 64], PIXELS))],
      `input.unknown: the .npz holds "pixels", but the model's inputs are "input"`,
    ],
    ['nothing but labels', [answers()], 'input.missing: the .npz holds no array "input"'],
    [
      'another size',
      [member('input', npy('<f4', [32, 64, 2], new Float32Array(4096)))],
      'input.shape: input "input" wants the shape [1,64]',
    ],
    ['no input', [member('input', npy('<f4', [0, 64], new Float32Array(0)))], 'input.none: input "input": the array [0,64] holds no input'],
    ['NaN', [inputs(PIXELS.map((v, i) => (i === 70 ? Number.NaN : v)))], 'input.not-finite: input "input": element 6 is NaN'],
    [
      'too few labels',
      [inputs(), answers(labels.slice(1))],
      'input.labels: the labels "labels" are int64 [31]; wanted: one integer for each of the 32 inputs',
    ],
    [
      'labels of floats',
      [inputs(), member('labels', npy('<f4', [32], new Float32Array(32)))],
      'input.labels: the labels "labels" are float32 [32]',
    ],
  ];

  test.each(bad)('%s', async (_, members, sentence) => {
    const { cwd, run } = desk(...members);
    const { code, stdout, stderr } = await run('quantize', FLOAT, '--calibrate', 'in.npz');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`assay: refused ${sentence}`);
    expect(existsSync(join(cwd, 'float.q.onnx'))).toBe(false);
  });
});

describe('wrong usage', () => {
  const wrong: [string, string[], string][] = [
    ['no inputs', [FLOAT], "required option '--calibrate <file>' not specified"],
    ['a missing model', ['none.onnx', '--calibrate', 'in.npz'], 'there is no file none.onnx (model)'],
    ['a missing file of inputs', [FLOAT, '--calibrate', 'none.npz'], 'there is no file none.npz (inputs)'],
    ['an unknown method', [FLOAT, '--calibrate', 'in.npz', '--calibration', 'mse'], 'Allowed choices are minmax, percentile, entropy'],
    [
      'a percentile of another method',
      [FLOAT, '--calibrate', 'in.npz', '--percentile', '99'],
      '--percentile is a flag of --calibration percentile',
    ],
    [
      'a percentile of nothing',
      [FLOAT, '--calibrate', 'in.npz', '--calibration', 'percentile', '--percentile', '5'],
      '--percentile takes a number above 50',
    ],
    ['two granularities', [FLOAT, '--calibrate', 'in.npz', '--per-tensor', '--for-proving'], '--per-tensor cannot be given with it'],
    ['a shape without numbers', [FLOAT, '--calibrate', 'in.npz', '--shape', 'x=a,b'], '--shape x=a,b is not understood'],
    ['an output that is an input', [FLOAT, '--calibrate', 'in.npz', '-o', 'in.npz'], 'in.npz is an input of this command'],
  ];

  test.each(wrong)('%s', async (_, args, sentence) => {
    const { run } = desk();
    const { code, stdout, stderr } = await run('quantize', ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(sentence);
  });

  test('a model that is quantized already, a file that is no model, a shape that does not fit', async () => {
    const { run } = desk();
    const quantized = await run('quantize', join(DIGITS, 'model.onnx'), '--calibrate', 'in.npz');
    expect(quantized.code).toBe(1);
    expect(quantized.stderr).toContain('refused model.quantized:');
    expect((await run('quantize', 'in.npz', '--calibrate', 'in.npz', '-o', 'x.onnx')).stderr).toMatch(/refused onnx\./);
    const shape = await run('quantize', FLOAT, '--calibrate', 'in.npz', '--shape', 'input=2,64', '--json');
    expect(shape.code).toBe(1);
    expect(JSON.parse(shape.stdout)).toMatchObject({ verdict: 'refused', code: 'model.unsupported-dynamic-shape' });
  });

  test('onnxruntime-node that does not load is named, with the line that installs it', async () => {
    vi.doMock('onnxruntime-node', () => {
      throw new Error('gone');
    });
    await expect(onnxruntime()).rejects.toMatchObject({ code: 'package.missing', hint: 'npm install onnxruntime-node' });
    vi.doUnmock('onnxruntime-node');
  });
});

test('compile, check, prove and run of a float model point here', async () => {
  const { run } = desk();
  const hint = `assay: hint: ${FLOAT} is a float model: assay quantize ${FLOAT} --calibrate inputs.npz makes a quantized one\n`;
  for (const [args, code] of [
    [['compile', FLOAT], 1],
    [['check', FLOAT], 1],
    [['prove', FLOAT, '--input', 'in.npz'], 2],
    [['run', FLOAT, '--input', 'in.npz'], 2],
  ] as const) {
    const ended = await run(...args);
    expect([args[0], ended.code]).toEqual([args[0], code]);
    expect(ended.stderr).toContain(hint);
  }
  const quantized = await run('compile', join(DIGITS, 'model.onnx'), '-o', 'nowhere/x');
  expect(quantized.stderr).not.toContain('float model');
});
