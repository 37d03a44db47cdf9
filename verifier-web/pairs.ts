/** Which key belongs to which proof. What files say about themselves pairs them, and is believed no further. */
import type { Held, Kind } from './messages.ts';

/** New files replace those of their kind, so that a proof and its key can come one after the other. */
export function together(before: readonly Held[], added: readonly Held[]): Held[] {
  const kinds = new Set(added.map((f) => f.kind));
  return [...before.filter((f) => !kinds.has(f.kind)), ...added];
}

export interface Pair {
  readonly proof: Held;
  readonly key: Held;
  readonly circuit: Held | null;
}

/**
 * Every proof with the key it names among those given, else the first: the verifier then says in its own words that they do not belong
 * together. A key that wants a circuit waits for one. The choice is among keys the user gave, so a proof still never brings its own.
 */
export function pairs(held: readonly Held[]): Pair[] {
  const of = (kind: Kind): Held[] => held.filter((f) => f.kind === kind);
  const [keys, circuits] = [of('key'), of('circuit')];
  return of('proof').flatMap((proof) => {
    const key = keys.find((k) => k.vkHash !== null && k.vkHash === proof.vkHash) ?? keys[0];
    if (key === undefined) return [];
    if (key.wantsCircuit && circuits.length === 0) return [];
    return [{ proof, key, circuit: circuits.find((c) => c.vkHash !== null && c.vkHash === key.vkHash) ?? circuits[0] ?? null }];
  });
}
