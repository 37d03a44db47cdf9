/** The engine that checks EZKL proofs in the page: a worker a check, started by the verifier's own worker, which it never outlives. */
import type { EzklEngine, EzklFiles } from '../verifier/any.ts';

/** `ran` false: the engine could not be run to its end. `why` null: the proof holds. */
export type EngineAnswer = { readonly ran: true; readonly why: string | null } | { readonly ran: false; readonly why: string };

/** An engine for `verifyAny`. Nothing is loaded before the first check. */
export async function ezklEngine(): Promise<EzklEngine> {
  return { verify: check };
}

function check({ proof, vk, settings, srs }: EzklFiles): Promise<string | null> {
  const worker = new Worker(new URL('./ezkl.worker.ts', import.meta.url), { type: 'module', name: 'ezkl' });
  const told = new Promise<string | null>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<EngineAnswer>) =>
      data.ran ? resolve(data.why) : reject(new Error(`EZKL’s engine ${data.why}`));
    worker.onerror = (e) => {
      e.preventDefault();
      reject(
        new Error(
          e.message
            ? `EZKL’s engine crashed: ${e.message}`
            : 'EZKL’s engine could not be loaded; the page in the npm package comes without it',
        ),
      );
    };
    worker.onmessageerror = () => reject(new Error('EZKL’s engine sent something that cannot be read'));
  });
  worker.postMessage({ proof, vk, settings, srs } satisfies EzklFiles);
  return told.finally(() => worker.terminate());
}
