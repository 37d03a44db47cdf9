import { Refused } from '../../protocol/refused.ts';
import type { AnyOptions } from '../any.ts';
import type { Verdict } from '../verdict.ts';

export async function verify(_envelope: Uint8Array, _key: Uint8Array, _options: AnyOptions): Promise<Verdict> {
  throw new Refused('key.system', 'not yet');
}
