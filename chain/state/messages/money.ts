/** transfer, burn (settlement §4.2). */

import { readAmount } from '../../amounts.ts';
import { Rejected } from '../../codes.ts';
import type { Burn, Transfer } from '../../generated/messages_pb.ts';
import { textOf } from '../../text.ts';
import type { Work } from '../env.ts';
import { balance, burned, move } from '../moves.ts';
import { paramsOf } from '../records.ts';

/** Throws E_DENOM for a denomination that the chain does not have. */
export function knownDenom(work: Work, bytes: Uint8Array, field: string): string {
  const denom = textOf(bytes);
  if (!paramsOf(work.state).denoms.some((d) => textOf(d) === denom))
    throw new Rejected('E_DENOM', `${field}: this chain has no ${JSON.stringify(denom)}`);
  return denom;
}

export function transfer(work: Work, sender: Uint8Array, m: Transfer): Uint8Array {
  const denom = knownDenom(work, m.denom, 'transfer.denom');
  move(
    work.state,
    { from: balance(sender), to: balance(m.to), denom, amount: readAmount(m.amount, 'amount'), why: 'transfer' },
    work.record,
  );
  return new Uint8Array(0);
}

export function burn(work: Work, sender: Uint8Array, m: Burn): Uint8Array {
  move(work.state, { from: balance(sender), to: burned, denom: 'opg', amount: readAmount(m.amount, 'amount'), why: 'burn' }, work.record);
  return new Uint8Array(0);
}
