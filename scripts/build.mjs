// `npm run build`: the WebAssembly modules, then dist/ anew, so that a deleted source leaves nothing behind, and the command executable, as `npx assay` needs it.
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

rmSync(at('dist'), { recursive: true, force: true });
const run = (script, ...args) => spawnSync(process.execPath, [at(script), ...args], { stdio: 'inherit' }).status ?? 1;
const status = run('scripts/kernels.mjs') || run('node_modules/typescript/bin/tsc', '-p', at('tsconfig.build.json'));
if (status === 0) chmodSync(at('dist/cli/main.js'), 0o755);
process.exitCode = status;
