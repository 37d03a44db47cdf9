/** `assay verify`: is this proof one of this key? */
import type { Command } from 'commander';
import { SYSTEM } from '../../protocol/envelope.ts';
import { Refused } from '../../protocol/refused.ts';
import { mistaken } from '../artefact.ts';
import { parseContext, parseHash } from '../context.ts';
import { startEzkl } from '../ezkl/load.ts';
import { LIMITS, readFile } from '../files.ts';
import { openedJson, readOpening, showOpened } from '../groth16/open.ts';
import { encode, tensorsToJson } from '../json.ts';
import { inspect, type Verdict, verifyAny } from '../library.ts';
import { CannotTell, conclude, type Exit } from '../outcome.ts';
import { namesOf, tensorTable } from '../show.ts';
import { hint, print, say } from '../talk.ts';
import { hex, printable, short } from '../text.ts';
import { trustSentences } from '../trust.ts';

interface Options {
  key: string;
  context?: string;
  circuit?: string;
  modelId?: string;
  keyDigest?: string;
  opening?: string;
  json?: true;
}

export function addVerify(program: Command): void {
  program
    .command('verify')
    .summary('check a proof against a key')
    .description('Checks a proof. Needs the key, not the model. Whoever verifies gets the key from a source they trust: see assay audit.')
    .argument('<proof>', 'the .proof file')
    .requiredOption('--key <file>', 'the .key file of the model')
    .option('--context <text>', 'the context the proof must be bound to, as text or as 0x and hex; default: none')
    .option('--circuit <file>', 'the .circuit file, only for keys of mode I0')
    .option('--model-id <hash>', '64 hex digits, when a registry names the model; default: the hash of the key')
    .option('--key-digest <hash>', '64 hex digits: the digest of the key file that you trust (assay inspect shows it)')
    .option('--opening <file>', 'groth16: what opens the tensors that the proof hides; they are shown')
    .option('--json', 'one JSON object: verdict, code, securityBits, outputs, inputs, proven, …')
    .addHelpText(
      'after',
      `
The first word on stdout is "accepted" or "refused"; refused is followed by the id of the check that failed.
Whether the input is the one you meant is yours to compare: --json shows it.

Example
  $ assay verify digits.proof --key digits.key
  $ assay verify answer.proof --key digits.key --context "order 1841" --json

Exit codes: 0 accepted, 1 refused, 2 could not tell, 130 stopped by Ctrl-C.`,
    )
    .action((path: string, options: Options) => conclude(() => verifyCommand(path, options), options.json ? NOTHING : 'text'));
}

async function verifyCommand(path: string, options: Options): Promise<Exit> {
  const context = parseContext(options.context);
  const modelId = options.modelId === undefined ? undefined : parseHash(options.modelId, '--model-id');
  const keyDigest = options.keyDigest === undefined ? undefined : parseHash(options.keyDigest, '--key-digest');
  const envelope = readFile(path, 'proof', LIMITS.proof);
  const key = readFile(options.key, 'key', LIMITS.key);
  const circuit = options.circuit === undefined ? undefined : readFile(options.circuit, 'circuit', LIMITS.circuit);
  checkOwn('key', options.key, key);
  if (circuit) {
    checkOwn('circuit', options.circuit as string, circuit);
    const system = fieldsOf(key)?.system ?? SYSTEM;
    if (system !== SYSTEM)
      throw new CannotTell('usage', `--circuit is for the native system; ${printable(options.key)} is a key of ${system}`);
  }
  const verdict = await verifyAny(envelope, key, { context, modelId, keyDigest, circuit, ezkl: startEzkl });
  if (verdict.verdict === 'refused' && verdict.code === 'E6') checkCircuit(options, key, circuit);
  const opened = options.opening === undefined || verdict.verdict === 'refused' ? null : await readOpening(options.opening, verdict, key);
  if (options.json) await print(encode({ ...verdictToJson(verdict), ...(opened && { opened: openedJson(opened) }) }));
  else if (verdict.verdict === 'accepted') {
    await showAccepted(verdict);
    if (opened !== null) await showOpened(opened, verdict.outputs.length > 0);
  } else await print(refusedLine(verdict));
  if (verdict.verdict === 'accepted') return 0;
  if (!options.json) say(printable(verdict.sentence));
  for (const sentence of hints(verdict, path, envelope, options.key, key)) hint(sentence);
  return 1;
}

/** The key is the verifier's own file: an empty one or one of another kind is a mistake of usage, not a verdict on the proof. */
function checkOwn(kind: 'key' | 'circuit', path: string, bytes: Uint8Array): void {
  if (bytes.length === 0) throw new CannotTell('file.empty', `${printable(path)} is empty, so it is no ${kind}`);
  const mistake = mistaken(kind, path, bytes);
  if (mistake) throw new CannotTell('file.kind', `${printable(path)} cannot be used as the ${kind}`, mistake);
}

