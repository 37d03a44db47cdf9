/**
 * The address of the chain view: `#chain&node=URL&checkpoint=TEXT&job=HEX&model=HEX`, each but the first optional. After the `#`, so that
 * no server hears of it.
 */
import { fromHex } from '../../protocol/bytes.ts';
import { isChainView } from '../link.ts';

/** What the user types, as typed. */
export interface Inputs {
  readonly node: string;
  /** Empty: the first block as the node shows it. */
  readonly checkpoint: string;
  readonly job: string;
  readonly model: string;
}

export const FIELDS = ['node', 'checkpoint', 'job', 'model'] as const;
export const NOTHING: Inputs = { node: '', checkpoint: '', job: '', model: '' };

/** What the address asks for; null where it is not the chain view's. */
export function parseInputs(hash: string): Inputs | null {
  if (!isChainView(hash)) return null;
  const fragment = new URLSearchParams(hash.slice(1));
  const [node, checkpoint, job, model] = FIELDS.map((f) => (fragment.get(f) ?? '').trim()) as [string, string, string, string];
  return { node, checkpoint, job, model };
}

export function showInputs(inputs: Inputs): string {
  const given = FIELDS.filter((f) => inputs[f] !== '');
  // Checkpoints and addresses stay readable.
  const readable = (text: string): string => encodeURIComponent(text).replaceAll('%3A', ':').replaceAll('%2F', '/');
  return ['#chain', ...given.map((f) => `${f}=${readable(inputs[f])}`)].join('&');
}

/** What is wrong with the inputs, by field; the checkpoint is read by the worker, which has the reader. */
export function troubleOf({ node, job, model }: Inputs): { readonly field: (typeof FIELDS)[number]; readonly text: string } | null {
  if (!/^https?:\/\/\S+$/.test(node) || !URL.canParse(node))
    return { field: 'node', text: 'The address of a node begins with http:// or https://.' };
  if (job !== '' && fromHex(job)?.length !== 32) return { field: 'job', text: 'A job has 64 hexadecimal digits.' };
  if (model !== '' && fromHex(model)?.length !== 32) return { field: 'model', text: 'A model has 64 hexadecimal digits.' };
  return null;
}
