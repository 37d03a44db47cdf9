/**
 * Several transactions of one account under way at once: nonces are given here, without waiting for blocks. What a refusal or a lost
 * transaction leaves behind is mended by asking the chain for its nonce again.
 */
import { CODES } from '../codes.ts';
import { type Chain, type Outcome, type SendOptions, TxRefused } from './chain.ts';
import type { Signer } from './signer.ts';
import type { Msg } from './transactions.ts';

const TRIES = 5;

export class Sender {
  readonly chain: Chain;
  readonly signer: Signer;
  /** The last nonce given; null: ask the chain. */
  #nonce: bigint | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(chain: Chain, signer: Signer) {
    this.chain = chain;
    this.signer = signer;
  }

  /** Sends and follows; throws TxRefused where the ledger refuses. */
  async send(msg: Msg, options: SendOptions = {}): Promise<Outcome> {
    for (let attempt = 1; ; attempt++) {
      const { height } = await this.chain.status(options.signal);
      try {
        const tx = await this.#queued(async () => {
          const made = await this.chain.prepare(this.signer, msg, options, this.#nonce === null ? undefined : this.#nonce + 1n);
          await this.chain.broadcast(made.bytes, options.signal);
          this.#nonce = made.nonce;
          return made;
        });
        options.onSent?.(tx);
        const outcome = await this.chain.follow(tx, height + 1n, options.signal);
        if (outcome.code === 0) return outcome;
        if (outcome.code !== CODES.E_NONCE || attempt === TRIES) throw new TxRefused(outcome.code, outcome.log);
        this.#nonce = null;
      } catch (e) {
        // Another process used the key, or a transaction was lost: the nonce is asked for anew.
        this.#nonce = null;
        if (!(e instanceof TxRefused) || e.code !== CODES.E_NONCE || attempt === TRIES) throw e;
        await this.chain.pause();
      }
    }
  }

  #queued<T>(run: () => Promise<T>): Promise<T> {
    const next = this.#turn.then(run);
    this.#turn = next.catch(() => {});
    return next;
  }
}
