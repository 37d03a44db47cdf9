/** Lies about the statement and the envelope around it (attacks.md S, N01, N06, X03; protocol §11). Profile toy. */
import { describe, expect, it } from 'vitest';
import type { LinForm, OutOp } from '../../circuits/types.ts';
import { ascii, concat, lengthPrefixed, toHex } from '../../protocol/bytes.ts';
import { decodeEnvelope, encodeEnvelope } from '../../protocol/envelope.ts';
import { committedItem, publicItem } from '../../protocol/statement.ts';
import type { KeyStore } from '../../verifier/verify.ts';
import { verify, verifyFromStore } from '../../verifier/verify.ts';
import { addTo, type Bench, bench, expectAccepted, expectRefused, judge, resealed, seeded, tell, withKey } from '../lies.ts';
import { CONTEXT, MODEL_ID } from '../nets.ts';

const net = bench('net1-i1');
const honest = (await tell(net)).envelope;
const flipped = (bytes: Uint8Array, at: number, bit = 1): Uint8Array => bytes.map((b, i) => (i === at ? b ^ bit : b));

/** Checks that a changed statement digest can fail: the first nonce, or the first level after α. */
const DIGEST = ['C3', 'V2', 'V4'];

describe('bytes of the statement (Refused because: the statement digest stands between the witness root and α)', () => {
  const sizeOfInput = (decodeEnvelope(honest).inputs[0] as Uint8Array).length;
  const sizeOfOutput = (decodeEnvelope(honest).outputs[0] as Uint8Array).length;

  it.each([
    ['S01', 'input', 11, sizeOfInput],
    ['S02', 'output', 7, sizeOfOutput],
  ] as const)('%s refuses another public %s', (_, which, from, size) => {
    const codes = new Set<string>();
    for (let k = from + 4; k < size; k++) {
      const verdict = judge(
        net,
        resealed(honest, (e) =>
          which === 'input' ? { inputs: [flipped(e.inputs[0] as Uint8Array, k)] } : { outputs: [flipped(e.outputs[0] as Uint8Array, k)] },
        ),
      );
      expect(verdict.ok).toBe(false);
      codes.add((verdict as { code: string }).code);
    }
    codes.delete('E5'); // an output past the accumulator's bound
    expect(DIGEST).toEqual(expect.arrayContaining([...codes]));
    expect(codes.has('C3')).toBe(true);
  });

  it('refuses the input and output of another run of the same model', async () => {
    const other: Bench = { ...net, inputs: [(net.inputs[0] as number[]).map((v) => -v - 1)] };
    const { envelope } = await tell(other);
    expectAccepted(judge(net, envelope));
    const { inputs, outputs } = decodeEnvelope(envelope);
    for (const change of [{ inputs }, { outputs }, { inputs, outputs }]) {
      const verdict = judge(
        net,
        resealed(honest, () => change),
      );
      expect(DIGEST).toContain((verdict as { code: string }).code);
    }
  });

  it('X03 refuses an old proof whose context was rewritten to the new nonce', () => {
    for (let k = 0; k < 8; k++) {
      const context = ascii(`chain-1/job-43/nonce-${k}`);
      const verdict = judge(
        net,
        resealed(honest, () => ({ context })),
        { context },
      );
      expect(DIGEST).toContain((verdict as { code: string }).code);
    }
  });
});

