/** Reads files and verifies, in a worker: the page stays alive, and ending the worker ends the work. */
import { expose } from 'comlink';
import { decodeKeyFile } from '../circuits/files.ts';
import { kernelsInUse, verify } from '../verifier/index.ts';
import { readFiles } from './files.ts';
import type { ProgressOf, Question, Report, VerifyService } from './messages.ts';
import { networkOf } from './network.ts';
import { partsOf } from './parts.ts';

const service: VerifyService = {
  read: readFiles,
  check({ proof, key, circuit, context }: Question, onProgress?: (p: ProgressOf) => void): Report {
    const started = performance.now();
    const verdict = verify(proof, key, { context, circuit: circuit ?? undefined, onProgress });
    const milliseconds = performance.now() - started;
    // Only keys that met every condition are drawn.
    const keyFile = verdict.verdict === 'accepted' ? decodeKeyFile(key) : null;
    return {
      verdict,
      milliseconds,
      proofBytes: proof.length,
      keyBytes: key.length,
      kernels: kernelsInUse(),
      network: keyFile === null ? null : networkOf(keyFile),
      parts: keyFile === null ? [] : partsOf(proof, keyFile),
    };
  },
};

expose(service);
