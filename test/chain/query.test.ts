/** A query answers with a code of the ledger, whatever its bytes are. */
import { expect, test } from 'vitest';
import { JobIndex } from '../../chain/app/job-index.ts';
import { query } from '../../chain/app/query.ts';
import { codeName } from '../../chain/codes.ts';
import { Ledger } from './helpers/ledger.ts';

test('a key longer than any record has is refused, not looked up', () => {
  const { state } = new Ledger();
  const answer = query(
    { state, height: 1n, changedAt: 1n, history: [], jobs: new JobIndex() },
    { path: '/store/acct/key', data: new Uint8Array(490_000), height: 0n },
  );
  expect(codeName(answer.code)).toBe('E_FIELD');
});
