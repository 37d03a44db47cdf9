/** The arrows of the folders (CONTRIBUTING.md, the map): who may import whom, and what a folder must stay free of. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';

const ALL = [
  'index.ts',
  'protocol',
  'circuits',
  'compiler',
  'prover',
  'verifier',
  'verifier-web',
  'groth16',
  'wasm',
  'chain',
  'ezkl',
  'node',
  'cli',
  'scripts',
  'bench',
  'test',
];
const node = /^node:/;
const page = /\b(document|navigator|localStorage|postMessage)\b\s*[.([]/;
const clock = /\b(Date|performance|setTimeout|setInterval)\b\s*[.(]/;
const chance = /\bMath\.random\b|\bgetRandomValues\b|\brandomUUID\b|\brandomBytes\b/;
const logger = /\bconsole\./;
const machine = /\bWebAssembly\b|\bnavigator\.gpu\b|\bprocess\.|\bBuffer\b/;

/** The ledger's bytes, names and numbers: what everybody agrees on. */
const CHAIN_BASE = [
  'chain/generated',
  ...[
    'accounts',
    'amounts',
    'codec',
    'codes',
    'domains',
    'identities',
    'limits',
    'merkle',
    'states',
    'tensors',
    'text',
    'genesis',
    'application',
  ].map((file) => `chain/${file}.ts`),
];
const CHAIN_PACKAGES = [/^@noble\/(curves|hashes)\//, /^@bufbuild\/protobuf/, '@scure/base'];
/** What a verdict or a state root depends on: nothing but its arguments. */
const PURE = [page, machine, clock, chance, logger, node];

/** What a folder may import (itself always), which packages, and what its code must not contain. */
interface Rule {
  readonly may: readonly string[];
  readonly packages?: readonly (string | RegExp)[];
  readonly free?: readonly RegExp[];
  /** Files whose work it is to touch what the rest must not: they start threads in Node and in pages. */
  readonly loaders?: readonly string[];
  /** What single files may import besides, and which packages. */
  readonly also?: Readonly<Record<string, readonly string[]>>;
  readonly alsoPackages?: Readonly<Record<string, readonly RegExp[]>>;
  /** Folders within that have rules of their own. */
  readonly except?: readonly string[];
}
const RULES: Readonly<Record<string, Rule>> = {
  'index.ts': { may: ['circuits', 'compiler', 'prover', 'verifier', 'protocol'] },
  protocol: { may: [], free: [page, machine, chance, logger] },
  circuits: {
    may: ['protocol'],
    free: [page, machine, clock, chance, logger],
    // The hash of groth16's commitments: whoever reads a key of that system alone loads it.
    alsoPackages: { 'circuits/groth16/poseidon.ts': [/^@noble\/curves\//] },
  },
  compiler: { may: ['circuits', 'protocol'], packages: ['onnx-proto'], free: [page, machine, clock, chance, logger] },
  wasm: { may: [], free: [page, clock, chance, logger] },
  prover: {
    may: ['circuits', 'protocol', 'wasm'],
    free: [page, chance, logger],
    loaders: ['prover/kernels/wasm/start.ts'],
  },
  // Node alone; circom2 and snarkjs are asked for when they are used (docs/dependencies.md).
  groth16: {
    may: ['prover', 'compiler', 'circuits', 'protocol'],
    packages: [node, 'snarkjs', /^@noble\/(curves|hashes)\//],
    free: [page, logger, /\bMath\.random\b/],
  },
  verifier: {
    may: ['circuits', 'protocol', 'wasm'],
    free: [page, machine, clock, chance, logger],
    except: ['verifier/groth16'],
  },
  // Loaded when a key of that system is given.
  'verifier/groth16': {
    may: ['verifier', 'circuits', 'protocol'],
    packages: [/^@noble\/(curves|hashes)\//],
    free: [page, machine, clock, chance, logger, node],
  },
  'verifier-web': {
    may: ['verifier', 'circuits', 'protocol', ...CHAIN_BASE, 'chain/comet/json.ts', 'chain/light', 'chain/rpc/rpc.ts', 'chain/systems'],
    packages: ['comlink', 'preact', 'preact/hooks', 'fflate'],
    free: [logger],
    // "Prove here": workers that load when somebody asks for them.
    also: { 'verifier-web/prove.worker.ts': ['compiler', 'prover'], 'verifier-web/thread.worker.ts': ['prover'] },
    // Likewise for keys of EZKL.
    alsoPackages: { 'verifier-web/ezkl.worker.ts': [/^@ezkljs\/engine\/web\//] },
  },
  chain: {
    may: ['verifier', 'circuits', 'protocol'],
    packages: [node, ...CHAIN_PACKAGES, /^cosmjs-types\//, /^hono(\/|$)/, 'lmdb', '@hono/node-server', 'ws'],
    free: [page],
    loaders: ['chain/app/serve-verdicts.ts', 'chain/app/worker-pool.ts'],
  },
  'chain/state': { may: [...CHAIN_BASE, 'chain/systems', 'protocol'], packages: CHAIN_PACKAGES, free: PURE },
  'chain/systems': { may: [...CHAIN_BASE, 'verifier', 'circuits', 'protocol'], packages: CHAIN_PACKAGES, free: PURE },
  'chain/comet': { may: [...CHAIN_BASE, 'protocol'], packages: [...CHAIN_PACKAGES, /^cosmjs-types\//], free: PURE },
  'chain/light': {
    may: [...CHAIN_BASE, 'chain/comet', 'chain/rpc/rpc.ts', 'chain/systems', 'verifier', 'circuits', 'protocol'],
    packages: CHAIN_PACKAGES,
    free: PURE,
  },
  node: {
    may: ['chain', 'prover', 'circuits', 'compiler', 'verifier', 'protocol', 'index.ts'],
    packages: [node, ...CHAIN_PACKAGES, /^hono(\/|$)/, 'lmdb', '@hono/node-server', 'prom-client', 'onnxruntime-node'],
    free: [page, /\bMath\.random\b/],
  },
  // Runs EZKL's engine in threads of Node: import, prove, verify. The package is required by name in the thread alone.
  ezkl: {
    may: ['verifier', 'circuits', 'protocol'],
    packages: [node],
    free: [page, clock, chance, logger],
    loaders: ['ezkl/engine.ts'],
  },
  cli: {
    may: ['index.ts', 'circuits', 'compiler', 'prover', 'verifier', 'protocol', 'chain', 'ezkl', 'groth16', 'node'],
    packages: [node, 'commander', 'fast-png'],
    // Calibration runs float models; the package is loaded when `assay quantize` is asked for.
    alsoPackages: { 'cli/quantize/onnxruntime.ts': [/^onnxruntime-node$/] },
  },
  scripts: { may: ALL, packages: [node, 'onnx-proto', /^@noble\/curves\//] },
  bench: { may: ALL, packages: [node, 'onnx-proto', 'onnxruntime-node', 'playwright-core', 'vite'] },
};

const filesOf = (part: string): string[] =>
  part.endsWith('.ts')
    ? [part]
    : readdirSync(part, { recursive: true, encoding: 'utf8' }).flatMap((f) =>
        /\.tsx?$/.test(f) ? `${part}/${f.replaceAll('\\', '/')}` : [],
      );
/** Code without comments, so that prose may name what code may not. */
const codeOf = (file: string): string => readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|(?<=^|[\s;{])\/\/.*$/gm, '');
const importsOf = (code: string): string[] =>
  [...code.matchAll(/(?:\bfrom(?=\s)|(?<!')\bimport|\bimport\()\s*'([^']+)'/g)].map((m) => m[1] as string);

describe.each(Object.entries(RULES))(
  '%s',
  (part, { may, packages = [], free = [], loaders = [], also = {}, alsoPackages = {}, except = [] }) => {
    const files = filesOf(part).filter((file) => !file.includes('/generated/') && !except.some((folder) => file.startsWith(`${folder}/`)));

    test('imports only what its arrows allow', () => {
      expect(files.length).toBeGreaterThan(0);
      for (const file of [...Object.keys(also), ...Object.keys(alsoPackages), ...loaders]) expect(files).toContain(file);
      const strays = files.flatMap((file) =>
        importsOf(codeOf(file)).flatMap((name) => {
          const target = join(dirname(file), name);
          const allowed = name.startsWith('.')
            ? [part, ...may, ...(also[file] ?? [])].some((p) => target === p || target.startsWith(`${p}/`))
            : [...packages, ...(alsoPackages[file] ?? [])].some((p) => (p instanceof RegExp ? p.test(name) : p === name));
          return allowed ? [] : [`${file} imports ${name}`];
        }),
      );
      expect(strays).toEqual([]);
    });

    test('stays free of what it must not touch', () => {
      const bound = files.filter((file) => !loaders.includes(file));
      const found = bound.flatMap((file) => free.flatMap((word) => codeOf(file).match(word)?.[0] ?? []).map((word) => `${file}: ${word}`));
      expect(found).toEqual([]);
    });
  },
);
