/** Small words for people: hashes, shapes, sizes. */

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The first two bytes of a hash: enough to see that two differ. */
export function short(hash: Uint8Array | string): string {
  const digits = typeof hash === 'string' ? hash.replace(/^0x/, '') : hex(hash);
  return `${digits.slice(0, 4)}…`;
}

export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(',')}]`;
}

/** 1234567 → 1,234,567 */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** 95688 → 95.7 kB; decimal units, as disks and networks count. */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]}`;
}

/** A name as it may stand in a terminal: control and direction characters (a model can carry any) are shown escaped. */
export function printable(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => `\\u${(c.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
}

/** Lines with the columns under each other, the last one ragged; two spaces between. Cells may hold what a stranger wrote. */
export function columns(cells: readonly (readonly string[])[], indent = ''): string {
  const rows = cells.map((row) => row.map(printable));
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows
    .map(
      (row) =>
        indent +
        row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd(),
    )
    .join('\n');
}
