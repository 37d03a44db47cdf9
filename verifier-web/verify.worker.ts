/** Reads files and verifies, in a worker: the page stays alive, and ending the worker ends the work. */
import { expose } from 'comlink';
import { decodeKeyFile } from '../circuits/files.ts';
import { SYSTEM } from '../protocol/envelope.ts';
import { kernelsInUse, verifyAny } from '../verifier/index.ts';
import { ezklEngine } from './ezkl.ts';
import { readFiles } from './files.ts';
import type { ProgressOf, Question, Report, VerifyService } from './messages.ts';
import { networkOf } from './network.ts';
import { partsOf } from './parts.ts';

const service: VerifyService = {
  read: readFiles,
  async check({ proof, key, circuit, context }: Question, onProgress?: (p: ProgressOf) => void): Promise<Report> {
    const started = performance.now();
    const verdict = await verifyAny(proof, key, { context, circuit: circuit ?? undefined, onProgress, ezkl: ezklEngine });
    const milliseconds = performance.now() - started;
    // Only keys that met every condition are drawn, and only native ones show the network.
    const keyFile = verdict.verdict === 'accepted' && verdict.system === SYSTEM ? decodeKeyFile(key) : null;
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
