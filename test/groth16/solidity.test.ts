/** The exported contract, compiled by solc and executed by an EVM: it accepts the proof, and nothing else. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createEVM, type EVM } from '@ethereumjs/evm';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { beforeAll, expect, test } from 'vitest';
import { decodeGroth16Key } from '../../circuits/groth16/key.ts';
import { contextSignals, limbsOf } from '../../circuits/groth16/signals.ts';
import { solidityVerifier } from '../../groth16/solidity.ts';
import { ascii, concat } from '../../protocol/bytes.ts';
import { decodeEnvelope } from '../../protocol/envelope.ts';
import { outsideTheGroup, word } from '../../scripts/fixtures-groth16.ts';
import { contextDigest } from '../../verifier/groth16/index.ts';

interface Solc {
  compile(input: string): string;
}

const read = (file: string): Uint8Array => new Uint8Array(readFileSync(`fixtures/groth16/${file}`));
const key = decodeGroth16Key(read('digits.key'));
const e = decodeEnvelope(read('digits.proof'));
const signals = [
  ...limbsOf('uint8', (e.inputs[0] as Uint8Array).slice(-64)),
  ...limbsOf('uint8', (e.outputs[0] as Uint8Array).slice(-10)),
  ...contextSignals(contextDigest(e.modelId, e.context)),
];
const R = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
const Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;

let code: Uint8Array;
let evm: EVM;

beforeAll(async () => {
  const solc = (await import('solc')) as unknown as { default: Solc };
  const input = {
    language: 'Solidity',
    sources: { 'verifier.sol': { content: solidityVerifier(key) } },
    settings: { optimizer: { enabled: true }, outputSelection: { '*': { '*': ['evm.deployedBytecode.object'] } } },
  };
  const output = JSON.parse(solc.default.compile(JSON.stringify(input))) as {
    readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[];
    readonly contracts: Record<string, Record<string, { evm: { deployedBytecode: { object: string } } }>>;
  };
  expect(output.errors ?? []).toEqual([]);
  code = Uint8Array.from(Buffer.from(output.contracts['verifier.sol']?.Groth16Verifier?.evm.deployedBytecode.object as string, 'hex'));
  evm = await createEVM();
});

/** verify(bytes, uint256[n]) as calldata. */
function calldata(proof: Uint8Array, values: readonly bigint[]): Uint8Array {
  const selector = keccak_256(ascii(`verify(bytes,uint256[${key.signals}])`)).slice(0, 4);
  const head = concat(word(BigInt(32 * (values.length + 1))), ...values.map(word));
  const padded = new Uint8Array(Math.ceil(proof.length / 32) * 32);
  padded.set(proof);
  return concat(selector, head, word(BigInt(proof.length)), padded);
}

async function call(proof: Uint8Array, values: readonly bigint[]): Promise<{ answer: boolean | 'reverted'; gas: bigint }> {
  const { returnValue, executionGasUsed, exceptionError } = await evm.runCode({
    code,
    data: calldata(proof, values),
    gasLimit: 10_000_000n,
  });
  return { answer: exceptionError ? 'reverted' : returnValue.length === 32 && returnValue[31] === 1, gas: executionGasUsed };
}

const changed = (from: number, bytes: Uint8Array): Uint8Array => {
  const out = e.proof.slice();
  out.set(bytes, from);
  return out;
};
const at = (from: number): bigint => e.proof.slice(from, from + 32).reduce((n, b) => 256n * n + BigInt(b), 0n);

test('accepts the proof; its gas is written to test/artifacts', async () => {
  const { answer, gas } = await call(e.proof, signals);
  expect(answer).toBe(true);
  const bytes = 4 + 32 * (signals.length + 2) + 256;
  mkdirSync('test/artifacts', { recursive: true });
  writeFileSync(
    'test/artifacts/solidity.txt',
    `contract of ${key.profile}: ${code.length} bytes of code\naccepts the proof: ${gas} gas for ${key.signals} public signals, ${bytes} bytes of calldata\n`,
  );
  // 4 pairings and 6 multiplications are 181,000 and 36,000 gas of EIP-1108.
  expect(Number(gas)).toBeLessThan(260_000);
});

test.each<[string, () => [Uint8Array, readonly bigint[]]]>([
  ['another output', () => [e.proof, signals.with(3, (signals[3] as bigint) ^ 1n)]],
  ['another input', () => [e.proof, signals.with(0, (signals[0] as bigint) ^ 1n)]],
  ['another context', () => [e.proof, signals.with(5, (signals[5] as bigint) ^ 1n)]],
  ['a signal plus the order of the field', () => [e.proof, signals.with(0, (signals[0] as bigint) + R)]],
  ['a coordinate plus the modulus', () => [changed(0, word(at(0) + Q)), signals]],
  ['A negated', () => [changed(32, word(Q - at(32))), signals]],
  ['A at infinity', () => [changed(0, new Uint8Array(64)), signals]],
  ['B at infinity', () => [changed(64, new Uint8Array(128)), signals]],
  ['C at infinity', () => [changed(192, new Uint8Array(64)), signals]],
  ['everything at infinity', () => [new Uint8Array(256), signals]],
  ['C off the curve', () => [changed(255, Uint8Array.of((e.proof[255] as number) ^ 1)), signals]],
  ['B outside the group', () => [changed(64, outsideTheGroup()), signals]],
  ['a short proof', () => [e.proof.slice(0, 224), signals]],
  ['a long proof', () => [concat(e.proof, new Uint8Array(32)), signals]],
])('refuses %s, and does not revert', async (_, told) => {
  expect((await call(...told())).answer).toBe(false);
});

test('a contract of an insecure set-up says so', () => {
  expect(solidityVerifier(key)).toContain('INSECURE SET-UP');
  expect(solidityVerifier({ ...key, setup: 'circuit' })).not.toContain('INSECURE');
});