/** A key of mode I0 without its circuit, or with that of another key, is the verifier's mistake too. */
function checkCircuit(options: Options, key: Uint8Array, circuit: Uint8Array | undefined): void {
  const name = printable(options.key);
  const fields = fieldsOf(key);
  if (fields?.mode !== 'I0') return;
  if (circuit === undefined) {
    throw new CannotTell(
      'usage',
      `${name} is of mode I0: its proofs cannot be checked without the model`,
      'give its circuit with --circuit',
    );
  }
  const other = textOf(fieldsOf(circuit)?.vkHash);
  if (other && other !== textOf(fields.vkHash)) {
    throw new CannotTell('file.kind', `${printable(options.circuit as string)} is not the circuit of ${name}`);
  }
}

type Accepted = Extract<Verdict, { verdict: 'accepted' }>;
type Denied = Extract<Verdict, { verdict: 'refused' }>;

async function showAccepted(verdict: Accepted): Promise<void> {
  await print(`accepted ${strength(verdict)}, ${verdict.system} ${verdict.profile}`);
  for (const tensor of verdict.outputs) await print(tensorTable(tensor));
  const recomputed = verdict.outputs.filter(({ name }) => !verdict.proven.some((tensor) => tensor.name === name));
  say(`proven: the network of circuit ${short(verdict.vkHash)} maps ${namesOf(verdict.inputs)} to ${namesOf(verdict.proven)}`);
  if (recomputed.length > 0) say(`recomputed here from the proven integers, outside the proof: ${namesOf(recomputed)}`);
  for (const sentence of trustSentences(verdict)) say(sentence);
  if (verdict.context.length > 0) say(`bound to the context ${contextText(verdict.context)}`);
}

/** What stands behind the word "accepted": bits that are proven, bits that are an estimate, or nothing. */
function strength({ trust }: Accepted): string {
  if (trust.setup === 'insecure-dev') return 'under an INSECURE set-up';
  return trust.security === 'proven' ? `${trust.securityBits.toFixed(1)} bits` : `about ${trust.securityBits.toFixed(0)} bits`;
}

function refusedLine({ code, detail }: Denied): string {
  const facts = Object.entries(detail ?? {}).flatMap(([name, value]) => {
    if (typeof value === 'number' || typeof value === 'boolean') return [`${name}=${value}`];
    return typeof value === 'string' && value.length <= 40 && !/\s/.test(value) ? [`${name}=${printable(value)}`] : [];
  });
  return ['refused', code, ...facts].join(' ');
}

/** Text when it reads as text, else hex. */
function contextText(context: Uint8Array): string {
  const text = new TextDecoder().decode(context);
  return /^[\x20-\x7e]+$/.test(text) ? JSON.stringify(text) : `0x${hex(context)}`;
}

function hints(verdict: Denied, path: string, envelope: Uint8Array, keyPath: string, key: Uint8Array): string[] {
  const mistake = mistaken('proof', path, envelope);
  if (mistake) return [mistake];
  if (verdict.code !== 'E3') return [];
  const [theirs, ours] = [textOf(fieldsOf(envelope)?.vkHash), textOf(fieldsOf(key)?.vkHash)];
  if (theirs && ours && theirs !== ours) {
    return [`${printable(path)} was made for circuit ${short(theirs)}, ${printable(keyPath)} is of circuit ${short(ours)}`];
  }
  return verdict.detail.field === 'context' && verdict.detail.bindsContext !== false
    ? ['--context names the context that you expect; without it, none is']
    : [];
}

/** What an artefact says about itself, or null if it cannot be read. */
function fieldsOf(bytes: Uint8Array): Readonly<Record<string, unknown>> | null {
  try {
    return inspect(bytes).fields;
  } catch (error) {
    if (error instanceof Refused) return null;
    throw error;
  }
}

function textOf(value: unknown): string {
  return value instanceof Uint8Array ? hex(value) : typeof value === 'string' ? value.replace(/^0x/, '') : '';
}

/** What every JSON answer has, whatever the verdict. */
const NOTHING = { code: null, securityBits: null, outputs: null, inputs: null } as const;

/** Every field of the verdict, tensors by name. */
function verdictToJson(verdict: Verdict): Record<string, unknown> {
  if (verdict.verdict === 'refused') return { ...NOTHING, ...verdict };
  const { outputs, inputs, proven, ...rest } = verdict;
  return { ...NOTHING, ...rest, outputs: tensorsToJson(outputs), inputs: tensorsToJson(inputs), proven: tensorsToJson(proven) };
}
