/** What `assay settle` does (settlement §4.2, verifyInference). */
import { randomBytes } from 'node:crypto';
import { showAmount } from '../../chain/amounts.ts';
import {
  type LedgerInference,
  type LedgerModel,
  ledgerInference,
  ledgerModel,
  modelIdFor,
  rawProof,
  statementFor,
} from '../../chain/client/index.ts';
import { soloIdOf } from '../../chain/identities.ts';
import { inputCommitment, outputCommitment } from '../../chain/tensors.ts';
import { equalBytes, fromHex } from '../../protocol/bytes.ts';
import { decodeEnvelope } from '../../protocol/envelope.ts';
import { kindOf, mistaken } from '../artefact.ts';
import type { SettleFlags } from '../commands/settle.ts';
import { parseHash } from '../context.ts';
import { LIMITS, readFile, target, writeFiles } from '../files.ts';
import { readInputs } from '../inputs/index.ts';
import { encode } from '../json.ts';
import { openCircuit } from '../library.ts';
import { CannotTell } from '../outcome.ts';
import { progressLine } from '../progress.ts';
import { outputsLine } from '../show.ts';
import { stoppable } from '../stop.ts';
import { print, say } from '../talk.ts';
import { hex, printable } from '../text.ts';
import { balancesOf } from './money.ts';
import { onChain, type Session, show } from './session.ts';
import { walletPath } from './wallet.ts';

/** Everything that is decided before a proof is made. It holds input and output. */
interface Ticket {
  readonly chainId: string;
  readonly modelId: Uint8Array;
  readonly salt: Uint8Array;
  readonly inference: LedgerInference;
}

const random = (): Uint8Array => new Uint8Array(randomBytes(32));

export const settle = (path: string, flags: SettleFlags): Promise<void> =>
  onChain(flags, async (s) => {
    const bytes = readFile(path, 'circuit or proof', LIMITS.circuit);
    const kind = kindOf(bytes);
    if (kind === 'circuit') await settleCircuit(s, path, bytes, flags);
    else if (kind === 'proof') await settleProof(s, bytes, flags);
    else
      throw new CannotTell('file.kind', `${printable(path)} is neither a circuit nor a proof`, mistaken('proof', path, bytes) ?? undefined);
    return 0;
  });

/** The model on the chain; its key must be the one at hand. */
async function modelOn(s: Session, modelId: Uint8Array): Promise<LedgerModel> {
  const record = await s.chain.model(modelId);
  if (record === null)
    throw new CannotTell(
      'chain.no-record',
      `the node knows no model ${hex(modelId)}`,
      'assay model register name.key registers one; --model names one of somebody else',
    );
  return ledgerModel(record.key);
}

async function settleCircuit(s: Session, path: string, bytes: Uint8Array, flags: SettleFlags): Promise<void> {
  if (flags.input === undefined) throw new CannotTell('usage', '--input is missing: the input to prove');
  if (flags.ticket !== undefined) throw new CannotTell('usage', '--ticket goes with a proof, not with a circuit');
  const signer = s.signer();
  const open = openCircuit(bytes);
  const own = ledgerModel(open.key);
  const modelId = flags.model === undefined ? modelIdFor(own, signer.address) : parseHash(flags.model, '--model');
  const [{ chainId }, model] = [await s.chain.status(), await modelOn(s, modelId)];
  if (!equalBytes(model.key.vkHash, own.key.vkHash))
    throw new CannotTell('usage', `${printable(path)} is not the circuit of model ${hex(modelId)}`);
  const inputs = readInputs(readFile(flags.input, 'input', LIMITS.input), open.inputs);
  const [input, ...more] = inputs;
  if (input === undefined || more.length > 0)
    throw new CannotTell('usage', `${printable(flags.input)} holds ${inputs.length} inputs; one at a time is settled`);
  const ran = open.run(input);
  const ticket: Ticket = { chainId, modelId, salt: random(), inference: ledgerInference(model, ran.integers, random()) };
  const context = contextOf(ticket, model, signer.address);
  if (flags.output !== undefined) {
    const to = await target(flags.output, [path, flags.input, walletPath(flags.wallet)]);
    writeFiles([{ path: to, bytes: new TextEncoder().encode(`${ticketText(ticket)}\n`) }]);
    await print(s.json ? encode({ context: `0x${hex(context)}`, ticket: flags.output }) : `0x${hex(context)}`);
    say(`${printable(flags.output)} holds input and output; prove for this context, then settle the proof with it`);
    return;
  }
  await stoppable(async (signal) => {
    const line = progressLine('proof');
    const { envelope } = await open.prove(input, { context, signal, onProgress: line.update }).finally(line.end);
    say(`${outputsLine(ran.outputs)}; proven, ${decodeEnvelope(envelope).proof.length} bytes`);
    await send(s, ticket, model, envelope, context, signal);
  }).finally(open.close);
}

