/** A TypeScript file and what it imports as one JavaScript file, for a process of its own: Node 20 runs no TypeScript. */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'vite';

/** Its path, in a new folder of test/artifacts that the caller removes. Packages are imported from node_modules as they are. */
export async function bundle(entry: string): Promise<{ readonly file: string; readonly folder: string }> {
  mkdirSync('test/artifacts', { recursive: true });
  const folder = mkdtempSync(resolve('test/artifacts/bundle-'));
  await build({
    configFile: false,
    logLevel: 'warn',
    build: { ssr: resolve(entry), outDir: folder, target: 'node20', rolldownOptions: { output: { entryFileNames: 'main.mjs' } } },
  });
  return { file: join(folder, 'main.mjs'), folder };
}
