/** The verifier as one file, from the built entry `assay/verifier`: what a page that bundles it has to load. `npm run size` weighs it. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: at('.'),
  publicDir: false,
  build: {
    outDir: at('dist/bundle'),
    target: 'es2023',
    rolldownOptions: {
      input: at('dist/verifier/index.js'),
      preserveEntrySignatures: 'strict',
      output: { entryFileNames: 'verifier.js' },
    },
  },
});
