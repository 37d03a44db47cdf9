/** The benchmark in words: Markdown that reads on a terminal too. */
import { type Judged, judge, nanoseconds, proofsBy, ratioOf } from './goals.ts';
import { type Measured, REFERENCE_UP_TO } from './measure.ts';
import { type Proofs, WAYS } from './rounds.ts';
import { median, spread } from './statistics.ts';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
  readonly system: string;
  /** Average number of busy or waiting processes in the minute before the start; 0 where the system does not tell. */
  readonly load: number;
  readonly node: string;
  readonly chromium: string | null;
  readonly onnxruntime: string | null;
  readonly assay: string;
  readonly date: string;
  readonly command: string;
  readonly repeats: number;
}

export interface Results {
  readonly machine: Machine;
  readonly models: readonly Measured[];
  /** Milliseconds; null where they were not taken. */
  readonly coldStarts: readonly number[] | null;
}

const NONE = '–';
const ms = (v: number): string => (v < 10 ? v.toFixed(2) : v < 100 ? v.toFixed(1) : v.toFixed(0));
const kb = (v: number): string => (v / 1e3).toFixed(1);
const mb = (v: number | null | undefined): string => (v === null || v === undefined ? NONE : (v / 1e6).toFixed(0));
const times = (v: number | null): string => (v === null ? NONE : `${v < 10 ? v.toFixed(2) : v.toFixed(1)} ×`);

/** `median (min–max)` of milliseconds. */
function spreadOf(values: readonly number[] | undefined): string {
  if (values === undefined || values.length === 0) return NONE;
  const s = spread(values);
  return values.length === 1 ? ms(s.median) : `${ms(s.median)} (${ms(s.min)}–${ms(s.max)})`;
}

