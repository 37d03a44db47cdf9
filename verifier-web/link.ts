/**
 * The address of the page.
 *
 *     ?example=mnist                                a shipped example
 *     ?proof=URL&key=URL[&circuit=URL]              files beside the page (from its own origin alone)
 *     ?zip=URL                                      the same in one archive
 *     &context=TEXT                                 what the proof must be bound to; else what the example says, or nothing
 *     #statement=HEX&key=HEX                        digests that a verdict must have for this to be the proof the link speaks of
 *     #chain&…                                      the chain view: chain/address.ts
 */
import { EXAMPLES, type Example } from './examples.ts';

export interface Pins {
  /** 64 hex digits each. */
  readonly statement: string;
  readonly keyDigest: string;
}

export interface Address {
  readonly example: Example | null;
  readonly files: readonly string[];
  readonly context: string | null;
  readonly pins: Pins | null;
  /** What of the address cannot be understood, in words. */
  readonly trouble: string | null;
}

const DIGEST = /^[0-9a-f]{64}$/;

export function parseAddress(search: string, hash: string): Address {
  const query = new URLSearchParams(search);
  const fragment = new URLSearchParams(hash.replace(/^#/, ''));
  const [statement, keyDigest] = [fragment.get('statement') ?? '', fragment.get('key') ?? ''].map((d) => d.toLowerCase()) as [
    string,
    string,
  ];
  const good = DIGEST.test(statement) && DIGEST.test(keyDigest);
  const wanted = query.get('example');
  const example = EXAMPLES.find((e) => e.id === wanted) ?? null;
  return {
    example,
    files: ['proof', 'key', 'circuit', 'zip'].flatMap((name) => query.getAll(name)).filter((url) => url !== ''),
    context: query.get('context'),
    pins: good ? { statement, keyDigest } : null,
    trouble:
      !good && (fragment.has('statement') || fragment.has('key'))
        ? 'This link’s digests are not two times 64 hexadecimal digits, so no verdict is compared with them.'
        : wanted !== null && example === null
          ? `There is no example “${wanted}”.`
          : null,
  };
}

/** The fragment of a link with digests. */
export const pinsFragment = ({ statement, keyDigest }: Pins): string => `#statement=${statement}&key=${keyDigest}`;

export const isChainView = (hash: string): boolean => /^#chain(&|=|$)/.test(hash);