async function settleProof(s: Session, envelope: Uint8Array, flags: SettleFlags): Promise<void> {
  if (flags.ticket === undefined)
    throw new CannotTell(
      'usage',
      '--ticket is missing',
      'a settled proof is bound to chain, model and sender: assay settle name.circuit --input … -o name.ticket prints the context to prove for',
    );
  const ticket = readTicket(flags.ticket);
  const signer = s.signer();
  const { chainId } = await s.chain.status();
  if (chainId !== ticket.chainId)
    throw new CannotTell('usage', `the ticket is for chain ${printable(ticket.chainId)}, this is ${printable(chainId)}`);
  const model = await modelOn(s, ticket.modelId);
  await stoppable((signal) => send(s, ticket, model, envelope, contextOf(ticket, model, signer.address), signal));
}

const contextOf = (t: Ticket, model: LedgerModel, sender: Uint8Array): Uint8Array =>
  statementFor(model, t.inference, { chainId: t.chainId, modelId: t.modelId, jobId: soloIdOf(sender, t.salt), prover: sender });

async function send(
  s: Session,
  t: Ticket,
  model: LedgerModel,
  envelope: Uint8Array,
  context: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const signer = s.signer();
  const proof = rawProof(envelope, model, context);
  const { input, output, inputNonce } = t.inference;
  const before = (await balancesOf(s.chain, signer.address)).opg ?? 0n;
  const done = await s.chain.send(
    signer,
    { case: 'verifyInference', value: { modelId: t.modelId, salt: t.salt, inputNonce, input, output, proof } },
    { vgasLimit: model.key.vgas, signal, onSent: () => say('the node has it; waiting for a block') },
  );
  const burned = before - ((await balancesOf(s.chain, signer.address)).opg ?? 0n);
  await show(
    s,
    {
      jobId: hex(done.data),
      state: 'FINAL(PROVEN)',
      height: done.height.toString(),
      burned: burned.toString(),
      gas: done.gasUsed.toString(),
    },
    [
      ['settled', `FINAL(PROVEN) in block ${done.height}`],
      ['job', hex(done.data)],
      ['burned', `${showAmount(burned, 'opg')} for ${done.gasUsed} gas`],
    ],
  );
}

const ticketText = ({ chainId, modelId, salt, inference }: Ticket): string =>
  JSON.stringify({
    assay: 'ticket',
    version: 1,
    chainId,
    modelId: hex(modelId),
    salt: hex(salt),
    inputNonce: hex(inference.inputNonce),
    input: hex(inference.input),
    output: hex(inference.output),
  });

function readTicket(path: string): Ticket {
  const none = (): CannotTell => new CannotTell('file.kind', `${printable(path)} is no ticket of assay settle`);
  let v: Record<string, unknown> | null;
  try {
    v = JSON.parse(new TextDecoder().decode(readFile(path, 'ticket', 2 ** 20)));
  } catch (e) {
    if (e instanceof SyntaxError) throw none();
    throw e;
  }
  const bytes = (name: string): Uint8Array => {
    const text = v?.[name];
    const b = typeof text === 'string' ? fromHex(text) : null;
    if (b === null) throw none();
    return b;
  };
  if (typeof v !== 'object' || v?.assay !== 'ticket' || v.version !== 1 || typeof v.chainId !== 'string') throw none();
  const [modelId, salt, inputNonce, input, output] = ['modelId', 'salt', 'inputNonce', 'input', 'output'].map(bytes) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  if (modelId.length !== 32 || salt.length !== 32 || inputNonce.length !== 32) throw none();
  return {
    chainId: v.chainId,
    modelId,
    salt,
    inference: {
      inputNonce,
      input,
      output,
      inputCommitment: inputCommitment(inputNonce, input),
      outputCommitment: outputCommitment(output),
    },
  };
}
