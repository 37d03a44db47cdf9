/** What `assay ask` does. */
import { existsSync } from 'node:fs';
import { showAddress } from '../../chain/accounts.ts';
import { showAmount, writeAmount } from '../../chain/amounts.ts';
import { decodeStrict } from '../../chain/codec.ts';
import { Rejected } from '../../chain/codes.ts';
import { Malformed } from '../../chain/comet/json.ts';
import { OrderSchema } from '../../chain/generated/messages_pb.ts';
import { jobIdOf } from '../../chain/identities.ts';
import { type JobView, unpinned } from '../../chain/light/lamps.ts';
import { MAX_ORDER_BYTES } from '../../chain/state/index.ts';
import { decodeKeyFile } from '../../circuits/files.ts';
import {
  type AskOptions,
  type AskUpdate,
  ask,
  type KeptAsk,
  makeOrder,
  NodeRefused,
  NodeUnreachable,
  NotShown,
  type Offer,
  provenModel,
  readOffer,
} from '../../node/index.ts';
import { ascii, equalBytes, fromHex } from '../../protocol/bytes.ts';
import { Refused } from '../../protocol/refused.ts';
import type { AskFlags } from '../commands/ask.ts';
import { parseHash } from '../context.ts';
import { LIMITS, readFile, target, writeFiles } from '../files.ts';
import { readInputs } from '../inputs/index.ts';
import { encode, tensorsToJson } from '../json.ts';
import { CannotTell, type Exit } from '../outcome.ts';
import { outputsLine } from '../show.ts';
import { stoppable } from '../stop.ts';
import { note, print, say } from '../talk.ts';
import { hex, printable } from '../text.ts';
import { lampsToJson } from './jobs.ts';
import { lightClient } from './light.ts';
import { numberFrom } from './node.ts';
import { amountFrom, onChain, type Session } from './session.ts';
import { walletPath } from './wallet.ts';

const OPEN_BLOCKS = 50n;
const IS_ID = /^(0x)?[0-9a-f]{64}$/i;

export const askNode = (flags: AskFlags): Promise<void> =>
  onChain(flags, (s) =>
    stoppable(async (signal) => {
      const light = await lightClient(s.chain.rpc, flags.checkpoint, s.only);
      const o: AskOptions = { chain: s.chain, light, signal };
      try {
        const place = flags.resume === undefined ? await newAsk(s, flags, o) : { path: flags.resume, kept: readKept(flags.resume) };
        return await follow(s, place, o, flags.checkpoint !== undefined);
      } catch (e) {
        throw inOurWords(e);
      }
    }),
  );

/** Failures of the node's side. */
function inOurWords(e: unknown): unknown {
  if (e instanceof NodeRefused) return new CannotTell(`node.${e.code}`, `the node refuses: ${e.code}: ${e.message}`, e.hint || undefined);
  if (e instanceof Malformed) return new CannotTell('node.malformed', `the node's answer is malformed: ${e.message}`);
  if (e instanceof NodeUnreachable) return new CannotTell('node.unreachable', e.message, 'assay serve starts a node');
  if (e instanceof NotShown) return new CannotTell('job.not-shown', e.message, 'assay job show looks again');
  return e;
}

/** A kept order and its file. */
interface Place {
  readonly path: string;
  readonly kept: KeptAsk;
}

/** For its owner alone: it holds the input. */
const keep = ({ path, kept }: Place): void =>
  writeFiles([{ path, bytes: new TextEncoder().encode(`${JSON.stringify({ assay: 'ask', version: 1, ...kept })}\n`), mode: 0o600 }]);

/** The order is kept already: a folder that takes no more ends nothing. */
function keepAnswer(place: Place): void {
  try {
    keep(place);
  } catch (e) {
    if (!(e instanceof CannotTell)) throw e;
    note(`the answer and its receipt are not kept: ${e.message}`);
  }
}

