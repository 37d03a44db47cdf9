/** What `assay chain` does. */
import { showAmount } from '../../chain/amounts.ts';
import { WrongChain } from '../../chain/client/index.ts';
import { showTime } from '../../chain/comet/time.ts';
import { shownBlock } from '../../chain/light/begin.ts';
import { checkpointOf, showCheckpoint } from '../../chain/light/checkpoint.ts';
import { encode } from '../json.ts';
import { print, say } from '../talk.ts';
import { printable } from '../text.ts';
import type { ChainFlags } from './flags.ts';
import { onChain, show } from './session.ts';

export const chainStatus = (flags: ChainFlags): Promise<void> =>
  onChain(flags, async (s) => {
    const [status, params, price, supply, jobs] = await Promise.all([
      s.chain.status(),
      s.chain.params(),
      s.chain.price(),
      s.chain.ask('/supply'),
      s.chain.ask('/jobs'),
    ]);
    const supplies = params.denoms.map((d) => ({
      denom: d,
      minted: supply.get(d).get('minted').amount(),
      burned: supply.get(d).get('burned').amount(),
    }));
    const counts = jobs
      .get('counts')
      .entries(64)
      .map(([state, n]) => [state, n.small(2 ** 31)] as const);
    const seconds = Math.max(0, Math.round((Date.now() - Number(status.time / 1_000_000n)) / 1000));
    await show(
      s,
      {
        chainId: status.chainId,
        moniker: status.moniker,
        height: status.height.toString(),
        time: showTime(status.time),
        catchingUp: status.catchingUp,
        price: price.toString(),
        supply: Object.fromEntries(
          supplies.map(({ denom, minted, burned }) => [denom, { minted: minted.toString(), burned: burned.toString() }]),
        ),
        jobs: Object.fromEntries(counts),
      },
      [
        ['chain', `${status.chainId}${status.moniker === 'devnet' ? ' (a devnet)' : ''}`],
        ['block', `${status.height}, ${seconds} s ago${status.catchingUp ? ', catching up' : ''}`],
        ['price', `${price} a unit of gas (10^-18 opg)`],
        ...supplies.map(({ denom, minted, burned }): [string, string] => [
          'supply',
          `${showAmount(minted, denom)}, burned ${showAmount(burned, denom)}`,
        ]),
        ...counts.map(([state, n]): [string, string] => ['jobs', `${n} ${state}`]),
      ],
    );
    return 0;
  });

export const chainCheckpoint = (flags: ChainFlags): Promise<void> =>
  onChain(flags, async (s) => {
    const checkpoint = checkpointOf(await shownBlock(s.chain.rpc));
    if (s.only !== undefined && checkpoint.chainId !== s.only) throw new WrongChain(checkpoint.chainId, s.only);
    const text = showCheckpoint(checkpoint);
    await print(flags.json ? encode({ checkpoint: text }) : printable(text));
    say('this is the word of one node: compare it with that of others before you pin it');
    return 0;
  });