describe('false outputs (Refused because: the accumulator is that of the operands)', () => {
  const out = net.key.outputs[0]?.tensor as number;
  const add = (t: number, changes: readonly (readonly [number, number])[]) => ({
    published: (values: Map<number, Int32Array>) => {
      const v = values.get(t) as Int32Array;
      for (const [i, d] of changes) v[i] = (v[i] as number) + d;
    },
  });

  it('S03 refuses a published output that is false', async () =>
    expectRefused(judge(net, (await tell(net, add(out, [[3, 1]]))).envelope), 'V6'));

  it('S04 refuses an output moved along a linear relation', async () =>
    expectRefused(
      judge(
        net,
        (
          await tell(
            net,
            add(out, [
              [0, 2],
              [1, -1],
            ]),
          )
        ).envelope,
      ),
      'V6',
    ));

  const linOuts = ['net4-i1', 'net4-i0', 'net5-i1-committed', 'net5-i0-committed', 'net5-i1-public'];
  it.each(linOuts)('N01 refuses a false output of an out op of form lin: %s', async (name) => {
    const b = bench(name);
    const op = b.key.ops.find((o): o is OutOp => o.kind === 'out' && o.form.kind === 'lin') as OutOp & { form: LinForm };
    const { envelope } = await tell(
      b,
      add(op.y, [
        [1, 1],
        [2, -1],
      ]),
    );
    expectRefused(judge(b, envelope), 'V13');
  });

  it.each(linOuts)('N01 refuses a changed claim on a term of an out op of form lin: %s', async (name) => {
    const b = bench(name);
    expectRefused(judge(b, (await tell(b, { messages: { outs: addTo(0) } })).envelope), 'V13');
  });

  const net4 = bench('net4-i1');
  const codes: Readonly<Record<string, string>> = { req: 'V5', max: 'V5', lin: 'V13', mul: 'V6', pool: 'V7', conv: 'V6', dense: 'V6' };
  it.each(
    net4.key.outputs.map(({ tensor }) => {
      const op = net4.key.ops.find((o) => o.kind !== 'range' && o.y === tensor);
      return [tensor, op?.kind === 'out' ? op.form.kind : (op?.kind as string)] as const;
    }),
  )('N01 refuses a false value of output %i (%s) of net 4', async (tensor, kind) => {
    const { envelope } = await tell(net4, {
      published: (values) => {
        const v = values.get(tensor) as Int32Array;
        v[0] = (v[0] as number) + ((v[0] as number) > 0 ? -1 : 1);
      },
    });
    expectRefused(judge(net4, envelope), codes[kind] as string);
  });
});

