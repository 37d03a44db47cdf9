/** groth16 with files and names: what the package exports as `assay/groth16`. Node only; circom2 and snarkjs are asked for when they are used. */
import { bn254 } from '@noble/curves/bn254.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { decodeGroth16Circuit, encodeGroth16Circuit, type Groth16Circuit } from '../circuits/groth16/circuit.ts';
import {
  decodeGroth16Key,
  encodeGroth16Key,
  G1_BYTES,
  G2_BYTES,
  type Groth16Key,
  type Groth16KeyFields,
  signalCount,
} from '../circuits/groth16/key.ts';
import { circomProgram, type Visibility } from '../compiler/circom/program.ts';
import { compile } from '../compiler/compile.ts';
import { type CheckReport, lower, type Reason } from '../compiler/index.ts';
import { equalBytes, toHex } from '../protocol/bytes.ts';
import { Pace, type PaceOptions } from '../protocol/pace.ts';
import { Refused } from '../protocol/refused.ts';
import { type NamedInputs, openCircuit, type RunResult } from '../prover/index.ts';
import { runCircom } from './circom.ts';
import { insecureSetup } from './insecure-setup.ts';
import { domainBits } from './powers.ts';
import { type Groth16Proved, type Groth16ProveOptions, proveGroth16 } from './prove.ts';
import { readR1cs } from './r1cs.ts';
import { applyBeacon, beginSetup, checkPtau, checkSetup, contribute } from './setup.ts';
import { hiddenCount } from './signals.ts';
import { readZkey, type ZkeyFacts } from './zkey.ts';

export { auditGroth16 } from './audit.ts';
export { MissingPackage } from './circom.ts';
export { Unanswered } from './snarkjs.ts';
export { applyBeacon, checkPtau, contribute };

/** Constraints beyond which a circuit is refused unless it is forced: proving keys and set-ups grow out of an ordinary machine. */
export const MOST_CONSTRAINTS = 2 ** 16;

export interface Groth16CompileOptions extends PaceOptions {
  readonly hideInput?: boolean | undefined;
  readonly hideOutput?: boolean | undefined;
  /** Compile a circuit of more than 2^16 constraints. */
  readonly force?: boolean | undefined;
}

export interface Feasibility {
  readonly constraints: number;
  readonly domain: number;
  readonly publicSignals: number;
  readonly parts: readonly { readonly label: string; readonly constraints: number }[];
  readonly feasible: boolean;
}

/** The circom program of a model, as stable text. */
export function circomText(model: Uint8Array, { hideInput, hideOutput }: Visibility): string {
  return circomProgram(lower(model).network, { hideInput, hideOutput }).source;
}

/** As the native report; `predicted` is of this system. */
export type Groth16Report = CheckReport & { readonly predicted?: Readonly<Record<string, number>>; readonly parts?: Feasibility['parts'] };

/** The report of a model that the native system takes, with what it would cost here, or why it cannot be compiled. */
export function checkGroth16(model: Uint8Array, native: CheckReport): Groth16Report {
  try {
    const { constraints, domain, publicSignals, parts, feasible } = costOf(
      circomProgram(lower(model).network, { hideInput: false, hideOutput: false }),
    );
    const predicted = { constraints, mostConstraints: MOST_CONSTRAINTS, domain, publicSignals, proofBytes: 256 };
    const reasons = feasible ? [] : [tooLarge({ constraints, parts })];
    return { ...native, supported: feasible, reasons, predicted, parts };
  } catch (e) {
    if (!(e instanceof Refused)) throw e;
    const node = typeof e.detail.node === 'string' ? { node: e.detail.node } : {};
    return { ...native, supported: false, reasons: [{ code: e.code, sentence: e.message, ...node }] };
  }
}

const tooLarge = (cost: Pick<Feasibility, 'constraints' | 'parts'>): Reason => ({
  code: 'groth16.constraints',
  sentence: `the model takes ${cost.constraints} constraints, most of them in ${largest(cost)}; at most ${MOST_CONSTRAINTS} are compiled unless forced`,
});

