/** What both workers need: the files of the model at hand, and the way to answer. */
import type { Answer, Order } from './order.ts';

export async function file(name: string): Promise<Response> {
  const response = await fetch(`/subject/${name}`);
  if (!response.ok) throw new Error(`/subject/${name} is not served`);
  return response;
}

export const bytes = async (name: string): Promise<Uint8Array> => new Uint8Array(await (await file(name)).arrayBuffer());

/** Serves one kind of order. */
export function serve<O extends Order>(answer: (order: O) => Promise<Answer>): void {
  addEventListener('message', ({ data }: MessageEvent<O>) => {
    answer(data).then(
      (a) => postMessage({ answer: a }),
      (e: unknown) => postMessage({ error: e instanceof Error ? e.message : String(e) }),
    );
  });
}
