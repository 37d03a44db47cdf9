/** A chain with something on it: models, provers, a tab; and the messages that people there would send. */
import { writeAmount } from '../../../chain/amounts.ts';
import { encode } from '../../../chain/codec.ts';
import { ParamsSchema } from '../../../chain/generated/records_pb.ts';
import { soloIdOf } from '../../../chain/identities.ts';
import { META } from '../../../chain/state/genesis-records.ts';
import { balance, move } from '../../../chain/state/moves.ts';
import { models, paramsOf } from '../../../chain/state/records.ts';
import { statementOf } from '../../../chain/state/statement.ts';
import { inputCommitment, outputCommitment } from '../../../chain/tensors.ts';
import { ascii } from '../../../protocol/bytes.ts';
import { type Key, keyOf } from './keys.ts';
import { Ledger, type LedgerOptions } from './ledger.ts';
import { answerOf, keyFile, prove, testSystem } from './system.ts';
import {
  bytes,
  type ModelFixture,
  type Msg,
  modelFixture,
  OPG,
  type OrderFields,
  openJob,
  orderFields,
  type Question,
  question,
  registerModel,
  USD,
} from './txs.ts';

export const [OWNER, PROVER, REQUESTER, SPONSOR, OTHER, RIVAL] = [0, 1, 2, 3, 4, 5].map(keyOf) as [Key, Key, Key, Key, Key, Key];

/** Binds and hides; does neither; has proofs as long as they get. */
export const SYSTEMS = {
  test: testSystem(),
  loose: testSystem({ name: 'loose-v1', bindsContext: false, hidesTensors: false }),
  wide: testSystem({ name: 'wide-v1', proofCap: 2 ** 20 }),
};
export const MODEL = modelFixture(OWNER, SYSTEMS.test, keyFile());
export const LOOSE = modelFixture(OWNER, SYSTEMS.loose, keyFile());
/** Answers with 5,000 bytes: more than a record keeps. */
export const LONG = modelFixture(OWNER, SYSTEMS.test, keyFile({ outputBytes: 5000 }));

export const registerProver = (addBond = 500n * OPG): Msg & { case: 'registerProver' } => ({
  case: 'registerProver',
  value: { endpoint: ascii('https://prover.example'), modes: [1], addBond: writeAmount(addBond) },
});

/** Provers PROVER and RIVAL with 500 opg, and the three models. */
export function world(options: LedgerOptions = {}): Ledger {
  const ledger = new Ledger({ systems: Object.values(SYSTEMS), ...options });
  ledger.ok(
    ...[MODEL, LOOSE, LONG].map((m) => ledger.tx(OWNER, registerModel(m))),
    ledger.tx(PROVER, registerProver()),
    ledger.tx(RIVAL, registerProver()),
  );
  return ledger;
}

export interface JobOptions {
  readonly order?: OrderFields;
  readonly model?: ModelFixture;
  readonly q?: Question;
  /** What the prover posts; the truth unless said. */
  readonly output?: Uint8Array;
  readonly requester?: Key;
  readonly prover?: Key;
}

/** The message that opens a job, and the job's id. */
export function jobMsg(ledger: Ledger, o: JobOptions = {}): ReturnType<typeof openJob> {
  const { model = MODEL, q = question(), requester = REQUESTER, prover = PROVER } = o;
  const output = o.output ?? answerOf(model.key, q.input);
  return openJob(requester, orderFields(requester, prover, model, q, o.order), output, { with: ledger.sign });
}

/** Opens a job in a block of its own. */
export function open(ledger: Ledger, o: JobOptions = {}): Uint8Array {
  const { id, msg } = jobMsg(ledger, o);
  ledger.ok(ledger.tx(o.prover ?? PROVER, msg));
  return id;
}

/** Something that no model of the test system answers. */
export const LIE = answerOf(keyFile({ salt: 666 }), question().input);

export interface ProofOptions {
  readonly by?: Key;
  readonly model?: ModelFixture;
  readonly q?: Question;
  readonly output?: Uint8Array;
}

function evidence(ledger: Ledger, id: Uint8Array, { by = PROVER, model = MODEL, q = question(), output }: ProofOptions) {
  const shown = output ?? answerOf(model.key, q.input);
  const record = models.get(ledger.state, model.id);
  if (record === undefined) throw new Error('no such model');
  const context = statementOf(paramsOf(ledger.state), record, {
    modelId: model.id,
    jobId: id,
    prover: by.address,
    inputCommitment: inputCommitment(q.nonce, q.input),
    outputCommitment: outputCommitment(shown),
  });
  const proof = prove(model.system, { key: model.key, input: q.input, output: shown, context });
  return { inputNonce: q.nonce, input: q.input, output: shown, proof };
}

/** The proof that `by` makes of a job's true output. */
export const postProof = (ledger: Ledger, id: Uint8Array, o: ProofOptions = {}): Msg & { case: 'postProof' } => ({
  case: 'postProof',
  value: { jobId: id, ...evidence(ledger, id, o) },
});
export const challenge = (ledger: Ledger, id: Uint8Array, o: ProofOptions = {}): Msg & { case: 'challenge' } => ({
  case: 'challenge',
  value: { jobId: id, ...evidence(ledger, id, o) },
});
export function verifyInference(ledger: Ledger, o: ProofOptions & { readonly salt?: number } = {}): Msg & { case: 'verifyInference' } {
  const salt = bytes(32, o.salt ?? 1);
  const { by = PROVER, model = MODEL } = o;
  return { case: 'verifyInference', value: { modelId: model.id, salt, ...evidence(ledger, soloIdOf(by.address, salt), o) } };
}

/** Enough for a proof of the models here. */
export const VGAS = { vgasLimit: 10_000n };

/** Leaves `amount` in a balance; the rest goes to an account that does nothing. */
export function drain(ledger: Ledger, of: Key, denom: string, amount: bigint): void {
  const rest = ledger.balance(of, denom) - amount;
  move(ledger.state, { from: balance(of.address), to: balance(bytes(20, 99)), denom, amount: rest, why: 'transfer' }, () => {});
}

/** As if all proof systems were switched off. */
export function switchOff(ledger: Ledger): void {
  ledger.state.set('meta', META.params, encode(ParamsSchema, { ...paramsOf(ledger.state), systems: [] }));
}

export { OPG, USD };
