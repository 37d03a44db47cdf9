/** An inference node in a process of its own, which kills itself at a step: `node main.mjs <rpc> <folder> <step or none>`. */
import { Chain } from '../../chain/client/index.ts';
import { httpRpc } from '../../chain/rpc/rpc.ts';
import { startInferenceNode } from '../../node/index.ts';
import { prover } from '../chain/helpers/settled.ts';
import { reluServed, TERMS } from './shop.helpers.ts';

const [rpc, dir, step] = process.argv.slice(2) as [string, string, string];

const node = await startInferenceNode({
  chain: new Chain(httpRpc(rpc)),
  signer: prover,
  models: [await reluServed()],
  terms: TERMS,
  dir,
  port: 0,
  onStep(reached) {
    if (reached === step) process.kill(process.pid, 'SIGKILL');
  },
});
process.send?.({ url: node.url });
