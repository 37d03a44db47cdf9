/** What `assay serve` does. */
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { readAmount, showAmount } from '../../chain/amounts.ts';
import { type LedgerModel, modelIdFor } from '../../chain/client/index.ts';
import { RuntimeUnfit, type ServedModel, serveModel, startInferenceNode } from '../../node/index.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { asKind } from '../artefact.ts';
import type { ServeFlags } from '../commands/serve.ts';
import { parseHash } from '../context.ts';
import { LIMITS, readFile } from '../files.ts';
import { encode } from '../json.ts';
import { chooseKernels, describeInputs } from '../library.ts';
import { CannotTell } from '../outcome.ts';
import { progressLine } from '../progress.ts';
import { stoppable } from '../stop.ts';
import { note, print, say } from '../talk.ts';
import { hex, printable } from '../text.ts';
import { numberFrom, untilStopped, unusable } from './node.ts';
import { amountFrom, onChain, type Session } from './session.ts';

export const serve = (flags: ServeFlags): Promise<void> =>
  onChain(flags, async (s) => {
    const { model: paths = [], id: ids = [], onnx: graphs = [] } = flags;
    if (paths.length === 0) throw new CannotTell('usage', '--model is missing: a circuit to serve');
    if (graphs.length > paths.length) throw new CannotTell('usage', 'there are more --onnx than --model');
    if (ids.length > paths.length) throw new CannotTell('usage', 'there are more --id than --model');
    const signer = s.signer();
    const price = amountFrom(flags.price, flags.denom, '--price');
    const maxBond = amountFrom(flags.maxBond, 'opg', '--max-bond');
    const minProveBlocks = numberFrom(flags.proveBlocks, '--prove-blocks', 20, 10_000);
    const port = numberFrom(flags.port, '--port', 0, 65_535);
    const threads = flags.threads === undefined ? Math.min(8, availableParallelism()) : numberFrom(flags.threads, '--threads', 1, 64);
    const { denoms } = await s.chain.params();
    if (!denoms.includes(flags.denom))
      throw new CannotTell('usage', `--denom ${printable(flags.denom)} is no asset of this chain, which has ${denoms.join(', ')}`);
    const prover = await s.chain.prover(signer.address);
    if (prover === null) throw new CannotTell('chain.no-prover', 'this wallet is no prover', 'assay prover register --bond 200');
    const { kernels, close } = chooseKernels({ threads });
    const models: ServedModel[] = [];
    for (const [i, path] of paths.entries()) models.push(await openModel(s, path, { id: ids[i], onnx: graphs[i], kernels }));
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
    const names = models.map((m) => m.name);
    await print(s.json ? encode({ url: node.url, models: names }) : `${node.url}  ${names.join(', ')}`);
    for (const m of models) say(`${printable(m.name)} is answered by ${m.runtime}`);
    say(`an inference costs ${showAmount(price, flags.denom)}; ${showAmount(readAmount(prover.free, 'free'), 'opg')} of bond are free`);
    const waiting = node.queue.waiting().length;
    if (waiting > 0) say(`${waiting} jobs from before go on`);
    await untilStopped(new Promise<never>(() => {})).finally(async () => {
      await node.close();
      close();
    });
    return 0;
  });

interface Serving {
  readonly id: string | undefined;
  readonly onnx: string | undefined;
  readonly kernels: ReturnType<typeof chooseKernels>['kernels'];
}

async function openModel(s: Session, path: string, { id, onnx, kernels }: Serving): Promise<ServedModel> {
  const bytes = readFile(path, 'circuit', LIMITS.circuit);
  const model = onnx === undefined ? undefined : readFile(onnx, 'model', LIMITS.model);
  const name = basename(path).replace(/\.circuit$/, '');
  asKind('circuit', path, bytes, () => describeInputs(bytes));
  const idOf = (m: LedgerModel): Uint8Array => (id === undefined ? modelIdFor(m, s.signer().address) : parseHash(id, '--id'));
  const line = progressLine(name);
  const served = await stoppable((signal) =>
    serveModel(name, bytes, idOf, { kernels, onnx: model, signal, onProgress: line.update })
      .finally(line.end)
      .catch((e) => {
        if (!(e instanceof RuntimeUnfit)) throw e;
        throw new CannotTell('serve.runtime', printable(`${onnx}: ${e.message}`), 'without --onnx the integers of the circuit are run');
      }),
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
