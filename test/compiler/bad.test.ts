/** Broken and unsupported files: each gets the verdict of its manifest, as a typed refusal, at once. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { check, lower } from '../../compiler/index.ts';
import { Refused } from '../../protocol/refused.ts';
import { Dice, ModelBuilder } from './onnx.helpers.ts';

const ROOT = 'fixtures/models/bad';
const manifest = JSON.parse(readFileSync(`${ROOT}/manifest.json`, 'utf8')) as { file: string; expect: string; what: string }[];
/** Valid files that the manifest calls unsupported, and that are supported by now. */
const SUPPORTED = ['weight-zero-point.onnx'];

function verdict(bytes: Uint8Array): string {
  try {
    lower(bytes);
    return 'accept';
  } catch (e) {
    if (!(e instanceof Refused)) throw e;
    expect(e.code).toMatch(/^(onnx|model)\.[a-z0-9.-]+$/);
    expect(e.message.length).toBeGreaterThan(10);
    return e.code.startsWith('model.unsupported') ? 'unsupported' : 'reject';
  }
}

describe('bad files', () => {
  test.each(manifest)('$file: $expect ($what)', ({ file, expect: written }) => {
    const expected = SUPPORTED.includes(file) ? 'accept' : written;
    const bytes = readFileSync(`${ROOT}/${file}`);
    const start = performance.now();
    expect(verdict(bytes)).toBe(expected);
    expect(performance.now() - start).toBeLessThan(1000);
    expect(check(bytes).supported).toBe(expected === 'accept');
  });

  test('a damaged file gives a graph or a refusal, never anything else', () => {
    const good = readFileSync('fixtures/models/digits-mlp-mm.qdq-s8/model.onnx');
    const dice = new Dice(7);
    const verdicts = { accept: 0, reject: 0, unsupported: 0 } as Record<string, number>;
    for (let i = 0; i < 400; i++) {
      const bytes = Uint8Array.from(good);
      for (let k = dice.int(1, 3); k > 0; k--) {
        // Most of the file is weights: half of the flips aim at the structure after them.
        const at = dice.chance(0.5) ? dice.int(0, bytes.length - 1) : dice.int(0, Math.floor(bytes.length / 3));
        bytes[at] = dice.int(0, 255);
      }
      const cut = dice.chance(0.2) ? bytes.subarray(0, dice.int(0, bytes.length)) : bytes;
      const report = check(cut);
      const first = report.reasons[0]?.code ?? '';
      const kind = report.supported ? 'accept' : first.startsWith('model.unsupported') ? 'unsupported' : 'reject';
      verdicts[kind] = (verdicts[kind] ?? 0) + 1;
    }
    expect(verdicts.reject).toBeGreaterThan(50);
    expect(verdicts.accept).toBeGreaterThan(5);
  }, 30_000);
});

describe('long graphs take time in proportion to their length', () => {
  const chain = (length: number, step: (m: ModelBuilder, x: string, s: string, z: string) => string): Uint8Array => {
    const m = new ModelBuilder();
    const [s, z] = [m.scalar('float32', 0.1), m.scalar('uint8', 5)];
    let x = m.node('DequantizeLinear', [m.node('QuantizeLinear', [m.input('x', 'float32', [1, 8]), s, z]), s, z]);
    x = m.pair(m.node('Relu', [x]), 0.2, 3, 'uint8');
    for (let i = 0; i < length; i++) x = step(m, x, s, z);
    m.output(m.node('Identity', [x], {}, ['y']), 'float32', [1, 8]);
    return m.bytes();
  };

  test.each([
    ['views of a dequantized tensor', chain(20_000, (m, x) => m.node('Identity', [x])), true],
    [
      'pairs of QuantizeLinear and DequantizeLinear',
      chain(5_000, (m, x, s, z) => m.node('DequantizeLinear', [m.node('QuantizeLinear', [x, s, z]), s, z])),
      true,
    ],
    ['Relu between pairs', chain(500, (m, x) => m.pair(m.node('Relu', [x]), 0.1, 7, 'uint8')), true],
  ])('%s', (_, bytes, supported) => {
    const start = performance.now();
    expect(check(bytes).supported).toBe(supported);
    expect(performance.now() - start).toBeLessThan(3000);
  });
});
