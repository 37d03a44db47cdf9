/**
 * The two streams: stdout carries data, stderr carries talk.
 *
 * A reader that goes away (`assay run … | head -1`) ends the printing, not the command: the exit code still tells the verdict.
 * Any other failure of stdout (a full disk) means that the data did not arrive, so the exit code becomes 2.
 */
let readerGone = false;
let stdoutFailure: string | null = null;

/** Installs the handlers of both streams; called once, before anything is printed. */
export function watchStreams(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') readerGone = true;
    else stdoutFailure ??= error.message;
  });
  process.stderr.on('error', () => {});
}

/** True when nobody reads stdout any more: a command with many lines may stop. */
export function nobodyReads(): boolean {
  return readerGone || stdoutFailure !== null;
}

/** Why stdout failed, or null. */
export function failureOfStdout(): string | null {
  return stdoutFailure;
}

/** Writes one line (or several) of data and waits until the stream takes more. */
export async function print(text: string): Promise<void> {
  if (nobodyReads()) return;
  // The callback comes after the 'error' event, so the next line knows that the reader is gone.
  await new Promise<void>((done) => {
    process.stdout.write(`${text}\n`, () => setImmediate(done));
  });
}

/** One sentence of talk. */
export function say(sentence: string): void {
  process.stderr.write(`assay: ${sentence}\n`);
}

/** What the reader could do about it. */
export function hint(sentence: string): void {
  process.stderr.write(`assay: hint: ${sentence}\n`);
}

/** Something true of the result that the reader should know. */
export function note(sentence: string): void {
  process.stderr.write(`assay: note: ${sentence}\n`);
}
