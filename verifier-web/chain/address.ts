/**
 * The address of the chain view: `#chain&node=URL&checkpoint=TEXT&job=HEX&model=HEX&answer=HEX`, each but the first optional. After the
 * `#`, so that no server hears of it.
 */
import { fromHex } from '../../protocol/bytes.ts';
import { isChainView } from '../link.ts';

/** What the user types, as typed. */
export interface Inputs {
  readonly node: string;
  /** Empty: where the node's own word begins (chain/light/begin.ts). */
  readonly checkpoint: string;
  readonly job: string;
  readonly model: string;
  /** Canonical tensors in hexadecimal: the output that an inference node answered with. */
  readonly answer: string;
}

/** Digits: 128 KiB of tensors are the most that a chain takes. */
const MAX_ANSWER = 2 * 128 * 1024;

export const FIELDS = ['node', 'checkpoint', 'job', 'model', 'answer'] as const;
export const NOTHING: Inputs = { node: '', checkpoint: '', job: '', model: '', answer: '' };

export const inputsOf = (field: (name: (typeof FIELDS)[number]) => string): Inputs =>
  Object.fromEntries(FIELDS.map((f) => [f, field(f).trim()])) as unknown as Inputs;

/** What the address asks for; null where it is not the chain view's. */
export function parseInputs(hash: string): Inputs | null {
  if (!isChainView(hash)) return null;
  const fragment = new URLSearchParams(hash.slice(1));
  return inputsOf((f) => fragment.get(f) ?? '');
}

export function showInputs(inputs: Inputs): string {
  const given = FIELDS.filter((f) => inputs[f] !== '');
  // Checkpoints and addresses stay readable.
  const readable = (text: string): string => encodeURIComponent(text).replaceAll('%3A', ':').replaceAll('%2F', '/');
  return ['#chain', ...given.map((f) => `${f}=${readable(inputs[f])}`)].join('&');
}

/** What is wrong with the inputs, by field; the checkpoint is read by the worker, which has the reader. */
export function troubleOf({ node, job, model, answer }: Inputs): { readonly field: (typeof FIELDS)[number]; readonly text: string } | null {
  if (!/^https?:\/\/\S+$/.test(node) || !URL.canParse(node))
    return { field: 'node', text: 'The address of a node begins with http:// or https://.' };
  if (job !== '' && fromHex(job)?.length !== 32) return { field: 'job', text: 'A job has 64 hexadecimal digits.' };
  if (model !== '' && fromHex(model)?.length !== 32) return { field: 'model', text: 'A model has 64 hexadecimal digits.' };
  if (answer !== '' && (answer.length > MAX_ANSWER || fromHex(answer) === null))
    return { field: 'answer', text: 'An answer is the output of the inference node, in hexadecimal as it sent it.' };
  return null;
}
