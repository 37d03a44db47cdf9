/**
 * What the coat answers to each request of ABCI 2.0 (settlement §8.2): the application's word in `tendermint.abci` messages.
 *
 * This version takes no snapshots and extends no votes. Height and time of a block are the header's; nothing else of a request reaches the
 * ledger.
 */
import {
  ResponseApplySnapshotChunk_Result as ApplyResult,
  CheckTxType,
  type Event,
  type ExecTxResult,
  ResponseOfferSnapshot_Result as OfferResult,
  ResponseProcessProposal_ProposalStatus as ProposalStatus,
  type Request,
  type Response,
  ResponseVerifyVoteExtension_VerifyStatus as VerifyStatus,
} from 'cosmjs-types/tendermint/abci/types';
import type { Application, LedgerEvent, QueryAnswer, TxResult } from '../application.ts';
import { CODESPACE } from '../codes.ts';

export type Method = keyof Request;

const none = new Uint8Array(0);

/** A request that no CometBFT sends. */
export class Malformed extends Error {}

/** Which method a request is; null unless it is exactly one. */
export function methodOf(request: Request): Method | null {
  const set = (Object.keys(request) as Method[]).filter((method) => request[method] !== undefined);
  return set.length === 1 ? (set[0] as Method) : null;
}

/** The answer to a request that the application has no part in; null for the others. */
export function answerAlone(request: Request): Response | null {
  const { echo, flush, listSnapshots, offerSnapshot, loadSnapshotChunk, applySnapshotChunk, extendVote, verifyVoteExtension } = request;
  if (flush) return { flush: {} };
  if (echo) return { echo: { message: echo.message } };
  if (listSnapshots) return { listSnapshots: { snapshots: [] } };
  if (offerSnapshot) return { offerSnapshot: { result: OfferResult.REJECT } };
  if (loadSnapshotChunk) return { loadSnapshotChunk: { chunk: none } };
  if (applySnapshotChunk) return { applySnapshotChunk: { result: ApplyResult.ABORT, refetchChunks: [], rejectSenders: [] } };
  if (extendVote) return { extendVote: { voteExtension: none } };
  if (verifyVoteExtension) return { verifyVoteExtension: { status: VerifyStatus.ACCEPT } };
  return null;
}

/** The application's answer. Throws what the application throws, which is fatal (settlement §8.3), except for a query: that decides nothing. */
export async function answer(app: Application, request: Request): Promise<Response> {
  const { info, initChain, checkTx, prepareProposal, processProposal, finalizeBlock, commit, query } = request;
  if (info) {
    const { height, appHash } = app.info();
    return { info: { data: 'opg', version: '', appVersion: 0n, lastBlockHeight: height, lastBlockAppHash: appHash } };
  }
  if (initChain) {
    const { chainId, initialHeight, appStateBytes } = initChain;
    const { appHash } = await app.initChain({ chainId, appState: parsed(appStateBytes), initialHeight });
    // Validators and consensus parameters stay those of the genesis document; block.max_gas was written there (§8.1).
    return { initChain: { validators: [], appHash } };
  }
  if (checkTx) return { checkTx: resultOf(await app.checkTx(checkTx.tx, checkTx.type === CheckTxType.RECHECK)) };
  if (prepareProposal) {
    const { height, txs, maxTxBytes } = prepareProposal;
    const chosen = await app.prepareProposal({ height, time: nanoseconds(prepareProposal), txs, maxTxBytes });
    return { prepareProposal: { txs: [...chosen] } };
  }
  if (processProposal) {
    const good = await app.processProposal(blockOf(processProposal));
    return { processProposal: { status: good ? ProposalStatus.ACCEPT : ProposalStatus.REJECT } };
  }
  if (finalizeBlock) {
    const { results, appHash, events, validatorUpdates } = await app.finalizeBlock(blockOf(finalizeBlock));
    return {
      finalizeBlock: {
        txResults: results.map(resultOf),
        appHash,
        events: events.map(eventOf),
        validatorUpdates: validatorUpdates.map(({ pubkey, power }) => ({ pubKey: { ed25519: pubkey }, power })),
      },
    };
  }
  if (commit) return { commit: { retainHeight: (await app.commit()).retainHeight } };
  if (query) return { query: queried(app, query) };
  throw new TypeError(`no answer to ${methodOf(request)}`);
}

/** A genesis document without `app_state` is the application's to refuse. */
function parsed(appState: Uint8Array): unknown {
  if (appState.length === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(appState));
  } catch {
    throw new Malformed('InitChain with an app_state that is no JSON');
  }
}

type Block = NonNullable<Request['finalizeBlock'] | Request['processProposal']>;

const nanoseconds = ({ time }: Pick<Block, 'time'>): bigint => time.seconds * 1_000_000_000n + BigInt(time.nanos);

const blockOf = (block: Block) => ({
  height: block.height,
  time: nanoseconds(block),
  proposer: block.proposerAddress,
  txs: block.txs,
});

/** `code`, `data`, `gasWanted` and `gasUsed` are hashed into the next header; the rest is for people. */
const resultOf = ({ code, data, log, gasWanted, gasUsed, events }: TxResult): ExecTxResult => ({
  code,
  data,
  log,
  info: '',
  gasWanted,
  gasUsed,
  events: events.map(eventOf),
  codespace: code === 0 ? '' : CODESPACE,
});

const eventOf = ({ type, attributes }: LedgerEvent): Event => ({
  type,
  attributes: Object.entries(attributes).map(([key, value]) => ({ key, value, index: true })),
});

function queried(app: Application, { path, data, height, prove }: NonNullable<Request['query']>): NonNullable<Response['query']> {
  let a: QueryAnswer;
  try {
    a = app.query({ path, data, height, prove });
  } catch (e) {
    const log = `the query failed: ${e instanceof Error ? e.message : String(e)}`;
    return { code: 1, log, info: '', index: 0n, key: none, value: none, height: 0n, codespace: 'abci' };
  }
  return {
    code: a.code,
    log: a.log,
    info: '',
    index: 0n,
    key: a.key,
    value: a.value,
    height: a.height,
    codespace: a.code === 0 ? '' : CODESPACE,
    ...(a.proofOps.length > 0 && { proofOps: { ops: a.proofOps.map((op) => ({ ...op })) } }),
  };
}
