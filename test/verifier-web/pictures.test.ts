/** What people see: pictures, shades, class scores, and a drawing as the model reads it. */
import { describe, expect, test } from 'vitest';
import { recorded } from '../../scripts/recorded.ts';
import { SIDE, toDigit } from '../../verifier-web/digit.ts';
import { isScores, pictureOf, shades } from '../../verifier-web/picture.ts';

describe('pictures', () => {
  test.each([
    [[1, 1, 28, 28], { width: 28, height: 28, channels: 1, planar: true }],
    [[1, 3, 32, 24], { width: 24, height: 32, channels: 3, planar: true }],
    [[1, 32, 24, 3], { width: 24, height: 32, channels: 3, planar: false }],
    [[1, 64], { width: 8, height: 8, channels: 1, planar: true }],
    [[784], { width: 28, height: 28, channels: 1, planar: true }],
  ])('%j is one', (shape, picture) => expect(pictureOf(shape)).toEqual(picture));

  test.each([[[]], [[1, 10]], [[1, 1]], [[1, 16, 8, 8]], [[2000, 2000]], [[1, 65]], [[3, 3]]])('%j is none', (shape) =>
    expect(pictureOf(shape)).toBe(null),
  );

  test('bytes by the range of their type, the rest by the range of its values', () => {
    expect([...shades(Uint8Array.of(0, 128, 255), 'uint8')]).toEqual([0, 128, 255]);
    expect([...shades(Int8Array.of(-128, 0, 127), 'int8')]).toEqual([0, 128, 255]);
    expect([...shades(Float32Array.of(-1, 0, 3), 'float32')]).toEqual([0, 64, 255]);
    expect([...shades(Float32Array.of(2, 2), 'float32')]).toEqual([0, 0]);
  });

  test('scores are values along one dimension', () => {
    expect([isScores([1, 10], 10), isScores([1000], 1000)]).toEqual([true, true]);
    expect([isScores([2, 5], 10), isScores([1], 1), isScores([1001], 1001)]).toEqual([false, false, false]);
  });
});

describe('a drawing', () => {
  /** A recorded digit, as large as the pad and anywhere on it. */
  const enlarged = (digit: ArrayLike<number>, factor: number, dx: number, dy: number, side: number): Float32Array =>
    Float32Array.from({ length: side * side }, (_, i) => {
      const [x, y] = [Math.floor(((i % side) - dx) / factor), Math.floor((Math.floor(i / side) - dy) / factor)];
      return x >= 0 && y >= 0 && x < SIDE && y < SIDE ? (digit[y * SIDE + x] as number) : 0;
    });

  test('an empty pad is none', () => expect(toDigit(new Float32Array(100), 10, 10)).toBe(null));

  test('a point, a line and a full pad are digits of 28 × 28 within 0 and 1', () => {
    for (const ink of [(i: number) => i === 55, (i: number) => i % 10 === 3, () => true]) {
      const digit = toDigit(
        Float32Array.from({ length: 100 }, (_, i) => (ink(i) ? 1 : 0)),
        10,
        10,
      );
      expect(digit).toHaveLength(SIDE * SIDE);
      expect(digit?.every((v) => v >= 0 && v <= 1 && Math.abs(255 * v - Math.round(255 * v)) < 1e-4)).toBe(true);
      expect(digit?.some((v) => v > 0.5)).toBe(true);
    }
  });

  test('recorded digits, enlarged and moved, come back as they are', () => {
    const model = recorded('mnist-cnn.qop-pt');
    const differing = Array.from({ length: model.count }, (_, i) => {
      const digit = Array.from<number | bigint, number>(model.inputs(i).input?.data ?? [], Number);
      const back = toDigit(enlarged(digit, 9, 11, 23, 300), 300, 300) ?? [];
      // But for ink too faint to belong to the box.
      return digit.filter((v, j) => Math.abs(v - (back[j] as number)) > 0.05).length;
    });
    expect(model.count).toBeGreaterThan(20);
    expect(differing).toEqual(differing.map(() => 0));
  });

  test('its centre of mass is in the middle pixel', () => {
    const ink = Float32Array.from({ length: 10_000 }, (_, i) => (i % 100 > 60 && i % 100 < 70 && i < 5000 ? 1 : 0));
    const digit = toDigit(ink, 100, 100) as Float32Array;
    const mass = digit.reduce((s, v) => s + v, 0);
    const at = (of: (i: number) => number): number => digit.reduce((s, v, i) => s + v * (of(i) + 0.5), 0) / mass;
    for (const axis of [at((i) => i % SIDE), at((i) => Math.floor(i / SIDE))]) {
      expect(axis).toBeGreaterThanOrEqual(SIDE / 2);
      expect(axis).toBeLessThan(SIDE / 2 + 1);
    }
  });
});
