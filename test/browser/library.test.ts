/** `assay/verifier` as strangers use it: the README's six lines, bundled from the built package into a module worker, under a strict policy. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build, type Rolldown } from 'vite';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { recorded } from '../../scripts/recorded.ts';
import { browserSetting, listen } from './page.helpers.ts';
import { FileServer } from './server.helpers.ts';

const setting = browserSetting();
const folder = mkdtempSync(join(tmpdir(), 'assay-consumer-'));
afterAll(() => rmSync(folder, { recursive: true }));

const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'";
/** The code block of the README, as it stands there. */
const example = (): string => {
  const blocks = [...readFileSync('README.md', 'utf8').matchAll(/```js\n([\s\S]*?)```/g)].map((m) => m[1] as string);
  return blocks.find((b) => b.includes("from 'assay/verifier'")) ?? '';
};
const PAGE = `const worker = new Worker('./worker.js', { type: 'module' });
globalThis.ask = (proof, key) => new Promise((done, fail) => {
  worker.onmessage = ({ data }) => done(typeof data === 'string' ? data : [...data]);
  worker.onerror = (e) => fail(new Error(e.message));
  worker.postMessage({ proof, key });
});
const bytes = async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer());
globalThis.files = Promise.all(['good', 'bad', 'key'].map(bytes));`;

test('six lines verify in a module worker: no Node, no prover, no ONNX, not isolated, offline after load', async () => {
  if (!existsSync('dist/verifier/index.js')) throw new Error('dist/verifier is missing: run `npm run build` before these tests');
  expect(example().trim().split('\n')).toHaveLength(6);
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(resolve('.'), join(folder, 'node_modules/assay'), 'dir');
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'stranger', type: 'module', dependencies: { assay: '*' } }));
  writeFileSync(join(folder, 'worker.js'), example());
  const out = join(folder, 'out');
  const made = (await build({
    root: folder,
    configFile: false,
    logLevel: 'error',
    build: { outDir: out, rolldownOptions: { input: join(folder, 'worker.js'), output: { entryFileNames: 'worker.js' } } },
  })) as Rolldown.RolldownOutput;
  const modules = made.output.flatMap((o) => (o.type === 'chunk' ? Object.keys(o.modules) : []));
  expect(modules.some((m) => m.endsWith('dist/verifier/index.js'))).toBe(true);
  expect(modules.filter((m) => /\bprover\b|compiler|onnx|protobuf|node:|node_modules/.test(m))).toEqual([]);
  const code = readFileSync(join(out, 'worker.js'), 'utf8');
  expect(code).not.toMatch(/node:|onnx|\brequire\(/i);
  writeFileSync(
    join(out, 'index.html'),
    '<!doctype html><title>A stranger</title><link rel="icon" href="data:,"><script type="module" src="page.js"></script>',
  );
  writeFileSync(join(out, 'page.js'), PAGE);

  const server = await FileServer.start(out);
  onTestFinished(() => server.stop());
  server.headers = { 'Content-Security-Policy': `${POLICY}; img-src data:` };
  server.more.set('good', readFileSync('fixtures/envelopes/mnist.proof'));
  server.more.set('bad', readFileSync('fixtures/negatives/false-output.proof'));
  server.more.set('key', readFileSync('fixtures/envelopes/mnist.key'));
  const context = await setting.browser.newContext();
  onTestFinished(() => context.close());
  const complaints = listen(context);
  const page = await context.newPage();
  await page.goto(server.url);
  await page.evaluate('files');
  await expect.poll(() => page.workers().length).toBe(1);
  const asked = server.asked.length;
  await context.setOffline(true);
  expect(await page.evaluate('[crossOriginIsolated, typeof SharedArrayBuffer]')).toEqual([false, 'undefined']);
  const answer = await page.evaluate('files.then(([good, bad, key]) => ask(good, key))');
  expect(answer).toEqual(Array.from(recorded('mnist-cnn.qop-pt').outputs(0)[0]?.data as Float32Array));
  expect(await page.evaluate('files.then(([good, bad, key]) => ask(bad, key))')).toMatch(/^E3: /);
  expect(server.asked.slice(asked)).toEqual([]);
  expect(complaints).toEqual([]);
});