describe('form of the envelope', () => {
  const e = decodeEnvelope(honest);
  const input = e.inputs[0] as Uint8Array;
  const values = Array.from(net.inputs[0] as number[]);

  it('accepts the honest envelope, which encodes to itself', () => {
    expectAccepted(judge(net, honest));
    expect(encodeEnvelope(e)).toEqual(honest);
  });

  const committed = bench('net1-committed');
  it.each<[string, string, Uint8Array]>([
    ['S07 a trailing byte', 'E1', concat(honest, Uint8Array.of(0))],
    ['S08 trailing bytes inside the proof', 'C4', resealed(honest, () => ({ proof: concat(e.proof, new Uint8Array(16)) }))],
    ['S09 a proof cut by one sibling', 'C1', resealed(honest, () => ({ proof: e.proof.slice(0, -32) }))],
    ['S09 a proof cut by one byte', 'C1', resealed(honest, () => ({ proof: e.proof.slice(0, -1) }))],
    ['S09 no proof', 'C1', resealed(honest, () => ({ proof: new Uint8Array(0) }))],
    ['S09 a cut envelope', 'E1', honest.slice(0, -1)],
    ['S09 an empty envelope', 'E2', new Uint8Array(0)],
    ['S10 a proof of another system', 'E2', resealed(honest, () => ({ system: 'groth16-bn254-v1' }))],
    ['S10 another magic', 'E2', flipped(honest, 0)],
    ['another version', 'E2', flipped(honest, 4)],
    ['another profile', 'E2', resealed(honest, () => ({ profile: 'S100' }))],
    [
      'a profile that is no text',
      'E2',
      concat(honest.slice(0, 6), lengthPrefixed(ascii(e.system)), lengthPrefixed(Uint8Array.of(0, 255)), honest.slice(33)),
    ],
    ['S13 another shape with the same bytes', 'E4', resealed(honest, () => ({ inputs: [publicItem('int8', [6, 1, 6], values)] }))],
    ['another rank', 'E4', resealed(honest, () => ({ inputs: [publicItem('int8', [6, 6], values)] }))],
    ['S19 another dtype with the same bytes', 'E4', resealed(honest, () => ({ inputs: [publicItem('uint8', [1, 6, 6], values)] }))],
    ['an unknown dtype', 'E4', resealed(honest, () => ({ inputs: [input.map((v, i) => (i === 1 ? 9 : v))] }))],
    ['a value too many', 'E4', resealed(honest, () => ({ inputs: [concat(input, Uint8Array.of(1))] }))],
    ['a value too few', 'E4', resealed(honest, () => ({ inputs: [input.slice(0, -1)] }))],
    ['an empty item', 'E4', resealed(honest, () => ({ inputs: [new Uint8Array(0)] }))],
    ['a root where values are wanted', 'E4', resealed(honest, () => ({ inputs: [committedItem('int8', [1, 6, 6], new Uint8Array(32))] }))],
    ['an input too many', 'E4', resealed(honest, () => ({ inputs: [input, input] }))],
    ['no input', 'E4', resealed(honest, () => ({ inputs: [] }))],
    ['no output', 'E4', resealed(honest, () => ({ outputs: [] }))],
    ['an unknown item form', 'E4', resealed(honest, () => ({ inputs: [flipped(input, 0, 2)] }))],
  ])('refuses %s (%s)', (_, code, bytes) => expectRefused(judge(net, bytes), code));

  it('refuses values where a root is wanted (E4)', async () => {
    const { envelope } = await tell(committed);
    expectRefused(
      judge(
        committed,
        resealed(envelope, () => ({ inputs: [publicItem('int8', [1, 6, 6], values)] })),
      ),
      'E4',
    );
  });

  it('S11 refuses a toy proof for an S100 key (E2)', () => {
    const s100 = withKey(net, { profile: 'S100' });
    expectRefused(
      judge(
        s100,
        resealed(honest, () => ({ vkHash: s100.key.hash })),
      ),
      'E2',
    );
  });

  it('refuses a value outside the bounds of its tensor (E5)', async () => {
    const b = bench('net5-i0-public');
    const { envelope } = await tell(b);
    const [io] = b.key.inputs;
    const raw = (b.inputs[0] as number[]).map((v, i) => (i === 0 ? 8 : v)); // bounds are [-8, 7]
    const item = publicItem(io?.dtype ?? 'int8', b.key.tensors[io?.tensor as number]?.dims as number[], raw);
    expectRefused(
      judge(
        b,
        resealed(envelope, () => ({ inputs: [item] })),
      ),
      'E5',
    );
  });

  it('S14 refuses 300 random bit flips', () => {
    const random = seeded(3);
    const known = /^(E[1-5]|C[1-4]|V\d+)$/;
    for (let k = 0; k < 300; k++) {
      const verdict = judge(net, flipped(honest, random(honest.length), 1 << random(8)));
      expect(verdict).toMatchObject({ ok: false, code: expect.stringMatching(known) });
    }
  });
});

