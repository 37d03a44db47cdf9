/**
 * The light client against a node that lies (settlement §10): every field of every answer changed, one at a time, in answers that were real;
 * and chains that are consistent in themselves, made here.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import { base64 } from '@scure/base';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeStrict, encode } from '../../chain/codec.ts';
import { FLAGS } from '../../chain/comet/types.ts';
import { TxBodySchema, TxSchema } from '../../chain/generated/messages_pb.ts';
import { ValueOpSchema } from '../../chain/generated/proofs_pb.ts';
import { checkpointOf } from '../../chain/light/checkpoint.ts';
import { LightClient, type Surroundings } from '../../chain/light/follow.ts';
import { type JobView, type LampOptions, viewJob } from '../../chain/light/lamps.ts';
import { checkSigned, checkSkip, type LightBlock, LightRefused } from '../../chain/light/verify.ts';
import type { Rpc } from '../../chain/rpc/rpc.ts';
import { SYSTEMS } from '../../chain/systems/index.ts';
import { toHex } from '../../protocol/bytes.ts';
import { cometIsMissing, freePort, startComet, startDevnet, type TestChain } from './helpers/chains.ts';
import { BIRTH, type ChainOfHeaders, chainOfHeaders, commitOf, type Elector, elector, headersRpc, SECOND } from './helpers/headers.ts';
import { type Answers, at, leavesOf, type Path, type Recording, record, replay, tampered } from './helpers/recorded.ts';
import { openShop, owner, type SettledChain, settledChain, settleSolo } from './helpers/settled.ts';
import { reluModel } from './helpers/settling.ts';

const standing = (now: bigint): Surroundings => ({ now: () => now, pause: async () => {} });

/** `green`, or the code of a lamp with its colour's first letter: `r header.hash`. */
const sayOf = (view: JobView): Record<'chain' | 'record' | 'proof' | 'answer', string> => {
  const say = (name: 'chain' | 'record' | 'proof' | 'answer'): string => {
    const { color, code } = view[name];
    return color === 'green' ? 'green' : `${color} ${code}`;
  };
  return { chain: say('chain'), record: say('record'), proof: say('proof'), answer: say('answer') };
};
const GREEN = { chain: 'green', record: 'green', proof: 'green', answer: 'green' };
const DARK = { record: 'grey record.unknown', proof: 'grey record.none', answer: 'grey record.none' };

/** What a changed field of a header and its commit is refused as, where it stands at the top of the chain. */
const TOP: readonly (readonly [RegExp, string | null])[] = [
  [/^header\.chain_id$/, 'red chain.id'],
  [/^header\.height$/, 'red commit.block'],
  [/^header\.validators_hash$/, 'red validators.hash'],
  [/^header\./, 'red header.hash'],
  [/^commit\.height$/, 'red commit.block'],
  [/^commit\.block_id\.hash$/, 'red header.hash'],
  [/^commit\.round$|^commit\.block_id\.parts\./, 'red commit.signature'],
  // Neither for the block nor the vote of a validator that is known: nobody signed.
  [/^commit\.signatures\.0\.block_id_flag$/, 'red commit.power'],
  [/^commit\.signatures\.0\.(validator_address|timestamp|signature)$/, 'red commit.signature'],
];
/** And where it is the checkpoint's own block. */
const BOTTOM: typeof TOP = [[/^header\.height$/, 'red header.height'], [/^header\./, 'red checkpoint'], ...TOP];
/** What a node says besides; it changes nothing. */
const IDLE = /^(canonical|block_height|count|total|validators\.0\.(address|proposer_priority))$|^response\.(log|info|index|codespace)$/;
const SET: typeof TOP = [
  [/^validators\.0\.pub_key\.type$/, 'red node.malformed'],
  [/^validators\.0\.(pub_key\.value|voting_power)$/, 'red validators.hash'],
];
const RECORD: typeof TOP = [
  [/^response\.code$/, 'grey node.unreachable'],
  [/^response\.key$|ops\.[01]\.key$/, 'red record.key'],
  [/^response\.value$|ops\.[01]\.(type|data)$/, 'red record.proof'],
  // Of its own below.
  [/^response\.height$/, null],
];

