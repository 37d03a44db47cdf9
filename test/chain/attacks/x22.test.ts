/** X22: a few bytes that announce gigabytes; nesting without an end; a transaction of the largest size that says nothing. */
import { expect, test } from 'vitest';
import { MAX_TX_BYTES } from '../../../chain/limits.ts';
import { concat, fromHex } from '../../../protocol/bytes.ts';
import { Ledger } from '../helpers/ledger.ts';
import { bytes, sealTx } from '../helpers/txs.ts';
import { REQUESTER } from '../helpers/world.ts';

const hex = (text: string): Uint8Array => fromHex(text) as Uint8Array;
const l = new Ledger();

test.each<[string, Uint8Array, string]>([
  ['no bytes', bytes(0), 'E_CHAIN'],
  ['a body of four gigabytes, announced', hex('0affffffff0f'), 'E_DECODE'],
  ['groups in groups, to the largest size', hex('9b06'.repeat(MAX_TX_BYTES / 2)), 'E_DECODE'],
  ['the same inside the body', sealTx(REQUESTER, hex('9b06'.repeat(300_000))), 'E_DECODE'],
  ['four hundred thousand empty keys of enclaves', sealTx(REQUESTER, concat(hex('aa0180ea30'), hex('2200'.repeat(400_000)))), 'E_SIZE'],
  ['as many as fit', sealTx(REQUESTER, concat(hex('aa01c09a0c'), hex('2200'.repeat(100_000)))), 'E_SIZE'],
  ['as many as a message may have fields', sealTx(REQUESTER, concat(hex('aa01c03e'), hex('2200'.repeat(4_000)))), 'E_CHAIN'],
  ['one byte more than the largest', bytes(MAX_TX_BYTES + 1), 'E_SIZE'],
  ['the largest, of nothing', bytes(MAX_TX_BYTES, 0), 'E_DECODE'],
])('%s', (_, tx, code) => {
  const hash = l.state.appHash();
  const start = process.cpuUsage();
  expect(l.fork().code(tx)).toBe(code);
  // Bounded by the bytes that are there: seconds would mean that it is not.
  expect(process.cpuUsage(start).user).toBeLessThan(3_000_000);
  expect(l.state.appHash()).toEqual(hash);
});
