/** A process that owns an application and runs nodes on it, one after the other, as its parent says: it is there to be killed. */
import { type CometNode, runCometNode } from '../../../chain/abci/run.ts';
import type { Application } from '../../../chain/application.ts';
import { open } from './ledger.ts';

export interface Order {
  readonly run?: { readonly home: string; readonly binary: string; readonly env: Readonly<Record<string, string>> };
  readonly stop?: true;
  /** Kills this process with SIGKILL around the next call of a method. */
  readonly die?: { readonly method: 'finalizeBlock' | 'commit'; readonly when: 'before' | 'after' };
}
export type Told =
  | { readonly ready: true }
  | { readonly up: { readonly rpcUrl: string } }
  | { readonly ended: string; readonly code?: number | null };

const tell = (told: Told): void => void process.send?.(told);
const app = await open(process.argv[2] as string);
let death: Order['die'];
let node: CometNode | undefined;

const mortal =
  <A extends unknown[], R>(method: string, call: (...args: A) => Promise<R>) =>
  async (...args: A): Promise<R> => {
    const die = death?.method === method ? death.when : '';
    if (die === 'before') process.kill(process.pid, 'SIGKILL');
    const answer = await call(...args);
    if (die === 'after') process.kill(process.pid, 'SIGKILL');
    return answer;
  };
const watched: Application = {
  ...app,
  finalizeBlock: mortal('finalizeBlock', (block) => app.finalizeBlock(block)),
  commit: mortal('commit', () => app.commit()),
};

async function run(order: NonNullable<Order['run']>): Promise<void> {
  try {
    node = await runCometNode({ app: watched, ...order });
    tell({ up: { rpcUrl: node.rpcUrl } });
    const end = await node.ended;
    tell({ ended: end.reason, ...('code' in end && { code: end.code }) });
  } catch (e) {
    tell({ ended: (e as Error).message });
  }
}

process.on('message', (order: Order) => {
  if (order.die) death = order.die;
  if (order.run) void run(order.run);
  if (order.stop) void node?.stop();
});
tell({ ready: true });
