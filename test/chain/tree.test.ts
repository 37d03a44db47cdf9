/** Trees and proofs of the stores (settlement §7.2): CometBFT's own fixture, and a naive tree beside ours. */
import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openAnswer } from '../../chain/light/record.ts';
import { listLeaf, listRoot, recordLeaf, rootOfPath } from '../../chain/merkle.ts';
import { State } from '../../chain/state/index.ts';
import { leafHash, Tree } from '../../chain/state/tree.ts';
import { ascii, concat, toHex } from '../../protocol/bytes.ts';
import { testGenesis } from './helpers/chains.ts';

/** RFC 6962, word for word. */
function naive(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256(new Uint8Array(0));
  if (leaves.length === 1) return leaves[0] as Uint8Array;
  let k = 1;
  while (2 * k < leaves.length) k *= 2;
  return sha256(concat(Uint8Array.of(1), naive(leaves.slice(0, k)), naive(leaves.slice(k))));
}

test('the fixture that CometBFT accepts', () => {
  const tree = new Tree();
  ['a', 'b', 'c'].forEach((k, i) => {
    tree.set(i, leafHash(ascii(k), ascii(String(i + 1))));
  });
  expect(toHex(tree.root())).toBe('a4fdc6901b9c417cadf53174fa59a32f76c05d9971c909650156242549ee8946');
  const app = new Tree();
  app.set(0, leafHash(ascii('jobs'), tree.root()));
  expect(toHex(app.root())).toBe('99a686fdc3ce4bcc245dfecc360223da034b945e9f429e28c18c42ca72169407');
});

test('any sequence of writes and overlays gives the naive tree, and every path opens it', () => {
  const write = fc.record({
    index: fc.nat(40),
    value: fc.uint8Array({ minLength: 1, maxLength: 3 }),
    nested: fc.boolean(),
    keep: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(write, { maxLength: 60 }), (writes) => {
      const tree = new Tree();
      const leaves: Uint8Array[] = [];
      for (const { index, value, nested, keep } of writes) {
        const at = Math.min(index, leaves.length);
        const hash = listLeaf(value);
        if (!nested) tree.set(at, hash);
        else {
          const child = new Tree(tree);
          child.set(at, hash);
          const wanted = [...leaves];
          wanted[at] = hash;
          expect(child.root()).toEqual(naive(wanted));
          if (!keep) continue;
          child.merge();
        }
        leaves[at] = hash;
      }
      expect(tree.root()).toEqual(naive(leaves));
      leaves.forEach((leaf, i) => {
        const aunts = tree.aunts(i);
        expect(rootOfPath(leaf, BigInt(i), BigInt(leaves.length), aunts)).toEqual(tree.root());
        expect(rootOfPath(leaf, BigInt(i), BigInt(leaves.length), [...aunts, leaf])).toBeNull();
        if (aunts.length > 0) expect(rootOfPath(leaf, BigInt(i), BigInt(leaves.length), aunts.slice(1))).toBeNull();
      });
    }),
    { numRuns: 100 },
  );
});

test('a list’s root is the naive tree of its leaves', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 5 }), { maxLength: 40 }), (items) => {
      expect(listRoot(items)).toEqual(naive(items.map(listLeaf)));
    }),
  );
});

test('a record’s proof opens the AppHash, and no changed one does', () => {
  const genesis = testGenesis();
  const state = State.fromGenesis('test-1', genesis);
  const key = genesis.accounts[0]?.address as Uint8Array;
  const proven = state.prove('acct', key);
  if (proven === undefined) throw new Error('no record');
  const answer = { key, value: proven.value, height: 1n, log: '', ops: proven.ops };
  expect(toHex(openAnswer(answer, 'acct', key))).toBe(toHex(state.appHash()));
  expect(recordLeaf(key, proven.value)).toHaveLength(32);
  const [inner, outer] = proven.ops as [(typeof proven.ops)[number], (typeof proven.ops)[number]];
  const opens = (a: Partial<typeof answer>): boolean => {
    try {
      return toHex(openAnswer({ ...answer, ...a }, 'acct', key)) === toHex(state.appHash());
    } catch {
      return false;
    }
  };
  expect(opens({})).toBe(true);
  expect(opens({ value: concat(proven.value, Uint8Array.of(0)) })).toBe(false);
  expect(opens({ key: key.slice(1) })).toBe(false);
  expect(opens({ ops: [outer, inner] })).toBe(false);
  expect(opens({ ops: [inner] })).toBe(false);
  expect(opens({ ops: [{ ...inner, type: 'iavl:v' }, outer] })).toBe(false);
  expect(opens({ ops: [{ ...inner, key: key.slice(1) }, outer] })).toBe(false);
  expect(opens({ ops: [inner, { ...outer, key: ascii('job') }] })).toBe(false);
  for (const [i, op] of proven.ops.entries())
    for (let at = 0; at < op.data.length; at++) {
      const data = op.data.slice();
      data[at] = (data[at] as number) ^ 1;
      const ops = proven.ops.map((o, k) => (k === i ? { ...o, data } : o));
      // The op's own key field is ignored, as CometBFT ignores it.
      const inKey = at < 2 + op.key.length;
      if (!inKey) expect(opens({ ops }), `op ${i} byte ${at}`).toBe(false);
    }
});
