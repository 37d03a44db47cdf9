/** A checkpoint: where trust begins (settlement §10.1). Shipped with a page, or typed by its user; never taken from the RPC silently. */
import { equalBytes, fromHex, toHex } from '../../protocol/bytes.ts';
import { headerHash } from '../comet/hashes.ts';
import { LightRefused, type SignedHeader } from './verify.ts';

export interface Checkpoint {
  readonly chainId: string;
  readonly height: bigint;
  readonly headerHash: Uint8Array;
  readonly validatorsHash: Uint8Array;
}

/** `devnet-1a2b3c4d:12:<header hash>:<validators hash>`, hashes in hexadecimal. */
export const showCheckpoint = (c: Checkpoint): string => [c.chainId, c.height, toHex(c.headerHash), toHex(c.validatorsHash)].join(':');

/** The checkpoint in such a text, or null. */
export function parseCheckpoint(text: string): Checkpoint | null {
  const m = /^([!-9;-~]{1,50}):([1-9][0-9]{0,17}):([0-9a-fA-F]{64}):([0-9a-fA-F]{64})$/.exec(text.trim());
  if (m === null) return null;
  const [chainId, height, header, validators] = m.slice(1) as [string, string, string, string];
  return {
    chainId,
    height: BigInt(height),
    headerHash: fromHex(header) as Uint8Array,
    validatorsHash: fromHex(validators) as Uint8Array,
  };
}

export const checkpointOf = ({ header }: SignedHeader): Checkpoint => ({
  chainId: header.chainId,
  height: header.height,
  headerHash: headerHash(header),
  validatorsHash: header.validatorsHash,
});

/** Whether a block is the checkpoint's. */
export function checkCheckpoint(c: Checkpoint, { header }: SignedHeader): void {
  const fail = (what: string): never => {
    throw new LightRefused('checkpoint', what);
  };
  if (header.chainId !== c.chainId) fail(`the node's chain is ${JSON.stringify(header.chainId)}, the checkpoint's ${c.chainId}`);
  if (header.height !== c.height) fail(`the node sent block ${header.height} for the checkpoint's ${c.height}`);
  const hash = headerHash(header);
  if (!equalBytes(hash, c.headerHash)) fail(`block ${c.height} hashes to ${toHex(hash)}, the checkpoint has ${toHex(c.headerHash)}`);
  if (!equalBytes(header.validatorsHash, c.validatorsHash)) fail(`block ${c.height} has another validator set than the checkpoint`);
}
