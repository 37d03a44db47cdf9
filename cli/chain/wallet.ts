/**
 * A wallet: one account key in a file that only its owner may read. The seed is never printed and never leaves the file but into a `Signer`.
 *
 *     {"assay": "wallet", "version": 1, "address": "opg1…", "seed": "<64 hex digits>"}
 */
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fchmodSync, fsyncSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { showAddress } from '../../chain/accounts.ts';
import { type Signer, signerOf } from '../../chain/client/index.ts';
import { fromHex, toHex } from '../../protocol/bytes.ts';
import { readFile } from '../files.ts';
import { CannotTell } from '../outcome.ts';
import { note } from '../talk.ts';
import { printable } from '../text.ts';
import { DEFAULT_WALLET } from './flags.ts';

/** Where the wallet is: the flag, ASSAY_WALLET, or a file in this folder. */
export const walletPath = (flag: string | undefined): string => flag ?? process.env.ASSAY_WALLET ?? DEFAULT_WALLET;

const exists = (path: string): CannotTell =>
  new CannotTell('wallet.exists', `${printable(path)} exists already; a wallet is never replaced`, 'name another file with --wallet');

/** Makes a wallet; never replaces a file. */
export function createWallet(path: string): Signer {
  if (existsSync(path)) throw exists(path);
  const seed = new Uint8Array(randomBytes(32));
  const signer = signerOf(seed);
  const bytes = Buffer.from(
    `${JSON.stringify({ assay: 'wallet', version: 1, address: showAddress(signer.address), seed: toHex(seed) })}\n`,
  );
  let made = false;
  try {
    // Made anew, or not at all: a file that came meanwhile is somebody's wallet, and a link that leads nowhere was meant for another place.
    const file = openSync(path, 'wx', 0o600);
    made = true;
    try {
      fchmodSync(file, 0o600); // whatever the umask is
      // A disk that is almost full takes a part, and says how much.
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (e) {
    if (made) rmSync(path, { force: true });
    const code = (e as NodeJS.ErrnoException).code ?? (e as Error).message;
    if (code === 'EEXIST') throw exists(path);
    throw new CannotTell('file.unwritable', `${printable(path) || '""'} cannot be written: ${code}`);
  }
  return signer;
}

/** The key of a wallet file. */
export function openWallet(path: string): Signer {
  if (!existsSync(path))
    throw new CannotTell(
      'wallet.missing',
      `there is no wallet ${printable(path)}`,
      'assay wallet new makes one; ASSAY_WALLET or --wallet names another',
    );
  const text = new TextDecoder().decode(readFile(path, 'wallet', 4096));
  const none = new CannotTell('wallet.format', `${printable(path)} is no wallet of assay`);
  let value: { assay?: unknown; version?: unknown; address?: unknown; seed?: unknown } | null;
  try {
    value = JSON.parse(text);
  } catch {
    throw none;
  }
  const seed = typeof value?.seed === 'string' && value.seed.length === 64 ? fromHex(value.seed) : null;
  if (value?.assay !== 'wallet' || value.version !== 1 || seed === null) throw none;
  const signer = signerOf(seed);
  if (value.address !== showAddress(signer.address))
    throw new CannotTell('wallet.format', `${printable(path)}: its address is not the one of its seed`);
  if ((statSync(path).mode & 0o077) !== 0) note(`others may read ${printable(path)}; chmod 600 keeps its key to you`);
  return signer;
}
