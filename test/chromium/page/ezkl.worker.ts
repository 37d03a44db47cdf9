import { expose } from 'comlink';
import type { EzklFiles } from '../../../verifier/index.ts';
import { ezklEngine } from '../../../verifier-web/ezkl.ts';

export interface EngineAsked {
  /** What the engine answers, or the reason why it could not be run; and how long it took. */
  check(files: EzklFiles): Promise<{ readonly answer: string | null; readonly ran: boolean; readonly milliseconds: number }>;
}

const asked: EngineAsked = {
  async check(files) {
    const started = performance.now();
    const told = await (await ezklEngine()).verify(files).then(
      (answer) => ({ answer, ran: true }),
      (e: Error) => ({ answer: e.message, ran: false }),
    );
    return { ...told, milliseconds: performance.now() - started };
  },
};
expose(asked);
