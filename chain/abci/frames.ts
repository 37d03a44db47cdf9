/** ABCI's framing (settlement §8.2): every message behind its length as a uvarint. */
import { concat } from '../../protocol/bytes.ts';

/** Bytes of one message: a block of 4 MiB with room. */
export const MAX_FRAME = 8 * 2 ** 20;

export class FrameError extends Error {}

export function frame(message: Uint8Array): Uint8Array {
  const prefix: number[] = [];
  let n = message.length;
  for (; n > 127; n = Math.floor(n / 128)) prefix.push((n % 128) | 128);
  return concat(Uint8Array.of(...prefix, n), message);
}

/** Cuts a stream of bytes into messages, each with memory of its own. Holds at most one message and one piece. */
export class Frames {
  #pieces: Uint8Array[] = [];
  #size = 0;
  /** Bytes of the message that is awaited; null while its length is. */
  #wanted: number | null = null;

  /** The messages that are complete with this piece. Throws FrameError for a length that is none, or above MAX_FRAME. */
  push(piece: Uint8Array): Uint8Array[] {
    if (piece.length > 0) {
      this.#pieces.push(piece);
      this.#size += piece.length;
    }
    const out: Uint8Array[] = [];
    for (;;) {
      if (this.#wanted === null) this.#wanted = this.#length();
      if (this.#wanted === null || this.#size < this.#wanted) return out;
      out.push(this.#take(this.#wanted));
      this.#wanted = null;
    }
  }

  #length(): number | null {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < Math.min(this.#size, 5); i++) {
      const b = this.#at(i);
      value += (b & 127) * scale;
      scale *= 128;
      if (value > MAX_FRAME) throw new FrameError(`a message of ${value} bytes or more, at most ${MAX_FRAME} are taken`);
      if (b < 128) {
        if (i > 0 && b === 0) throw new FrameError('a length that is not in its shortest form');
        this.#take(i + 1);
        return value;
      }
    }
    if (this.#size >= 5) throw new FrameError('a length of more than four bytes');
    return null;
  }

  #at(i: number): number {
    let at = i;
    for (const p of this.#pieces) {
      if (at < p.length) return p[at] as number;
      at -= p.length;
    }
    throw new RangeError('frames: past the end');
  }

  #take(n: number): Uint8Array {
    const out = new Uint8Array(n);
    let filled = 0;
    while (filled < n) {
      const first = this.#pieces[0] as Uint8Array;
      const part = first.subarray(0, n - filled);
      out.set(part, filled);
      filled += part.length;
      if (part.length === first.length) this.#pieces.shift();
      else this.#pieces[0] = first.subarray(part.length);
    }
    this.#size -= n;
    return out;
  }
}
