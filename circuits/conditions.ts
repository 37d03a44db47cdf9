/** How a condition on a key refuses: E6, with the condition's id (protocol §6.4). */
import { Refused } from '../protocol/refused.ts';

/** Refuses with a condition of §6.4 unless it holds. */
export function ok(condition: boolean, id: string, sentence: string): void {
  if (!condition) refuse(id, sentence);
}

/** The same in loops over channels and rows, where a sentence that is not needed would be the cost of the check. */
export function refuse(id: string, sentence: string): never {
  throw new Refused('E6', `key: ${id}: ${sentence}`, { condition: id });
}
