/** Following a chain from a checkpoint through an untrusted RPC (settlement §10.2): adjacent steps, skips, and bisection between. */
import { equalBytes } from '../../protocol/bytes.ts';
import { headerHash, validatorsHash } from '../comet/hashes.ts';
import { Json, MAX_VALIDATORS, readCommit, readHeader, readValidators } from '../comet/json.ts';
import type { Validator } from '../comet/types.ts';
import type { Rpc } from '../rpc/rpc.ts';
import { type Checkpoint, checkCheckpoint } from './checkpoint.ts';
import {
  checkAdjacent,
  checkOrder,
  checkParts,
  checkPeriod,
  checkSigned,
  checkSkip,
  type LightBlock,
  LightRefused,
  type SignedHeader,
  TRUST_PERIOD,
  type TrustedBlock,
} from './verify.ts';

/** What a light client needs of its surroundings: nothing here reads a clock or waits by itself. */
export interface Surroundings {
  /** Nanoseconds since 1970. */
  readonly now: () => bigint;
  readonly pause: (ms: number) => Promise<void>;
}

/** Blocks that stay known. */
const KEPT = 64;
const PER_PAGE = 100;

export interface Followed {
  readonly block: TrustedBlock;
  /** Percent of its validators' power that signed it. */
  readonly signed: number;
}

export class LightClient {
  readonly #rpc: Rpc;
  readonly #checkpoint: Checkpoint;
  readonly #around: Surroundings;
  readonly #trustPeriod: bigint;
  /** By height. */
  readonly #known = new Map<bigint, Followed>();

  constructor(
    rpc: Rpc,
    checkpoint: Checkpoint,
    around: Surroundings,
    { trustPeriod = TRUST_PERIOD }: { readonly trustPeriod?: bigint } = {},
  ) {
    this.#rpc = rpc;
    this.#checkpoint = checkpoint;
    this.#around = around;
    this.#trustPeriod = trustPeriod;
  }

  get checkpoint(): Checkpoint {
    return this.#checkpoint;
  }

  get around(): Surroundings {
    return this.#around;
  }

