/** EZKL as the command line sees it: loaded when a key or circuit of it is given, and an engine that is not there or died is no verdict. */
import type { EzklEngine } from '../../index.ts';
import { CannotTell } from '../outcome.ts';

export type Ezkl = typeof import('../../ezkl/index.ts');

/** Runs work of the backend. */
export async function withEzkl<T>(work: (library: Ezkl) => Promise<T> | T): Promise<T> {
  const library = await import('../../ezkl/index.ts');
  try {
    return await work(library);
  } catch (e) {
    if (e instanceof library.EngineMissing) throw new CannotTell('package.missing', e.message, 'npm install @ezkljs/engine@21.0.0');
    if (e instanceof library.EngineDied) throw new CannotTell('ezkl.died', e.message);
    throw e;
  }
}

/** The engine for `verifyAny`. */
export const startEzkl = (): Promise<EzklEngine> =>
  withEzkl(async (library) => {
    const engine = await library.ezkl();
    return { verify: (files) => withEzkl(() => engine.verify(files)) };
  });
