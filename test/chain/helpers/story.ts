/** One of everything, always the same: every message of this version in a fixed order, and what it leaves. */
import { writeAmount } from '../../../chain/amounts.ts';
import type { Msg } from '../../../chain/client/index.ts';
import { codeName } from '../../../chain/codes.ts';
import { soloIdOf } from '../../../chain/identities.ts';
import { ascii, toHex } from '../../../protocol/bytes.ts';
import { testKey } from './hash-system.ts';
import { Market, OPG } from './market.ts';

export interface Story {
  readonly transactions: readonly { readonly message: string; readonly code: string; readonly tx: string }[];
  /** AppHash after genesis and after every block. */
  readonly appHashes: readonly string[];
  readonly records: readonly { readonly store: string; readonly index: number; readonly key: string; readonly value: string }[];
}

export function tellStory(): Story {
  const m = new Market();
  const { ledger: l } = m;
  const transactions: Story['transactions'][number][] = [];
  const appHashes = [toHex(l.state.appHash())];
  const send = (who: Market['prover'], msg: Msg, vgasLimit = 0n): void => {
    const tx = l.tx(who, msg, { vgasLimit });
    const [result] = l.block(tx);
    transactions.push({ message: msg.case as string, code: codeName(result?.code ?? -1), tx: toHex(tx) });
    appHashes.push(toHex(l.state.appHash()));
  };
  send(m.other, { case: 'transfer', value: { to: m.owner.address, denom: ascii('usd'), amount: writeAmount(7n) } });
  send(m.other, { case: 'burn', value: { amount: writeAmount(3n) } });
  send(m.other, m.registering(testKey('other')));
  send(m.other, { case: 'registerProver', value: { endpoint: ascii('http://b'), modes: [1], addBond: writeAmount(150n * OPG) } });
  send(m.other, { case: 'unbond', value: { amount: writeAmount(OPG) } });
  send(m.requester, { case: 'openTab', value: { denom: ascii('usd'), amount: writeAmount(5000n), prover: m.other.address } });
  const jobs = [m.opening(m.terms(1, { tabId: m.tabId }), 2), m.opening(m.terms(3, { rescueBlocks: 10 }), 4), m.opening(m.terms(5), 6)];
  for (const { msg } of jobs) send(m.prover, msg);
  const [proven, rescued, lied] = jobs.map((j) => j.jobId) as [Uint8Array, Uint8Array, Uint8Array];
  send(m.prover, { case: 'postProof', value: m.evidence(proven, m.prover, 1, 2) }, 1000n);
  send(m.other, { case: 'challenge', value: m.evidence(lied, m.other, 5, 7) }, 1000n);
  send(m.prover, { case: 'postProof', value: m.evidence(proven, m.prover, 1, 2) }, 1000n);
  const salt = new Uint8Array(32).fill(3);
  const { jobId: _, ...evidence } = m.evidence(soloIdOf(m.other.address, salt), m.other, 1, 2);
  send(m.other, { case: 'verifyInference', value: { modelId: m.modelId, salt, ...evidence } }, 1000n);
  l.until(l.job(rescued).proveBy + 1n);
  send(m.other, { case: 'postProof', value: m.evidence(rescued, m.other, 3, 4) }, 1000n);
  send(m.requester, { case: 'closeTab', value: { tabId: m.tabId } });
  send(m.owner, { case: 'deprecateModel', value: { modelId: m.modelId } });
  const records = [...l.state.rows()].map(({ store, index, key, value }) => ({ store, index, key: toHex(key), value: toHex(value) }));
  return { transactions, appHashes, records };
}
