/** The trees of the state against the fixture of settlement §7.2 and against RFC 6962 as it is written. */

import { fromBinary } from '@bufbuild/protobuf';
import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ValueOpSchema } from '../../chain/generated/proofs_pb.ts';
import { REMOVED, type Row, STORES, State } from '../../chain/state/state.ts';
import { leafHash, Tree } from '../../chain/state/tree.ts';
import { ascii, concat, toHex } from '../../protocol/bytes.ts';

/** RFC 6962 §2.1: split at the largest power of two below the number of leaves. */
function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256(new Uint8Array(0));
  if (leaves.length === 1) return leaves[0] as Uint8Array;
  let k = 1;
  while (2 * k < leaves.length) k *= 2;
  return sha256(concat(Uint8Array.of(1), naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k))));
}

/** RFC 6962 §2.1.1, read backwards: the root that a leaf and its path lead to, as CometBFT computes it. */
function rootFromPath(index: number, total: number, leaf: Uint8Array, aunts: readonly Uint8Array[]): Uint8Array {
  if (total === 1) {
    if (aunts.length > 0) throw new Error('aunts left over');
    return leaf;
  }
  let k = 1;
  while (2 * k < total) k *= 2;
  const [rest, aunt] = [aunts.slice(0, -1), aunts.at(-1)];
  if (aunt === undefined) throw new Error('an aunt is missing');
  return index < k
    ? sha256(concat(Uint8Array.of(1), rootFromPath(index, k, leaf, rest), aunt))
    : sha256(concat(Uint8Array.of(1), aunt, rootFromPath(index - k, total - k, leaf, rest)));
}

const ABC: readonly Row[] = [1, 2, 3].map((n, index) => ({
  store: 'acct',
  index,
  key: ascii('abc'[index] as string),
  value: ascii(`${n}`),
}));
const hashesOf = (rows: readonly Row[]): Uint8Array[] => rows.map((r) => leafHash(r.key, r.value));

describe('the fixture {a: 1, b: 2, c: 3}', () => {
  const tree = new Tree();
  hashesOf(ABC).forEach((h, i) => {
    tree.set(i, h);
  });

  test('has the root that CometBFT computes', () =>
    expect(toHex(tree.root())).toBe('a4fdc6901b9c417cadf53174fa59a32f76c05d9971c909650156242549ee8946'));

  test('alone in a store named jobs, has the AppHash that CometBFT computes', () => {
    const stores = new Tree();
    stores.set(0, leafHash(ascii('jobs'), tree.root()));
    expect(toHex(stores.root())).toBe('99a686fdc3ce4bcc245dfecc360223da034b945e9f429e28c18c42ca72169407');
  });
});

test('no leaves hash to SHA-256 of nothing', () => {
  expect(toHex(new Tree().root())).toBe(toHex(sha256(new Uint8Array(0))));
});

test('a leaf beyond the next is refused', () => {
  const tree = new Tree();
  expect(() => tree.set(1, sha256(ascii('x')))).toThrow(RangeError);
});

test('a long key and value have their lengths as varints', () => {
  const key = new Uint8Array(300).fill(7);
  const value = new Uint8Array(40_000);
  expect(toHex(leafHash(key, value))).toBe(toHex(sha256(concat(Uint8Array.of(0, 0xac, 0x02), key, Uint8Array.of(32), sha256(value)))));
});

/** Writes, and layers opened, merged and dropped. */
const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ do: fc.constant('set' as const), leaf: fc.nat(40), value: fc.nat(1000) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('push' as const, 'merge' as const, 'drop' as const) }) },
  ),
  { maxLength: 120 },
);

test('any sequence of writes, layers and merges is the tree of RFC 6962, and every path leads to its root', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const layers: { tree: Tree; leaves: Uint8Array[] }[] = [{ tree: new Tree(), leaves: [] }];
      for (const step of list) {
        const top = layers.at(-1) as (typeof layers)[0];
        if (step.do === 'set') {
          const hash = sha256(ascii(`${step.value}`));
          const i = Math.min(step.leaf, top.leaves.length);
          top.tree.set(i, hash);
          top.leaves[i] = hash;
        } else if (step.do === 'push') layers.push({ tree: new Tree(top.tree), leaves: [...top.leaves] });
        else if (layers.length > 1) {
          layers.pop();
          if (step.do === 'merge') {
            top.tree.merge();
            (layers.at(-1) as typeof top).leaves = top.leaves;
          }
        }
        const { tree, leaves } = layers.at(-1) as (typeof layers)[0];
        expect(tree.size).toBe(leaves.length);
        expect(toHex(tree.root())).toBe(toHex(naiveRoot(leaves)));
      }
      const { tree, leaves } = layers.at(-1) as (typeof layers)[0];
      leaves.forEach((leaf, i) => {
        expect(toHex(rootFromPath(i, leaves.length, leaf, tree.aunts(i)))).toBe(toHex(tree.root()));
      });
    }),
    { numRuns: 60 },
  );
});

