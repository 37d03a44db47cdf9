/** The verifier's arithmetic: both sets conform, and where WebAssembly may not run the other one is taken and says why. */
import { afterEach, expect, it, vi } from 'vitest';
import { plain } from '../../protocol/arithmetic.ts';
import { wasmArithmetic } from '../../verifier/wasm.ts';
import { arithmeticConformance } from './conformance.ts';
import { recordedProof } from './recorded.helpers.ts';

arithmeticConformance('plain', plain);
arithmeticConformance('WebAssembly', wasmArithmetic());

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

/** A verifier that begins in a world with this WebAssembly. */
async function verifierWith(wasm: unknown): Promise<typeof import('../../verifier/index.ts')> {
  vi.resetModules();
  vi.stubGlobal('WebAssembly', wasm);
  return import('../../verifier/index.ts');
}

it.each([
  ['is missing', 'this machine has no WebAssembly', undefined],
  ['has no SIMD', 'this machine has no WebAssembly SIMD', { ...WebAssembly, validate: (): boolean => false, Module: WebAssembly.Module }],
  [
    'is forbidden by a content security policy',
    'WebAssembly SIMD is not allowed here: Refused to compile',
    {
      validate: (): boolean => true,
      Memory: WebAssembly.Memory,
      Module: class {
        constructor() {
          throw new Error('Refused to compile');
        }
      },
    },
  ],
])('verifies in plain TypeScript where WebAssembly %s', async (_, said, wasm) => {
  const { kernelsInUse, verify } = await verifierWith(wasm);
  expect(kernelsInUse()).toBe(`TypeScript, since ${said}`);
  const { proof, key, changed } = recordedProof();
  expect(verify(proof, key).verdict).toBe('accepted');
  expect(verify(changed, key)).toMatchObject({ verdict: 'refused', code: 'V11' });
});

it('verifies in plain TypeScript where that is asked for, with the same answers', async () => {
  const { verify } = await verifierWith(WebAssembly);
  const { proof, key, changed } = recordedProof();
  for (const p of [proof, changed]) expect(verify(p, key, { arithmetic: 'plain' })).toEqual(verify(p, key));
});

it('takes bytes and nothing else', async () => {
  const { verify } = await verifierWith(WebAssembly);
  const { proof, key } = recordedProof();
  expect(() => verify(proof.buffer as never, key)).toThrow(/the proof is no Uint8Array/);
  expect(() => verify(proof, key.buffer as never)).toThrow(/the key is no Uint8Array/);
  expect(() => verify(proof, key, { circuit: 'x' as never })).toThrow(/the circuit is no Uint8Array/);
});

it('verifies in WebAssembly where it runs', async () => {
  const { kernelsInUse, verify } = await verifierWith(WebAssembly);
  expect(kernelsInUse()).toBe('WebAssembly SIMD');
  const { proof, key, changed } = recordedProof();
  expect(verify(proof, key).verdict).toBe('accepted');
  expect(verify(changed, key)).toMatchObject({ verdict: 'refused', code: 'V11' });
});
