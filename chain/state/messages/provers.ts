/** registerProver, unbond (settlement §4.2). What secures a job is locked for it, so what is free may leave at once. */
import { create } from '@bufbuild/protobuf';
import { showAddress } from '../../accounts.ts';
import { readAmount } from '../../amounts.ts';
import { Rejected } from '../../codes.ts';
import type { RegisterProver, Unbond } from '../../generated/messages_pb.ts';
import { ProverSchema } from '../../generated/records_pb.ts';
import { MODES } from '../../states.ts';
import type { Work } from '../env.ts';
import { balance, free, holds, move } from '../moves.ts';
import { paramsOf, provers } from '../records.ts';

export function registerProver(work: Work, sender: Uint8Array, m: RegisterProver): Uint8Array {
  const { state } = work;
  const prover = provers.get(state, sender) ?? create(ProverSchema);
  const amount = readAmount(m.addBond, 'add_bond');
  const bond = readAmount(prover.free, 'free') + readAmount(prover.locked, 'locked') + amount;
  const least = readAmount(paramsOf(state).minBond, 'min_bond');
  const strange = m.modes.find((mode) => mode !== MODES.ZKML);
  if (strange !== undefined)
    throw new Rejected('E_MODE', `mode ${strange} comes with a later stage; this version has ZKML (${MODES.ZKML})`);
  if (bond < least) throw new Rejected('E_BOND', `a bond of ${bond} opg in all, at least ${least} are wanted`);
  if (m.teeKeys.length > 0) throw new Rejected('E_TEE', 'no key of a trusted execution environment is allowed on this chain');
  prover.endpoint = m.endpoint;
  prover.modes = m.modes;
  provers.put(state, sender, prover);
  move(state, { from: balance(sender), to: free(sender), denom: 'opg', amount, why: 'bond' }, work.record);
  return sender;
}

export function unbond(work: Work, sender: Uint8Array, m: Unbond): Uint8Array {
  const { state } = work;
  if (provers.get(state, sender) === undefined) throw new Rejected('E_PROVER', `${showAddress(sender)} is no prover`);
  const amount = readAmount(m.amount, 'amount');
  const held = holds(state, free(sender), 'opg');
  if (held < amount) throw new Rejected('E_BOND', `${held} opg are free, ${amount} are asked for`);
  move(state, { from: free(sender), to: balance(sender), denom: 'opg', amount, why: 'unbond' }, work.record);
  return sender;
}