function lampsSuite(name: string, start: () => Promise<TestChain>, missing: () => string | null = () => null): void {
  describe.skipIf(missing() !== null)(name, () => {
    let s: SettledChain;
    let r: Recording;
    const rpcOf = (answers: Answers): Rpc => replay(answers);
    const view = (answers: Answers, more: Partial<LampOptions> = {}, now = r.now): Promise<JobView> => {
      const rpc = rpcOf(answers);
      return viewJob({
        rpc,
        light: new LightClient(rpc, r.checkpoint, standing(now)),
        jobId: s.solo.jobId,
        modelId: s.modelId,
        answer: s.solo.output,
        systems: SYSTEMS,
        verify: async (system, question) => system.verify(question),
        ...more,
      });
    };
    const jobQuery = (): string => `abci_query /store/job/key ${toHex(s.solo.jobId)}`;
    const modelQuery = (): string => `abci_query /store/model/key ${toHex(s.modelId)}`;
    /** Every leaf of an answer with what its change must be called. */
    const fields = (answer: string, table: typeof TOP, under = ''): { path: Path; wanted: string | null | undefined }[] =>
      leavesOf(r.answers.get(answer)).map((path) => {
        const text = path.join('.').replace(under, '');
        return { path, wanted: IDLE.test(text) ? 'green' : table.find(([pattern]) => pattern.test(text))?.[1] };
      });

    beforeAll(async () => {
      s = await settledChain(start);
      const keys = [
        { store: 'job', key: s.solo.jobId },
        { store: 'job', key: s.pending.jobId },
        { store: 'model', key: s.modelId },
        { store: 'acct', key: owner.address },
      ];
      r = await record(s.net, keys, [s.solo.height]);
    });
    afterAll(async () => {
      s?.m.circuit.close();
      await s?.net.close();
    });

    test('as it is, everything is green', async () => {
      expect(sayOf(await view(r.answers))).toEqual(GREEN);
    });

    test('every changed field of the newest header and commit is refused by its name', async () => {
      const all = fields('commit', TOP, 'signed_header.');
      expect(all.length).toBeGreaterThan(25);
      for (const { path, wanted } of all) {
        const said = sayOf(await view(tampered(r.answers, 'commit', path)));
        expect([path.join('.'), said]).toEqual([path.join('.'), wanted === 'green' ? GREEN : { chain: wanted, ...DARK }]);
      }
    });

    test('every changed field of the checkpoint’s block is refused by its name', async () => {
      for (const { path, wanted } of fields('commit 1', BOTTOM, 'signed_header.')) {
        const said = sayOf(await view(tampered(r.answers, 'commit 1', path)));
        expect([path.join('.'), said]).toEqual([path.join('.'), wanted === 'green' ? GREEN : { chain: wanted, ...DARK }]);
      }
    });

    test('every changed field of the validator set is refused by its name', async () => {
      for (const { path, wanted } of fields('validators 1', SET)) {
        const said = sayOf(await view(tampered(r.answers, 'validators 1', path)));
        expect([path.join('.'), said]).toEqual([path.join('.'), wanted === 'green' ? GREEN : { chain: wanted, ...DARK }]);
      }
    });

    test('a field that is missing, or of another kind, is malformed', async () => {
      for (const name of ['commit', 'validators 1'])
        for (const path of leavesOf(r.answers.get(name))) {
          if (IDLE.test(path.join('.')) || path.at(-1) === 'app') continue;
          for (const other of [undefined, {}, [], true, '\u0000', -1.5]) {
            const { chain } = await view(tampered(r.answers, name, path, () => other));
            // A text that is any text: another chain's name.
            const wanted = typeof other === 'string' && path.at(-1) === 'chain_id' ? 'chain.id' : 'node.malformed';
            // No signature at all is JSON's null for CometBFT, and no signature of this vote.
            const none = other === undefined && ['signature', 'value'].includes(path.at(-1) as string);
            if (none && path.at(-1) === 'signature') expect([path.join('.'), chain.code]).toEqual([path.join('.'), 'commit.signature']);
            else expect([path.join('.'), other, chain.color, chain.code]).toEqual([path.join('.'), other, 'red', wanted]);
          }
        }
    });

    test('every changed field of a record’s proof is refused by its name', async () => {
      for (const query of [jobQuery(), modelQuery()]) {
        for (const { path, wanted } of fields(query, RECORD)) {
          if (wanted === null) continue;
          const said = sayOf(await view(tampered(r.answers, query, path)));
          const refused = { chain: 'green', record: wanted, proof: 'grey record.none', answer: 'grey record.none' };
          expect([path.join('.'), said]).toEqual([path.join('.'), wanted === 'green' ? GREEN : refused]);
        }
      }
    });

    test('every bit of a proof’s hashes counts, and every hash of its path', async () => {
      for (const op of [0, 1]) {
        const path: Path = ['response', 'proofOps', 'ops', op, 'data'];
        const data = base64.decode(at(r.answers.get(jobQuery()), path) as string);
        const { key, proof } = decodeStrict(ValueOpSchema, data, data.length);
        if (proof === undefined) throw new Error('no proof');
        const lies = [
          { ...proof, leafHash: proof.leafHash.map((b, i) => (i === 31 ? b ^ 1 : b)) },
          { ...proof, leafHash: new Uint8Array(0) },
          { ...proof, index: proof.index ^ 1n },
          { ...proof, index: proof.total },
          { ...proof, total: 0n },
          { ...proof, total: 2n * proof.total + 1n },
          { ...proof, aunts: [...proof.aunts, new Uint8Array(32)] },
          ...proof.aunts.flatMap((aunt, i) => [
            {
              ...proof,
              aunts: proof.aunts.with(
                i,
                aunt.map((b, k) => (k === 0 ? b ^ 128 : b)),
              ),
            },
            { ...proof, aunts: proof.aunts.toSpliced(i, 1) },
            { ...proof, aunts: proof.aunts.with(i, aunt.slice(1)) },
          ]),
        ];
        for (const lie of lies) {
          const bytes = toBinary(ValueOpSchema, { ...decodeStrict(ValueOpSchema, data, data.length), key, proof: lie });
          const said = sayOf(await view(tampered(r.answers, jobQuery(), path, () => base64.encode(bytes))));
          expect(said.record).toBe('red record.proof');
        }
        for (let i = 0; i < data.length; i++) {
          const bytes = data.map((b, k) => (k === i ? b ^ (1 << (i % 8)) : b));
          const said = sayOf(await view(tampered(r.answers, jobQuery(), path, () => base64.encode(bytes))));
          // CometBFT's step has a key that nobody reads; and a path may be the same in a larger tree.
          if (said.record !== 'red record.proof') expect(said).toEqual(GREEN);
        }
      }
    });

    test('a record’s height is of the block that proves it', async () => {
      const hashAt = (h: number): unknown =>
        at(r.answers.get(h === r.height ? 'commit' : `commit ${h}`), ['signed_header', 'header', 'app_hash']);
      const right = Number(at(r.answers.get(jobQuery()), ['response', 'height']));
      for (let h = 1; h <= r.height; h++) {
        const said = sayOf(await view(tampered(r.answers, jobQuery(), ['response', 'height'], () => String(h))));
        const wanted = h === r.height ? 'grey record.header' : hashAt(h + 1) === hashAt(right + 1) ? 'green' : 'red record.proof';
        expect([h, said.record]).toEqual([h, wanted]);
      }
    });

    test('a true proof of another key is refused', async () => {
      const answers = new Map(r.answers);
      answers.set(jobQuery(), r.answers.get(`abci_query /store/acct/key ${toHex(owner.address)}`));
      expect((await view(answers)).record.code).toBe('record.key');
      answers.set(jobQuery(), r.answers.get(`abci_query /store/job/key ${toHex(s.pending.jobId)}`));
      expect((await view(answers)).record.code).toBe('record.key');
      // And under the name of the key that was asked for.
      const renamed = tampered(answers, jobQuery(), ['response', 'key'], () => base64.encode(s.solo.jobId));
      expect((await view(renamed)).record.code).toBe('record.key');
      const twice = tampered(renamed, jobQuery(), ['response', 'proofOps', 'ops', 0, 'key'], () => base64.encode(s.solo.jobId));
      expect((await view(twice)).record.code).toBe('record.proof');
    });

    test('a node that hides a record proves nothing', async () => {
      const hidden = tampered(r.answers, jobQuery(), ['response', 'value'], () => null);
      expect(sayOf(await view(hidden)).record).toBe('grey record.absent');
      const removed = tampered(r.answers, jobQuery(), ['response', 'value'], () => base64.encode(Uint8Array.of(0)));
      expect(sayOf(await view(removed)).record).toBe('red record.proof');
      const noModel = tampered(r.answers, modelQuery(), ['response', 'value'], () => null);
      expect(sayOf(await view(noModel))).toEqual({ ...GREEN, proof: 'grey proof.model' });
    });

    test('every changed part of the evidence turns the proof’s lamp', async () => {
      const name = `block ${s.solo.height}`;
      const txs = at(r.answers.get(name), ['block', 'data', 'txs']) as string[];
      const path: Path = ['block', 'data', 'txs'];
      const tx = decodeStrict(TxSchema, base64.decode(txs[0] as string), 2 ** 20);
      const body = decodeStrict(TxBodySchema, tx.body, 2 ** 20);
      if (body.msg.case !== 'verifyInference') throw new Error('another message');
      const value = body.msg.value;
      const forged = (change: Partial<typeof value>, more: Partial<typeof tx> = {}): string =>
        base64.encode(
          encode(TxSchema, {
            ...tx,
            body: encode(TxBodySchema, { ...body, msg: { case: 'verifyInference', value: { ...value, ...change } } }),
            ...more,
          }),
        );
      const off = (b: Uint8Array): Uint8Array => b.map((x, i) => (i === b.length - 1 ? x ^ 1 : x));
      const lies: [string, string][] = [
        [forged({ input: off(value.input) }), 'red proof.input'],
        [forged({ inputNonce: off(value.inputNonce) }), 'red proof.input'],
        [forged({ output: off(value.output) }), 'red proof.output'],
        [forged({ proof: off(value.proof) }), 'red proof.refused'],
        [forged({ proof: value.proof.slice(1) }), 'red proof.refused'],
        [forged({ salt: off(value.salt) }), 'grey proof.absent'],
        [forged({}, { pubkey: owner.pubkey }), 'grey proof.absent'],
        [base64.encode(Uint8Array.of(1, 2, 3)), 'grey proof.absent'],
        ['', 'grey proof.absent'],
        ['???', 'red node.malformed'],
      ];
      for (const [lie, wanted] of lies) {
        const said = sayOf(await view(tampered(r.answers, name, path, () => [lie])));
        expect(said).toEqual({ ...GREEN, proof: wanted });
      }
      expect(sayOf(await view(tampered(r.answers, name, path, () => []))).proof).toBe('grey proof.absent');
      // A later transaction that fails, of the prover or of anyone, does not hide the proof.
      for (const noise of [forged({ proof: off(value.proof) }), forged({ proof: off(value.proof) }, { pubkey: owner.pubkey })])
        expect(sayOf(await view(tampered(r.answers, name, path, () => [...txs, noise])))).toEqual(GREEN);
    });

    test('the reader’s own questions: another answer, another model, another verifier', async () => {
      expect(sayOf(await view(r.answers, { answer: s.pending.output }))).toEqual({ ...GREEN, answer: 'red answer.other' });
      expect(sayOf(await view(r.answers, { answer: undefined }))).toEqual(GREEN);
      expect(sayOf(await view(r.answers, { modelId: new Uint8Array(32) })).record).toBe('red record.model');
      expect(sayOf(await view(r.answers, { systems: [] }))).toEqual({ ...GREEN, proof: 'grey proof.system' });
      const no = async () => ({ ok: false, kind: 'invalid', sentence: 'no' }) as const;
      expect(sayOf(await view(r.answers, { verify: no }))).toEqual({ ...GREEN, proof: 'red proof.refused' });
    });

    test('an answer that was posted and not proven is grey; another is red', async () => {
      const { jobId, output } = s.pending;
      const grey = { chain: 'green', record: 'grey record.pending', proof: 'grey proof.none', answer: 'grey answer.posted' };
      expect(sayOf(await view(r.answers, { jobId, answer: output }))).toEqual(grey);
      expect(sayOf(await view(r.answers, { jobId, answer: undefined }))).toEqual(grey);
      expect(sayOf(await view(r.answers, { jobId, answer: s.solo.output }))).toEqual({ ...grey, answer: 'red answer.other' });
    });

    test('time: an old newest block is grey, a trust period that passed is grey, a block from the future is red', async () => {
      const born = new LightClient(rpcOf(r.answers), r.checkpoint, standing(r.now));
      const { time } = (await born.latest()).block.header;
      expect(sayOf(await view(r.answers, {}, time + 60n * SECOND))).toEqual(GREEN);
      expect(sayOf(await view(r.answers, {}, time + 61n * SECOND))).toEqual({ ...GREEN, chain: 'grey chain.stale' });
      const late = { chain: 'grey trust.expired', ...DARK };
      expect(sayOf(await view(r.answers, {}, time + 15n * 24n * 3600n * SECOND))).toEqual(late);
      expect(sayOf(await view(r.answers, {}, time - 10n * SECOND))).toEqual(GREEN);
      expect(sayOf(await view(r.answers, {}, time - 11n * SECOND))).toEqual({ chain: 'red header.future', ...DARK });
    });

    test('the wrong checkpoint, and a node that is gone', async () => {
      for (const change of [{ chainId: 'other' }, { headerHash: new Uint8Array(32) }, { validatorsHash: new Uint8Array(32) }]) {
        const light = new LightClient(rpcOf(r.answers), { ...r.checkpoint, ...change }, standing(r.now));
        expect(sayOf(await view(r.answers, { light }))).toEqual({ chain: 'red checkpoint', ...DARK });
      }
      const light = new LightClient(rpcOf(r.answers), { ...r.checkpoint, height: BigInt(r.height + 1) }, standing(r.now));
      expect((await view(r.answers, { light })).chain.color).not.toBe('green');
      expect(sayOf(await view(new Map()))).toEqual({ chain: 'grey node.unreachable', ...DARK });
    });
  });
}

