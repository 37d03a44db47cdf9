/** Numbers and lists as circom writes them. */

/** A list, nested as it is given, on lines of at most some 140 characters. */
export function list(values: readonly (number | bigint)[]): string {
  const lines: string[] = [];
  let line = '';
  values.forEach((v, i) => {
    const word = `${v}${i < values.length - 1 ? ', ' : ''}`;
    if (line.length + word.length > 140) {
      lines.push(line.trimEnd());
      line = '';
    }
    line += word;
  });
  lines.push(line);
  return `[${lines.join('\n        ')}]`;
}

export const rows = (values: readonly (readonly (number | bigint)[])[]): string => `[\n        ${values.map(list).join(',\n        ')}]`;
