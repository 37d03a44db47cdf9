/**
 * Builds the WebAssembly modules from wasm/assembly into wasm/generated (bytes as base64 in a TypeScript file, so that Node, a page and a
 * worker load them alike: no fetch, no path). Unchanged sources are not built again.
 *
 * `node scripts/kernels.mjs` builds; `--check` builds everything anew and compares the SHA-256 with wasm/digests.json; `--record` writes it.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

const COMMON = [
  '--disableWarning',
  '201',
  '--runtime',
  'stub',
  '--noAssert',
  '-O3',
  '--enable',
  'simd',
  '--importMemory',
  '--maximumMemory',
  '65536',
  '--use',
  'abort=',
];
/** A module in shared memory is the same source with another memory import. */
const MODULES = {
  verifier: { entry: 'verifier.ts', flags: [] },
  prover: { entry: 'prover.ts', flags: [] },
  'prover-shared': { entry: 'prover.ts', flags: ['--enable', 'threads', '--sharedMemory', '--initialMemory', '1'] },
};

const folder = at('wasm/assembly');
const sources = Object.fromEntries(
  readdirSync(folder)
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => [name, readFileSync(`${folder}/${name}`, 'utf8')]),
);
const version = JSON.parse(readFileSync(at('node_modules/assemblyscript/package.json'), 'utf8')).version;
const stamp = sha256(JSON.stringify([version, COMMON, MODULES, sources]));

async function build(name, { entry, flags }) {
  const { default: asc } = await import('assemblyscript/asc');
  let binary;
  const { error, stderr } = await asc.main([entry, '--outFile', 'out.wasm', '--baseDir', folder, ...COMMON, ...flags], {
    readFile: (file) => sources[file.replace(/^.*\//, '')] ?? null,
    writeFile: (file, contents) => {
      if (file === 'out.wasm') binary = contents;
    },
    listFiles: () => [],
  });
  if (error !== null || binary === undefined) throw new Error(`${name}: ${stderr.toString()}\n${error?.message ?? ''}`);
  return Buffer.from(binary);
}

/** A file with the bytes, renamed into place whole. */
function write(name, binary) {
  const file = at(`wasm/generated/${name}.ts`);
  const text = `// Built by scripts/kernels.mjs from wasm/assembly; sources ${stamp}\nexport default '${binary.toString('base64')}';\n`;
  writeFileSync(`${file}.tmp`, text);
  renameSync(`${file}.tmp`, file);
}

const known = (name) => {
  try {
    const text = readFileSync(at(`wasm/generated/${name}.ts`), 'utf8');
    return text.includes(`sources ${stamp}\n`) ? Buffer.from(text.split("'")[1], 'base64') : null;
  } catch {
    return null;
  }
};

const [mode] = process.argv.slice(2);
mkdirSync(at('wasm/generated'), { recursive: true });
const digests = {};
for (const [name, module] of Object.entries(MODULES)) {
  let binary = mode === '--check' ? null : known(name);
  if (binary === null) {
    binary = await build(name, module);
    write(name, binary);
  }
  digests[name] = sha256(binary);
  if (mode !== undefined) process.stdout.write(`${digests[name]}  ${name} (${binary.length} bytes)\n`);
}
if (mode === '--record')
  writeFileSync(at('wasm/digests.json'), `${JSON.stringify({ assemblyscript: version, sha256: digests }, null, 2)}\n`);
if (mode === '--check') {
  const recorded = JSON.parse(readFileSync(at('wasm/digests.json'), 'utf8'));
  const differing = Object.keys(MODULES).filter((name) => digests[name] !== recorded.sha256[name]);
  process.stdout.write(
    differing.length === 0 ? 'the modules are those of wasm/digests.json\n' : `differ from wasm/digests.json: ${differing.join(', ')}\n`,
  );
  process.exitCode = differing.length === 0 ? 0 : 1;
}
