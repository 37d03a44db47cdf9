/**
 * What this node has let into its mempool since the last commit, as far as doors depend on it (settlement §8.2, CheckTx): the nonces a sender
 * has used up, the burns a payer owes. CometBFT asks again for every waiting transaction after a commit, so nothing is kept across one.
 */
import { toHex } from '../../protocol/bytes.ts';
import { readAmount } from '../amounts.ts';
import { Rejected } from '../codes.ts';
import { MAX_PENDING } from '../limits.ts';
import type { OpenedTx, Pending } from '../state/index.ts';

export class Mempool {
  readonly #nonces = new Map<string, number>();
  readonly #burns = new Map<string, bigint>();

  /** What waits before this transaction. Throws E_NONCE where the sender has too many already. */
  before({ sender, payer }: OpenedTx): Pending {
    const nonces = this.#nonces.get(toHex(sender)) ?? 0;
    if (nonces >= MAX_PENDING) throw new Rejected('E_NONCE', `${nonces} transactions of this sender wait already, at most ${MAX_PENDING}`);
    return { nonces, burns: this.#burns.get(toHex(payer)) ?? 0n };
  }

  /** Counts a transaction that was let in. */
  add({ sender, payer, body }: OpenedTx): void {
    this.#nonces.set(toHex(sender), (this.#nonces.get(toHex(sender)) ?? 0) + 1);
    this.#burns.set(toHex(payer), (this.#burns.get(toHex(payer)) ?? 0n) + readAmount(body.maxBurn, 'max_burn'));
  }

  clear(): void {
    this.#nonces.clear();
    this.#burns.clear();
  }
}
