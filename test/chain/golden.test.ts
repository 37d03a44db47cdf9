/**
 * Bytes that must never change (settlement §14, I12): one of every message and record, names that are hashes, a proof and an AppHash, in
 * fixtures/chain/golden.json. `GOLDEN=write npx vitest run test/chain/golden.test.ts` makes the file; a difference is a change of consensus.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { showAddress } from '../../chain/accounts.ts';
import { writeAmount } from '../../chain/amounts.ts';
import { encode } from '../../chain/codec.ts';
import { OrderSchema, ReceiptSchema, StatementSchema } from '../../chain/generated/messages_pb.ts';
import { inferenceIdOf, proofSystemId, soloIdOf, statementDigestOf, tabIdOf } from '../../chain/identities.ts';
import { STORES } from '../../chain/state/index.ts';
import { inputCommitment, outputCommitment } from '../../chain/tensors.ts';
import { ascii, toHex } from '../../protocol/bytes.ts';
import { certify } from '../../scripts/certificates.ts';
import { Ledger } from './helpers/ledger.ts';
import { answerOf } from './helpers/system.ts';
import { bytes, CHAIN, type Msg, OPG, orderFields, question, registerModel, USD } from './helpers/txs.ts';
import {
  challenge,
  jobMsg,
  LIE,
  MODEL,
  OTHER,
  OWNER,
  PROVER,
  postProof,
  REQUESTER,
  registerProver,
  SPONSOR,
  VGAS,
  verifyInference,
} from './helpers/world.ts';

const FOLDER = 'fixtures/chain';

/** A short chain on which every message of stage 1 gets through, and what it says in bytes. */
function golden(): Record<string, string> {
  const out: Record<string, string> = {};
  const l = new Ledger();
  const q = question();
  const output = answerOf(MODEL.key, q.input);
  const send = (name: string, ...args: Parameters<Ledger['tx']>): Uint8Array => {
    const tx = l.tx(...args);
    out[`tx ${name}`] = toHex(tx);
    return l.ok(tx)[0] as Uint8Array;
  };
  const usd = (to: Uint8Array): Msg => ({ case: 'transfer', value: { to, denom: ascii('usd'), amount: writeAmount(USD) } });
  send('transfer', REQUESTER, usd(OTHER.address));
  send('transfer, sponsored', REQUESTER, usd(OTHER.address), { sponsoredBy: SPONSOR });
  send('burn', REQUESTER, { case: 'burn', value: { amount: writeAmount(1n) } });
  send('registerModel', OWNER, registerModel(MODEL));
  send('registerProver', PROVER, registerProver());
  send('unbond', PROVER, { case: 'unbond', value: { amount: writeAmount(OPG) } });
  const tab: Msg = { case: 'openTab', value: { denom: ascii('usd'), amount: writeAmount(5n * USD), prover: PROVER.address } };
  const tabId = send('openTab', REQUESTER, tab);
  const open = (name: string, i: number, o: Parameters<typeof jobMsg>[1] = {}): Uint8Array =>
    send(name, PROVER, jobMsg(l, { ...o, order: { orderNonce: bytes(32, i), ...o.order } }).msg);
  const proven = open('openJob', 1, { order: { settlementMode: 2 } });
  const lied = open('openJob, from a tab, a lie', 2, { order: { tabId }, output: LIE });
  const rescued = open('openJob, to be rescued', 3);
  const lost = open('openJob, to be lost', 4, { order: { rescueBlocks: 0 } });
  send('postProof', PROVER, postProof(l, proven), VGAS);
  send('challenge', OTHER, challenge(l, lied, { by: OTHER }), VGAS);
  const solo = send('verifyInference', OTHER, verifyInference(l, { by: OTHER }), VGAS);
  out['job PENDING'] = toHex(l.state.get('job', rescued) as Uint8Array);
  l.runTo(l.job(lost).proveBy + 1n);
  out['job RESCUE'] = toHex(l.state.get('job', rescued) as Uint8Array);
  send('postProof, a rescue', OTHER, postProof(l, rescued, { by: OTHER }), VGAS);
  send('closeTab', REQUESTER, { case: 'closeTab', value: { tabId } });
  send('deprecateModel', OWNER, { case: 'deprecateModel', value: { modelId: MODEL.id } });
  const job = { proven, lied, rescued, lost, solo };
  for (const [name, id] of Object.entries(job)) out[`job ${l.stateOf(id)}, ${name}`] = toHex(l.state.get('job', id) as Uint8Array);
  for (const row of l.state.rows()) {
    if (row.store === 'job') continue;
    const key = row.store === 'meta' ? new TextDecoder().decode(row.key) : toHex(row.key);
    out[`record ${row.store} ${key}`] = toHex(row.value);
  }

  const statement = {
    chainId: ascii(CHAIN),
    proofSystemId: MODEL.system.id,
    modelId: MODEL.id,
    vkHash: MODEL.commitment.vkHash,
    zkRoot: MODEL.system.parseKey(MODEL.key).zkRoot,
    inputCommitment: inputCommitment(q.nonce, q.input),
    outputCommitment: outputCommitment(output),
    prover: PROVER.address,
    jobId: proven,
    verifierVersion: 1,
  };
  const receipt = {
    chainId: ascii(CHAIN),
    jobId: proven,
    outputCommitment: statement.outputCommitment,
    prover: PROVER.address,
    mode: 1,
    proveByHint: 30n,
  };
  return {
    ...out,
    'message Order': toHex(
      encode(OrderSchema, { ...orderFields(REQUESTER, PROVER, MODEL, q), ramp: { minPrice: writeAmount(1n), rampBlocks: 5 } }),
    ),
    'message Statement': toHex(encode(StatementSchema, statement)),
    'message Receipt': toHex(encode(ReceiptSchema, receipt)),
    'message Tensors, an input': toHex(q.input),
    'message Tensors, an output': toHex(output),
    'id of a proof system, gkr-koalabear-v1': toHex(proofSystemId('gkr-koalabear-v1')),
    'id of a model': toHex(MODEL.id),
    'id of a job': toHex(proven),
    'id of a solo record': toHex(soloIdOf(OTHER.address, bytes(32, 1))),
    'id of a tab': toHex(tabIdOf(REQUESTER.address, 4n)),
    'digest of a statement': toHex(statementDigestOf(statement)),
    'id of an inference': toHex(inferenceIdOf(MODEL.id, statement.inputCommitment, output)),
    'input commitment': toHex(statement.inputCommitment),
    'output commitment': toHex(statement.outputCommitment),
    address: showAddress(OWNER.address),
    ...Object.fromEntries(STORES.map((s) => [`root of store ${s}`, toHex(l.state.storeRoot(s))])),
    'proof of a job, of two steps': (l.state.prove('job', proven)?.ops ?? []).map((op) => `${op.type} ${toHex(op.data)}`).join(' '),
    AppHash: toHex(l.state.appHash()),
  };
}

