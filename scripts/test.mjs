// `npm test`: builds, runs every test once (or the files named as arguments); the last line is `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { installChromium } from './chromium.mjs';
import { findCometbft, installCometbft } from './cometbft.mjs';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const node = (path, ...args) => spawnSync(process.execPath, [at(path), ...args], { cwd: at(''), stdio: 'inherit' }).status ?? 1;

if (node('scripts/build.mjs') !== 0) {
  process.stdout.write('the build failed\n0 passed, 1 failed\n');
  process.exitCode = 1;
} else {
  for (const absent of [installChromium(), installCometbft()]) if (absent !== null) process.stdout.write(`${absent}\n`);
  const cometbft = findCometbft();
  if (cometbft === null) delete process.env.COMETBFT_BIN;
  else process.env.COMETBFT_BIN = cometbft;
  process.exitCode = node('node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2));
}
