/** The page (`npm run page`, `npx vite build`) and the tests (`npm test`). */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: 'verifier-web',
  base: './',
  server: { host: '127.0.0.1' },
  preview: { host: '127.0.0.1' },
  worker: { format: 'es' },
  build: { outDir: '../dist/page', emptyOutDir: true, target: 'es2023' },
  test: {
    root: fileURLToPath(new URL('.', import.meta.url)),
    include: ['test/**/*.test.ts'],
    reporters: ['./test/reporter.ts'],
    slowTestThreshold: 10_000,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Proofs are one thread's work: a file a core.
    pool: 'forks',
    maxWorkers: availableParallelism(),
  },
});
