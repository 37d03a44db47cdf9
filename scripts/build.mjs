// `npm run build`: dist/ anew, so that a deleted source leaves nothing behind, and the command executable, as `npx assay` needs it.
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

rmSync(at('dist'), { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [at('node_modules/typescript/bin/tsc'), '-p', at('tsconfig.build.json')], {
  stdio: 'inherit',
});
if (status === 0) chmodSync(at('dist/cli/main.js'), 0o755);
process.exitCode = status ?? 1;
