/** What `assay quantize` says of its result, for people. Programs read `--json`. */
import type { Comparison } from '../../compiler/quantize/index.ts';
import type { CheckReport } from '../library.ts';
import { columns, count, size } from '../text.ts';

export const decibel = (v: number): string => (Number.isFinite(v) ? `${v.toFixed(1)} dB` : v > 0 ? 'exact' : 'no signal');
const percent = (v: number): string => `${(100 * v).toFixed(1)} %`;
const short = (v: number): string => String(Number(v.toPrecision(3)));

/** Accuracy or agreement, then the error of every output. */
export function comparisonText({ samples, classes, outputs }: Comparison): string {
  const rows: string[][] = [];
  if (classes?.accuracy)
    rows.push([
      'accuracy',
      `float ${percent(classes.accuracy.float)}, quantized ${percent(classes.accuracy.quantized)} of ${count(samples)} inputs`,
    ]);
  if (classes)
    rows.push([
      'same class',
      `${percent(classes.agreement)} of ${classes.rows === 1 ? `${count(samples)} inputs` : `${count(samples * classes.rows)} rows`}`,
    ]);
  for (const { name, max, meanAbs, sqnr } of outputs)
    rows.push(['error', `${name}: SQNR ${decibel(sqnr)}, mean ${short(meanAbs)}, largest ${short(max)}`]);
  return columns(rows);
}

export function layerTable({ layers }: Comparison): string {
  const rows = layers.map((l) => [
    l.layer,
    l.op,
    decibel(l.sqnr),
    `scale ${short(l.scale)}`,
    `zero point ${l.zp}`,
    l.weightScales === null ? '' : `${l.weightScales} weight scale${l.weightScales === 1 ? '' : 's'}`,
  ]);
  return columns(rows, '  ');
}

/** What scales chosen for proving save and cost, against one scale a channel. */
export function savingText(
  channel: { comparison: Comparison; report: CheckReport },
  proving: { comparison: Comparison; report: CheckReport },
): string {
  const [before, after] = [channel.report.predicted, proving.report.predicted];
  const sqnr = (c: Comparison): number => Math.min(...c.outputs.map((o) => o.sqnr));
  const share = (c: Comparison): number | undefined => c.classes?.accuracy?.quantized ?? c.classes?.agreement;
  const rows = [['', 'a scale a channel', 'for proving']];
  if (before && after)
    rows.push(
      ['proof', size(before.proofBytes), size(after.proofBytes)],
      ['key', size(before.keyBytes), size(after.keyBytes)],
      ['table rows', count(before.tableRows), count(after.tableRows)],
      ['lookups', count(before.lookups), count(after.lookups)],
    );
  rows.push(['SQNR', decibel(sqnr(channel.comparison)), decibel(sqnr(proving.comparison))]);
  const [a, b] = [share(channel.comparison), share(proving.comparison)];
  if (a !== undefined && b !== undefined)
    rows.push([channel.comparison.classes?.accuracy ? 'accuracy' : 'same class', percent(a), percent(b)]);
  return columns(rows, '  ');
}
