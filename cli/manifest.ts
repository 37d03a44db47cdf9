/**
 * The manifest of a folder of proofs, for `assay fixtures check`.
 *
 *     {"format": "assay-fixtures", "version": 1, "key": default key,
 *      "fixtures": [{"name", "proof": path, "key": path, "circuit": path, "context": text or 0xhex, "expect": "accepted" | "refused",
 *                    "code": the check that refuses, "sha256": of the proof}]}
 *
 * Paths are relative to the folder and stay inside it.
 */
import { isAbsolute, join, normalize, sep } from 'node:path';
import { CannotTell } from './outcome.ts';
import { printable } from './text.ts';

export interface Fixture {
  readonly name: string;
  readonly proof: string;
  readonly key: string;
  readonly circuit?: string;
  readonly context?: string;
  readonly expect: 'accepted' | 'refused';
  readonly code?: string;
  readonly sha256?: string;
}

/** The fixtures with paths joined to the folder; anything that is not as described, a misspelt member too, is an error. */
export function parseManifest(bytes: Uint8Array, folder: string): Fixture[] {
  const manifest = record(json(bytes), 'the manifest', ['format', 'version', 'key', 'fixtures', 'note']);
  if (manifest.format !== 'assay-fixtures' || manifest.version !== 1) {
    throw wrong('the manifest is not {"format": "assay-fixtures", "version": 1, …}');
  }
  const defaultKey = optional(manifest.key, 'the manifest: key');
  if (!Array.isArray(manifest.fixtures) || manifest.fixtures.length === 0) throw wrong('the manifest lists no fixtures');
  const names = new Set<string>();
  return manifest.fixtures.map((value: unknown, i) => {
    const where = `fixture ${i}`;
    const entry = record(value, where, ['name', 'proof', 'key', 'circuit', 'context', 'expect', 'code', 'sha256', 'note', 'made', 'what']);
    const text = (member: string): string | undefined => optional(entry[member], `${where}: ${member}`);
    const needed = (member: string, found: string | undefined): string => {
      if (found === undefined) throw wrong(`${where}: ${member} is missing`);
      return found;
    };
    const name = needed('name', text('name'));
    if (names.has(name)) throw wrong(`${where}: the name "${printable(name)}" is used twice`);
    names.add(name);
    const expect = text('expect');
    if (expect !== 'accepted' && expect !== 'refused') throw wrong(`${where}: expect is neither "accepted" nor "refused"`);
    const [circuit, context, code, sha256] = [text('circuit'), text('context'), text('code'), text('sha256')];
    if (code !== undefined && expect === 'accepted') throw wrong(`${where}: an accepted proof has no code`);
    if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) throw wrong(`${where}: sha256 is not 64 hex digits in lower case`);
    return {
      name,
      expect,
      proof: inside(folder, needed('proof', text('proof')), where),
      key: inside(folder, needed('key', text('key') ?? defaultKey), where),
      ...(circuit !== undefined && { circuit: inside(folder, circuit, where) }),
      ...(context !== undefined && { context }),
      ...(code !== undefined && { code }),
      ...(sha256 !== undefined && { sha256 }),
    };
  });
}

function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw wrong(`the manifest is not JSON: ${error instanceof Error ? printable(error.message) : ''}`);
  }
}

function record(value: unknown, where: string, members: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(`${where} is not an object`);
  for (const member of Object.keys(value)) {
    if (!members.includes(member)) throw wrong(`${where} has an unknown member "${printable(member)}"`);
  }
  return value as Record<string, unknown>;
}

function optional(value: unknown, where: string): string | undefined {
  if (value !== undefined && typeof value !== 'string') throw wrong(`${where} is not a text`);
  return value;
}

function inside(folder: string, path: string, where: string): string {
  const clean = normalize(path);
  if (path === '' || isAbsolute(clean) || clean === '..' || clean.startsWith(`..${sep}`)) {
    throw wrong(`${where}: the path "${printable(path)}" leaves the folder`);
  }
  return join(folder, clean);
}

function wrong(sentence: string): CannotTell {
  return new CannotTell('manifest', sentence);
}
