/**
 * Frames of ABCI on a byte stream: uvarint length ‖ message (settlement §8.2).
 *
 * The reader copies what it keeps, so nothing it yields is a view of a socket's buffer, and it holds at most the bytes that came: a prefix
 * that claims 8 MiB costs nothing until they arrive. After an error the stream has no next frame: close it.
 */

/** A block of 4 MiB and what comes around it, with room. */
export const MAX_FRAME = 8 * 2 ** 20;
/** 7 bits a byte: enough for MAX_FRAME, and no more. */
const MAX_PREFIX = 4;
const FIRST_BUFFER = 4096;

/** A prefix that is over-long, not minimal, or claims more than the cap. */
export class FrameError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FrameError';
  }
}

/** `message` behind its length. */
export function frame(message: Uint8Array): Uint8Array {
  const prefix: number[] = [];
  let rest = message.length;
  for (; rest > 0x7f; rest >>>= 7) prefix.push((rest & 0x7f) | 0x80);
  prefix.push(rest);
  const bytes = new Uint8Array(prefix.length + message.length);
  bytes.set(prefix);
  bytes.set(message, prefix.length);
  return bytes;
}

export class FrameReader {
  readonly #cap: number;
  #prefix: number[] = [];
  /** Of the message being read; -1 while its prefix is. */
  #length = -1;
  #body = new Uint8Array(0);
  #filled = 0;

  constructor(cap = MAX_FRAME) {
    this.#cap = cap;
  }

  /** The messages that end within `bytes`, one after the other. Throws `FrameError` where the stream goes wrong, after the good ones. */
  *push(bytes: Uint8Array): Generator<Uint8Array, void> {
    let at = 0;
    while (at < bytes.length) {
      if (this.#length < 0) this.#readPrefix(bytes[at++] as number);
      if (this.#length < 0) continue;
      const taken = bytes.subarray(at, at + this.#length - this.#filled);
      at += taken.length;
      this.#append(taken);
      if (this.#filled < this.#length) return;
      const message = this.#body.subarray(0, this.#length);
      this.#length = -1;
      this.#body = new Uint8Array(0);
      this.#filled = 0;
      yield message;
    }
  }

  #readPrefix(byte: number): void {
    this.#prefix.push(byte);
    if (byte >= 0x80) {
      if (this.#prefix.length >= MAX_PREFIX) throw new FrameError(`the length of a frame has more than ${MAX_PREFIX} bytes`);
      return;
    }
    if (byte === 0 && this.#prefix.length > 1) throw new FrameError('the length of a frame is not minimal');
    const length = this.#prefix.reduceRight((n, b) => n * 128 + (b & 0x7f), 0);
    if (length > this.#cap) throw new FrameError(`a frame of ${length} bytes; the most is ${this.#cap}`);
    this.#prefix = [];
    this.#length = length;
  }

  #append(bytes: Uint8Array): void {
    const filled = this.#filled + bytes.length;
    if (filled > this.#body.length) {
      const grown = new Uint8Array(Math.min(this.#length, Math.max(filled, 2 * this.#body.length, FIRST_BUFFER)));
      grown.set(this.#body.subarray(0, this.#filled));
      this.#body = grown;
    }
    this.#body.set(bytes, this.#filled);
    this.#filled = filled;
  }
}
