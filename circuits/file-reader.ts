/** Reads the fields of a `.key` or `.circuit` file in order; refusals name the byte. */
import { ascii, equalBytes, plainBytes } from '../protocol/bytes.ts';
import { Refused } from '../protocol/refused.ts';

export const KEY_MAGIC = 'ASSAYKEY';
export const CIRCUIT_MAGIC = 'ASSAYCIR';

export type FileKind = 'key' | 'circuit';

export class FileReader {
  readonly version: number;
  readonly #bytes: Uint8Array;
  readonly #kind: FileKind;
  #at = 8;

  /** Reads mark and version. Throws `key.format` or `circuit.format`, as every method. */
  constructor(bytes: Uint8Array, kind: FileKind) {
    this.#bytes = plainBytes(bytes);
    this.#kind = kind;
    const magic = kind === 'key' ? KEY_MAGIC : CIRCUIT_MAGIC;
    if (!equalBytes(this.#bytes.subarray(0, 8), ascii(magic)))
      this.#refuse(`the file does not begin with ${magic}: it is no ${kind} file`, 0);
    const [low, high] = this.take(2, 'the version');
    this.version = (low as number) + 256 * (high as number);
  }

  #refuse(sentence: string, at: number): never {
    throw new Refused(`${this.#kind}.format`, sentence, { at });
  }

  unknownVersion(): never {
    return this.#refuse(`${this.#kind} file version ${this.version}; this program reads versions 1 and 2`, 8);
  }

  take(n: number, field: string): Uint8Array {
    if (n > this.#bytes.length - this.#at)
      this.#refuse(
        `the ${this.#kind} file ends at byte ${this.#bytes.length}, inside ${field}, which needs ${n} bytes at byte ${this.#at}`,
        this.#at,
      );
    this.#at += n;
    return this.#bytes.slice(this.#at - n, this.#at);
  }

  prefixed(field: string): Uint8Array {
    const n = this.take(4, `the length of ${field}`);
    return this.take(new DataView(n.buffer).getUint32(0, true), field);
  }

  /** A length-prefixed name of printable characters. */
  text(field: string): string {
    const at = this.#at;
    const bytes = this.prefixed(field);
    if (bytes.length === 0 || bytes.length > 255 || bytes.some((c) => c > 126 || c < 32))
      this.#refuse(`${field} at byte ${at} is no printable text of at most 255 bytes`, at);
    return String.fromCharCode(...bytes);
  }

  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) this.#refuse(`${left} bytes follow the end of the ${this.#kind} file at byte ${this.#at}`, this.#at);
  }
}
