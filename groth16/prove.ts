/** A groth16 proof of one run, in its envelope. The constraint system's own outputs are compared with the definition before anything is proven. */
import { randomBytes } from 'node:crypto';
import type { SnarkProof } from 'snarkjs';
import type { Groth16Circuit } from '../circuits/groth16/circuit.ts';
import { GROTH16, profileOf } from '../circuits/groth16/key.ts';
import { encodeOpening, type OpenedTensor, SALT_BYTES } from '../circuits/groth16/opening.ts';
import { concatAll } from '../protocol/bytes.ts';
import { encodeEnvelope } from '../protocol/envelope.ts';
import { Pace, type PaceOptions } from '../protocol/pace.ts';
import { Refused } from '../protocol/refused.ts';
import { bigEndian, hiddenCount, statedRun } from './signals.ts';
import { guarded, withSnarkjs } from './snarkjs.ts';
import { computeWitness } from './witness.ts';

export interface Groth16ProveOptions extends PaceOptions {
  readonly context?: Uint8Array | undefined;
  readonly modelId?: Uint8Array | undefined;
  /** One of 31 bytes for every hidden tensor, inputs before outputs. Default: fresh random ones, which is what hides. */
  readonly salts?: readonly Uint8Array[] | undefined;
}

export interface Groth16Proved {
  readonly envelope: Uint8Array;
  /** What opens the commitments of the statement (circuits/groth16/opening.ts); secret. Null where nothing is hidden. */
  readonly opening: Uint8Array | null;
}

/** Proves that the circuit maps `inputs` to `outputs`: raw integers of the native circuit's run. Refused `zkey.invalid` where no proof comes of the key. */
export async function proveGroth16(
  c: Groth16Circuit,
  key: { readonly zkey: Uint8Array; readonly wires: number; readonly vkHash: Uint8Array; readonly r1cs: Uint8Array },
  inputs: readonly Int32Array[],
  outputs: readonly Int32Array[],
  options: Groth16ProveOptions = {},
): Promise<Groth16Proved> {
  const pace = new Pace(options);
  await pace.at('compute the witness', 0);
  const { context = new Uint8Array(0), modelId = key.vkHash } = options;
  const salts = options.salts ?? Array.from({ length: hiddenCount(c) }, () => new Uint8Array(randomBytes(SALT_BYTES)));
  if (salts.length !== hiddenCount(c) || salts.some((s) => s.length !== SALT_BYTES))
    throw new Refused('input.salt', `${hiddenCount(c)} salts of ${SALT_BYTES} bytes are needed`);
  const numbers = salts.map((s) => s.reduce((n, b) => 256n * n + BigInt(b), 0n));
  const run = statedRun(c, inputs, outputs, numbers, modelId, context);
  const witness = await computeWitness(c.witnessProgram, key.wires, run.witnessInputs, options.signal);
  const at = witness.publicWires(run.signals.length).findIndex((v, i) => v !== run.signals[i]);
  if (at >= 0)
    throw new Refused(
      'circuit.witness',
      `the witness program computes another public signal ${at} than the network: the circuit is damaged`,
    );
  await pace.at('prove', 0.2);
  const proof = await withSnarkjs(async ({ groth16, zKey }) => {
    // A damaged proving key makes points that are a proof of nothing: whoever sends the file must not be the last to know.
    return await guarded('zkey.invalid', 'the proving key', async () => {
      const made = await groth16.prove(key.zkey, witness.file);
      await pace.at('check the proof', 0.9);
      if (!(await groth16.verify(await zKey.exportVerificationKey(key.zkey), made.publicSignals, made.proof)))
        throw new Refused('zkey.invalid', 'the proof does not hold: the proving key is damaged, or not of this circuit');
      return made.proof;
    });
  }, options.signal);
  await pace.at('done', 1);
  return {
    envelope: encodeEnvelope({
      system: GROTH16,
      profile: profileOf(key.r1cs),
      vkHash: key.vkHash,
      modelId,
      inputs: run.inputs,
      outputs: run.outputs,
      context,
      proof: proofBytes(proof),
    }),
    opening: salts.length === 0 ? null : encodeOpening(hiddenTensors(c, inputs, outputs, salts)),
  };
}

function hiddenTensors(
  c: Groth16Circuit,
  inputs: readonly Int32Array[],
  outputs: readonly Int32Array[],
  salts: readonly Uint8Array[],
): OpenedTensor[] {
  const list = (of: 'input' | 'output') =>
    c[`${of}s`].flatMap(({ hidden }, index) =>
      hidden ? [{ of, index, values: Array.from((of === 'input' ? inputs : outputs)[index] as Int32Array) }] : [],
    );
  return [...list('input'), ...list('output')].map((t, i) => ({ ...t, salt: salts[i] as Uint8Array }));
}

/** A ‖ B ‖ C as EIP-197 writes points. */
export function proofBytes({ pi_a, pi_b, pi_c }: SnarkProof): Uint8Array {
  const [x, y] = pi_b as [readonly string[], readonly string[]];
  const words = [pi_a[0], pi_a[1], x[1], x[0], y[1], y[0], pi_c[0], pi_c[1]] as string[];
  return concatAll(words.map((w) => bigEndian(BigInt(w))));
}
