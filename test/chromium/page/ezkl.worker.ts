import { expose } from 'comlink';
import { ezklEngine } from '../../../verifier-web/ezkl.ts';
import type { EngineAsked } from './asked.ts';

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
