/**
 * Keys that were checked before. Deriving and checking a key costs more than checking a proof against it, and follows from the key's bytes
 * alone: it is done once for every digest. Keys of mode I0 hold a whole model and are not kept.
 */
import { decodeKeyFile, type KeyFile } from '../circuits/files.ts';
import { plainBytes, toHex } from '../protocol/bytes.ts';
import { hash } from '../protocol/hash.ts';
import { type CheckedKey, checkedKey } from './verify.ts';

export interface KnownKey {
  readonly file: KeyFile;
  /** The key with what follows from it. Throws E6 where it fails a condition, at every call. */
  checked(): CheckedKey;
}

/** Keys, and values of their tables, that are kept: 16 keys, 64 MiB. */
export const KEPT_KEYS = 16;
const KEPT_VALUES = 2 ** 24;

/** From the least to the most recently used. */
const known = new Map<string, KnownKey & { readonly values: number }>();

/** The key of a file; throws `Refused` for bytes that are none. */
export function knownKey(bytes: Uint8Array): KnownKey {
  const digest = toHex(hash('key', plainBytes(bytes)));
  const before = known.get(digest);
  if (before !== undefined) {
    known.delete(digest);
    known.set(digest, before);
    return before;
  }
  const file = decodeKeyFile(bytes);
  let checked: CheckedKey | null = null;
  return {
    file,
    checked() {
      if (checked !== null) return checked;
      const made = checkedKey(file.key);
      checked = made;
      const values = [...made.contents.values()].reduce((n, v) => n + v.length, 0);
      known.set(digest, { file, checked: () => made, values });
      forget();
      return made;
    },
  };
}

/** Drops the keys that were not used for longest, down to the limits. */
function forget(): void {
  let values = [...known.values()].reduce((n, k) => n + k.values, 0);
  for (const [digest, k] of known) {
    if (known.size <= KEPT_KEYS && values <= KEPT_VALUES) return;
    known.delete(digest);
    values -= k.values;
  }
}
