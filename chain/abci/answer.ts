/** One ABCI request to its response: cosmjs-types' messages on one side, the application's methods on the other (settlement §8.2). */
import { type Request, Response, ResponseOfferSnapshot_Result } from 'cosmjs-types/tendermint/abci/types';
import type { Application, LedgerEvent, TxResult } from '../application.ts';
import { CODESPACE } from '../codes.ts';

/** Names of ABCI's status numbers. */
const ACCEPT = 1;
const REJECT = 2;
const EMPTY = new Uint8Array(0);

interface Time {
  readonly seconds: bigint;
  readonly nanos: number;
}
const nanosOf = ({ seconds, nanos }: Time): bigint => seconds * 1_000_000_000n + BigInt(nanos);

const eventsOf = (events: readonly LedgerEvent[]): { type: string; attributes: { key: string; value: string; index: boolean }[] }[] =>
  events.map(({ type, attributes }) => ({
    type,
    attributes: Object.keys(attributes)
      .sort()
      .map((key) => ({ key, value: attributes[key] as string, index: key.endsWith('_id') })),
  }));

const resultOf = (r: TxResult) => ({
  code: r.code,
  data: r.data,
  log: r.log,
  info: '',
  gasWanted: r.gasWanted,
  gasUsed: r.gasUsed,
  events: eventsOf(r.events),
  codespace: r.code === 0 ? '' : CODESPACE,
});

/** The response to a request. Throws where the application does, and for a request that is none. */
export async function answer(app: Application, request: Request): Promise<Response> {
  const respond = (r: Partial<Response>): Response => Response.fromPartial(r as Parameters<typeof Response.fromPartial>[0]);
  const r = request;
  if (r.echo) return respond({ echo: { message: r.echo.message } });
  if (r.flush) return respond({ flush: {} });
  if (r.info) {
    const { height, appHash } = app.info();
    return respond({ info: { data: 'assay', version: '1', appVersion: 0n, lastBlockHeight: height, lastBlockAppHash: appHash } });
  }
  if (r.initChain) {
    const { chainId, appStateBytes, initialHeight } = r.initChain;
    let appState: unknown;
    try {
      appState = JSON.parse(new TextDecoder().decode(appStateBytes));
    } catch {
      throw new Error('genesis: app_state is no JSON');
    }
    const { appHash } = await app.initChain({ chainId, appState, initialHeight: initialHeight === 0n ? 1n : initialHeight });
    return respond({ initChain: { validators: [], appHash } });
  }
  if (r.query) {
    const a = app.query({ path: r.query.path, data: r.query.data, height: r.query.height, prove: r.query.prove });
    return respond({
      query: {
        code: a.code,
        log: a.log,
        info: '',
        index: 0n,
        key: a.key,
        value: a.value,
        height: a.height,
        codespace: a.code === 0 ? '' : CODESPACE,
        ...(a.proofOps.length === 0 ? {} : { proofOps: { ops: a.proofOps.map((o) => ({ ...o })) } }),
      },
    });
  }
  if (r.checkTx) return respond({ checkTx: resultOf(await app.checkTx(r.checkTx.tx, r.checkTx.type === 1)) });
  if (r.commit) return respond({ commit: await app.commit() });
  if (r.listSnapshots) return respond({ listSnapshots: { snapshots: [] } });
  if (r.offerSnapshot) return respond({ offerSnapshot: { result: ResponseOfferSnapshot_Result.REJECT } });
  if (r.loadSnapshotChunk) return respond({ loadSnapshotChunk: { chunk: EMPTY } });
  if (r.applySnapshotChunk) return respond({ applySnapshotChunk: { result: 2, refetchChunks: [], rejectSenders: [] } });
  if (r.prepareProposal) {
    const { height, time, txs, maxTxBytes } = r.prepareProposal;
    return respond({ prepareProposal: { txs: [...(await app.prepareProposal({ height, time: nanosOf(time), txs, maxTxBytes }))] } });
  }
  if (r.processProposal) {
    const { height, time, txs, proposerAddress } = r.processProposal;
    const good = await app.processProposal({ height, time: nanosOf(time), txs, proposer: proposerAddress });
    return respond({ processProposal: { status: good ? ACCEPT : REJECT } });
  }
  if (r.extendVote) return respond({ extendVote: { voteExtension: EMPTY } });
  if (r.verifyVoteExtension) return respond({ verifyVoteExtension: { status: ACCEPT } });
  if (r.finalizeBlock) {
    const { height, time, txs, proposerAddress } = r.finalizeBlock;
    const done = await app.finalizeBlock({ height, time: nanosOf(time), txs, proposer: proposerAddress });
    return respond({
      finalizeBlock: {
        events: eventsOf(done.events),
        txResults: done.results.map(resultOf),
        validatorUpdates: done.validatorUpdates.map(({ pubkey, power }) => ({ pubKey: { ed25519: pubkey }, power })),
        appHash: done.appHash,
      },
    });
  }
  throw new Error('a request without a method');
}