test('the bytes of every message and record are those of the fixture', () => {
  const made = golden();
  if (process.env.GOLDEN === 'write') {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(`${FOLDER}/golden.json`, `${JSON.stringify(made, null, 1)}\n`);
    certify(FOLDER, 'GOLDEN=write npx vitest run test/chain/golden.test.ts', [
      { file: 'golden.json', what: 'the bytes of messages, records and hashes of a short chain, in hexadecimal' },
    ]);
  }
  expect(made).toEqual(JSON.parse(readFileSync(`${FOLDER}/golden.json`, 'utf8')));
});

test('every message of stage 1 and every store that stage 1 writes is among them', () => {
  const names = Object.keys(golden());
  const messages = [
    'transfer',
    'burn',
    'registerModel',
    'deprecateModel',
    'registerProver',
    'unbond',
    'openTab',
    'closeTab',
    'openJob',
    'postProof',
    'challenge',
    'verifyInference',
  ];
  expect(names).toEqual(expect.arrayContaining(messages.map((m) => `tx ${m}`)));
  for (const store of ['acct', 'meta params', 'meta price', 'meta supply/opg', 'meta verifiers', 'model', 'prover', 'tab'])
    expect(names.some((n) => n.startsWith(`record ${store}`))).toBe(true);
  for (const state of ['PENDING', 'RESCUE', 'FINAL(PROVEN)', 'FINAL(PROVEN, late)', 'FAILED(fraud)', 'FAILED(unproven)'])
    expect(names.some((n) => n.startsWith(`job ${state}`))).toBe(true);
});
