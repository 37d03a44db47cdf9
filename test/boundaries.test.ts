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
  'wasm',
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

/** What a folder may import (itself always), which packages, and what its code must not contain. */
const RULES: Readonly<Record<string, { may: readonly string[]; packages?: readonly (string | RegExp)[]; free?: readonly RegExp[] }>> = {
  'index.ts': { may: ['circuits', 'compiler', 'prover', 'verifier', 'protocol'] },
  protocol: { may: [], free: [page, machine, chance, logger] },
  circuits: { may: ['protocol'], free: [page, machine, clock, chance, logger] },
  compiler: { may: ['circuits', 'protocol'], packages: ['onnx-proto'], free: [page, machine, clock, chance, logger] },
  wasm: { may: [], free: [page, clock, chance, logger] },
  prover: { may: ['circuits', 'protocol', 'wasm'], free: [page, chance, logger] },
  verifier: { may: ['circuits', 'protocol', 'wasm'], free: [page, machine, clock, chance, logger] },
  'verifier-web': { may: ['verifier', 'circuits', 'protocol'] },
  cli: { may: ['index.ts', 'circuits', 'compiler', 'prover', 'verifier', 'protocol'], packages: [node, 'commander', 'fast-png'] },
  scripts: { may: ALL, packages: [node, 'onnx-proto'] },
  bench: { may: ALL, packages: [node, 'onnx-proto', 'onnxruntime-node', 'playwright-core', 'vite'] },
};

const filesOf = (part: string): string[] =>
  part.endsWith('.ts')
    ? [part]
    : readdirSync(part, { recursive: true, encoding: 'utf8' }).flatMap((f) =>
        f.endsWith('.ts') ? `${part}/${f.replaceAll('\\', '/')}` : [],
      );
/** Code without comments, so that prose may name what code may not. */
const codeOf = (file: string): string => readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|(?<=^|[\s;{])\/\/.*$/gm, '');
const importsOf = (code: string): string[] => [...code.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'([^']+)'/g)].map((m) => m[1] as string);

describe.each(Object.entries(RULES))('%s', (part, { may, packages = [], free = [] }) => {
  const files = filesOf(part);

  test('imports only what its arrows allow', () => {
    expect(files.length).toBeGreaterThan(0);
    const strays = files.flatMap((file) =>
      importsOf(codeOf(file)).flatMap((name) => {
        const top = join(dirname(file), name).split('/')[0] as string;
        const allowed = name.startsWith('.')
          ? [part, ...may].includes(top)
          : packages.some((p) => (p instanceof RegExp ? p.test(name) : p === name));
        return allowed ? [] : [`${file} imports ${name}`];
      }),
    );
    expect(strays).toEqual([]);
  });

  test('stays free of what it must not touch', () => {
    const found = files.flatMap((file) => free.flatMap((word) => codeOf(file).match(word)?.[0] ?? []).map((word) => `${file}: ${word}`));
    expect(found).toEqual([]);
  });
});
