/** groth16 as the command line sees it: loaded when it is asked for, and what is not installed is named. */
import { CannotTell } from '../outcome.ts';

export type Groth16 = typeof import('../../groth16/index.ts');

/** Runs work of the backend; a package that is missing is wrong usage, no verdict; nor is a process that died. */
export async function withGroth16<T>(work: (library: Groth16) => Promise<T> | T): Promise<T> {
  const library = await import('../../groth16/index.ts');
  try {
    return await work(library);
  } catch (e) {
    if (e instanceof library.MissingPackage)
      throw new CannotTell('package.missing', `the package ${e.package} is not installed`, `npm install ${e.package}`);
    if (e instanceof library.Unanswered) throw new CannotTell('groth16.unanswered', e.message);
    throw e;
  }
}
