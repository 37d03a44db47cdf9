/**
 * `npm run bench [-- model… --quick --repeats N --no-chromium --json --out folder]`: checks, then times. Without names: the models of
 * fixtures and the synthetic sizes, and the result is kept in bench/results/. A name may be `synthetic-2^16`.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { arch, cpus, loadavg, platform, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { growth } from './chart.ts';
import { endChild } from './children.ts';
import { type ChromiumBench, chromiumBench, coldStarts, endBrowser } from './chromium.ts';
import { type Measured, type Measurement, measurement, type Step } from './measure.ts';
import { type Machine, type Results, report } from './report.ts';
import { SIZES, syntheticName } from './synthetic.ts';

const FIXTURES = ['digits-mlp.qop', 'mnist-cnn.qop-pt', 'mnist-cnn.qop', 'lenet5-max.qop', 'cifar-cnn-264k.qop', 'dense-4m.qop'];
const QUICK = ['mnist-cnn.qop-pt', ...[14, 16, 18].map(syntheticName)];
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const USAGE = 'npm run bench -- [model…] [--quick] [--repeats N] [--no-chromium] [--json] [--out folder]\n';

/** Ends the process with a sentence where the arguments are no such. */
function wrong(why: string): never {
  process.stderr.write(`${why}\n${USAGE}`);
  process.exit(2);
}

function argumentsGiven() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        help: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        repeats: { type: 'string' },
        'no-chromium': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        out: { type: 'string' },
      },
    });
  } catch (e) {
    return wrong(e instanceof Error ? e.message : String(e));
  }
}

const { values, positionals } = argumentsGiven();
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const repeats = Number(values.repeats ?? (values.quick ? 3 : 7));
if (!Number.isInteger(repeats) || repeats < 1) wrong(`--repeats is a whole number from 1, not ${values.repeats}`);
const whole = positionals.length === 0 && !values.quick;
const names = positionals.length > 0 ? positionals : values.quick ? QUICK : [...FIXTURES, ...SIZES.map(syntheticName)];
const out = values.out ?? (whole ? join(ROOT, 'bench/results') : null);

const load = loadavg()[0] as number;
const scratch = mkdtempSync(join(tmpdir(), 'assay-bench-'));
const at = (name: string): string => join(scratch, name);
let stopped = false;

async function cleanUp(): Promise<void> {
  endChild();
  await endBrowser();
  rmSync(scratch, { recursive: true, force: true });
}
for (const [signal, code] of [['SIGINT', 130] as const, ['SIGTERM', 143] as const])
  process.on(signal, () => {
    if (stopped) return;
    stopped = true;
    process.stderr.write('stopped: nothing is written\n');
    void cleanUp().finally(() => process.exit(code));
  });

/** Runs steps in order, and tells on stderr how far it is and what is left, by the pace so far. */
async function runAll(steps: readonly Step[]): Promise<void> {
  const started = performance.now();
  const total = steps.reduce((s, x) => s + x.weight, 0);
  let done = 0;
  for (const [i, { label, weight, run }] of steps.entries()) {
    const seconds = Math.round(((total - done) * (performance.now() - started)) / done / 1000);
    const left = done === 0 ? '' : `, about ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')} left`;
    process.stderr.write(`[${i + 1}/${steps.length}${left}] ${label}\n`);
    await run();
    done += weight;
  }
}

function assayVersion(): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] })
        .toString()
        .trim();
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', '.', ':!bench/results') === '' ? '' : ', changed';
    return `${version} (${git('rev-parse', '--short', 'HEAD')}${changed})`;
  } catch {
    return version;
  }
}

function machine(browser: ChromiumBench | null, models: readonly Measured[]): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory: totalmem(),
    system: `${platform()} ${release()} ${arch()}`,
    load,
    node: process.version,
    chromium: browser?.version ?? null,
    onnxruntime: models.find((m) => m.onnxruntime !== null)?.onnxruntime?.version ?? null,
    assay: assayVersion(),
    date: new Date().toISOString().slice(0, 10),
    command: ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' '),
    repeats,
  };
}

/** Five digits are more than is known. */
const brief = (_: string, v: unknown): unknown => (typeof v === 'number' && !Number.isInteger(v) ? Number(v.toPrecision(5)) : v);

async function bench(): Promise<void> {
  const subject = at('subject');
  mkdirSync(subject);
  const browser = values['no-chromium'] ? null : await chromiumBench(at('bench-page'), subject);
  if (browser === null)
    process.stderr.write(values['no-chromium'] ? 'without Chromium\n' : 'no Chromium was found: Node alone is measured\n');
  const measurements: Measurement[] = names.map((name) => measurement(name, subject, repeats, browser));
  let starts: number[] | null = null;
  const cold: Step = {
    label: 'cold start of the page',
    weight: 5,
    async run() {
      starts = await coldStarts(at('page'), Math.min(5, repeats));
    },
  };
  try {
    await runAll([...measurements.flatMap((m) => m.steps), ...(browser === null ? [] : [cold])]);
  } finally {
    browser?.close();
  }
  const models = measurements.map((m) => m.result());
  const results: Results = { machine: machine(browser, models), models, coldStarts: starts };
  const text = report(results);
  if (out !== null) {
    mkdirSync(out, { recursive: true });
    writeFileSync(join(out, 'latest.json'), `${JSON.stringify(results, brief, 1)}\n`);
    writeFileSync(join(out, 'latest.md'), text);
    const chart = growth(models);
    if (chart !== null) writeFileSync(join(out, 'growth.svg'), chart);
  }
  process.stdout.write(values.json ? `${JSON.stringify(results, brief)}\n` : text);
}

try {
  await bench();
} catch (e) {
  if (!stopped) {
    process.stderr.write(`the benchmark stops: ${e instanceof Error ? e.message : String(e)}\n`);
    process.exitCode = 1;
  }
} finally {
  if (!stopped) await cleanUp();
}
