/**
 * Finds CometBFT for the tests of the chain and for `assay node init`: $COMETBFT_BIN, or this user's cache. `installCometbft` builds it into
 * the cache with `go install`, only where that is allowed: CI or ASSAY_INSTALL is set.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const VERSION = 'v0.38.25';
const cache = () => join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'assay', `cometbft-${VERSION}`);

/** Its path, or null. */
export function findCometbft() {
  const { COMETBFT_BIN } = process.env;
  if (COMETBFT_BIN) return existsSync(COMETBFT_BIN) ? COMETBFT_BIN : null;
  const path = join(cache(), 'cometbft');
  return existsSync(path) ? path : null;
}

/** Builds it where it is missing and allowed; returns what there is to say, or null. */
export function installCometbft() {
  if (findCometbft() !== null) return null;
  const missing = `CometBFT ${VERSION} is missing, so the tests on a real chain are not run`;
  if (process.env.COMETBFT_BIN) return `${missing}: COMETBFT_BIN names no file`;
  if (!process.env.CI && !process.env.ASSAY_INSTALL)
    return `${missing}: name it in COMETBFT_BIN, or set ASSAY_INSTALL=1 to have go build it`;
  if (spawnSync('go', ['version'], { stdio: 'ignore' }).status !== 0) return `${missing}: building it needs go`;
  process.stdout.write('CometBFT is missing: building it with go install\n');
  mkdirSync(cache(), { recursive: true });
  const built = spawnSync('go', ['install', '-ldflags', '-s -w', `github.com/cometbft/cometbft/cmd/cometbft@${VERSION}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    env: { ...process.env, GOBIN: cache(), GOFLAGS: '' },
    timeout: 600_000,
  });
  return findCometbft() === null ? `${missing}: go install failed: ${(built.stderr ?? '').trim().split('\n').slice(-1)[0]}` : null;
}