describe('who and which (Refused because: the caller says what it expects before any key is looked up)', () => {
  it('S05 refuses another context, by name', () => {
    expect(judge(net, honest, { context: ascii('chain-1/job-43/nonce-9') })).toMatchObject({
      ok: false,
      code: 'E3',
      detail: { field: 'context' },
    });
    expect(judge(net, honest, { context: undefined })).toMatchObject({ ok: false, code: 'E3', detail: { field: 'context' } });
  });

  it('S06 refuses another model id, by name', () =>
    expect(judge(net, honest, { modelId: new Uint8Array(32) })).toMatchObject({ ok: false, code: 'E3', detail: { field: 'modelId' } }));

  it('refuses the proof of another model, by name', async () => {
    const other = (await tell(bench('net3-i1'))).envelope;
    expect(judge(net, other)).toMatchObject({ ok: false, code: 'E3', detail: { field: 'vkHash' } });
    expect(judge(bench('net3-i1'), honest)).toMatchObject({ ok: false, code: 'E3', detail: { field: 'vkHash' } });
  });

  it('refuses a key whose hash is not that of its fields', () => {
    // A key object in memory is made by decoding bytes; the hash goes with them.
    const other = withKey(net, { t: 23 });
    expect(judge(other, honest)).toMatchObject({ ok: false, code: 'E3', detail: { field: 'vkHash' } });
  });

  describe('N06 two keys in the store', () => {
    const [a, b] = [bench('net5-i1-public'), bench('net4-i1')];
    const [mA, mB, mC] = ['A', 'B', 'C'].map((c) => ascii(c.repeat(32))) as [Uint8Array, Uint8Array, Uint8Array];
    const keys: KeyStore['keys'] = new Map([a, b].map((n) => [toHex(n.key.hash), { key: n.key }]));
    const registry = new Map([
      [toHex(mA), toHex(a.key.hash)],
      [toHex(mB), toHex(b.key.hash)],
    ]);
    const options = { context: CONTEXT, allowToy: true };
    const of = async (n: Bench, modelId: Uint8Array) => (await tell(n, { modelId })).envelope;

    it('accepts each proof under its own model, with a registry and without', async () => {
      expectAccepted(verifyFromStore(await of(a, mA), { keys, registry }, mA, options));
      expectAccepted(verifyFromStore(await of(b, mB), { keys, registry }, mB, options));
      expectAccepted(verifyFromStore(await of(b, b.key.hash), { keys }, b.key.hash, options));
      expectAccepted(verify(await of(b, b.key.hash), b.key, options));
    });

    it('refuses the key of B under the model of A', async () =>
      expectRefused(verifyFromStore(await of(b, mA), { keys, registry }, mA, options), 'E3'));

    it('refuses a proof of B whose vkHash was rewritten to A', async () => {
      const rewritten = resealed(await of(b, mA), () => ({ vkHash: a.key.hash }));
      const verdict = verifyFromStore(rewritten, { keys, registry }, mA, options);
      // The items of B do not fit A before the digest is used.
      expectRefused(verdict, 'E4');
    });

    it('refuses a proof of B for twin A whose vkHash was rewritten: the digest holds the key', async () => {
      const twin = withKey(a, { t: 23 });
      const store: KeyStore = {
        keys: new Map([[toHex(twin.key.hash), { key: twin.key }]]),
        registry: new Map([[toHex(mA), toHex(twin.key.hash)]]),
      };
      for (let k = 0; k < 6; k++) {
        const context = Uint8Array.of(k);
        const { envelope } = await tell(a, { modelId: mA, context });
        const verdict = verifyFromStore(
          resealed(envelope, () => ({ vkHash: twin.key.hash })),
          store,
          mA,
          { ...options, context },
        );
        expect(DIGEST).toContain((verdict as { code: string }).code);
      }
    });

    it('refuses the envelope of A when the caller wants B', async () =>
      expectRefused(verifyFromStore(await of(a, mA), { keys, registry }, mB, options), 'E3'));

    it('refuses a model that is not registered', async () =>
      expectRefused(verifyFromStore(await of(a, mA), { keys, registry }, mC, options), 'E3'));

    it('refuses a modelId that differs from vkHash without a registry', async () => {
      expectRefused(verifyFromStore(await of(a, mA), { keys }, mA, options), 'E3');
      expectRefused(verify(await of(a, mA), a.key, options), 'E3');
    });

    it('refuses the envelope of B when the caller wants A, without a registry', async () => {
      expectRefused(verifyFromStore(await of(b, b.key.hash), { keys }, a.key.hash, options), 'E3');
      expectRefused(verify(await of(b, b.key.hash), a.key, options), 'E3');
    });

    it('refuses a key that is not in the store', async () =>
      expectRefused(verifyFromStore(await of(a, mA), { keys: new Map(), registry }, mA, options), 'E3'));
  });

  it('binds the model id it was made for', async () => {
    const rewritten = resealed(honest, () => ({ modelId: new Uint8Array(32) }));
    expect(DIGEST).toContain((judge(net, rewritten, { modelId: new Uint8Array(32) }) as { code: string }).code);
    expect(MODEL_ID).not.toEqual(new Uint8Array(32));
  });
});