async function newAsk(s: Session, flags: AskFlags, o: AskOptions): Promise<Place> {
  if (flags.input === undefined) throw new CannotTell('usage', '--input is missing: what to ask');
  const node = flags.node.replace(/\/$/, '');
  if (!/^https?:\/\/[^\s]+$/.test(node)) throw new CannotTell('usage', `--node ${printable(flags.node)} is no http address`);
  const bond = amountFrom(flags.bond, 'opg', '--bond');
  const maxPrice = amountFrom(flags.maxPrice, flags.denom, '--max-price');
  const proveBlocks = numberFrom(flags.proveBlocks, '--prove-blocks', 20, 10_000);
  const rescueBlocks = numberFrom(flags.rescueBlocks, '--rescue-blocks', 0, 10_000);
  const signer = s.signer();
  const offer = await readOffer(node, o.signal);
  if (offer.denom !== flags.denom || offer.price > maxPrice)
    throw new CannotTell(
      'node.price',
      `the node asks for ${showAmount(offer.price, offer.denom)}, at most ${showAmount(maxPrice, flags.denom)} may be paid`,
      '--max-price and --denom say what may be paid',
    );
  const modelId = chosenModel(offer, flags.model);
  if (flags.model === undefined || !IS_ID.test(flags.model))
    note(`the node says which model that is: ${hex(modelId)}; --model takes the id of one that you know`);
  const model = await provenModel(o, modelId);
  const { interface: face } = decodeKeyFile(model.keyFile);
  const inputs = readInputs(readFile(flags.input, 'input', LIMITS.input), face.inputs);
  const [input, ...more] = inputs;
  if (input === undefined || more.length > 0)
    throw new CannotTell('usage', `${printable(flags.input)} holds ${inputs.length} inputs; one at a time is asked`);
  if (flags.keep !== undefined) await target(flags.keep, [flags.input, walletPath(flags.wallet)]);
  const tabId = flags.tab === undefined ? await tabFor(s, offer, flags, o) : parseHash(flags.tab, '--tab');
  const kept = await makeOrder(o, signer, node, offer, modelId, input, { tabId, bond, proveBlocks, rescueBlocks, openBlocks: OPEN_BLOCKS });
  const name = flags.keep ?? `ask-${hex(jobIdOf(fromHex(kept.order) as Uint8Array)).slice(0, 8)}.json`;
  const path = await target(name, [flags.input, walletPath(flags.wallet)]);
  keep({ path, kept });
  say(`the order is kept in ${printable(name)}; --resume goes on with it`);
  return { path, kept };
}

function chosenModel(offer: Offer, wanted: string | undefined): Uint8Array {
  const names = printable(offer.models.map((m) => m.name).join(', '));
  if (wanted === undefined) {
    if (offer.models.length === 1) return (offer.models[0] as Offer['models'][number]).modelId;
    throw new CannotTell('usage', `--model is missing: the node serves ${names || 'nothing'}`);
  }
  if (IS_ID.test(wanted)) return parseHash(wanted, '--model');
  const found = offer.models.filter((m) => m.name === wanted);
  if (found.length !== 1) throw new CannotTell('usage', `the node serves no model ${printable(wanted)}; it has ${names || 'none'}`);
  return (found[0] as Offer['models'][number]).modelId;
}

/** The tab that this wallet opened for this prover, or a new one; remembered beside the wallet. */
async function tabFor(s: Session, offer: Offer, { wallet, deposit }: AskFlags, o: AskOptions): Promise<Uint8Array> {
  const signer = s.signer();
  const path = `${walletPath(wallet)}.tabs`;
  const { chainId } = o.light.checkpoint;
  const name = `${chainId} ${showAddress(signer.address)} ${showAddress(offer.prover)} ${offer.denom}`;
  const known = readTabs(path);
  const remembered = typeof known[name] === 'string' ? fromHex(known[name]) : null;
  if (remembered?.length === 32) {
    const tab = await s.chain.tab(remembered);
    if (tab !== null && tab.closeAt === 0n && equalBytes(tab.owner, signer.address)) {
      const amount = tab.amount.reduce((n, b) => n * 256n + BigInt(b), 0n);
      if (amount >= offer.price) return remembered;
    }
  }
  const amount = deposit === undefined ? 10n * offer.price : amountFrom(deposit, offer.denom, '--deposit');
  const value = { denom: ascii(offer.denom), amount: writeAmount(amount), prover: offer.prover };
  const done = await s.chain.send(signer, { case: 'openTab', value }, { chainId });
  say(`opened tab ${hex(done.data)} with ${showAmount(amount, offer.denom)} for ${showAddress(offer.prover)}`);
  writeFiles([{ path, bytes: new TextEncoder().encode(`${JSON.stringify({ ...known, [name]: hex(done.data) })}\n`) }]);
  return done.data;
}

