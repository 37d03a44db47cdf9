/**
 * Records with proofs (settlement §10.3): an answer of `abci_query` is opened against the AppHash of a header that was checked. The key in
 * the answer is compared with the key asked for: a true proof of another key proves something else.
 */
import { ascii, equalBytes, toHex } from '../../protocol/bytes.ts';
import { decodeStrict } from '../codec.ts';
import { Json } from '../comet/json.ts';
import { ValueOpSchema } from '../generated/proofs_pb.ts';
import { recordLeaf, rootOfPath } from '../merkle.ts';
import { type Rpc, RpcError } from '../rpc/rpc.ts';
import type { Followed, LightClient } from './follow.ts';

/** Bytes of a record that a reader takes: a model with its key. */
const MAX_RECORD = 2 ** 20;
/** Bytes of a proof's step: a path of 44 hashes, with room. */
const MAX_STEP = 65_536;
const POLLS = 40;
const POLL_MS = 250;

export class RecordRefused extends Error {
  readonly code: 'record.key' | 'record.proof' | 'record.header';

  constructor(code: RecordRefused['code'], sentence: string) {
    super(sentence);
    this.name = 'RecordRefused';
    this.code = code;
  }
}

/** A record that opens the AppHash of a checked header; `value` null: removed. Where there is none, nothing is proven. */
export interface OpenedRecord {
  readonly value: Uint8Array | null;
  /** The state's height; its AppHash stands in `header`, of the height after it. */
  readonly height: bigint;
  readonly header: Followed;
}

/** `abci_query` for a record, before any check. */
export interface RecordAnswer {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly height: bigint;
  readonly log: string;
  readonly ops: readonly { readonly type: string; readonly key: Uint8Array; readonly data: Uint8Array }[];
}

export async function askRecord(rpc: Rpc, store: string, key: Uint8Array, signal?: AbortSignal): Promise<RecordAnswer> {
  const params = { path: `/store/${store}/key`, data: toHex(key), height: '0', prove: true };
  const response = new Json(await rpc.call('abci_query', params, signal), 'abci_query').get('response');
  const code = response.get('code');
  if (!code.missing && code.int() !== 0n)
    throw new RpcError('refused', `the node refuses: ${response.get('log').missing ? '' : response.get('log').text()}`);
  const ops = response.get('proofOps');
  return {
    key: response.get('key').base64(1024),
    value: response.get('value').base64(MAX_RECORD),
    height: response.get('height').missing ? 0n : response.get('height').int(),
    log: response.get('log').missing ? '' : response.get('log').text(),
    ops: ops.missing
      ? []
      : ops
          .get('ops')
          .list(4)
          .map((o) => ({ type: o.get('type').text(32), key: o.get('key').base64(1024), data: o.get('data').base64(MAX_STEP) })),
  };
}

/** The AppHash that an answer opens. Throws RecordRefused for another key, another store, or a path that is none. */
export function openAnswer(answer: RecordAnswer, store: string, key: Uint8Array): Uint8Array {
  const fail = (code: RecordRefused['code'], what: string): never => {
    throw new RecordRefused(code, what);
  };
  if (!equalBytes(answer.key, key)) fail('record.key', `the node answers for key ${toHex(answer.key)}, ${toHex(key)} was asked`);
  if (answer.ops.length !== 2) fail('record.proof', `the proof has ${answer.ops.length} steps, two are wanted`);
  const [inner, outer] = answer.ops as [RecordAnswer['ops'][number], RecordAnswer['ops'][number]];
  if (inner.type !== 'simple:v' || outer.type !== 'simple:v') fail('record.proof', 'the proof has steps of another type than simple:v');
  if (!equalBytes(inner.key, key)) fail('record.key', `the proof is of key ${toHex(inner.key)}, ${toHex(key)} was asked`);
  if (!equalBytes(outer.key, ascii(store))) fail('record.key', `the proof is of another store than ${store}`);
  const root = rootOf(inner.data, recordLeaf(key, answer.value));
  return rootOf(outer.data, recordLeaf(ascii(store), root));
}

function rootOf(data: Uint8Array, leaf: Uint8Array): Uint8Array {
  let path: ReturnType<typeof read>;
  try {
    path = read(data);
  } catch {
    throw new RecordRefused('record.proof', 'a step of the proof does not decode');
  }
  if (path === undefined || !equalBytes(path.leafHash, leaf)) throw new RecordRefused('record.proof', 'the proof is of another value');
  const root = rootOfPath(leaf, path.index, path.total, path.aunts);
  if (root === null) throw new RecordRefused('record.proof', 'the proof has a path of the wrong length');
  return root;
}
const read = (data: Uint8Array) => decodeStrict(ValueOpSchema, data, MAX_STEP).proof;

/**
 * A record of the newest state, opened against a checked header. Null where the node says that there is none: that is its word alone. Throws
 * RecordRefused, and what the light client throws.
 */
export async function openRecord(
  rpc: Rpc,
  light: LightClient,
  store: string,
  key: Uint8Array,
  signal?: AbortSignal,
): Promise<OpenedRecord | null> {
  const answer = await askRecord(rpc, store, key, signal);
  if (answer.value.length === 0) return null;
  const appHash = openAnswer(answer, store, key);
  for (let poll = 0; poll < POLLS; poll++) {
    const header = await light.at(answer.height + 1n, signal);
    if (header !== null) {
      if (!equalBytes(header.block.header.appHash, appHash))
        throw new RecordRefused(
          'record.proof',
          `the record opens ${toHex(appHash)}, block ${answer.height + 1n} has ${toHex(header.block.header.appHash)}`,
        );
      const removed = answer.value.length === 1 && answer.value[0] === 0;
      return { value: removed ? null : answer.value, height: answer.height, header };
    }
    await light.around.pause(POLL_MS);
  }
  throw new RecordRefused('record.header', `block ${answer.height + 1n}, which would prove the record, does not come`);
}
