/** The benchmark: what it checks before it times, what its report holds. No timing is asserted. Runs what `npm run build` made. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Results } from '../../bench/report.ts';
import { proveRounds, verifyRounds } from '../../bench/rounds.ts';
import { pairedRatio, spread } from '../../bench/statistics.ts';
import { compile, type NamedTensor } from '../../index.ts';
import { findChromium } from '../../scripts/chromium.mjs';
import { recorded } from '../../scripts/recorded.ts';

const SMALLEST = 'digits-mlp.qop';
const ALL_WAYS = ['reference', 'wasm', 'wasm 2 threads'];
const folder = mkdtempSync(join(tmpdir(), 'assay-bench-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What is left of the benchmark's own temporary folders. */
const left = (): string[] => readdirSync(join(folder, 'tmp')).filter((f) => f.startsWith('assay-'));

/** `onTalk` sees every piece of stderr. */
function bench(args: readonly string[], cwd = '.', onTalk?: (piece: string, process: ChildProcess) => void): Promise<Ended> {
  const scratch = join(folder, 'tmp');
  mkdirSync(scratch, { recursive: true });
  return new Promise((done, fail) => {
    const process_ = spawn(process.execPath, [resolve('dist/bench/bench.js'), ...args], {
      cwd,
      env: { ...process.env, TMPDIR: scratch },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    process_.stdout.on('data', (b: Buffer) => {
      said.stdout += b.toString();
    });
    process_.stderr.on('data', (b: Buffer) => {
      said.stderr += b.toString();
      onTalk?.(b.toString(), process_);
    });
    process_.on('error', fail);
    process_.on('close', (code) => done({ code, ...said }));
  });
}

/** The rows of the table under a heading, cells trimmed; the head first. */
function rows(text: string, heading: string): string[][] {
  const lines = (text.split(`## ${heading}`)[1] as string).split('\n');
  const start = lines.findIndex((l) => l.startsWith('|'));
  const end = lines.findIndex((l, i) => i > start && !l.startsWith('|'));
  return lines.slice(start, end).flatMap((l, i) =>
    i === 1
      ? []
      : [
          l
            .split('|')
            .slice(1, -1)
            .map((c) => c.trim()),
        ],
  );
}

const read = (out: string): Results => JSON.parse(readFileSync(join(out, 'latest.json'), 'utf8')) as Results;

describe('the benchmark', () => {
  it('measures a model in Node and in Chromium, and says so', async (context) => {
    if (findChromium() === null) context.skip('no Chromium: install it, or name one in CHROMIUM');
    const out = join(folder, 'both');
    const { code, stdout, stderr } = await bench([SMALLEST, '--repeats', '1', '--out', out]);
    expect({ code, error: code === 0 ? '' : stderr }).toEqual({ code: 0, error: '' });
    const { machine, models, coldStarts } = read(out);
    expect(machine).toMatchObject({ node: process.version, repeats: 1, chromium: expect.stringMatching(/^\d+\./) });
    expect(models.map((m) => m.name)).toEqual([SMALLEST]);
    const [m] = models as [Results['models'][number]];
    expect(m.checkedInputs).toBe(recorded(SMALLEST).count);
    const { chromium } = m as { chromium: NonNullable<typeof m.chromium> };
    for (const proofs of [m.node.proofs, chromium.isolated.proofs]) {
      expect(proofs.map((p) => p.way)).toEqual(ALL_WAYS);
      for (const p of proofs) {
        expect(p.ms).toHaveLength(1);
        expect(p.phases.opening).toBeGreaterThan(0);
      }
    }
    expect(chromium.plain.proofs.map((p) => p.way)).toEqual(['wasm']);
    for (const v of [m.node.verify, chromium.isolated.verify, chromium.plain.verify]) expect(v.warm).toHaveLength(3);
    expect(Object.keys(m.node.peaks).sort()).toEqual([...ALL_WAYS, 'verify'].sort());
    expect(Object.keys(chromium.peaks).sort()).toEqual([...ALL_WAYS, 'verify'].sort());
    expect(coldStarts).toHaveLength(1);

    expect(stdout).toBe(readFileSync(join(out, 'latest.md'), 'utf8'));
    expect(rows(stdout, 'Prove, ms').map((r) => r.slice(0, 2))).toEqual([
      ['model', 'where'],
      [SMALLEST, 'Node'],
      [SMALLEST, 'Chromium, isolated'],
      [SMALLEST, 'Chromium'],
    ]);
    for (const heading of ['Models', 'Verify, ms', 'Peak memory, MB'])
      expect(rows(stdout, heading).map((r) => r[0])).toEqual(['model', SMALLEST]);
    expect(rows(stdout, 'Stages of a proof').map((r) => r[1])).toEqual(['by', ...ALL_WAYS]);
    expect(rows(stdout, 'Goals').map((r) => r[3])).toEqual(['verdict', expect.stringMatching(/^(met|MISSED)$/)]);
    expect(left()).toEqual([]);
  });

  it('compares synthetic models with onnxruntime, and draws how cost grows', async () => {
    const out = join(folder, 'synthetic');
    const { code, stderr } = await bench(['synthetic-2^13', 'synthetic-2^14', '--repeats', '1', '--no-chromium', '--out', out]);
    expect({ code, error: code === 0 ? '' : stderr }).toEqual({ code: 0, error: '' });
    const { models, machine } = read(out);
    expect(models.map((m) => Math.floor(Math.log2(m.lookups)))).toEqual([13, 14]);
    expect(models.map((m) => m.checkedInputs)).toEqual(machine.onnxruntime === null ? [0, 0] : [1, 1]);
    const svg = readFileSync(join(out, 'growth.svg'), 'utf8');
    // Two sizes: prove and memory by three ways, verify in Node.
    expect(svg.match(/<polyline /g)).toHaveLength(7);
    for (const [, points] of svg.matchAll(/points="([^"]*)"/g)) expect(points).toMatch(/^[\d.]+,[\d.]+ [\d.]+,[\d.]+$/);
  });

  it('a wrong output stops it before anything is timed', async () => {
    const elsewhere = join(folder, 'elsewhere');
    const model = join(elsewhere, 'fixtures/models', SMALLEST);
    cpSync(join('fixtures/models', SMALLEST), model, { recursive: true });
    const { io } = JSON.parse(readFileSync(join(model, 'meta.json'), 'utf8')) as { io: { role: string; offset: number; nbytes: number }[] };
    const { offset } = io.find((e) => e.role === 'expected_all') as { offset: number };
    const bytes = readFileSync(join(model, 'io.bin'));
    // The sign or a high bit of the first output.
    bytes[offset + 3] = (bytes[offset + 3] as number) ^ 0x40;
    writeFileSync(join(model, 'io.bin'), bytes);
    const out = join(folder, 'wrong');
    const { code, stdout, stderr } = await bench([SMALLEST, '--repeats', '1', '--no-chromium', '--out', out], elsewhere);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain(`the benchmark stops: ${SMALLEST}: 1 elements of the outputs of input 0 are wrong`);
    expect(stderr).not.toContain('prove in Node');
    expect(existsSync(out)).toBe(false);
  });

  it('Ctrl-C ends it and its processes, and leaves nothing', async () => {
    const out = join(folder, 'stopped');
    const { code, stdout, stderr } = await bench(['mnist-cnn.qop', '--no-chromium', '--out', out], '.', (piece, p) => {
      if (piece.includes('prove in Node')) p.kill('SIGINT');
    });
    expect(code).toBe(130);
    expect(stdout).toBe('');
    expect(stderr).toContain('stopped: nothing is written');
    expect(existsSync(out)).toBe(false);
    expect(left()).toEqual([]);
  });
});

describe('the rounds', () => {
  it('refuse a proof with other bytes than the one that was checked', async () => {
    const model = recorded(SMALLEST);
    const { circuit } = await compile(model.model);
    const inputs = model.inputs(0) as Record<string, NamedTensor>;
    await expect(proveRounds({ circuit, inputs, digest: '00'.repeat(32) }, ['wasm'], { repeats: 1, budget: 0 })).rejects.toThrow(
      'the proof by "wasm" is not the one that was checked',
    );
  });

  it('refuse a proof that the verifier refuses', () => {
    const [proof, key] = ['relu.proof', 'digits.key'].map((f) => readFileSync(`fixtures/envelopes/${f}`));
    expect(() => verifyRounds(proof as Uint8Array, key as Uint8Array, 1)).toThrow('the proof is refused: ');
  });
});

describe('the statistics', () => {
  it('of odd and even numbers of values', () => {
    expect(spread([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3, count: 3 });
    expect(spread([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4, count: 4 });
  });

  it('a ratio is of pairs: a slow moment in both leaves it', () => {
    expect(pairedRatio([2, 200, 2.2], [1, 100, 1])).toBe(2);
    expect(pairedRatio([3, 4, 100], [1, 1])).toBe(3.5);
  });
});