lampsSuite('lamps over a devnet', () => startDevnet());
if (cometIsMissing() !== null) test('lamps over CometBFT', (context) => context.skip(cometIsMissing() as string));
lampsSuite('lamps over CometBFT', () => startComet(), cometIsMissing);

describe('chains of headers', () => {
  const people = (prefix: string, n: number, power = 10n): Elector[] =>
    Array.from({ length: n }, (_, i) => elector(`${prefix}${i}`, power));
  const [a, b, c] = [people('a', 4), people('b', 4), people('c', 4)] as [Elector[], Elector[], Elector[]];
  const clientOf = (rpc: Rpc, chain: ChainOfHeaders, now = BIRTH + 100n * SECOND): LightClient =>
    new LightClient(rpc, checkpointOf(chain.block(1)), standing(now));
  const shown =
    (chain: ChainOfHeaders, top = chain.blocks.length): ((h: number | null) => LightBlock | undefined) =>
    (h) =>
      chain.block(h ?? top);
  const refusal = async (run: () => Promise<unknown> | unknown): Promise<string> => {
    try {
      await run();
    } catch (e) {
      if (e instanceof LightRefused) return e.code;
      throw e;
    }
    return 'accepted';
  };

  test('a skip needs one fetch where the set stays, and bisects where it changed', async () => {
    const still = chainOfHeaders(60, () => a);
    const near = headersRpc(shown(still));
    expect((await clientOf(near, still).latest()).block.header.height).toBe(60n);
    expect(near.asked).toEqual([60, 1]);

    // One of four leaves every ten blocks: after 30 blocks a quarter of the trusted power is left.
    const all = [...a, ...b, ...c];
    const moving = chainOfHeaders(60, (h) => all.slice(Math.floor(h / 10), Math.floor(h / 10) + 4));
    const far = headersRpc(shown(moving));
    const light = clientOf(far, moving);
    expect((await light.latest()).block.header.height).toBe(60n);
    expect(far.asked).toEqual([60, 1, 30, 15, 45]);
    // Behind what is known, from what is known below it.
    expect((await light.at(31n))?.block.hash).toEqual((await clientOf(headersRpc(shown(moving)), moving).at(31n))?.block.hash);
    expect(await light.at(61n)).toBeNull();
  });

  test('a set that changes all at once is followed through the block that announced it', async () => {
    const chain = chainOfHeaders(33, (h) => (h < 20 ? a : b));
    const rpc = headersRpc(shown(chain));
    expect((await clientOf(rpc, chain).latest()).signed).toBe(100);
    expect(rpc.asked.length).toBeLessThan(10);
  });

  test('more than a third, and more than two thirds: one unit decides', async () => {
    const weighed = (powers: readonly bigint[]): Elector[] => powers.map((p, i) => elector(`w${i}`, p));
    const set = weighed([6n, 3n]);
    const exactly = chainOfHeaders(1, () => set, { flagOf: (_, i) => (i === 0 ? FLAGS.commit : FLAGS.absent) }).block(1);
    expect(await refusal(() => checkSigned(exactly))).toBe('commit.power');
    const more = chainOfHeaders(1, () => weighed([7n, 3n]), { flagOf: (_, i) => (i === 0 ? FLAGS.commit : FLAGS.absent) }).block(1);
    expect(checkSigned(more)).toBe(70);
    const next = chainOfHeaders(1, () => a).block(1);
    const announced = (mine: bigint): Elector[] => [{ ...(a[0] as Elector), power: mine }, elector('x', 20n)];
    expect(await refusal(() => checkSkip(announced(10n), next))).toBe('trust.power');
    expect(await refusal(() => checkSkip(announced(11n), next))).toBe('accepted');
  });

  test('votes for nil and absent ones count nothing', async () => {
    for (const flag of [FLAGS.nil, FLAGS.absent]) {
      const two = chainOfHeaders(3, () => a, { flagOf: (h, i) => (h === 3 && i > 1 ? flag : FLAGS.commit) });
      expect(await refusal(() => clientOf(headersRpc(shown(two)), two).latest())).toBe('commit.power');
      const three = chainOfHeaders(3, () => a, { flagOf: (h, i) => (h === 3 && i > 2 ? flag : FLAGS.commit) });
      expect((await clientOf(headersRpc(shown(three)), three).latest()).signed).toBe(75);
    }
    // A vote for nil that is shown as one for the block was signed over something else.
    const nil = chainOfHeaders(3, () => a, { flagOf: (h, i) => (h === 3 && i === 0 ? FLAGS.nil : FLAGS.commit) });
    const top = nil.block(3);
    const lie = { ...top, commit: { ...top.commit, votes: top.commit.votes.map((v) => ({ ...v, flag: FLAGS.commit })) } };
    expect(
      await refusal(() =>
        clientOf(
          headersRpc((h) => (h === null ? lie : nil.block(h))),
          nil,
        ).latest(),
      ),
    ).toBe('commit.signature');
  });

  test('one validator does not count twice', async () => {
    const [first, second] = a as [Elector, Elector];
    const twins = chainOfHeaders(2, () => [first, first, second]);
    expect(await refusal(() => clientOf(headersRpc(shown(twins)), twins).latest())).toBe('commit.signature');
    // Nor its vote, in another's place.
    const chain = chainOfHeaders(4, () => a, { flagOf: (h, i) => (h === 4 && i > 1 ? FLAGS.absent : FLAGS.commit) });
    const top = chain.block(4);
    const [one, two] = top.commit.votes as [(typeof top.commit.votes)[0], (typeof top.commit.votes)[0]];
    const lie = { ...top, commit: { ...top.commit, votes: [one, two, two, one] } };
    expect(
      await refusal(() =>
        clientOf(
          headersRpc((h) => (h === null ? lie : chain.block(h))),
          chain,
        ).latest(),
      ),
    ).toBe('commit.signature');
    const short = { ...top, commit: { ...top.commit, votes: [one, two] } };
    expect(
      await refusal(() =>
        clientOf(
          headersRpc((h) => (h === null ? short : chain.block(h))),
          chain,
        ).latest(),
      ),
    ).toBe('commit.block');
  });

  test('a chain that is consistent in itself is refused without the checkpoint’s validators', async () => {
    const real = chainOfHeaders(9, () => a);
    const forged = chainOfHeaders(9, (h) => (h === 1 ? a : b), { timeAt: (h) => BIRTH + BigInt(h) * SECOND });
    // From genesis on: another first block.
    expect(await refusal(() => clientOf(headersRpc(shown(forged)), real).latest())).toBe('checkpoint');
    // Behind the true first block, whose next set is the true one: a skip, and a step.
    const mixed = (h: number | null): LightBlock => (h === 1 ? real.block(1) : forged.block(h ?? 9));
    expect(await refusal(() => clientOf(headersRpc(mixed), real).latest())).toBe('validators.next');
    const adjacent = (h: number | null): LightBlock => (h === 1 ? real.block(1) : forged.block(2));
    expect(await refusal(() => clientOf(headersRpc(adjacent), real).latest())).toBe('validators.next');
    // With the true set shown for the forged header.
    expect(
      await refusal(() =>
        clientOf(
          headersRpc(mixed, () => a),
          real,
        ).latest(),
      ),
    ).toBe('validators.hash');
    // A third of the old set helps the forger: not more than a third.
    const bribed = chainOfHeaders(9, (h) => (h === 1 ? a : [a[0] as Elector, ...b]));
    expect(
      await refusal(() =>
        clientOf(
          headersRpc((h) => (h === 1 ? real.block(1) : bribed.block(h ?? 9))),
          real,
        ).latest(),
      ),
    ).toBe('validators.next');
  });

  test('the set that a skip starts from is the one the trusted header announced', async () => {
    // Block 1 announces b, and the node shows c as the set of block 2.
    const chain = chainOfHeaders(9, (h) => (h === 1 ? a : b));
    const rpc = headersRpc(shown(chain), (h) => (h === 2 ? c : chain.block(h).validators));
    expect(await refusal(() => clientOf(rpc, chain).latest())).toBe('validators.next');
    expect(await refusal(() => clientOf(headersRpc(shown(chain)), chain).latest())).toBe('accepted');
  });

  test('heights and times only grow', async () => {
    const chain = chainOfHeaders(5, () => a);
    const still = chainOfHeaders(5, () => a, { timeAt: () => BIRTH });
    expect(await refusal(() => clientOf(headersRpc(shown(still)), still).latest())).toBe('header.time');
    const back = chainOfHeaders(5, () => a, { timeAt: (h) => BIRTH - BigInt(h) });
    expect(await refusal(() => clientOf(headersRpc(shown(back)), back).latest())).toBe('header.time');
    const { header } = chain.block(5);
    expect(await refusal(() => clientOf(headersRpc(shown(chain)), chain, header.time - 10n * SECOND - 1n).latest())).toBe('header.future');
    expect(await refusal(() => clientOf(headersRpc(shown(chain)), chain, header.time - 10n * SECOND).latest())).toBe('accepted');
    const fromThree = new LightClient(headersRpc(shown(chain)), checkpointOf(chain.block(3)), standing(BIRTH));
    expect(await refusal(() => fromThree.at(2n))).toBe('header.height');
    const wrong = headersRpc((h) => chain.block(h === null ? 5 : 2));
    expect(await refusal(() => clientOf(wrong, chain).latest())).toBe('header.height');
  });

  test('the node’s newest block may fall behind, and what was checked stays', async () => {
    const chain = chainOfHeaders(5, () => a);
    let top = 5;
    const light = clientOf(
      headersRpc((h) => chain.block(h ?? top)),
      chain,
    );
    await light.latest();
    top = 3;
    expect((await light.latest()).block.header.height).toBe(5n);
  });

  test('two blocks of one height are refused, however well signed', async () => {
    const [one, other] = [
      chainOfHeaders(5, () => a),
      chainOfHeaders(5, () => a, { timeAt: (h) => BIRTH + BigInt(h === 5 ? 6 : h) * SECOND }),
    ];
    let top = one.block(5);
    const light = clientOf(
      headersRpc((h) => (h === null ? top : one.block(h))),
      one,
    );
    await light.latest();
    top = other.block(5);
    expect(await refusal(() => light.latest())).toBe('header.hash');
  });

  test('more validators than a page are fetched page by page; those missing are missed', async () => {
    const many = Array.from({ length: 130 }, (_, i) => elector(`m${i}`));
    const chain = chainOfHeaders(2, () => many);
    expect((await clientOf(headersRpc(shown(chain)), chain).latest()).signed).toBe(100);
    const few = headersRpc(shown(chain), () => many.slice(0, 129));
    expect(await refusal(() => clientOf(few, chain).latest())).toBe('validators.hash');
  });

  test('a commit by others over the same header is refused', async () => {
    const chain = chainOfHeaders(3, () => a);
    const top = chain.block(3);
    const lie = { ...top, commit: commitOf(top.header, b) };
    expect(
      await refusal(() =>
        clientOf(
          headersRpc((h) => (h === null ? lie : chain.block(h))),
          chain,
        ).latest(),
      ),
    ).toBe('commit.signature');
  });

  test('the checkpoint’s trust period counts from its block', async () => {
    const chain = chainOfHeaders(2, () => a);
    const end = chain.block(1).header.time + 14n * 24n * 3600n * SECOND;
    expect(await refusal(() => clientOf(headersRpc(shown(chain)), chain, end).latest())).toBe('accepted');
    expect(await refusal(() => clientOf(headersRpc(shown(chain)), chain, end + 1n).latest())).toBe('trust.expired');
  });
});

