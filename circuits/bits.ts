/** Numbers of a few bits in bytes: least significant bit first, in the first byte first. */

export class BitWriter {
  readonly #bytes: number[] = [];
  #held = 0;
  #count = 0;

  /** The `bits` low bits of a value below 2^31. */
  write(value: number, bits: number): void {
    this.#held += value * 2 ** this.#count;
    this.#count += bits;
    for (; this.#count >= 8; this.#count -= 8) {
      this.#bytes.push(this.#held % 256);
      this.#held = Math.floor(this.#held / 256);
    }
  }

  /** The bytes so far, the last filled with zeros. */
  bytes(): Uint8Array {
    return Uint8Array.from(this.#count > 0 ? [...this.#bytes, this.#held] : this.#bytes);
  }
}

export class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #held = 0;
  #count = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next `bits` bits, or null at the end of the bytes. */
  read(bits: number): number | null {
    while (this.#count < bits) {
      const next = this.#bytes[this.#at++];
      if (next === undefined) return null;
      this.#held += next * 2 ** this.#count;
      this.#count += 8;
    }
    const size = 2 ** bits;
    const value = this.#held % size;
    this.#held = Math.floor(this.#held / size);
    this.#count -= bits;
    return value;
  }

  /** Bytes that were begun. */
  get length(): number {
    return this.#at;
  }

  /** Whether what is left of the last byte is zero. */
  get padded(): boolean {
    return this.#held === 0;
  }
}
