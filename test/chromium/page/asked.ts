import type { EzklFiles } from '../../../verifier/any.ts';

/** The engine as the test asks it. */
export interface EngineAsked {
  /** What the engine answers, or the reason why it could not be run; and how long it took. */
  check(files: EzklFiles): Promise<{ readonly answer: string | null; readonly ran: boolean; readonly milliseconds: number }>;
}