function costOf({ constraints, parts, publicSignals }: ReturnType<typeof circomProgram>): Feasibility {
  const bits = domainBits({ constraints: { length: constraints }, publics: publicSignals });
  return {
    constraints,
    domain: 2 ** bits,
    publicSignals,
    parts,
    feasible: constraints <= MOST_CONSTRAINTS,
  };
}

export interface Groth16Compiled {
  readonly circuit: Uint8Array;
  readonly cost: Feasibility;
  readonly notes: readonly string[];
}

/** Compiles a quantized model to a groth16 circuit. Deterministic. Refused `groth16.constraints` beyond 2^16 constraints. */
export async function compileGroth16(model: Uint8Array, options: Groth16CompileOptions = {}): Promise<Groth16Compiled> {
  const { hideInput = false, hideOutput = false, force = false, signal } = options;
  const pace = new Pace(options);
  await pace.at('read the model', 0);
  const native = await compile(model, { signal });
  await pace.at('choose relations', 0.1);
  const program = circomProgram(lower(model).network, { hideInput, hideOutput });
  const cost = costOf(program);
  if (!cost.feasible && !force) {
    const { code, sentence } = tooLarge(cost);
    throw new Refused(code, sentence, { constraints: cost.constraints });
  }
  await pace.at('compile the constraints', 0.2);
  const { r1cs, witnessProgram } = await runCircom(program.source, signal);
  await pace.at('done', 1);
  const circuit = encodeGroth16Circuit({ native: native.circuit, hideInput, hideOutput, r1cs, witnessProgram });
  return { circuit, cost: { ...cost, constraints: readR1cs(r1cs).constraints.length }, notes: native.notes };
}

const largest = ({ parts }: Pick<Feasibility, 'parts'>): string => {
  const [most] = [...parts].sort((a, b) => b.constraints - a.constraints);
  return `"${most?.label}" (${most?.constraints})`;
};

export interface Groth16SetUp {
  /** For verifiers. */
  readonly key: Uint8Array;
  /** For the prover: as large as the circuit is. */
  readonly zkey: Uint8Array;
}

/** A set-up for development, from 32 bytes that must be kept secret to be worth anything; the key is marked as insecure. */
export async function setUpInsecurely(circuitFile: Uint8Array, seed: Uint8Array, options: PaceOptions = {}): Promise<Groth16SetUp> {
  const c = decodeGroth16Circuit(circuitFile);
  const zkey = await insecureSetup(readR1cs(c.r1cs), seed, new Pace(options));
  return { zkey, key: keyOf(c, zkey, 'insecure-dev') };
}

/** The first proving key of a ceremony: powers checked, one contribution of this machine. */
export async function setUp(
  circuitFile: Uint8Array,
  ptau: Uint8Array,
  {
    name = 'assay',
    entropy = '',
    ...options
  }: PaceOptions & { readonly name?: string | undefined; readonly entropy?: string | undefined } = {},
): Promise<Groth16SetUp> {
  const c = decodeGroth16Circuit(circuitFile);
  const pace = new Pace(options);
  await pace.at('check the powers of tau', 0);
  await checkPtau(ptau, options.signal);
  await pace.at('make the proving key', 0.4);
  const first = await beginSetup(c.r1cs, ptau, options.signal);
  await pace.at('contribute', 0.7);
  const zkey = await contribute(first, name, entropy, options.signal);
  await pace.at('done', 1);
  return { zkey, key: keyOf(c, zkey, 'circuit') };
}

/** The key of a ceremony's last proving key, which is checked against circuit and powers; and so are the powers: whoever knows their secret can forge. */
export async function finishSetUp(
  circuitFile: Uint8Array,
  ptau: Uint8Array,
  zkey: Uint8Array,
  options: PaceOptions = {},
): Promise<Uint8Array> {
  const c = decodeGroth16Circuit(circuitFile);
  const pace = new Pace(options);
  await pace.at('check the powers of tau', 0);
  await checkPtau(ptau, options.signal);
  await pace.at('check every contribution', 0.5);
  await checkSetup(c.r1cs, ptau, zkey, options.signal);
  return keyOf(c, zkey, 'circuit');
}