const keys = fc.integer({ min: 0, max: 12 }).map((n) => ascii(`key ${n}`));
const values = fc.integer({ min: 0, max: 3 }).map((n) => (n === 0 ? REMOVED : ascii(`value ${n}`)));
/** Stores whose records the index of deadlines does not read. */
const stores = fc.constantFrom('acct' as const, 'meta' as const, 'model' as const);

test('a state is the same with and without layers, and rebuilt from its rows', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(stores, keys, values, fc.nat(9)), { maxLength: 60 }), (writes) => {
      const plain = State.fromRows([]);
      const layers = [State.fromRows([])];
      for (const [store, key, value, turn] of writes) {
        plain.set(store, key, value);
        if (turn < 3) layers.push((layers.at(-1) as State).overlay());
        (layers.at(-1) as State).set(store, key, value);
        if (turn > 7 && layers.length > 1) (layers.pop() as State).merge();
        const top = layers.at(-1) as State;
        expect(toHex(top.appHash())).toBe(toHex(plain.appHash()));
        expect(top.get(store, key)).toEqual(plain.get(store, key));
      }
      const [top, rows] = [layers.at(-1) as State, [...plain.rows()]];
      expect([...top.rows()]).toEqual(rows);
      while (layers.length > 1) (layers.pop() as State).merge();
      expect([...(layers[0] as State).rows()]).toEqual(rows);
      expect(toHex(State.fromRows(rows.toReversed()).appHash())).toBe(toHex(plain.appHash()));
    }),
    { numRuns: 100 },
  );
});

describe('proofs of records', () => {
  const state = State.fromRows([...ABC, { store: 'model', index: 0, key: ascii('x'), value: ascii('y') }]);

  test.each(['a', 'b', 'c'])('%s opens to the AppHash in two steps', (key) => {
    const { value, ops } = state.prove('acct', ascii(key)) as NonNullable<ReturnType<State['prove']>>;
    expect(ops.map((op) => [op.type, new TextDecoder().decode(op.key)])).toEqual([
      ['simple:v', key],
      ['simple:v', 'acct'],
    ]);
    let told = value;
    for (const op of ops) {
      const { proof } = fromBinary(ValueOpSchema, op.data);
      if (proof === undefined) throw new Error('no proof');
      expect(toHex(proof.leafHash)).toBe(toHex(leafHash(op.key, told)));
      told = rootFromPath(Number(proof.index), Number(proof.total), proof.leafHash, proof.aunts);
    }
    expect(toHex(told)).toBe(toHex(state.appHash()));
  });

  test('a record that never was has none; a removed one proves the byte 00', () => {
    expect(state.prove('acct', ascii('d'))).toBeUndefined();
    const later = state.overlay();
    later.set('model', ascii('x'), REMOVED);
    expect(later.get('model', ascii('x'))).toBeUndefined();
    expect(later.prove('model', ascii('x'))?.value).toEqual(REMOVED);
  });

  test('all stores are leaves, empty ones too', () => {
    expect(fromBinary(ValueOpSchema, state.prove('acct', ascii('a'))?.ops[1]?.data as Uint8Array).proof?.total).toBe(BigInt(STORES.length));
  });
});

describe('rows that are no state', () => {
  test.each<[string, readonly Row[]]>([
    ['a gap', [{ store: 'acct', index: 1, key: ascii('a'), value: ascii('1') }]],
    ['an index twice', [0, 0].map((index, i) => ({ store: 'acct' as const, index, key: ascii(`${i}`), value: ascii('1') }))],
    ['a key twice', [0, 1].map((index) => ({ store: 'acct' as const, index, key: ascii('a'), value: ascii('1') }))],
    ['an unknown store', [{ store: 'acct2' as 'acct', index: 0, key: ascii('a'), value: ascii('1') }]],
    ['an empty value', [{ store: 'acct', index: 0, key: ascii('a'), value: new Uint8Array(0) }]],
  ])('%s', (_, rows) => expect(() => State.fromRows(rows)).toThrow());
});
