import { describe, expect, it } from 'vitest';
import { type Data, readInputs, type Wanted } from '../../cli/inputs/index.ts';
import { bytesOf, refusal } from './files.helpers.ts';

const score: Wanted = { name: 'score', dtype: 'float32', shape: [1, 3] };
const image: Wanted = { name: 'image', dtype: 'uint8', shape: [1, 1, 2, 2] };

const read = (value: unknown, ...wanted: Wanted[]): Record<string, Data>[] => readInputs(bytesOf(JSON.stringify(value)), wanted);
const codeOf = (text: string, ...wanted: Wanted[]): string => refusal(() => readInputs(bytesOf(text), wanted)).code;

describe('inputs in JSON', () => {
  it('reads an object, nested or flat, and with dimensions of size 1 left out', () => {
    const expected = [{ image: Uint8Array.of(1, 2, 3, 4) }];
    expect(
      read(
        {
          image: [
            [
              [
                [1, 2],
                [3, 4],
              ],
            ],
          ],
        },
        image,
      ),
    ).toEqual(expected);
    expect(
      read(
        {
          image: [
            [1, 2],
            [3, 4],
          ],
        },
        image,
      ),
    ).toEqual(expected);
    expect(read({ image: [1, 2, 3, 4] }, image)).toEqual(expected);
  });

  it('reads a list of objects as several inputs', () => {
    expect(read([{ score: [1, 2, 3] }, { score: [4, 5, 6] }], score)).toEqual([
      { score: Float32Array.of(1, 2, 3) },
      { score: Float32Array.of(4, 5, 6) },
    ]);
  });

  it('reads the bare array of a model with one input, with a leading dimension for several', () => {
    expect(read([1, 2, 3], score)).toEqual([{ score: Float32Array.of(1, 2, 3) }]);
    expect(
      read(
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
        score,
      ),
    ).toHaveLength(2);
    expect(read([5, 6], { ...score, shape: [] })).toEqual([{ score: Float32Array.of(5) }, { score: Float32Array.of(6) }]);
  });

  it('reads every integer type to its last value', () => {
    for (const [dtype, low, high] of [
      ['uint8', 0, 255],
      ['int8', -128, 127],
      ['int32', -(2 ** 31), 2 ** 31 - 1],
    ] as const) {
      const wanted: Wanted = { name: 'x', dtype, shape: [2] };
      expect(Array.from(read({ x: [low, high] }, wanted)[0]?.x as Int32Array)).toEqual([low, high]);
      expect(codeOf(JSON.stringify({ x: [low - 1, 0] }), wanted)).toBe('input.range');
      expect(codeOf(JSON.stringify({ x: [high + 1, 0] }), wanted)).toBe('input.range');
    }
    expect(read({ x: 7 }, { name: 'x', dtype: 'int64', shape: [] })).toEqual([{ x: BigInt64Array.of(7n) }]);
  });

  it('rounds to float32 once and keeps the sign of zero', () => {
    const [input] = readInputs(bytesOf('{"score": [0.1, -0.0, 16777217]}'), [score]);
    expect(input?.score).toEqual(Float32Array.of(0.1, -0, 16777216));
  });

  it('takes a tensor called __proto__ for a name like any other', () => {
    const [input] = readInputs(bytesOf('{"__proto__": [1, 2, 3]}'), [{ ...score, name: '__proto__' }]);
    expect(Object.getOwnPropertyNames(input)).toEqual(['__proto__']);
    expect(codeOf('{}', { ...score, name: 'constructor' })).toBe('input.missing');
  });

  it('refuses, each by its code, what is not the input of the model', () => {
    const lies: [string, string, ...Wanted[]][] = [
      ['input.empty', '', score],
      ['input.json', 'hello', score],
      ['input.json', '{"score": [1, 2, 3]', score],
      ['input.json', '{"score": [NaN, 2, 3]}', score],
      ['input.form', '"text"', score],
      ['input.form', '[{"score": [1, 2, 3]}, [1, 2, 3]]', score],
      ['input.form', '[1, 2, 3]', score, image],
      ['input.none', '[]', score],
      ['input.shape', '[[]]', score],
      ['input.unknown', '{"score": [1, 2, 3], "scores": 1}', score],
      ['input.missing', '{"score": [1, 2, 3]}', score, image],
      ['input.shape', '{"score": [1, 2]}', score],
      ['input.shape', '{"score": [[1], [2], [3], [4]]}', score],
      ['input.shape', '{"score": [[1, 2, 3], [4, 5, 6]]}', score],
      ['input.ragged', '{"image": [[1, 2], [3]]}', image],
      ['input.ragged', '{"image": [[1, 2], 3]}', image],
      ['input.ragged', '{"image": [1, [2], 3, 4]}', image],
      ['input.not-number', '{"score": [1, "2", 3]}', score],
      ['input.not-number', '{"score": [1, null, 3]}', score],
      ['input.not-number', '{"score": {"0": 1}}', score],
      ['input.not-integer', '{"image": [1, 2, 3.5, 4]}', image],
      ['input.not-integer', '{"x": 9007199254740993}', { name: 'x', dtype: 'int64', shape: [] }],
      ['input.range', '{"image": [1, 2, 3, 256]}', image],
      ['input.not-finite', '{"score": [1, 1e999, 3]}', score],
      ['input.not-finite', '{"score": [1, 1e39, 3]}', score],
    ];
    for (const [code, text, ...wanted] of lies) expect([text, codeOf(text, ...wanted)]).toEqual([text, code]);
  });

  it('names the tensor, the place and the expected shape', () => {
    expect(refusal(() => read({ image: [1, 2, 3, -1] }, image)).message).toBe('input "image": element 3 is -1, outside uint8 (0 to 255)');
    expect(refusal(() => read({ score: [1, 2] }, score)).message).toBe('input "score" wants the shape [1,3], but [2] is given');
  });

  it('refuses brackets that would cost more memory than the file has', () => {
    expect(codeOf('['.repeat(1000), score)).toBe('input.too-deep');
    expect(codeOf(`[${'[],'.repeat(2_100_000)}1]`, score)).toBe('input.too-large');
    expect(codeOf(`["${'['.repeat(1000)}\\"[", 1, 2]`, score)).toBe('input.not-number');
  });
});