function keyOf(c: Groth16Circuit, zkey: Uint8Array, setup: Groth16KeyFields['setup']): Uint8Array {
  const facts = readZkey(zkey);
  const { inputs, outputs } = c;
  const signals = signalCount([...inputs, ...outputs]);
  if (facts.publics !== signals)
    throw new Refused('zkey.invalid', `the proving key has ${facts.publics} public signals, the circuit ${signals}`);
  if (setup === 'circuit' && facts.contributions === 0)
    throw new Refused('zkey.invalid', 'the proving key has no contribution: whoever knows that can forge proofs under it');
  return encodeGroth16Key({
    setup,
    contributions: setup === 'circuit' ? facts.contributions : 0,
    r1cs: sha256(c.r1cs),
    inputs,
    outputs,
    points: facts.points,
    interface: c.circuit.interface,
  });
}

export interface OpenGroth16 {
  readonly inputs: ReturnType<typeof openCircuit>['inputs'];
  /** Whether its proofs hide a tensor, and so come with an opening. */
  readonly hides: boolean;
  run(inputs: NamedInputs): RunResult;
  /** Proves a run. */
  prove(inputs: NamedInputs, options?: Groth16ProveOptions): Promise<RunResult & Groth16Proved>;
}

/** A circuit to run, and with key and proving key to prove. Throws `Refused` where the three do not belong together. */
export function openGroth16(circuitFile: Uint8Array, keys?: { readonly key: Uint8Array; readonly zkey: Uint8Array }): OpenGroth16 {
  const c = decodeGroth16Circuit(circuitFile);
  const native = openCircuit(c.native);
  const matched = keys === undefined ? null : matchedKey(c, keys);
  return {
    inputs: native.inputs,
    hides: hiddenCount(c) > 0,
    run: (inputs) => native.run(inputs),
    async prove(inputs, options = {}) {
      if (matched === null) throw new Error('a proof needs key and proving key');
      const result = native.run(inputs);
      const { inputs: ins, outputs: outs } = result.integers;
      return { ...result, ...(await proveGroth16(c, matched, ins, outs, options)) };
    },
  };
}

/**
 * Whether e(δ₁, 1) = e(1, δ₂). A proof adds random multiples of δ₁ and δ₂ to its A and B, and its C follows from them where it holds: with
 * this it hides the witness whatever else is in the proving key.
 */
function sameDelta({ delta1, points }: ZkeyFacts): boolean {
  const { G1, G2, fields, pairing } = bn254;
  const at = G1_BYTES + 2 * G2_BYTES;
  const words = (bytes: Uint8Array): bigint[] =>
    Array.from({ length: bytes.length / 32 }, (_, i) => BigInt(`0x${toHex(bytes.subarray(32 * i, 32 * i + 32))}`));
  const [x, y] = words(delta1) as [bigint, bigint];
  const [x1, x0, y1, y0] = words(points.subarray(at, at + G2_BYTES)) as [bigint, bigint, bigint, bigint];
  const one = G1.Point.fromAffine({ x, y });
  const two = G2.Point.fromAffine({ x: fields.Fp2.fromBigTuple([x0, x1]), y: fields.Fp2.fromBigTuple([y0, y1]) });
  try {
    one.assertValidity();
    two.assertValidity();
  } catch {
    return false; // no point of the group
  }
  return !one.is0() && !two.is0() && fields.Fp12.eql(pairing(one, G2.Point.BASE), pairing(G1.Point.BASE, two));
}

function matchedKey(c: Groth16Circuit, { key: file, zkey }: { readonly key: Uint8Array; readonly zkey: Uint8Array }) {
  const key: Groth16Key = decodeGroth16Key(file);
  if (!equalBytes(key.r1cs, sha256(c.r1cs)))
    throw new Refused(
      'key.circuit',
      `the key is of another circuit: of ${toHex(key.r1cs.subarray(0, 8))}…, this one is ${toHex(sha256(c.r1cs).subarray(0, 8))}…`,
    );
  const facts: ZkeyFacts = readZkey(zkey);
  if (!equalBytes(facts.points, key.points)) throw new Refused('key.circuit', 'key and proving key are of different set-ups');
  if (!sameDelta(facts))
    throw new Refused('zkey.invalid', 'the proving key has no delta in G1 that is that of G2: proofs under it could hold and hide nothing');
  return { zkey, wires: facts.wires, vkHash: key.vkHash, r1cs: key.r1cs };
}
