/**
 * The transcript (protocol §4.3) and its two ends.
 *
 * One code path: the prover's `send…` and the verifier's `receive…` of the same label move the bytes **and** absorb them, so prover data
 * cannot be read without being absorbed. The only exception is `opened` (rows and siblings, §9.4): bound by roots, after which nothing is sampled.
 */
import { hash as hashKeyed, hashWords, toWords, Xof } from './blake3.ts';
import { ascii, bytesOf, concat, concatAll, plainBytes, u64 } from './bytes.ts';
import type { F4 } from './extension.ts';
import { P } from './field.ts';
import { modes } from './hash.ts';
import { Refused } from './refused.ts';

const MODE = modes.transcript;
const KIND = { digest: 1, field: 2, bytes: 4, nonce: 5 } as const;
export type Kind = keyof typeof KIND;

/** One line of the log: what was absorbed or drawn under a label, and the state after an absorption. */
export interface LogEntry {
  readonly kind: Kind | 'challenge' | 'positions' | 'delay';
  readonly label: string;
  readonly value: string;
}

/** The hash state both ends share. */
export class Transcript {
  #state: Uint8Array;
  readonly log: LogEntry[] | null;

  /** `log`: keep a line for every message (tests, `inspect`). */
  constructor(profile: string, log = false) {
    this.#state = hashKeyed(MODE, ascii(`init${profile}`));
    this.log = log ? [] : null;
  }

  get state(): Uint8Array {
    return this.#state;
  }

