/** What a node says of its chain (settlement §7.3), without proof: for tables and charts, never for a lamp. */
import { Json } from '../../chain/comet/json.ts';
import { type Rpc, RpcError } from '../../chain/rpc/rpc.ts';

export interface Supply {
  readonly denom: string;
  readonly minted: bigint;
  readonly burned: bigint;
}

export interface Block {
  readonly height: bigint;
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  /** Of a unit of gas in the next block, in 10^-18 opg. */
  readonly price: bigint;
  /** opg burned since genesis. */
  readonly burned: bigint;
  readonly gas: bigint;
  readonly txs: number;
  readonly failed: number;
}

export interface JobRow {
  readonly jobId: string;
  readonly state: string;
  readonly modelId: string;
  readonly prover: string;
  readonly openedAt: bigint;
  readonly proveBy: bigint;
  readonly endedAt: bigint;
}

export interface Figures {
  readonly chainId: string;
  readonly height: bigint;
  readonly price: bigint;
  readonly priceFloor: bigint;
  readonly blockVgas: bigint;
  readonly supplies: readonly Supply[];
  /** How many jobs there are in each state. */
  readonly counts: readonly (readonly [string, number])[];
  /** The newest, newest first. */
  readonly jobs: readonly JobRow[];
  /** The last blocks the node saw, oldest first. */
  readonly blocks: readonly Block[];
}

/** Bytes of an answer without proof. */
const MAX_ANSWER = 4 * 2 ** 20;
const MAX_BLOCKS = 10_000;

/** Throws RpcError or Malformed. */
export async function readFigures(rpc: Rpc): Promise<Figures> {
  const paths = ['/params', '/price', '/supply', '/jobs', '/history'] as const;
  const [status, params, price, supply, jobs, history] = (await Promise.all([
    rpc.call('status').then((s) => new Json(s, 'status')),
    ...paths.map((path) => ask(rpc, path)),
  ])) as [Json, Json, Json, Json, Json, Json];
  const denoms = params
    .get('denoms')
    .list(64)
    .map((d) => d.text(16));
  return {
    chainId: params.get('chainId').text(50),
    height: status.get('sync_info').get('latest_block_height').int(),
    price: price.get('price').amount(),
    priceFloor: params.get('priceFloor').amount(),
    blockVgas: params.get('blockVgas').amount(),
    supplies: denoms.map((denom) => ({
      denom,
      minted: supply.get(denom).get('minted').amount(),
      burned: supply.get(denom).get('burned').amount(),
    })),
    counts: jobs
      .get('counts')
      .entries(64)
      .map(([state, n]) => [state, n.small(2 ** 31)] as const),
    jobs: jobs
      .get('jobs')
      .list(1000)
      .map((j) => ({
        jobId: j.get('jobId').text(64),
        state: j.get('state').text(40),
        modelId: j.get('modelId').text(64),
        prover: j.get('prover').text(90),
        openedAt: j.get('openedAt').int(),
        proveBy: j.get('proveBy').int(),
        endedAt: j.get('endedAt').int(),
      })),
    blocks: history.list(MAX_BLOCKS).map((b, i, all) => ({
      height: i === 0 ? b.get('height').int() : after(all[i - 1] as Json, b),
      time: b.get('time').int(),
      price: b.get('price').amount(),
      burned: b.get('burned').amount(),
      gas: b.get('gas').int(),
      txs: b.get('txs').small(2 ** 31),
      failed: b.get('failed').small(2 ** 31),
    })),
  };
}

/** The height of a block, which must be higher than that of the one before. */
function after(before: Json, block: Json): bigint {
  const height = block.get('height').int();
  return height > before.get('height').int() ? height : block.get('height').refuse('not above the block before');
}

async function ask(rpc: Rpc, path: string): Promise<Json> {
  const answer = await rpc.call('abci_query', { path, data: '', height: '0', prove: false });
  const response = new Json(answer, 'abci_query').get('response');
  const code = response.get('code');
  if (!code.missing && code.int() !== 0n) throw new RpcError('refused', `${path}: ${response.get('log').text()}`);
  try {
    return new Json(JSON.parse(new TextDecoder().decode(response.get('value').base64(MAX_ANSWER))), path);
  } catch (e) {
    if (e instanceof SyntaxError) throw new RpcError('malformed', `${path}: the node answers with no JSON`);
    throw e;
  }
}