/** Padded, so that it can be read as it is; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const width = head.map((h, i) => Math.max(3, h.length, ...rows.map((r) => (r[i] as string).length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((c, i) => (i === 0 ? c.padEnd(width[i] as number) : c.padStart(width[i] as number))).join(' | ')} |`;
  const rule = width.map((w, i) => (i === 0 ? '-'.repeat(w) : `${'-'.repeat(w - 1)}:`));
  return [line(head), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}

const goals = (list: readonly Judged[]): string =>
  table(
    ['goal', 'figure', 'wanted', 'verdict'],
    list.map((j) => {
      const text = (v: number): string => (j.unit === '×' ? v.toFixed(2) : v < 10 ? v.toFixed(1) : v.toFixed(0));
      return [j.what, `${text(j.figure)} ${j.unit}`, `${j.sense} ${j.goal} ${j.unit}`, j.met ? 'met' : 'MISSED'];
    }),
  );

function models(list: readonly Measured[]): string {
  return table(
    [
      'model',
      'weights',
      'lookups + rows',
      'checked inputs',
      'compile ms',
      'run ms',
      'proof kB',
      'key kB',
      'circuit kB',
      'onnxruntime ms',
      'prove / onnxruntime',
    ],
    list.map((m) => {
      const wasm = proofsBy(m.node.proofs, 'wasm');
      return [
        m.name,
        `${m.weights}`,
        `${m.lookups} + ${m.tableRows}`,
        m.checkedAgainst === null ? 'none' : `${m.checkedInputs}`,
        ms(m.compile),
        ms(m.run),
        kb(m.bytes.proof),
        kb(m.bytes.key),
        kb(m.bytes.circuit),
        m.onnxruntime === null ? NONE : m.onnxruntime.ms.toFixed(3),
        m.onnxruntime === null || wasm === undefined ? NONE : `${Math.round(median(wasm.ms) / m.onnxruntime.ms)}`,
      ];
    }),
  );
}

function proving(list: readonly Measured[]): string {
  const row = (name: string, place: string, proofs: readonly Proofs[]): string[] => [
    name,
    place,
    ...WAYS.map((way) => spreadOf(proofsBy(proofs, way)?.ms)),
    ...[proofsBy(proofs, 'wasm')?.first].map((v) => (v === undefined ? NONE : ms(v))),
    times(ratioOf(proofs, 'reference', 'wasm')),
    times(ratioOf(proofs, 'wasm 2 threads', 'wasm')),
  ];
  return table(
    ['model', 'where', 'reference', 'wasm, 1 thread', 'wasm, 2 threads', 'first, 1 thread', 'reference / wasm', '2 threads / 1'],
    list.flatMap((m) => [
      row(m.name, 'Node', m.node.proofs),
      ...(m.chromium === null
        ? []
        : [row(m.name, 'Chromium, isolated', m.chromium.isolated.proofs), row(m.name, 'Chromium', m.chromium.plain.proofs)]),
    ]),
  );
}

function verifying(list: readonly Measured[]): string {
  return table(
    ['model', 'Node first', 'Node warm', 'Chromium first', 'Chromium warm', 'isolated first', 'isolated warm', 'computes with'],
    list.map((m) => {
      const places = [m.node.verify, m.chromium?.plain.verify, m.chromium?.isolated.verify];
      const kernels = [...new Set(places.flatMap((v) => (v === undefined ? [] : [v.kernels])))];
      return [m.name, ...places.flatMap((v) => (v === undefined ? [NONE, NONE] : [ms(v.first), spreadOf(v.warm)])), kernels.join(', ')];
    }),
  );
}

function memory(list: readonly Measured[]): string {
  return table(
    [
      'model',
      ...['Node', 'Chromium'].flatMap((w) => [...WAYS, 'verify'].map((x) => `${w} ${x}`)),
      'in WebAssembly, 1',
      'in WebAssembly, 2',
    ],
    list.map((m) => [
      m.name,
      ...[m.node.peaks, m.chromium?.peaks].flatMap((p) => [...WAYS, 'verify' as const].map((x) => mb(p?.[x]))),
      ...(['wasm', 'wasm 2 threads'] as const).map((w) => mb(proofsBy(m.node.proofs, w)?.wasmPeak)),
    ]),
  );
}

function stages(list: readonly Measured[]): string {
  const all = list.flatMap((m) => m.node.proofs.filter((p) => p.ms.length > 0).map((p) => [m, p] as const));
  const names = [...new Set(all.flatMap(([, p]) => Object.keys(p.phases)))];
  return table(
    ['model', 'by', ...names, 'ns a lookup or row', 'ns a lookup'],
    all.map(([m, p]) => {
      const ns = nanoseconds(m, p);
      const cells = names.map((n) => (p.phases[n] === undefined ? NONE : ms(p.phases[n])));
      return [m.name, p.way, ...cells, ns?.leaf.toFixed(0) ?? NONE, ns?.lookup.toFixed(0) ?? NONE];
    }),
  );
}

export function report({ machine: m, models: list, coldStarts }: Results): string {
  const judged = judge(list, coldStarts);
  const missing = [
    ...(m.chromium === null ? ['Chromium was not measured.'] : []),
    ...(m.onnxruntime === null
      ? ['onnxruntime-node is not installed: nothing stands beside, and outputs of synthetic models were not compared.']
      : []),
  ];
  return [
    `# Benchmark, ${m.date}`,
    '',
    `${m.cpu}, ${m.cores} cores, ${mb(m.memory)} MB, ${m.system}; Assay ${m.assay}, Node ${m.node}, Chromium ${m.chromium ?? 'none'}, onnxruntime-node ${m.onnxruntime ?? 'none'} (CPU, 1 thread). \`${m.command}\``,
    '',
    `Checked before anything was timed: all outputs, to the bit, against recorded ones (synthetic models: onnxruntime's at this moment), and that the verifier accepts the proof. Every proof made afterwards, by any kernels, in Node or Chromium, had the same bytes. Code was made warm first. Milliseconds are medians (least–most) of up to ${m.repeats} rounds, fewer where rounds are long; what is compared was proven in turn within a round, a turn being the middle one of the proofs that fit 150 ms, and a ratio is the median over rounds. Other work on the machine (load ${m.load.toFixed(1)} on its ${m.cores} cores before the start) shows in the spread.`,
    ...missing.flatMap((line) => ['', line]),
    '',
    ...(judged.length === 0 ? [] : ['## Goals', '', goals(judged), '']),
    '## Models',
    '',
    models(list),
    '',
    '## Prove, ms',
    '',
    `The reference (plain TypeScript) proves synthetic models up to 2^${REFERENCE_UP_TO} only.`,
    '',
    proving(list),
    '',
    '## Verify, ms',
    '',
    'First: the first call of a fresh process or worker. Chromium verifies in a module worker.',
    '',
    verifying(list),
    '',
    '## Peak memory, MB',
    '',
    'Of a process that does only this, once: the whole of Node, or the renderer of Chromium. Last, the most that the kernels held.',
    '',
    memory(list),
    '',
    '## Stages of a proof in Node, ms',
    '',
    'The prover gives the event loop a turn every 20 ms of work; stages include these. The last columns are the stage `lookups` (LogUp-GKR: fraction trees built and proven), divided by lookups + table rows, and by lookups.',
    '',
    stages(list),
    '',
    ...(coldStarts === null
      ? []
      : [
          '## Cold start',
          '',
          `The built page from a plain file server, a new browser and profile each time: from the navigation to the verdict in the document, ${spreadOf(coldStarts)} ms of ${coldStarts.length}.`,
          '',
        ]),
  ].join('\n');
}
