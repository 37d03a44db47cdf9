/** Ranges of fields (settlement §2.3, §4.1 step 4), one test a range. */
import { describe } from 'vitest';
import { writeAmount } from '../../chain/amounts.ts';
import type { CodeName } from '../../chain/codes.ts';
import { ascii } from '../../protocol/bytes.ts';
import { cases, type Defect, draft, known, options, runs, transfer } from './helpers/cases.ts';
import { bytes, type Msg, registerModel } from './helpers/txs.ts';
import {
  challenge,
  jobMsg,
  MODEL,
  OTHER,
  OWNER,
  PROVER,
  postProof,
  REQUESTER,
  registerProver,
  VGAS,
  verifyInference,
} from './helpers/world.ts';

/** Fields of good messages, each out of its range: all refused before the signature is looked at. */
describe('ranges of fields (§4.1 step 4)', () => {
  const LONG_AMOUNT = bytes(17);
  const ZERO_FIRST = Uint8Array.of(0, 1);
  type Value = Record<string, unknown>;
  const change =
    (fields: Value | ((value: Value) => Value)): Defect =>
    (d) => {
      const value = d.msg.value as unknown as Value;
      d.msg = { ...d.msg, value: { ...value, ...(typeof fields === 'function' ? fields(value) : fields) } } as unknown as Msg;
    };
  const field = (name: string, ...values: readonly unknown[]): (readonly [CodeName, string, Defect])[] =>
    values.map((v) => ['E_FIELD', `${name}: ${v instanceof Uint8Array ? `${v.length} bytes` : String(v)}`, change({ [name]: v })]);
  const amount = (name: string): (readonly [CodeName, string, Defect])[] => field(name, LONG_AMOUNT, ZERO_FIRST);
  const hash = (name: string): (readonly [CodeName, string, Defect])[] => field(name, bytes(0), bytes(31), bytes(33));
  const address = (name: string): (readonly [CodeName, string, Defect])[] => field(name, bytes(0), bytes(19), bytes(21));
  const text = (name: string, cap: number): (readonly [CodeName, string, Defect])[] =>
    field(name, bytes(cap + 1, 65), Uint8Array.of(31), Uint8Array.of(127), Uint8Array.of(0xc3, 0xa4));
  const evidence = [
    ...hash('inputNonce'),
    ['E_FIELD', 'input and output: one byte too many', change((v) => ({ output: bytes(131_073 - (v.input as Uint8Array).length) }))],
  ] as const;
  const inside =
    (name: string, fields: Value): Defect =>
    (d, l) =>
      change((v) => ({ [name]: { ...(v[name] as Value), ...fields } }))(d, l);
  const later = [
    'lockJob',
    'releaseLock',
    'postResult',
    'demandProof',
    'settleBatch',
    'createSpace',
    'postPlotPoint',
    'reportEquivocation',
    'setSwitch',
    'validatorVote',
  ] as const;

  runs(
    [
      ...cases(transfer)(
        ['E_FIELD', 'max_burn: 17 bytes', options({ maxBurn: LONG_AMOUNT })],
        ['E_FIELD', 'max_burn: a zero first', options({ maxBurn: ZERO_FIRST })],
        ['E_FIELD', 'sponsor: 19 bytes', options({ sponsor: bytes(19) })],
        [
          'E_FIELD',
          'no message',
          (d) => {
            d.msg = { case: undefined } as unknown as Msg;
          },
        ],
        ...later.map((name): readonly [CodeName, string, Defect] => [
          'E_FIELD',
          `a message of a later stage: ${name}`,
          (d) => {
            d.msg = { case: name, value: bytes(3) } as Msg;
          },
        ]),
        ...address('to'),
        ...text('denom', 16),
        ...amount('amount'),
      ),
      ...cases(() => draft(REQUESTER, { case: 'burn', value: { amount: writeAmount(1n) } }))(...amount('amount')),
      ...cases(() => draft(OTHER, registerModel(MODEL)))(
        ...field('commitment', undefined),
        ...field('key', bytes(512 * 1024 + 1)),
        ...text('ioSpec', 4096),
        ...field('zkRootMode', 1, 2),
        ...['modelHash', 'circuitHash', 'vkHash'].flatMap((h) =>
          [0, 31, 33].map((n): readonly [CodeName, string, Defect] => [
            'E_FIELD',
            `${h}: ${n} bytes`,
            inside('commitment', { [h]: bytes(n) }),
          ]),
        ),
        ['E_FIELD', 'proofSystemId: 3 bytes', inside('commitment', { proofSystemId: bytes(3) })],
        ['E_FIELD', 'uri: 257 bytes', inside('commitment', { uri: bytes(257, 65) })],
        ['E_FIELD', 'uri: a control character', inside('commitment', { uri: Uint8Array.of(10) })],
      ),
      ...cases(() => draft(OWNER, { case: 'deprecateModel', value: { modelId: MODEL.id } }))(...hash('modelId')),
      ...cases(() => draft(OTHER, registerProver()))(
        ...text('endpoint', 256),
        ...field('modes', [], [3], [1, 1], [1, 0]),
        ...amount('addBond'),
        ...field('teeKeys', [bytes(31)]),
      ),
      ...cases(() => draft(PROVER, { case: 'unbond', value: { amount: writeAmount(1n) } }))(...amount('amount')),
      ...cases(() => draft(OTHER, { case: 'openTab', value: { denom: ascii('usd'), amount: writeAmount(1n), prover: PROVER.address } }))(
        ...text('denom', 16),
        ...amount('amount'),
        ...address('prover'),
      ),
      ...cases(() => draft(REQUESTER, { case: 'closeTab', value: { tabId: known.tab } }))(...hash('tabId')),
      ...cases((l) => draft(PROVER, jobMsg(l).msg))(
        ...hash('requesterPubkey'),
        ...field('orderSig', bytes(0), bytes(63), bytes(65)),
        ['E_FIELD', 'result.output_commitment: 31 bytes', inside('result', { outputCommitment: bytes(31) })],
        ['E_FIELD', 'result.tee_key: 1 byte', inside('result', { teeKey: bytes(1) })],
        ['E_FIELD', 'result.tee_sig: 1 byte', inside('result', { teeSig: bytes(1) })],
      ),
      ...cases((l) => draft(PROVER, postProof(l, known.job), VGAS))(...hash('jobId'), ...evidence),
      ...cases((l) => draft(OTHER, challenge(l, known.lie, { by: OTHER }), VGAS))(...hash('jobId'), ...evidence),
      ...cases((l) => draft(OTHER, verifyInference(l, { by: OTHER }), VGAS))(
        ...hash('modelId'),
        ...field('ppId', bytes(31)),
        ...hash('salt'),
        ...evidence,
      ),
    ],
    'door',
  );
});
