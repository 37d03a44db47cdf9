/** The prover's kernels in real Chromium: conformance, threads over shared memory, and proofs with the bytes that Node makes. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile, prove } from '../../index.ts';
import { blake3 } from '../../protocol/blake3.ts';
import { toHex } from '../../protocol/bytes.ts';
import { findChromium } from '../../scripts/chromium.mjs';
import { recorded } from '../../scripts/recorded.ts';
import type { Answer } from './page/answer.ts';

const CHROMIUM = findChromium();
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.json': 'application/json' };

describe.skipIf(CHROMIUM === null)('in Chromium', () => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-kernels-'));
  const model = recorded('mnist-cnn.qop-pt');
  const inputs = Object.fromEntries(Object.entries(model.inputs(0)).map(([name, t]) => [name, Array.from<number | bigint>(t.data)]));
  let server: Server;
  let isolated = true;

  beforeAll(async () => {
    const root = fileURLToPath(new URL('page/', import.meta.url));
    await build({
      root,
      base: './',
      configFile: false,
      logLevel: 'error',
      worker: { format: 'es' },
      resolve: { alias: { vitest: join(root, 'vitest.ts') } },
      build: { outDir: folder, emptyOutDir: true, target: 'es2022', rollupOptions: { input: join(root, 'kernels.html') } },
    });
    server = createServer((request, response) => {
      const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
      if (isolated) {
        response.setHeader('cross-origin-opener-policy', 'same-origin');
        response.setHeader('cross-origin-embedder-policy', 'require-corp');
      }
      try {
        const body =
          path === '/model.onnx' ? model.model : path === '/input.json' ? JSON.stringify(inputs) : readFileSync(join(folder, path));
        response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
        response.end(body);
      } catch {
        response.statusCode = 404;
        response.end();
      }
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  }, 60_000);

  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  async function ask(): Promise<Answer> {
    const browser = await chromium.launch({ executablePath: CHROMIUM as string, args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/kernels.html`);
      return (await page.evaluate('answer')) as Answer;
    } finally {
      await browser.close();
    }
  }

  const digests = async (): Promise<Record<'key' | 'proof', string>> => {
    const { circuit, key } = await compile(model.model);
    return { key: toHex(blake3(key)), proof: toHex(blake3((await prove(circuit, inputs)).envelope)) };
  };

  it('kernels conform, with two threads over shared memory too, and prove what Node proves', async () => {
    isolated = true;
    const [{ told, proofs, notes }, here] = await Promise.all([ask(), digests()]);
    expect(told.filter((t) => t.error !== null)).toEqual([]);
    expect(told.length).toBeGreaterThan(80);
    expect(notes).toEqual([null, null]);
    expect(proofs).toEqual({ key: here.key, 'WebAssembly SIMD': here.proof, 'WebAssembly SIMD, 2 threads': here.proof });
  }, 120_000);

  it('without cross-origin isolation one thread does it, and says so', async () => {
    isolated = false;
    const [{ told, proofs, notes }, here] = await Promise.all([ask(), digests()]);
    expect(told.filter((t) => t.error !== null)).toEqual([]);
    expect(notes).toEqual([null, 'the page is not cross-origin isolated, so threads cannot share memory: one thread is used']);
    expect(proofs).toEqual({ key: here.key, 'WebAssembly SIMD': here.proof });
  }, 120_000);
});
