/** The fixtures as they lie in the repository: verdicts, birth certificates, keys made again. `npm run fixtures:check` does the same. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CERTIFICATE, certify, checkCertificate, checkCertificates } from '../scripts/certificates.ts';
import { checkKeys } from '../scripts/envelopes.ts';
import { LIES } from '../scripts/negatives.ts';
import { folder } from './cli/files.helpers.ts';
import { assay } from './cli/spawn.helpers.ts';

interface Answer {
  readonly asExpected: number;
  readonly not: number;
  readonly fixtures: readonly { readonly name: string; readonly code?: string; readonly asExpected: boolean }[];
}

test('every proof of the manifest gets its verdict, by the check that is named', async () => {
  const { code, stdout } = await assay(['fixtures', 'check', 'fixtures', '--json']);
  const answer = JSON.parse(stdout) as Answer;
  expect(answer.fixtures.filter((f) => !f.asExpected)).toEqual([]);
  expect(code).toBe(0);
  for (const lie of LIES) expect(lie.codes).toContain(answer.fixtures.find((f) => f.name === lie.name)?.code);
});

test('the negatives cover every check that a proof of a compiled model can fail', () => {
  const covered = new Set(LIES.flatMap((lie) => lie.codes));
  const envelope = ['E1', 'E2', 'E3', 'E4', 'E5', 'E6'];
  const body = ['C1', 'C2', 'C3', 'C4', 'V1', 'V2', 'V4', 'V5', 'V6', 'V7', 'V8', 'V9', 'V10', 'V11', 'V12', 'V14', 'R1'];
  expect([...envelope, ...body].filter((code) => !covered.has(code))).toEqual([]);
});

test('every file is the one of its birth certificate, and the folder stays small', () => {
  expect(checkCertificates()).toEqual([]);
});

test('compiling and proving again gives the same keys and proofs, byte for byte', async () => {
  expect(await checkKeys()).toEqual([]);
});

test('refuses a changed, a missing and an uncertified file', () => {
  const dir = join(folder(), 'some');
  mkdirSync(dir);
  for (const name of ['a', 'b', 'c']) writeFileSync(join(dir, name), name);
  certify(
    dir,
    'by this test',
    ['a', 'b', 'c'].map((file) => ({ file, what: 'a letter' })),
  );
  expect(checkCertificate(dir)).toEqual([]);
  writeFileSync(join(dir, 'b'), 'B');
  cpSync(join(dir, 'a'), join(dir, 'd'));
  expect(checkCertificate(dir)).toEqual([`${dir}/b is not the file of its certificate`, `${dir}/d has no certificate`]);
  expect(checkCertificate(folder())).toEqual([expect.stringContaining(`has no ${CERTIFICATE}`)]);
});
