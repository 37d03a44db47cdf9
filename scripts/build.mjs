// `npm run build`: the WebAssembly modules, then dist/ anew, so that a deleted source leaves nothing behind: the package with its command
// executable, as `npx assay` needs it, and the templates of groth16; dist/page/, a static folder; dist/bundle/, the verifier as one file.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const run = (script, ...args) => spawnSync(process.execPath, [at(script), ...args], { cwd: at(''), stdio: 'inherit' }).status ?? 1;
const vite = (...args) => run('node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn', ...args);

rmSync(at('dist'), { recursive: true, force: true });
const status =
  run('scripts/kernels.mjs') ||
  run('node_modules/typescript/bin/tsc', '-p', at('tsconfig.build.json')) ||
  vite() ||
  vite('--config', 'vite.verifier.ts');
if (status === 0) {
  chmodSync(at('dist/cli/main.js'), 0o755);
  cpSync(at('circuits/circom'), at('dist/circuits/circom'), { recursive: true });
}
process.exitCode = status;
