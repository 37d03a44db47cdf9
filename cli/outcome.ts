/**
 * How a command ends.
 *
 * 0: accepted, or done. 1: refused, with a code and a sentence. 2: could not tell (an unreadable file, wrong usage, a crash of ours).
 * 130, 143, 129: stopped by Ctrl-C, SIGTERM, SIGHUP. The four never mix: a crash is not a refusal, and neither is a missing file.
 */
import { Refused } from '../protocol/refused.ts';
import { encode } from './json.ts';
import { Stopped } from './stop.ts';
import { hint, print, say } from './talk.ts';
import { printable } from './text.ts';

export type Exit = 0 | 1 | 2;

/** The command cannot answer, through no fault of the artefact it looks at. `code` is a dotted word, the message one sentence. */
export class CannotTell extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, sentence: string, advice?: string) {
    super(sentence);
    this.name = 'CannotTell';
    this.code = code;
    this.hint = advice;
  }
}

/** What stdout gets when a command fails: nothing, a line that opens with the verdict, or one JSON object with these members and more. */
export type Voice = 'silent' | 'text' | Readonly<Record<string, unknown>>;

/** Runs a command and sets the exit code of the process; every error of the command ends here. */
export async function conclude(work: () => Promise<Exit>, voice: Voice = 'silent'): Promise<void> {
  try {
    process.exitCode = await work();
  } catch (error) {
    process.exitCode = await explain(error, voice);
  }
}

async function explain(error: unknown, voice: Voice): Promise<number> {
  const json = async (answer: object): Promise<void> => {
    if (typeof voice === 'object') await print(encode({ ...voice, ...answer }));
  };
  if (error instanceof Stopped) {
    say(`stopped by ${error.signal}; nothing is half-written`);
    return error.exit;
  }
  if (error instanceof Refused) {
    await json({ verdict: 'refused', code: error.code, sentence: error.message, detail: error.detail });
    if (voice === 'text') await print(`refused ${error.code}`);
    say(printable(voice === 'silent' ? `refused ${error.code}: ${error.message}` : error.message));
    for (const sentence of furtherReasons(error)) say(printable(sentence));
    if (typeof error.detail.hint === 'string') hint(error.detail.hint);
    return 1;
  }
  if (error instanceof CannotTell) {
    await json({ verdict: 'could-not-tell', code: error.code, sentence: error.message });
    say(printable(error.message));
    if (error.hint) hint(printable(error.hint));
    return 2;
  }
  const sentence = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  await json({ verdict: 'could-not-tell', code: 'internal', sentence });
  crash(error);
  return 2;
}

/** A model can be refused for several reasons; the first is the refusal itself. */
function furtherReasons({ detail }: Refused): string[] {
  const { reasons } = detail;
  if (!Array.isArray(reasons)) return [];
  return reasons.slice(1).flatMap((reason: { code?: unknown; sentence?: unknown }) => {
    return typeof reason.sentence === 'string' ? [`also ${String(reason.code)}: ${reason.sentence}`] : [];
  });
}

/** Says that we are wrong, with the stack: whoever reads it can report it. */
export function crash(error: unknown): void {
  say('internal error: this is a bug of assay, not a verdict on your files');
  const stack = error instanceof Error ? (error.stack ?? String(error)) : String(error);
  const cause = error instanceof Error && error.cause !== undefined ? `\ncaused by ${String(error.cause)}` : '';
  process.stderr.write(`${stack}${cause}\n`);
}
