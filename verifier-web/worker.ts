/** Verifies in a worker, so that the page stays alive. */
import { verify } from '../verifier/index.ts';
import type { Answer, Question } from './messages.ts';

const answer = ({ proof, key, context, circuit }: Question): Answer => {
  try {
    const started = performance.now();
    const verdict = verify(proof, key, { context, circuit: circuit ?? undefined });
    return { verdict, milliseconds: performance.now() - started };
  } catch (error) {
    return { crashed: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
};

addEventListener('message', ({ data }: MessageEvent<Question>) => postMessage(answer(data)));
