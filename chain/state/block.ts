/** What begins and ends a block (settlement §5.2, §6.4). */
import type { LedgerEvent } from '../application.ts';
import { SWEEP_CAP } from '../limits.ts';
import { recorder } from './apply.ts';
import type { BlockContext, LedgerEnv, Work } from './env.ts';
import { advance } from './jobs.ts';
import { returnTab } from './messages/tabs.ts';
import { turnPrice } from './price.ts';
import type { State } from './state.ts';

/** Moves what is past its deadline, by deadline and id; what is beyond the cap waits for the next block, and loses nothing by it. */
export function beginBlock(state: State, block: BlockContext, env: LedgerEnv): readonly LedgerEvent[] {
  const events: LedgerEvent[] = [];
  const work: Work = { state, height: block.height, env, events, record: recorder(events) };
  for (const due of state.due(block.height).slice(0, env.sweepCap ?? SWEEP_CAP)) {
    if (due.store === 'job') advance(work, due.id);
    else returnTab(work, due.id);
  }
  return events;
}

/** `gasUsed`: the gas of the block's transactions that passed the door. */
export function endBlock(state: State, block: BlockContext, gasUsed: bigint): readonly LedgerEvent[] {
  turnPrice(state, block.height, gasUsed);
  return [];
}
