/**
 * JSON-RPC to a node: CometBFT or the devnet, told apart by nothing (settlement §11.3). What comes back is untrusted: callers check every
 * field they use.
 */

export interface Rpc {
  /** The `result` of a call. Throws `RpcError`. */
  call(method: string, params?: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<unknown>;
  /** For people. */
  readonly url: string;
}

/** No answer, an answer that is none, or the node's own refusal (`code` is then the JSON-RPC error's). */
export class RpcError extends Error {
  readonly kind: 'unreachable' | 'malformed' | 'refused';
  readonly code: number | undefined;

  constructor(kind: RpcError['kind'], message: string, code?: number) {
    super(message);
    this.name = 'RpcError';
    this.kind = kind;
    this.code = code;
  }
}

/** A block of 4 MiB in base64, with room. */
const MAX_ANSWER = 8 * 2 ** 20;

export function httpRpc(url: string, { timeoutMs = 10_000 }: { readonly timeoutMs?: number } = {}): Rpc {
  let id = 0;
  return {
    url,
    async call(method, params = {}, signal) {
      const limit = AbortSignal.timeout(timeoutMs);
      let answer: unknown;
      try {
        const response = await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params }),
          signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
        });
        const text = await boundedText(response, MAX_ANSWER);
        if (text === null) throw new RpcError('malformed', `${url} sends more than ${MAX_ANSWER} bytes`);
        answer = JSON.parse(text);
      } catch (e) {
        signal?.throwIfAborted();
        if (e instanceof RpcError) throw e;
        if (e instanceof SyntaxError) throw new RpcError('malformed', `${url} answered ${method} with no JSON`);
        const cause = (e as { cause?: { code?: string; message?: string } }).cause;
        const why = limit.aborted ? `no answer within ${timeoutMs} ms` : (cause?.code ?? cause?.message ?? (e as Error).message);
        throw new RpcError('unreachable', `${url} does not answer: ${why}`);
      }
      const { result, error } = (answer ?? {}) as { result?: unknown; error?: { code?: unknown; message?: unknown; data?: unknown } };
      if (error !== undefined && error !== null) {
        const text = [error.message, error.data].filter((t) => typeof t === 'string' && t !== '').join(': ');
        throw new RpcError('refused', `${method}: ${text || 'refused'}`, typeof error.code === 'number' ? error.code : undefined);
      }
      if (result === undefined) throw new RpcError('malformed', `${url} answered ${method} without a result`);
      return result;
    },
  };
}

/** The body of an answer; null where it has more than `cap` bytes: the rest is not read. */
export async function boundedText(response: Response, cap: number): Promise<string | null> {
  const reader = response.body?.getReader();
  if (reader === undefined) return '';
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.length;
    if (size > cap) {
      await reader.cancel();
      return null;
    }
    text += decoder.decode(value, { stream: true });
  }
}
