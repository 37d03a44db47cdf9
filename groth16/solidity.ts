/**
 * The verifier of a key as a Solidity contract. Points are those of the key; the checks are those of verifier/groth16: every coordinate and
 * public signal below its modulus, the points on their curves (by the precompiles of EIP-196 and EIP-197, which also know the subgroup), and
 * the equation. The statement's signals are those of circuits/groth16/signals.ts.
 */
import { G1_BYTES, G2_BYTES, type Groth16Key } from '../circuits/groth16/key.ts';
import { toHex } from '../protocol/bytes.ts';
import { R } from './r1cs.ts';
import { Q } from './zkey.ts';

/** Source text; the contract `Groth16Verifier` has `verify(bytes proof, uint256[n] signals)`. */
export function solidityVerifier(key: Groth16Key): string {
  const word = (at: number): string => `0x${toHex(key.points.subarray(at, at + 32))}`;
  const g2 = (name: string, at: number): string =>
    ['X1', 'X0', 'Y1', 'Y0'].map((c, i) => `    uint256 private constant ${name}_${c} = ${word(at + 32 * i)};\n`).join('');
  const from = G1_BYTES + 3 * G2_BYTES;
  const ic = Array.from({ length: key.signals + 1 }, (_, i) => [word(from + G1_BYTES * i), word(from + G1_BYTES * i + 32)] as const);
  const terms = ic.slice(1).map(([x, y], i) => `        good = _add(sum, ${x}, ${y}, signals[${i}]) && good;\n`);
  const warning =
    key.setup === 'insecure-dev'
      ? '/// INSECURE SET-UP, for development: whoever made the key can make this contract accept anything.\n'
      : '';
  return `// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// Verifies Groth16 proofs of circuit ${key.profile} over BN254: key ${toHex(key.vkHash)}.
${warning}contract Groth16Verifier {
    uint256 private constant R = ${R};
    uint256 private constant Q = ${Q};

    uint256 private constant ALPHA_X = ${word(0)};
    uint256 private constant ALPHA_Y = ${word(32)};
${g2('BETA', G1_BYTES)}${g2('GAMMA', G1_BYTES + G2_BYTES)}${g2('DELTA', G1_BYTES + 2 * G2_BYTES)}
    /// \`proof\`: A, B, C as EIP-197 writes points, 256 bytes. \`signals\`: for every input, then every output, its limbs or its commitment;
    /// then the halves of SHA-256(modelId, context). Anything that is no proof is false, never a revert;
    /// but a point off its curve makes a precompile take 63/64 of the gas that is left: call it with a limit.
    function verify(bytes calldata proof, uint256[${key.signals}] calldata signals) external view returns (bool) {
        if (proof.length != 256) return false;
        for (uint256 i = 0; i < ${key.signals}; i++) if (signals[i] >= R) return false;
        uint256[8] memory p = abi.decode(proof, (uint256[8]));
        for (uint256 i = 0; i < 8; i++) if (p[i] >= Q) return false;
        // The point at infinity is a point of the curve, and no part of a proof.
        if ((p[0] | p[1]) == 0 || (p[2] | p[3] | p[4] | p[5]) == 0 || (p[6] | p[7]) == 0) return false;

        uint256[2] memory sum = [${ic[0]?.[0]}, ${ic[0]?.[1]}];
        bool good = true;
${terms.join('')}        if (!good) return false;

        // e(-A, B) e(alpha, beta) e(sum, gamma) e(C, delta) = 1
        uint256[24] memory pairs = [
            p[0], p[1] == 0 ? 0 : Q - p[1], p[2], p[3], p[4], p[5],
            ALPHA_X, ALPHA_Y, BETA_X1, BETA_X0, BETA_Y1, BETA_Y0,
            sum[0], sum[1], GAMMA_X1, GAMMA_X0, GAMMA_Y1, GAMMA_Y0,
            p[6], p[7], DELTA_X1, DELTA_X0, DELTA_Y1, DELTA_Y0
        ];
        uint256[1] memory out;
        assembly {
            good := staticcall(gas(), 8, pairs, 768, out, 32)
        }
        return good && out[0] == 1;
    }

    /// sum += scalar * (x, y)
    function _add(uint256[2] memory sum, uint256 x, uint256 y, uint256 scalar) private view returns (bool good) {
        uint256[4] memory input = [x, y, scalar, 0];
        assembly {
            good := staticcall(gas(), 7, input, 96, input, 64)
        }
        input[2] = sum[0];
        input[3] = sum[1];
        assembly {
            good := and(good, staticcall(gas(), 6, input, 128, sum, 64))
        }
    }
}
`;
}
