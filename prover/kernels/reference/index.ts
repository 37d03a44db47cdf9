/** The reference kernels: plain TypeScript, single-threaded, the definition that every other set equals byte for byte. */
import { accumulate } from '../../../circuits/forms/index.ts';
import { hashWords, toWords } from '../../../protocol/blake3.ts';
import { modes } from '../../../protocol/hash.ts';
import { evaluateBase } from '../../../protocol/mle.ts';
import type { Kernels } from '../kernels.ts';
import { commit } from './commit.ts';
import { forest } from './forest.ts';
import { opening } from './opening.ts';
import { sumcheck } from './sumcheck.ts';

export const reference: Kernels = {
  name: 'reference',
  accumulate,
  commit,
  forest,
  sumcheck,
  opening,
  async evaluate(list) {
    return list.map(({ values, point }) => evaluateBase(values, point));
  },
  async grind(state, bits) {
    // st ‖ 04 ‖ g ‖ nonce: 42 bytes in one block; a nonce below 2^32 fills bytes 34..37.
    const message = new Uint32Array(16);
    message.set(toWords(state));
    const bytes = new Uint8Array(message.buffer);
    bytes[32] = 4;
    bytes[33] = bits;
    const view = new DataView(message.buffer);
    const out = new Uint32Array(8);
    const mask = bits >= 32 ? 0xffffffff : 2 ** bits - 1;
    for (let nonce = 0; nonce < 2 ** 32; nonce++) {
      view.setUint32(34, nonce, true);
      hashWords(modes.transcript, message, 0, 42, out, 0);
      if (((out[0] as number) & mask) === 0) return nonce;
    }
    throw new RangeError(`no nonce below 2^32 has ${bits} bits`);
  },
};
