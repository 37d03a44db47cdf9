/** Drop a proof and a key: the verdict is computed here, in this page's worker. Nothing leaves the machine. */
import { fromHex } from '../protocol/bytes.ts';
import type { Verdict } from '../verifier/index.ts';
import type { Answer, Question } from './messages.ts';

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const [drop, files, context, held, result] = ['drop', 'files', 'context', 'held', 'result'].map((id) => element(id)) as [
  HTMLElement,
  HTMLInputElement,
  HTMLInputElement,
  HTMLElement,
  HTMLElement,
];

interface Held {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Files by what their first bytes say they are. */
const MARKS = { MLPF: 'proof', ASSAYKEY: 'key', ASSAYCIR: 'circuit' } as const;
const have: Partial<Record<(typeof MARKS)[keyof typeof MARKS], Held>> = {};
let worker: Worker | null = null;

async function take(list: Iterable<File>): Promise<void> {
  const strangers: string[] = [];
  for (const file of list) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const start = new TextDecoder('latin1').decode(bytes.subarray(0, 8));
    const kind = Object.entries(MARKS).find(([mark]) => start.startsWith(mark))?.[1];
    if (kind === undefined) strangers.push(file.name);
    else have[kind] = { name: file.name, bytes };
  }
  held.textContent = Object.entries(have)
    .map(([kind, h]) => `${kind}: ${h.name} (${h.bytes.length.toLocaleString('en')} bytes)`)
    .concat(strangers.map((name) => `${name} is no proof, key or circuit`))
    .join('\n');
  ask();
}

/** A new question ends the old one with its worker. */
function ask(): void {
  worker?.terminate();
  worker = null;
  if (have.proof === undefined || have.key === undefined) {
    show('', 'drop both, a proof and a key');
    return;
  }
  show('', 'verifying …');
  worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => {
    if ('crashed' in data) show('crashed', `could not tell: a bug of ours, not a verdict\n${data.crashed}`);
    else show(data.verdict.verdict, `${text(data.verdict)}\n${data.milliseconds.toFixed(0)} ms`);
  });
  worker.addEventListener('error', (e) => show('crashed', `could not tell: ${e.message}`));
  worker.postMessage({
    proof: have.proof.bytes,
    key: have.key.bytes,
    context: contextBytes(context.value),
    circuit: have.circuit?.bytes ?? null,
  } satisfies Question);
}

const shape = (t: { readonly name: string; readonly dtype: string; readonly shape: readonly number[] }): string =>
  `${t.name} ${t.dtype} [${t.shape.join(', ')}]`;
const hex = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');

function text(v: Verdict): string {
  if (v.verdict === 'refused') return `refused ${v.code}\n${v.sentence}`;
  const lines = v.outputs.map((t) => `${shape(t)}\n  ${Array.from<number | bigint>(t.data.subarray(0, 20)).join('  ')}`);
  return [
    `accepted, ${v.securityBits.toFixed(1)} bits, ${v.system} ${v.profile}`,
    ...lines,
    `proven: the network of key ${hex(v.vkHash)} maps ${v.inputs.map(shape).join(', ')} to ${v.proven.map(shape).join(', ')}`,
    'outside the proof: what this page recomputed from those integers. The proof hides neither input nor output.',
  ].join('\n');
}

/** Text only: names come from the files. */
function show(state: string, words: string): void {
  result.className = state;
  result.textContent = words;
}

drop.addEventListener('dragover', (e) => e.preventDefault());
drop.addEventListener('drop', (e) => {
  e.preventDefault();
  void take(e.dataTransfer?.files ?? []);
});
files.addEventListener('change', () => void take(files.files ?? []));
context.addEventListener('change', ask);

/** As on the command line: 0x and pairs of hex digits are bytes, anything else is text. */
function contextBytes(text: string): Uint8Array {
  return (/^0x/i.test(text) ? fromHex(text.slice(2)) : null) ?? new TextEncoder().encode(text);
}
