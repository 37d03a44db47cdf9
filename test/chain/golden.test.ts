/**
 * Bytes that must never change: every message, record and AppHash of one story (settlement §16 T1, I12). `ASSAY_RECORD=1 npm test --
 * test/chain/golden` writes them anew, which is a change of the chain.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decodeStrict } from '../../chain/codec.ts';
import { TxBodySchema, TxSchema } from '../../chain/generated/messages_pb.ts';
import { fromHex } from '../../protocol/bytes.ts';
import { certify } from '../../scripts/certificates.ts';
import { type Story, tellStory } from './helpers/story.ts';

const FOLDER = 'fixtures/chain';
const story = tellStory();

if (process.env.ASSAY_RECORD) {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${FOLDER}/story.json`, `${JSON.stringify(story, null, 1)}\n`);
  certify(FOLDER, 'ASSAY_RECORD=1 npm test -- test/chain/golden', [
    { file: 'story.json', what: 'one of every message of the ledger with its code, the AppHash after each, and all records at the end' },
  ]);
}
const golden = JSON.parse(readFileSync(`${FOLDER}/story.json`, 'utf8')) as Story;

test('every transaction, code, record and AppHash is what it was', () => {
  expect(story).toEqual(golden);
});

test('every message of this version is in it', () => {
  const all = TxBodySchema.oneofs[0]?.fields.filter((f) => f.fieldKind === 'message').map((f) => f.localName);
  expect(new Set(golden.transactions.map((t) => t.message))).toEqual(new Set(all));
  expect(new Set(golden.records.map((r) => r.store))).toEqual(new Set(['acct', 'job', 'meta', 'model', 'prover', 'tab']));
});

test('every transaction decodes to the message it is named after', () => {
  for (const { message, tx } of golden.transactions) {
    const { body } = decodeStrict(TxSchema, fromHex(tx) as Uint8Array, 2 ** 20);
    expect(decodeStrict(TxBodySchema, body, 2 ** 20).msg.case).toBe(message);
  }
});
