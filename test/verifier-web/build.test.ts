/** The page as it is shipped: built, and its worker asked about proofs of the fixtures. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'vite';
import { expect, test, vi } from 'vitest';
import type { Answer, Question } from '../../verifier-web/messages.ts';
import { folder } from '../cli/files.helpers.ts';

const read = (file: string): Uint8Array => new Uint8Array(readFileSync(`fixtures/envelopes/${file}`));
const question = (proof: Uint8Array): Question => ({ proof, key: read('mnist.key'), context: new Uint8Array(0), circuit: null });

test('the built page has no Node code and no address of another host, and its worker gives verdicts', async () => {
  const outDir = folder();
  await build({ configFile: 'vite.config.ts', logLevel: 'silent', build: { outDir, emptyOutDir: true } });
  const assets = readdirSync(join(outDir, 'assets'));
  const worker = assets.find((name) => name.startsWith('worker')) as string;
  for (const name of ['index.html', ...assets.map((asset) => `assets/${asset}`)])
    expect(readFileSync(join(outDir, name), 'utf8')).not.toMatch(/node:|https?:\/\/|\brequire\(/);

  const asked: ((event: { data: Question }) => void)[] = [];
  const answers: Answer[] = [];
  vi.stubGlobal('addEventListener', (_: string, listener: (event: { data: Question }) => void) => asked.push(listener));
  vi.stubGlobal('postMessage', (answer: Answer) => answers.push(structuredClone(answer)));
  await import(/* @vite-ignore */ pathToFileURL(join(outDir, 'assets', worker)).href);
  const changed = read('mnist.proof').slice();
  changed.set([(changed[5000] as number) ^ 1], 5000);
  for (const proof of [read('mnist.proof'), changed]) asked[0]?.({ data: question(proof) });
  vi.unstubAllGlobals();
  expect(answers).toMatchObject([{ verdict: { verdict: 'accepted' } }, { verdict: { verdict: 'refused' } }]);
});
