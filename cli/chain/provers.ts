/** What `assay prover` does. */
import { showAddress } from '../../chain/accounts.ts';
import { readAmount, showAmount, writeAmount } from '../../chain/amounts.ts';
import { MODES } from '../../chain/states.ts';
import { ascii } from '../../protocol/bytes.ts';
import type { ProverFlags } from '../commands/prover.ts';
import { CannotTell } from '../outcome.ts';
import type { ChainFlags } from './flags.ts';
import { addressFrom, amountFrom, onChain, type Session, show } from './session.ts';

async function showBond(s: Session, address: Uint8Array): Promise<void> {
  const prover = await s.chain.prover(address);
  if (prover === null) throw new CannotTell('chain.no-record', `the node knows no prover ${showAddress(address)}`);
  const [free, locked] = [readAmount(prover.free, 'free'), readAmount(prover.locked, 'locked')];
  const endpoint = new TextDecoder().decode(prover.endpoint);
  await show(s, { prover: showAddress(address), free: free.toString(), locked: locked.toString(), endpoint, modes: prover.modes }, [
    ['prover', showAddress(address)],
    ['bond free', showAmount(free, 'opg')],
    ['bond locked', showAmount(locked, 'opg')],
    ['endpoint', endpoint || 'none'],
  ]);
}

export const registerProver = (flags: ProverFlags): Promise<void> =>
  onChain(flags, async (s) => {
    const addBond = writeAmount(amountFrom(flags.bond, 'opg', '--bond'));
    if (!/^[ -~]{0,256}$/.test(flags.endpoint)) throw new CannotTell('usage', '--endpoint takes at most 256 printable ASCII characters');
    const signer = s.signer();
    await s.chain.send(signer, { case: 'registerProver', value: { endpoint: ascii(flags.endpoint), modes: [MODES.ZKML], addBond } });
    await showBond(s, signer.address);
    return 0;
  });

export const unbond = (amount: string, flags: ChainFlags): Promise<void> =>
  onChain(flags, async (s) => {
    const signer = s.signer();
    await s.chain.send(signer, { case: 'unbond', value: { amount: writeAmount(amountFrom(amount, 'opg', 'the amount')) } });
    await showBond(s, signer.address);
    return 0;
  });

export const showProver = (address: string, flags: ChainFlags): Promise<void> =>
  onChain(flags, async (s) => {
    await showBond(s, addressFrom(address, 'the address'));
    return 0;
  });
