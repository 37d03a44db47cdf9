/**
 * Makes fixtures/envelopes, fixtures/negatives, fixtures/groth16, fixtures/ezkl and their manifest, and certifies the reviewed transcripts:
 * `npm run fixtures`. Deterministic: run again, it writes the same bytes; of groth16 it keeps the proofs that hold.
 *
 * Every proof is verified as it is written; one that does not get the verdict it is made for ends the run.
 */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { FILE_VERSION } from '../circuits/files.ts';
import type { Fixture } from '../cli/manifest.ts';
import { VERSION } from '../cli/version.ts';
import { verify } from '../index.ts';
import { equalBytes } from '../protocol/bytes.ts';
import { VERSION as ENVELOPE_VERSION, SYSTEM } from '../protocol/envelope.ts';
import { CERTIFICATE, certify, filesBelow, sha256 } from './certificates.ts';
import { type Made, make, SOURCES } from './envelopes.ts';
import { ezklFixtures } from './fixtures-ezkl.ts';
import { groth16Fixtures } from './fixtures-groth16.ts';
import { LIES } from './negatives.ts';

const ROOT = 'fixtures';
const ACCEPTED = 'envelopes';
const REFUSED = 'negatives';
const MADE = 'npm run fixtures (scripts/fixtures.ts)';
const VERSIONS = { assay: VERSION, envelope: ENVELOPE_VERSION, key: FILE_VERSION, system: SYSTEM };

/** A fixture of the manifest with its story. */
interface Entry extends Fixture {
  readonly what: string;
  readonly sha256: string;
}

const files: { readonly folder: string; readonly file: string; readonly what: string }[] = [];

/** Writes and certifies a file; the path is that of the manifest. */
function write(folder: string, file: string, bytes: Uint8Array, what: string): string {
  writeFileSync(`${ROOT}/${folder}/${file}`, bytes);
  files.push({ folder, file, what });
  return `${folder}/${file}`;
}

const contextOf = (text: string | undefined) => (text ? new TextEncoder().encode(text) : undefined);

function accepted(m: Made): Entry {
  const { name, what, key, circuit, envelope, context } = m;
  const isI0 = m.options.mode === 'I0';
  const verdict = verify(envelope, key, { context: contextOf(context), circuit: isI0 ? circuit : undefined });
  if (verdict.verdict !== 'accepted') throw new Error(`${name} is refused: ${verdict.code} ${verdict.sentence}`);
  if (name === 'relu') write(ACCEPTED, 'relu.onnx', m.model(), 'the model of relu.key, made by scripts/relu-model.ts');
  return {
    name,
    what,
    proof: write(ACCEPTED, `${name}.proof`, envelope, `proof: ${what}`),
    key: write(ACCEPTED, `${name}.key`, key, `key: ${what}`),
    ...(isI0 && { circuit: write(ACCEPTED, `${name}.circuit`, circuit, `circuit: ${what}`) }),
    ...(context !== undefined && { context }),
    expect: 'accepted',
    sha256: sha256(envelope),
  };
}

async function refused(lie: (typeof LIES)[number], all: ReadonlyMap<string, Made>): Promise<Entry> {
  const { name, what, from } = lie;
  const honest = all.get(from) as Made;
  const told = await lie.tell(honest, all);
  const envelope = told.envelope ?? honest.envelope;
  const key = told.key ?? honest.key;
  const context = told.context ?? honest.context;
  const circuit = told.circuit === null ? undefined : (told.circuit ?? (honest.options.mode === 'I0' ? honest.circuit : undefined));
  const verdict = verify(envelope, key, { context: contextOf(context), circuit });
  if (verdict.verdict === 'accepted') throw new Error(`${name} is accepted`);
  const { code, sentence } = verdict;
  if (!lie.codes.includes(code)) throw new Error(`${name}: ${code} (${sentence}) instead of ${lie.codes.join(' or ')}`);
  // What an accepted fixture has is used where it is; a lie's own lies beside it.
  const place = (extension: 'proof' | 'key' | 'circuit', bytes: Uint8Array, note: string): string => {
    const known = [...all.values()].find((m) => equalBytes(bytes, extension === 'proof' ? m.envelope : m[extension]));
    if (known !== undefined && (extension !== 'circuit' || known.options.mode === 'I0')) return `${ACCEPTED}/${known.name}.${extension}`;
    return write(REFUSED, `${name}.${extension}`, bytes, note);
  };
  return {
    name,
    what,
    proof: place('proof', envelope, `refused ${code}: ${what}; from ${from}.proof`),
    key: place('key', key, `key of ${name}.proof: ${what}`),
    ...(circuit && { circuit: place('circuit', circuit, `circuit of ${name}.proof: ${what}`) }),
    ...(context && { context }),
    expect: 'refused',
    code,
    sha256: sha256(envelope),
  };
}

async function main(): Promise<void> {
  for (const folder of [ACCEPTED, REFUSED]) {
    rmSync(`${ROOT}/${folder}`, { recursive: true, force: true });
    mkdirSync(`${ROOT}/${folder}`, { recursive: true });
  }
  const all = new Map<string, Made>();
  for (const source of SOURCES) all.set(source.name, await make(source));
  const fixtures = [...all.values()].map(accepted);
  for (const lie of LIES) fixtures.push(await refused(lie, all));
  fixtures.push(...(await groth16Fixtures()));
  fixtures.push(...(await ezklFixtures()));
  const manifest = { format: 'assay-fixtures', version: 1, note: `made by ${MADE}`, fixtures };
  writeFileSync(`${ROOT}/manifest.json`, `${JSON.stringify(manifest, null, 1)}\n`);
  for (const folder of [ACCEPTED, REFUSED])
    certify(
      `${ROOT}/${folder}`,
      MADE,
      files.filter((f) => f.folder === folder),
      VERSIONS,
    );
  certify(
    `${ROOT}/transcripts`,
    'UPDATE_FIXTURES=1 npx vitest run test/protocol/log.test.ts, reviewed',
    filesBelow(`${ROOT}/transcripts`)
      .filter((file) => file !== CERTIFICATE)
      .map((file) => ({ file, what: 'the transcript of a tiny proof, line by line' })),
  );
  const codes = new Set(fixtures.flatMap((f) => f.code ?? []));
  const yes = fixtures.filter((f) => f.expect === 'accepted').length;
  process.stdout.write(`${yes} accepted, ${fixtures.length - yes} refused by ${codes.size} checks: ${[...codes].sort().join(' ')}\n`);
}

await main();
