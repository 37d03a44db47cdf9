/**
 * The ledger as a block maker drives it (application.ts, settlement §8.2): state and store, mempool, proposals, verdicts reached beforehand.
 *
 * What is committed is on disk and in `#state`; a block that is finalized waits in an overlay and is written by `commit`, as one. A throw
 * means that this node cannot decide, and must end its process (§8.3).
 */
import { equalBytes, toHex } from '../../protocol/bytes.ts';
import type { Application, BlockToRun, QueryAnswer, TxResult } from '../application.ts';
import { CODES, Rejected } from '../codes.ts';
import { genesisFromJson } from '../genesis.ts';
import { VERIFIER_VERSION } from '../limits.ts';
import {
  applyTx,
  type BlockContext,
  beginBlock,
  checkDoor,
  endBlock,
  type LedgerEnv,
  paramsOf,
  readDoor,
  State,
  VERIFYING,
  verifiersOf,
} from '../state/index.ts';
import { type Committed, DamagedStore, type Store } from '../store/store.ts';
import type { ProofSystem } from '../systems/system.ts';
import { History } from './history.ts';
import { JobIndex } from './job-index.ts';
import { Mempool } from './mempool.ts';
import { prepare, txidOf } from './proposal.ts';
import { query } from './query.ts';
import { serverSignatures } from './signatures.ts';
import { type Question, Verdicts, type VerifierPool } from './verdicts.ts';

export interface LedgerAppOptions {
  readonly store: Store;
  readonly systems: readonly ProofSystem[];
  readonly pool: VerifierPool;
  /** For operators: one line an event. */
  readonly log?: ((line: string) => void) | undefined;
  /** Blocks of history that CometBFT keeps; 0 keeps all. */
  readonly retainBlocks?: bigint | undefined;
}

interface Staged {
  readonly overlay: State;
  readonly committed: Committed;
  readonly time: bigint;
  readonly results: readonly TxResult[];
}

const BAD_TX: TxResult = { code: CODES.OK, data: new Uint8Array(0), log: '', gasWanted: 0n, gasUsed: 0n, events: [] };

function bringsProof(tx: Uint8Array): boolean {
  try {
    return VERIFYING.has(readDoor(tx).body.msg.case);
  } catch {
    return false;
  }
}

