// `npm run proto`: chain/generated from chain/proto; `--check`: fails where they differ.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const bin = at('node_modules/.bin');

/** Writes the generated files under `out`. */
function generate(out) {
  const template = { version: 'v2', plugins: [{ local: join(bin, 'protoc-gen-es'), out, opt: ['target=ts', 'import_extension=ts'] }] };
  const run = spawnSync(join(bin, 'buf'), ['generate', at('chain/proto'), '--template', JSON.stringify(template)], { stdio: 'inherit' });
  if (run.status !== 0) throw new Error('buf generate failed');
}

if (process.argv.includes('--check')) {
  const dir = mkdtempSync(join(tmpdir(), 'proto-'));
  try {
    generate(dir);
    const stale = readdirSync(dir).filter((f) => readFileSync(join(dir, f), 'utf8') !== readFileSync(at(`chain/generated/${f}`), 'utf8'));
    if (stale.length > 0) {
      process.stderr.write(`chain/generated is not what chain/proto makes: ${stale.join(', ')}; run npm run proto\n`);
      process.exitCode = 1;
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
} else {
  rmSync(at('chain/generated'), { recursive: true, force: true });
  generate(at('chain/generated'));
}
