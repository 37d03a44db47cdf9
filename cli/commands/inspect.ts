/** `assay inspect`: what an artefact says about itself. */
import type { Command } from 'commander';
import { LIMITS, readFile } from '../files.ts';
import { encode } from '../json.ts';
import { inspect } from '../library.ts';
import { conclude, type Exit } from '../outcome.ts';
import { print } from '../talk.ts';
import { hex, printable } from '../text.ts';

interface Options {
  json?: true;
}

export function addInspect(program: Command): void {
  program
    .command('inspect')
    .summary('print what an artefact holds')
    .description(
      'Prints what a circuit, a key or a proof holds. A proof is decoded, not verified: what it says is a claim. A key must meet the conditions every verifier checks.',
    )
    .argument('<file>', 'a .circuit, .key or .proof file')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Example
  $ assay inspect digits.key

Exit codes: 0 done, 1 the file is no artefact or a broken one, 2 could not tell.`,
    )
    .action((path: string, options: Options) => conclude(() => inspectCommand(path, options), options.json ? {} : 'text'));
}

async function inspectCommand(path: string, options: Options): Promise<Exit> {
  const { kind, fields } = inspect(readFile(path, 'artefact', LIMITS.circuit));
  await print(options.json ? encode({ kind, fields }) : [kind, ...lines(fields, '  ')].join('\n'));
  return 0;
}

const MOST_LINES = 2000;

/** Indented `name: value` lines; a list of records gives one line each. */
function lines(value: object, indent: string): string[] {
  const out: string[] = [];
  for (const [name, member] of Object.entries(value)) {
    if (out.length >= MOST_LINES) return [...out, `${indent}… (--json prints all)`];
    const title = `${indent}${printable(name)}:`;
    if (isFlat(member)) out.push(`${title} ${flatText(member)}`);
    else out.push(title, ...lines(member as object, `${indent}  `));
  }
  return out;
}

function isFlat(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return true;
  const members = Object.values(value);
  return Array.isArray(value) ? members.every((member) => typeof member !== 'object') : members.length === 0;
}

function flatText(value: unknown): string {
  if (value instanceof Uint8Array) return value.length > 64 ? `${hex(value.subarray(0, 64))}… (${value.length} bytes)` : hex(value);
  if (typeof value === 'string') return printable(value);
  if (typeof value !== 'object') return String(value);
  const text = encode(value);
  return text.length > 160 ? `${printable(text.slice(0, 160))}…` : printable(text);
}
