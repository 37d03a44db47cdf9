/** Proofs of the sample networks equal the executable model's, byte for byte, and are accepted. */
import { describe, expect, it } from 'vitest';
import { setup } from '../../circuits/setup.ts';
import { blake3 } from '../../protocol/blake3.ts';
import { toHex } from '../../protocol/bytes.ts';
import { decodeEnvelope } from '../../protocol/envelope.ts';
import { prove } from '../../prover/prove.ts';
import { verify } from '../../verifier/verify.ts';
import { CONTEXT, MODEL_ID, netFixture, netNames, networkOf } from '../nets.ts';

describe.each(netNames)('network %s', (name) => {
  it('gives the envelope of the model, and it is accepted', async () => {
    const fixture = netFixture(name);
    const { key, plan, contents } = setup(networkOf(fixture), { mode: fixture.mode, profile: 'toy' });
    const raw = fixture.inputs.map((i) => i.values.map((v) => v + i.zp));
    const { envelope } = await prove({ fields: key, plan, contents }, raw, { context: CONTEXT, modelId: MODEL_ID });
    const verdict = verify(envelope, key, { context: CONTEXT, modelId: MODEL_ID, contents, allowToy: true });
    expect(verdict).toMatchObject({ ok: true });
    const { proof } = decodeEnvelope(envelope);
    expect(proof.length).toBe(fixture.expect.proofBytes);
    expect(toHex(blake3(proof))).toBe(fixture.expect.proofHash);
    expect(toHex(blake3(envelope))).toBe(fixture.expect.envelopeHash);
  });
});
