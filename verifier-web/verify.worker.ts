/** Reads files and verifies, in a worker: the page stays alive, and ending the worker ends the work. */
import { expose } from 'comlink';
import { systemOf } from '../circuits/container.ts';
import { decodeKeyFile } from '../circuits/files.ts';
import { SYSTEM } from '../protocol/envelope.ts';
import { Refused } from '../protocol/refused.ts';
import { prepareVerifier, verifyAny } from '../verifier/any.ts';
import { kernelsInUse } from '../verifier/index.ts';
import { ezklEngine } from './ezkl.ts';
import { readFiles } from './files.ts';
import type { ProgressOf, Question, Report, VerifyService } from './messages.ts';
import { networkOf } from './network.ts';
import { partsOf } from './parts.ts';

/** By the key, as the verifier is chosen: a key that cannot be read is refused by the native one. */
function isNative(key: Uint8Array): boolean {
  try {
    return systemOf(key, 'key') === SYSTEM;
  } catch (e) {
    if (e instanceof Refused) return true;
    throw e;
  }
}

const service: VerifyService = {
  read(given) {
    const read = readFiles(given);
    // While the page draws. Where that fails, the check says so.
    for (const { kind, bytes } of read.held) if (kind === 'key') prepareVerifier(bytes).catch(() => {});
    return read;
  },
  async check({ proof, key, circuit, context }: Question, onProgress?: (p: ProgressOf) => void): Promise<Report> {
    const started = performance.now();
    const verdict = await verifyAny(proof, key, { context, circuit: circuit ?? undefined, onProgress, ezkl: ezklEngine });
    const milliseconds = performance.now() - started;
    // Only keys that met every condition are drawn, and only native ones show the network.
    const native = isNative(key);
    const keyFile = native && verdict.verdict === 'accepted' ? decodeKeyFile(key) : null;
    return {
      verdict,
      milliseconds,
      proofBytes: proof.length,
      keyBytes: key.length,
      kernels: native ? kernelsInUse() : null,
      network: keyFile === null ? null : networkOf(keyFile),
      parts: keyFile === null ? [] : partsOf(proof, keyFile),
    };
  },
};

expose(service);