function readTabs(path: string): Record<string, string> {
  if (!existsSync(path)) return {};
  try {
    const v: unknown = JSON.parse(new TextDecoder().decode(readFile(path, 'tabs', 2 ** 20)));
    return typeof v === 'object' && v !== null ? (v as Record<string, string>) : {};
  } catch (e) {
    if (e instanceof SyntaxError) return {};
    throw e;
  }
}

function readKept(path: string): KeptAsk {
  const none = new CannotTell('file.kind', `${printable(path)} is no order that assay ask kept`);
  let v: (Partial<KeptAsk> & { assay?: unknown; version?: unknown }) | null;
  try {
    v = JSON.parse(new TextDecoder().decode(readFile(path, 'kept order', LIMITS.input)));
  } catch (e) {
    if (e instanceof SyntaxError) throw none;
    throw e;
  }
  const fields = ['modelId', 'order', 'orderSig', 'requesterPubkey', 'inputNonce', 'proverPubkey'] as const;
  if (v?.assay !== 'ask' || v.version !== 1 || typeof v.node !== 'string' || typeof v.modelInput !== 'object' || v.modelInput === null)
    throw none;
  if (!/^https?:\/\/[^\s]+$/.test(v.node)) throw none;
  if (fields.some((f) => typeof v?.[f] !== 'string' || fromHex(v[f] as string) === null)) throw none;
  try {
    decodeStrict(OrderSchema, fromHex(v.order as string) as Uint8Array, MAX_ORDER_BYTES);
  } catch (e) {
    throw e instanceof Rejected ? none : e;
  }
  const { assay: _, version: __, ...kept } = v;
  return kept as KeptAsk;
}

async function follow(s: Session, { path, kept }: Place, o: AskOptions, pinned: boolean): Promise<Exit> {
  const all: Record<string, unknown>[] = [];
  let jobId = '';
  for await (const u of ask(kept, o)) {
    if (u.status === 'ANSWERED') {
      jobId = hex(u.jobId);
      if (kept.answer === undefined) keepAnswer({ path, kept: { ...kept, answer: u.answer } });
    }
    const last = u.status === 'PROVEN/FINAL' || u.status === 'FAILED';
    if (s.json) all.push(toJson(u, pinned));
    else if (last) await print(printable(line(u)));
    else process.stderr.write(`${printable(line(u))}\n`);
    if (!last) continue;
    if (s.json) await print(encode({ jobId, ...all.at(-1), updates: all }));
    return u.status === 'FAILED' ? 1 : 0;
  }
  throw new Refused('internal', 'the job has no end');
}

function line(u: AskUpdate): string {
  const row = (when: string, what: string): string => `${u.status.padEnd(12)}  ${when.padEnd(14)}  ${what}`;
  if (u.status === 'ANSWERED') return row(`${u.ms.toFixed(0)} ms`, `${outputsLine(u.outputs)}; receipt ok, nothing at stake yet`);
  if (u.status === 'PENDING') return row(`height ${u.height}`, `bond ${showAmount(u.bond, 'opg')} locked, proof due by ${u.proveBy}`);
  if (u.status === 'FAILED') return row('', u.reason);
  const burned = u.burned === null ? '' : `, burned ${showAmount(u.burned, 'opg')}`;
  return row(
    `height ${u.height}`,
    `paid ${showAmount(u.paid, u.denom)} to ${showAddress(u.prover)}${burned}, proof checked here in ${u.checkMs.toFixed(0)} ms`,
  );
}

function toJson(u: AskUpdate, pinned: boolean): Record<string, unknown> {
  const lamps = (view: JobView): Record<string, unknown> => lampsToJson(pinned ? view : { ...view, chain: unpinned(view.chain) });
  if (u.status === 'ANSWERED') return { status: u.status, ms: Math.round(u.ms), outputs: tensorsToJson(u.outputs), ...u.answer };
  if (u.status === 'PENDING')
    return { status: u.status, height: u.height.toString(), bond: u.bond.toString(), proveBy: u.proveBy.toString() };
  if (u.status === 'FAILED') return { status: u.status, reason: u.reason, lamps: u.view === null ? null : lamps(u.view) };
  return {
    status: u.status,
    height: u.height.toString(),
    paid: u.paid.toString(),
    denom: u.denom,
    prover: showAddress(u.prover),
    burned: u.burned?.toString() ?? null,
    lamps: lamps(u.view),
  };
}
