/** Where the devnet keeps its blocks: in memory, or in LMDB. A block is saved before it is executed, so that a crash in between is replayed. */
import { fromBinary } from '@bufbuild/protobuf';
import { open } from 'lmdb';
import { encode } from '../codec.ts';
import { decodeBlock, decodeCommit, encodeBlock, encodeCommit } from '../comet/encode.ts';
import type { BlockCommit, BlockHeader } from '../comet/types.ts';
import { StoredBlockSchema } from '../generated/store_pb.ts';
import { checkDatabase } from '../store/damaged.ts';
import { writing } from '../store/store.ts';

/** A transaction's result as the RPC serves it. */
export interface StoredTxResult {
  readonly code: number;
  readonly data: Uint8Array;
  readonly log: string;
  readonly gasWanted: bigint;
  readonly gasUsed: bigint;
}

export interface DevnetBlock {
  readonly header: BlockHeader;
  readonly txs: readonly Uint8Array[];
  /** For the block before it, as the block carries it. */
  readonly lastCommit: BlockCommit;
  /** For this block. */
  readonly commit: BlockCommit;
  /** Empty until the block is executed. */
  readonly results: readonly StoredTxResult[];
}

export interface BlockStore {
  readonly height: bigint;
  get(height: bigint): DevnetBlock | undefined;
  /** On disk when it returns. */
  put(block: DevnetBlock): void;
  /** Small facts that outlive the process: the genesis, the validator's key. */
  getText(name: string): string | undefined;
  putText(name: string, text: string): void;
  close(): Promise<void>;
}

export function memoryBlocks(): BlockStore {
  const blocks = new Map<bigint, DevnetBlock>();
  const texts = new Map<string, string>();
  let height = 0n;
  return {
    get height() {
      return height;
    },
    get: (h) => blocks.get(h),
    put(block) {
      blocks.set(block.header.height, block);
      if (block.header.height > height) height = block.header.height;
    },
    getText: (name) => texts.get(name),
    putText: (name, text) => void texts.set(name, text),
    close: async () => {},
  };
}

export function lmdbBlocks(dir: string): BlockStore {
  checkDatabase(dir);
  const db = writing(dir, () => open<Uint8Array, number | string>({ path: dir, encoding: 'binary', overlappingSync: false }));
  const [last] = db.getKeys({ reverse: true, start: Number.MAX_SAFE_INTEGER, limit: 1 });
  let height = typeof last === 'number' ? BigInt(last) : 0n;
  return {
    get height() {
      return height;
    },
    get(h) {
      const bytes = db.get(Number(h));
      if (bytes === undefined) return undefined;
      const { block, commit, results } = fromBinary(StoredBlockSchema, new Uint8Array(bytes));
      return { ...decodeBlock(block), commit: decodeCommit(commit), results };
    },
    put({ header, txs, lastCommit, commit, results }) {
      const bytes = encode(StoredBlockSchema, {
        block: encodeBlock(header, txs, lastCommit),
        commit: encodeCommit(commit),
        results: results.map(({ code, data, log, gasWanted, gasUsed }) => ({ code, data, log, gasWanted, gasUsed })),
      });
      writing(dir, () => db.transactionSync(() => db.putSync(Number(header.height), bytes)));
      if (header.height > height) height = header.height;
    },
    getText(name) {
      const bytes = db.get(name);
      return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
    },
    putText(name, text) {
      writing(dir, () => db.transactionSync(() => db.putSync(name, new TextEncoder().encode(text))));
    },
    close: () => db.close(),
  };
}