  absorb(kind: Kind, label: string, bytes: Uint8Array): void {
    const name = ascii(label);
    const head = concat(this.#state, Uint8Array.of(1, KIND[kind], name.length), name, u64(bytes.length));
    // Long messages are copied once: straight into the words that are hashed.
    const length = head.length + bytes.length;
    const words = new Uint32Array(Math.ceil(length / 4));
    const message = bytesOf(words);
    message.set(head);
    message.set(bytes, head.length);
    const state = new Uint32Array(8);
    hashWords(MODE, words, 0, length, state, 0);
    this.#state = bytesOf(state);
    this.#note(kind, label);
  }

  /** k dependent compressions: the delay between the witness root and α (§8.1, §10.4). */
  delay(k: number): void {
    const message = new Uint32Array(9);
    message.set(toWords(this.#state));
    message[8] = 5;
    for (let i = 0; i < k; i++) hashWords(MODE, message, 0, 33, message, 0);
    this.#state = bytesOf(message.slice(0, 8));
    this.#note('delay', `delay ${k}`);
  }

  /** m field elements drawn after everything absorbed so far. */
  challenges(label: string, m: number): F4[] {
    const xof = this.#squeeze(label);
    const limbs: number[] = [];
    while (limbs.length < 4 * m) {
      // A block of the stream at a time; what is left of the last one is nobody's.
      for (const word of toWords(xof.read(64))) {
        const v = word & 0x7fffffff;
        if (v < P) limbs.push(v);
      }
    }
    const out = Array.from({ length: m }, (_, i) => limbs.slice(4 * i, 4 * i + 4) as unknown as F4);
    this.log?.push({ kind: 'challenge', label, value: out.map((e) => e.join(' ')).join(', ') });
    return out;
  }

  challenge(label: string): F4 {
    return this.challenges(label, 1)[0] as F4;
  }

  /** t positions of `bits` bits, with replacement. */
  positions(label: string, t: number, bits: number): number[] {
    const bytes = this.#squeeze(label).read(4 * t);
    const view = new DataView(bytes.buffer);
    const out = Array.from({ length: t }, (_, i) => view.getUint32(4 * i, true) % 2 ** bits);
    this.log?.push({ kind: 'positions', label, value: out.join(' ') });
    return out;
  }

  /** Whether a nonce has the g low bits zero (§4.3). */
  nonceWorks(g: number, nonce: Uint8Array): boolean {
    const digest = hashKeyed(MODE, concat(this.#state, Uint8Array.of(4, g), nonce));
    const low = new DataView(digest.buffer).getBigUint64(0, true);
    return (low & ((1n << BigInt(g)) - 1n)) === 0n;
  }

  #squeeze(label: string): Xof {
    const name = ascii(label);
    const xof = new Xof(MODE, concat(this.#state, Uint8Array.of(2, name.length), name));
    this.#state = hashKeyed(MODE, concat(this.#state, Uint8Array.of(3)));
    return xof;
  }

  #note(kind: LogEntry['kind'], label: string): void {
    this.log?.push({ kind, label, value: Array.from(this.#state, (b) => b.toString(16).padStart(2, '0')).join('') });
  }
}

/** The prover's end: what it sends is absorbed and appended to the proof. */
export class ProverTranscript extends Transcript {
  readonly #parts: Uint8Array[] = [];

  sendDigest(label: string, digest: Uint8Array): void {
    this.#parts.push(digest);
    this.absorb('digest', label, digest);
  }

  sendElements(label: string, elements: readonly F4[]): void {
    this.sendVector(label, Uint32Array.from(elements.flat()));
  }

  /** An extension vector, as `sendElements` of its elements. */
  sendVector(label: string, limbs: Uint32Array): void {
    const bytes = bytesOf(limbs.slice());
    this.#parts.push(bytes);
    this.absorb('field', label, bytes);
  }

  /** Bytes; nothing happens for none. */
  sendBytes(label: string, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#parts.push(bytes);
    this.absorb('bytes', label, bytes);
  }

  /** Grinding: `search` finds a nonce for (state, bits). Nothing happens for g = 0. */
  async sendNonce(label: string, g: number, search: (state: Uint8Array, g: number) => Promise<number>): Promise<void> {
    if (g === 0) return;
    const nonce = u64(await search(this.state, g));
    this.#parts.push(nonce);
    this.absorb('nonce', label, nonce);
  }

  /** Opened rows and siblings, not absorbed. */
  sendOpened(bytes: Uint8Array): void {
    this.#parts.push(bytes);
  }

  proof(): Uint8Array {
    return concatAll(this.#parts);
  }
}

/** The verifier's end: lengths come from the key, or are bounded by it. */
export class VerifierTranscript extends Transcript {
  readonly #proof: Uint8Array;
  #at = 0;

  constructor(profile: string, proof: Uint8Array, log = false) {
    super(profile, log);
    this.#proof = plainBytes(proof);
  }

  receiveDigest(label: string): Uint8Array {
    const bytes = this.#take(32, label);
    this.absorb('digest', label, bytes);
    return bytes;
  }

  receiveElements(label: string, n: number): F4[] {
    const v = this.receiveVector(label, n);
    return Array.from({ length: n }, (_, i) => [v[4 * i], v[4 * i + 1], v[4 * i + 2], v[4 * i + 3]] as unknown as F4);
  }

  receiveVector(label: string, n: number): Uint32Array {
    const limbs = canonical(this.#words(4 * n, label), label);
    this.absorb('field', label, bytesOf(limbs));
    return limbs;
  }

  /** What has not been received yet: for finding the end of a message whose length the key bounds but does not say. */
  get rest(): Uint8Array {
    return this.#proof.subarray(this.#at);
  }

  receiveBytes(label: string, n: number): Uint8Array {
    if (n === 0) return new Uint8Array(0);
    const bytes = this.#take(n, label);
    this.absorb('bytes', label, bytes);
    return bytes;
  }

  receiveNonce(label: string, g: number): void {
    if (g === 0) return;
    const nonce = this.#take(8, label);
    if (!this.nonceWorks(g, nonce)) throw new Refused('C3', `the nonce ${label} does not have its ${g} bits`, { label, bits: g });
    this.absorb('nonce', label, nonce);
  }

  /** Opened rows of `width` base elements, each below p, one after the other. */
  receiveRows(count: number, width: number, label: string): Uint32Array {
    return canonical(this.#words(count * width, label), label);
  }

  /** Sibling digests, 8 words each. */
  receiveSiblings(count: number): Uint32Array {
    return this.#words(8 * count, 'siblings');
  }

  /** The proof must be consumed exactly (C4). */
  end(): void {
    const left = this.#proof.length - this.#at;
    if (left !== 0) throw new Refused('C4', `${left} bytes follow the end of the proof at byte ${this.#at}`, { at: this.#at });
  }

  #take(n: number, label: string): Uint8Array {
    if (this.#at + n > this.#proof.length)
      throw new Refused('C1', `the proof ends at byte ${this.#proof.length}, inside ${label}, which needs ${n} bytes at byte ${this.#at}`, {
        label,
        at: this.#at,
      });
    this.#at += n;
    return this.#proof.slice(this.#at - n, this.#at);
  }

  #words(n: number, label: string): Uint32Array {
    return toWords(this.#take(4 * n, label));
  }
}

function canonical(limbs: Uint32Array, label: string): Uint32Array {
  for (let i = 0; i < limbs.length; i++)
    if ((limbs[i] as number) >= P) throw new Refused('C2', `limb ${i} of ${label} is ${limbs[i]}, not below p`, { label, limb: i });
  return limbs;
}
