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

/** Keys that are kept, and bytes of memory: those of their tables, and what runs and channels take, some ten times the file. */
export const KEPT_KEYS = 16;
const KEPT_BYTES = 2 ** 26;
const EXPANSION = 10;

/** From the least to the most recently used. */
const known = new Map<string, KnownKey & { readonly size: number }>();

/** The key of a file; throws `Refused` for bytes that are none. */
export function knownKey(bytes: Uint8Array): KnownKey {
  // A copy: what is hashed is what is decoded, even if the memory is shared with a thread that writes to it.
  const own = plainBytes(bytes).slice();
  const digest = toHex(hash('key', own));
  const before = known.get(digest);
  if (before !== undefined) {
    known.delete(digest);
    known.set(digest, before);
    return before;
  }
  const file = decodeKeyFile(own);
  let checked: CheckedKey | null = null;
  return {
    file,
    checked() {
      if (checked !== null) return checked;
      const made = checkedKey(file.key);
      checked = made;
      const size = [...made.contents.values()].reduce((n, v) => n + v.byteLength, EXPANSION * own.length);
      known.set(digest, { file, checked: () => made, size });
      forget();
      return made;
    },
  };
}

/** Drops the keys that were not used for longest, down to the limits. */
function forget(): void {
  let size = [...known.values()].reduce((n, k) => n + k.size, 0);
  for (const [digest, k] of known) {
    if (known.size <= KEPT_KEYS && size <= KEPT_BYTES) return;
    known.delete(digest);
    size -= k.size;
  }
}