  /** The newest block that was checked. */
  get newest(): Followed | null {
    let best: Followed | null = null;
    for (const f of this.#known.values()) if (best === null || f.block.header.height > best.block.header.height) best = f;
    return best;
  }

  /** The newest block of the chain, checked. Throws LightRefused, Malformed or RpcError. */
  async latest(signal?: AbortSignal): Promise<Followed> {
    const signed = await this.#signedHeader(null, signal);
    const newest = this.newest;
    // The RPC may lag behind another answer of its own; what was checked stays checked.
    if (newest !== null && signed.header.height < newest.block.header.height) return newest;
    return this.#follow(signed, signal);
  }

  /** The block of a height, checked; above or below what is known. Null where the chain is not that high yet. */
  async at(height: bigint, signal?: AbortSignal): Promise<Followed | null> {
    const known = this.#known.get(height);
    if (known !== undefined) return known;
    if ((await this.latest(signal)).block.header.height < height) return null;
    return this.#known.get(height) ?? this.#follow(await this.#signedHeader(height, signal), signal);
  }

  async #follow(signed: SignedHeader, signal?: AbortSignal): Promise<Followed> {
    await this.#start(signal);
    const { height } = signed.header;
    const known = this.#known.get(height);
    if (known !== undefined) {
      if (!equalBytes(known.block.hash, headerHash(signed.header)))
        throw new LightRefused('header.hash', `the node shows two blocks of height ${height}`);
      return known;
    }
    let from = this.#below(height);
    if (from === null) throw new LightRefused('header.height', `block ${height} lies before the checkpoint's ${this.#checkpoint.height}`);
    const target = await this.#withValidators(signed, signal);
    // Bisection: what cannot be reached in one skip is reached through a block between.
    const path: LightBlock[] = [target];
    while (path.length > 0) {
      signal?.throwIfAborted();
      const next = path[path.length - 1] as LightBlock;
      try {
        from = await this.#step(from, next, signal);
        path.pop();
      } catch (e) {
        const gap: bigint = next.header.height - from.block.header.height;
        if (!(e instanceof LightRefused) || e.code !== 'trust.power' || gap < 2n) throw e;
        path.push(await this.#withValidators(await this.#signedHeader(from.block.header.height + gap / 2n, signal), signal));
      }
    }
    return from;
  }

  async #step(from: Followed, next: LightBlock, signal?: AbortSignal): Promise<Followed> {
    const { header } = from.block;
    checkParts(next, this.#checkpoint.chainId);
    checkOrder(from.block, next, { now: this.#around.now(), trustPeriod: this.#trustPeriod });
    if (next.header.height === header.height + 1n) checkAdjacent(from.block, next);
    else {
      const announced = equalBytes(header.nextValidatorsHash, header.validatorsHash)
        ? from.block.validators
        : await this.#validators(header.height + 1n, signal);
      if (!equalBytes(validatorsHash(announced), header.nextValidatorsHash))
        throw new LightRefused(
          'validators.next',
          `the node's validators of block ${header.height + 1n} are not those that block ${header.height} announced`,
        );
      checkSkip(announced, next);
    }
    return this.#keep(next);
  }

  #keep(block: LightBlock): Followed {
    const signed = checkSigned(block);
    const followed = { block: { ...block, hash: headerHash(block.header) }, signed };
    this.#known.set(block.header.height, followed);
    // The checkpoint and the newest stay.
    for (const height of [...this.#known.keys()].sort((a, b) => (a < b ? -1 : 1)).slice(1, -KEPT)) this.#known.delete(height);
    return followed;
  }

  /** The checkpoint's own block, fetched once. */
  async #start(signal?: AbortSignal): Promise<void> {
    if (this.#known.has(this.#checkpoint.height)) return;
    const signed = await this.#signedHeader(this.#checkpoint.height, signal);
    checkCheckpoint(this.#checkpoint, signed);
    checkPeriod(signed, { now: this.#around.now(), trustPeriod: this.#trustPeriod });
    const block = await this.#withValidators(signed, signal);
    checkParts(block, this.#checkpoint.chainId);
    this.#keep(block);
  }

  #below(height: bigint): Followed | null {
    let best: Followed | null = null;
    for (const [h, f] of this.#known) if (h < height && (best === null || h > best.block.header.height)) best = f;
    return best;
  }

  /** Header and commit of a height, or the newest, as the RPC says. */
  async #signedHeader(height: bigint | null, signal?: AbortSignal): Promise<SignedHeader> {
    const answer = new Json(await this.#rpc.call('commit', height === null ? {} : { height: height.toString() }, signal), 'commit');
    const signed = answer.get('signed_header');
    const header = readHeader(signed.get('header'));
    if (height !== null && header.height !== height)
      throw new LightRefused('header.height', `the node sent block ${header.height} for ${height}`);
    return { header, commit: readCommit(signed.get('commit')) };
  }

  async #withValidators(signed: SignedHeader, signal?: AbortSignal): Promise<LightBlock> {
    const known = this.newest?.block;
    if (known !== undefined && equalBytes(known.header.validatorsHash, signed.header.validatorsHash))
      return { ...signed, validators: known.validators };
    return { ...signed, validators: await this.#validators(signed.header.height, signal) };
  }

  async #validators(height: bigint, signal?: AbortSignal): Promise<readonly Validator[]> {
    const all: Validator[] = [];
    for (let page = 1; all.length < MAX_VALIDATORS; page++) {
      const params = { height: height.toString(), page: page.toString(), per_page: PER_PAGE.toString() };
      const answer = new Json(await this.#rpc.call('validators', params, signal), 'validators');
      const some = readValidators(answer.get('validators'));
      all.push(...some);
      if (some.length < PER_PAGE || all.length >= answer.get('total').small(MAX_VALIDATORS)) return all;
    }
    return all;
  }
}
