/**
 * Finds CometBFT for the tests of the ledger's coat: $COMETBFT_BIN, or the cache folder of this project. `installCometbft` builds it into
 * the cache with `go install`, only where that is allowed: CI or ASSAY_INSTALL is set. The first build takes minutes.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const COMETBFT_VERSION = '0.38.25';
const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'assay', `cometbft-${COMETBFT_VERSION}`);
const name = process.platform === 'win32' ? 'cometbft.exe' : 'cometbft';

/** Its path, or null. */
export function findCometbft() {
  const { COMETBFT_BIN } = process.env;
  if (COMETBFT_BIN) return existsSync(COMETBFT_BIN) ? COMETBFT_BIN : null;
  const cached = join(folder, name);
  return existsSync(cached) ? cached : null;
}

/** Installs it where it is missing and allowed; returns what there is to say, or null. */
export function installCometbft() {
  if (findCometbft() !== null) return null;
  const missing = `CometBFT ${COMETBFT_VERSION} is missing, so the tests with a real node are not run`;
  const { COMETBFT_BIN, CI, ASSAY_INSTALL } = process.env;
  if (COMETBFT_BIN) return `${missing}: COMETBFT_BIN names ${COMETBFT_BIN}, which is not there`;
  if (!CI && !ASSAY_INSTALL) return `${missing}: name it in COMETBFT_BIN, or set ASSAY_INSTALL=1 to have go build it`;
  if (spawnSync('go', ['version'], { stdio: 'ignore' }).status !== 0) return `${missing}: Go is not installed`;
  process.stdout.write(`CometBFT is missing: building it with go install into ${folder}\n`);
  mkdirSync(folder, { recursive: true });
  // Built beside its place, so that a build that was interrupted leaves nothing that looks like it.
  const fresh = mkdtempSync(join(folder, 'build-'));
  try {
    const target = `github.com/cometbft/cometbft/cmd/cometbft@v${COMETBFT_VERSION}`;
    const go = spawnSync('go', ['install', '-ldflags', '-s -w', target], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, GOBIN: fresh },
      timeout: 900_000,
    });
    if (go.status !== 0 || !existsSync(join(fresh, name))) return `${missing}: go install failed`;
    renameSync(join(fresh, name), join(folder, name));
    return null;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}