/** Opens the ledger of a store. Throws an Error where the store is damaged, or of another release's verifier. */
export function openLedger({ store, systems, pool, log = () => {}, retainBlocks = 0n }: LedgerAppOptions): Application {
  let state: State | null = null;
  let committed: Committed | null = null;
  /** From InitChain to the first commit. */
  let born: { readonly state: State; readonly chainId: string; readonly initialHeight: bigint } | null = null;
  let staged: Staged | null = null;
  const mempool = new Mempool();
  const history = new History();
  const jobs = new JobIndex();
  const verdicts = new Verdicts(pool);
  /** Transactions whose proof killed a verifier here: never proposed by this node, never voted for (§8.2). */
  const banned = new Set<string>();
  const verifySignature = serverSignatures();
  const env: LedgerEnv = {
    systems,
    verifySignature,
    verify: (system, question) => verdicts.get(system, question) ?? system.verify(question),
  };
  const trusting: LedgerEnv = { ...env, verify: () => ({ ok: true }) };

  const loaded = store.load();
  if (loaded !== null) {
    state = State.fromRows(loaded.rows);
    committed = loaded.committed;
    jobs.update(state.rows());
    if (!equalBytes(state.appHash(), committed.appHash))
      throw new DamagedStore(
        `the store's records give AppHash ${toHex(state.appHash())}, block ${committed.height} was committed with ${toHex(committed.appHash)}: the store is damaged`,
      );
    const { version } = verifiersOf(state);
    if (version !== VERIFIER_VERSION)
      throw new Error(`this chain runs verifier version ${version}, this release has ${VERIFIER_VERSION}: use the release that fits`);
  }

  const base = (): State => {
    const s = state ?? born?.state;
    if (s === undefined || s === null) throw new Error('no genesis yet');
    return s;
  };
  const nextHeight = (): bigint => (committed === null ? (born?.initialHeight ?? 1n) : committed.height + 1n);

  /**
   * Reaches the verdicts on the block's proofs before it is applied; returns the transactions that kill a verifier. First all that is asked
   * where every proof is valid, side by side. Where one is not, a transaction behind it may ask for more: then the block is run once again,
   * and each question is answered where it is asked. Nothing in a block makes more than these two runs.
   */
  const warm = async (block: BlockToRun): Promise<readonly number[]> => {
    if (!block.txs.some(bringsProof)) return [];
    let questions: Question[] = [];
    let tx = 0;
    const capturing: LedgerEnv = {
      ...env,
      verify(system, question) {
        const known = verdicts.get(system, question);
        if (known === undefined) questions.push({ system, question, tx });
        return known ?? { ok: true };
      },
    };
    const begin = (): State => {
      const overlay = base().overlay();
      beginBlock(overlay, block, capturing);
      return overlay;
    };
    const hopeful = begin();
    for (; tx < block.txs.length; tx++) applyTx(hopeful, block.txs[tx] as Uint8Array, block, capturing);
    const fatal = await verdicts.warm(questions);
    if (fatal.length > 0) return fatal;
    if (questions.every(({ system, question }) => verdicts.get(system, question)?.ok)) return [];
    const exact = begin();
    for (tx = 0; tx < block.txs.length; tx++) {
      questions = [];
      let trial = exact.overlay();
      applyTx(trial, block.txs[tx] as Uint8Array, block, capturing);
      if (questions.length > 0) {
        const killed = await verdicts.warm(questions);
        if (killed.length > 0) return killed;
        trial = exact.overlay();
        applyTx(trial, block.txs[tx] as Uint8Array, block, capturing);
      }
      trial.merge();
    }
    return [];
  };

  return {
    info: () => ({ height: committed?.height ?? 0n, appHash: committed?.appHash ?? new Uint8Array(0) }),

    async initChain({ chainId, appState, initialHeight }) {
      if (committed !== null) throw new Error(`InitChain, but block ${committed.height} was committed already`);
      const genesis = genesisFromJson(appState);
      born = { state: State.fromGenesis(chainId, genesis), chainId, initialHeight };
      log(`genesis of ${chainId}: ${genesis.accounts.length} accounts, systems ${genesis.systems.join(', ')}`);
      return { appHash: born.state.appHash() };
    },

    async checkTx(bytes) {
      try {
        const opened = readDoor(bytes);
        if (banned.has(txidOf(bytes))) throw new Rejected('E_PROOF_INVALID', 'a proof that this node cannot verify');
        checkDoor(base(), opened, nextHeight(), env, mempool.before(opened));
        mempool.add(opened);
        return { ...BAD_TX, gasWanted: opened.gas, gasUsed: opened.gas };
      } catch (e) {
        if (!(e instanceof Rejected)) throw e;
        return { ...BAD_TX, code: CODES[e.code], log: `${e.code}: ${e.message}` };
      }
    },

    async prepareProposal({ maxTxBytes, txs, ...block }) {
      return prepare(base(), txs, { ...block, proposer: new Uint8Array(0) }, trusting, { maxTxBytes, banned });
    },

    async processProposal(block) {
      const seen = new Set<string>();
      let gas = 0n;
      for (const tx of block.txs) {
        try {
          gas += readDoor(tx).gas;
        } catch (e) {
          if (e instanceof Rejected) return reject(block, `a transaction is no transaction: ${e.message}`);
          throw e;
        }
        const id = txidOf(tx);
        if (seen.has(id)) return reject(block, `transaction ${id} comes twice`);
        seen.add(id);
      }
      const { blockVgas } = paramsOf(base());
      if (gas > blockVgas) return reject(block, `${gas} gas, a block has at most ${blockVgas}`);
      const fatal = await warm(block);
      for (const i of fatal) banned.add(txidOf(block.txs[i] as Uint8Array));
      return fatal.length === 0 ? true : reject(block, `the proof of transaction ${fatal[0]} killed a verifier`);
    },

    async finalizeBlock(block) {
      staged = null;
      const before = base();
      const fatal = await warm(block);
      if (fatal.length > 0)
        throw new Error(`block ${block.height}: the proof of transaction ${fatal[0]} killed a verifier: this node cannot decide`);
      const context: BlockContext = { height: block.height, time: block.time, proposer: block.proposer };
      const overlay = before.overlay();
      const events = [...beginBlock(overlay, context, env)];
      const results = block.txs.map((tx) => applyTx(overlay, tx, context, env));
      const gasUsed = results.reduce((n, r) => (r.door ? n + r.gasUsed : n), 0n);
      events.push(...endBlock(overlay, context, gasUsed));
      const appHash = overlay.appHash();
      const altered = !equalBytes(appHash, before.appHash());
      staged = {
        overlay,
        time: block.time,
        results,
        committed: {
          chainId: committed?.chainId ?? (born as NonNullable<typeof born>).chainId,
          height: block.height,
          appHash,
          changedAt: altered ? block.height : (committed?.changedAt ?? block.height - 1n),
        },
      };
      return { results, appHash, events, validatorUpdates: [] };
    },

    async commit() {
      if (staged === null) throw new Error('commit without a finalized block');
      const { overlay, committed: next, time, results } = staged;
      const first = state === null;
      if (first) overlay.merge();
      const rows = first ? [...base().rows()] : overlay.changes();
      store.commit(rows, next);
      if (!first) overlay.merge();
      jobs.update(rows);
      state = base();
      committed = next;
      staged = null;
      mempool.clear();
      history.add(state, next.height, time, results);
      return { retainHeight: retainBlocks > 0n && next.height > retainBlocks ? next.height - retainBlocks : 0n };
    },

    discard() {
      staged = null;
      mempool.clear();
    },

    query(q): QueryAnswer {
      if (committed === null)
        return {
          code: CODES.E_FIELD,
          log: 'E_FIELD: no block is committed yet',
          key: q.data,
          value: new Uint8Array(0),
          height: 0n,
          proofOps: [],
        };
      return query({ state: base(), height: committed.height, changedAt: committed.changedAt, history: history.entries(), jobs }, q);
    },

    async close() {
      await verdicts.close();
      await store.close();
    },
  };

  function reject(block: BlockToRun, why: string): false {
    log(`block ${block.height}: proposal refused: ${why}`);
    return false;
  }
}