/** The stock light client of CometBFT, over the same records. */
function proxySuite(name: string, start: () => Promise<TestChain>): void {
  describe.skipIf(cometIsMissing() !== null)(name, () => {
    test('`cometbft light` verifies a job’s record', async () => {
      const m = await reluModel();
      const net = await start();
      const home = mkdtempSync(join(tmpdir(), 'light-'));
      const { modelId } = await openShop(net, m);
      const { jobId } = await settleSolo(net, m, modelId, 7);
      const port = await freePort();
      const { headerHash } = await net.checkpoint();
      const node = net.rpc.url;
      const args = ['light', net.chainId, '-p', node, '-w', node, '--height', '1', '--hash', toHex(headerHash)];
      const proxy = spawn(process.env.COMETBFT_BIN as string, [...args, '--laddr', `tcp://127.0.0.1:${port}`, '--home-dir', home], {
        stdio: 'ignore',
      });
      try {
        const query = `http://127.0.0.1:${port}/abci_query?path=%22/store/job/key%22&data=0x${toHex(jobId)}`;
        const until = Date.now() + 20_000;
        let answer: { result?: { response: { value: string } }; error?: unknown } = {};
        while (answer.result === undefined && Date.now() < until) {
          answer = await fetch(query).then(
            (response) => response.json() as Promise<typeof answer>,
            () => ({}),
          );
          if (answer.result === undefined) await net.chain.pause(100);
        }
        expect(answer.error).toBeUndefined();
        const record = await net.rpc.call('abci_query', { path: '/store/job/key', data: toHex(jobId), height: '0', prove: true });
        expect(answer.result?.response.value).toBe((record as typeof answer.result & object).response.value);
      } finally {
        proxy.kill('SIGKILL');
        await new Promise((done) => proxy.once('exit', done));
        rmSync(home, { recursive: true, force: true });
        await net.close();
        m.circuit.close();
      }
    });
  });
}
proxySuite('the stock proxy over a devnet', () => startDevnet());
proxySuite('the stock proxy over CometBFT', () => startComet());
