/** What `assay serve` does. */
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { readAmount, showAmount } from '../../chain/amounts.ts';
import { modelIdFor } from '../../chain/client/index.ts';
import { type ServedModel, serveModel, startInferenceNode } from '../../node/index.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { asKind } from '../artefact.ts';
import type { ServeFlags } from '../commands/serve.ts';
import { parseHash } from '../context.ts';
import { LIMITS, readFile } from '../files.ts';
import { chooseKernels } from '../library.ts';
import { CannotTell } from '../outcome.ts';
import { note, print, say } from '../talk.ts';
import { hex, printable } from '../text.ts';
import { numberFrom, untilStopped, unusable } from './node.ts';
import { amountFrom, onChain, type Session } from './session.ts';

export const serve = (flags: ServeFlags): Promise<void> =>
  onChain(flags, async (s) => {
    if (flags.model.length === 0) throw new CannotTell('usage', '--model is missing: a circuit to serve');
    if (flags.id.length > flags.model.length) throw new CannotTell('usage', 'there are more --id than --model');
    const signer = s.signer();
    const price = amountFrom(flags.price, flags.denom, '--price');
    const maxBond = amountFrom(flags.maxBond, 'opg', '--max-bond');
    const minProveBlocks = numberFrom(flags.proveBlocks, '--prove-blocks', 20, 10_000);
    const port = numberFrom(flags.port, '--port', 0, 65_535);
    const threads = flags.threads === undefined ? Math.min(8, availableParallelism()) : numberFrom(flags.threads, '--threads', 1, 64);
    const prover = await s.chain.prover(signer.address);
    if (prover === null) throw new CannotTell('chain.no-prover', 'this wallet is no prover', 'assay prover register --bond 200');
    const { kernels, close } = chooseKernels({ threads });
    const models: ServedModel[] = [];
    for (const [i, path] of flags.model.entries()) models.push(await openModel(s, path, flags.id[i], kernels));
    const node = await startInferenceNode({
      chain: s.chain,
      signer,
      models,
      terms: { denom: flags.denom, price, maxBond, minProveBlocks },
      dir: flags.dir,
      port,
      log: (line) => say(printable(line)),
    }).catch((e) => {
      throw unusable(e);
    });
    await print(`${node.url}  ${models.map((m) => m.name).join(', ')}`);
    say(`an inference costs ${showAmount(price, flags.denom)}; ${showAmount(readAmount(prover.free, 'free'), 'opg')} of bond are free`);
    const waiting = node.queue.waiting().length;
    if (waiting > 0) say(`${waiting} jobs from before go on`);
    await untilStopped(new Promise<never>(() => {})).finally(async () => {
      await node.close();
      close();
    });
    return 0;
  });

async function openModel(
  s: Session,
  path: string,
  id: string | undefined,
  kernels: ReturnType<typeof chooseKernels>['kernels'],
): Promise<ServedModel> {
  const bytes = readFile(path, 'circuit', LIMITS.circuit);
  const name = basename(path).replace(/\.circuit$/, '');
  const served = asKind('circuit', path, bytes, () =>
    serveModel(name, bytes, (model) => (id === undefined ? modelIdFor(model, s.signer().address) : parseHash(id, '--id')), { kernels }),
  );
  const record = await s.chain.model(served.modelId);
  if (record === null)
    throw new CannotTell(
      'chain.no-record',
      `the chain has no model ${hex(served.modelId)} for ${printable(path)}`,
      'assay model register registers its key; --id names another’s registration',
    );
  if (!equalBytes(record.commitment?.vkHash ?? new Uint8Array(0), served.model.key.vkHash))
    throw new CannotTell('usage', `${printable(path)} is not the circuit of model ${hex(served.modelId)}`);
  if (record.deprecated) note(`model ${hex(served.modelId)} is deprecated: the chain takes no new jobs for it`);
  return served;
}
