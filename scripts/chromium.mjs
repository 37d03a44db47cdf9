/**
 * Finds a Chromium for the tests of the page and the benchmark: $CHROMIUM, or where the systems put it. `installChromium` gets Debian's with
 * apt-get, as root and only where that is allowed: CI or ASSAY_INSTALL is set.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Its path, or null. */
export function findChromium() {
  const { CHROMIUM } = process.env;
  if (CHROMIUM) return existsSync(CHROMIUM) ? CHROMIUM : null;
  return PLACES.find((path) => existsSync(path)) ?? null;
}

/** Installs it where it is missing and allowed; returns what there is to say, or null. */
export function installChromium() {
  if (findChromium() !== null) return null;
  const missing = 'Chromium is missing, so the tests in a browser are not run';
  if (!process.env.CI && !process.env.ASSAY_INSTALL)
    return `${missing}: install it, name it in CHROMIUM, or set ASSAY_INSTALL=1 to have apt-get do it`;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return `${missing}: it can be installed only as root with apt-get`;
  const apt = (...args) =>
    spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=100', '-q', ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      timeout: 240_000,
    }).status === 0;
  process.stdout.write('Chromium is missing: installing it with apt-get\n');
  const install = () => apt('install', '-y', '--no-install-recommends', 'chromium');
  if (install() || (apt('update') && install()))
    return findChromium() === null ? `${missing}: apt-get installed no /usr/bin/chromium` : null;
  return `${missing}: apt-get failed`;
}
