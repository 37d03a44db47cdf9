/**
 * The golden bytes read and written again by another implementation: buf's (Go) reads the messages of the story to the same values as ours,
 * and writes those values to the same bytes (settlement §2.1, §16 T1).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DescMessage, fromBinary, toJson } from '@bufbuild/protobuf';
import { afterAll, describe, expect, test } from 'vitest';
import { TxBodySchema, TxSchema } from '../../chain/generated/messages_pb.ts';
import * as records from '../../chain/generated/records_pb.ts';
import { fromHex } from '../../protocol/bytes.ts';
import type { Story } from './helpers/story.ts';

const story = JSON.parse(readFileSync('fixtures/chain/story.json', 'utf8')) as Story;
const dir = mkdtempSync(join(tmpdir(), 'buf-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function buf(...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync('node_modules/.bin/buf', ['convert', 'chain/proto', ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`buf convert ${args.join(' ')}: ${error?.message ?? stderr}`);
}

function agrees(schema: DescMessage, bytes: Uint8Array): void {
  const [wire, json, back] = ['m.binpb', 'm.json', 'back.binpb'].map((f) => join(dir, f)) as [string, string, string];
  writeFileSync(wire, bytes);
  buf('--type', schema.typeName, '--from', wire, '--to', json);
  expect(JSON.parse(readFileSync(json, 'utf8'))).toEqual(toJson(schema, fromBinary(schema, bytes)));
  buf('--type', schema.typeName, '--from', json, '--to', back);
  expect(new Uint8Array(readFileSync(back))).toEqual(bytes);
}

/** The longest of each kind: it has the most fields. */
function longest<T>(list: readonly T[], kind: (t: T) => string, bytes: (t: T) => string): T[] {
  const best = new Map<string, T>();
  for (const t of list) if (bytes(t).length > bytes(best.get(kind(t)) ?? t).length || !best.has(kind(t))) best.set(kind(t), t);
  return [...best.values()];
}

describe('buf reads and writes what we do', () => {
  test.each(
    longest(
      story.transactions,
      (t) => t.message,
      (t) => t.tx,
    ).map((t) => [t.message, t.tx] as const),
  )('a transaction: %s', (_, hex) => {
    const bytes = fromHex(hex) as Uint8Array;
    agrees(TxSchema, bytes);
    agrees(TxBodySchema, fromBinary(TxSchema, bytes).body);
  });

  const schemas: Readonly<Record<string, DescMessage | undefined>> = {
    acct: records.AccountSchema,
    job: records.JobSchema,
    model: records.ModelSchema,
    prover: records.ProverSchema,
    tab: records.TabSchema,
    params: records.ParamsSchema,
    price: records.PriceSchema,
    verifiers: records.VerifiersSchema,
    supply: records.SupplySchema,
  };
  /** A record of `meta` is named by its key. */
  const kindOf = ({ store, key }: Story['records'][number]): string =>
    store === 'meta' ? (Buffer.from(key, 'hex').toString().split('/')[0] as string) : store;
  test.each(longest(story.records, kindOf, (r) => r.value).map((r) => [kindOf(r), r.value] as const))('a record: %s', (kind, hex) => {
    agrees(schemas[kind] as DescMessage, fromHex(hex) as Uint8Array);
  });
});
