/** `assay fixtures check`: a folder of proofs that must be accepted, or refused with a named code. Made for CI. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Command } from 'commander';
import { Refused } from '../../protocol/refused.ts';
import { parseContext } from '../context.ts';
import { startEzkl } from '../ezkl/load.ts';
import { LIMITS, readFile } from '../files.ts';
import { encode } from '../json.ts';
import { verifyAny } from '../library.ts';
import { type Fixture, parseManifest } from '../manifest.ts';
import { CannotTell, conclude, crash, type Exit } from '../outcome.ts';
import { print, say } from '../talk.ts';
import { printable } from '../text.ts';

interface Options {
  json?: true;
}

/** What happened to one fixture. `sentence` says why it is not as expected. */
interface Result {
  readonly name: string;
  readonly verdict: 'accepted' | 'refused' | 'could-not-tell';
  readonly code?: string;
  readonly asExpected: boolean;
  readonly sentence?: string;
}

export function addFixtures(program: Command): void {
  program
    .command('fixtures')
    .summary('check a folder of proofs against its manifest')
    .command('check')
    .description('Verifies every proof of <folder>/manifest.json and compares the verdict and the code with the expected ones.')
    .argument('<folder>', 'the folder that holds manifest.json')
    .option('--json', 'one JSON object: asExpected, not, fixtures')
    .addHelpText(
      'after',
      `
manifest.json
  {"format": "assay-fixtures", "version": 1, "key": "digits.key", "fixtures": [
    {"name": "honest", "proof": "honest.proof", "expect": "accepted"},
    {"name": "one bit changed", "proof": "bit.proof", "expect": "refused", "code": "V9", "context": "order 1841"}]}
  Also possible: "key" and "circuit" of a fixture, "sha256" of its proof. Paths stay inside the folder.

Example
  $ assay fixtures check fixtures

Exit codes: 0 all as expected, 1 some not, 2 could not tell (a file or the manifest cannot be read).`,
    )
    .action((folder: string, options: Options) => conclude(() => fixturesCommand(folder, options), options.json ? {} : 'text'));
}

async function fixturesCommand(folder: string, options: Options): Promise<Exit> {
  const fixtures = parseManifest(readFile(join(folder, 'manifest.json'), 'manifest', LIMITS.manifest), folder);
  const results: Result[] = [];
  for (const fixture of fixtures) {
    const result = await checkFixture(fixture);
    results.push(result);
    if (!options.json) await print(lineOf(result));
  }
  const not = results.filter(({ asExpected }) => !asExpected).length;
  const summary = `${results.length - not} as expected, ${not} not`;
  await print(options.json ? encode({ asExpected: results.length - not, not, fixtures: results }) : summary);
  if (results.some(({ verdict }) => verdict === 'could-not-tell')) return 2;
  return not > 0 ? 1 : 0;
}

function lineOf({ name, verdict, code, asExpected, sentence }: Result): string {
  const found = code === undefined ? verdict : `${verdict} ${code}`;
  return `${asExpected ? 'ok ' : 'NOT'} ${printable(name)}: ${found}${sentence === undefined ? '' : ` (${printable(sentence)})`}`;
}

/** A file that is missing or a crash of ours ends only this fixture, so that CI sees all of them. */
async function checkFixture(fixture: Fixture): Promise<Result> {
  try {
    return await compare(fixture);
  } catch (error) {
    const known = error instanceof CannotTell || error instanceof Refused;
    if (!known) {
      say(`while checking ${printable(fixture.name)}:`);
      crash(error);
    }
    const sentence = error instanceof Error ? error.message : String(error);
    return { name: fixture.name, verdict: 'could-not-tell', code: known ? error.code : 'internal', asExpected: false, sentence };
  }
}

async function compare(fixture: Fixture): Promise<Result> {
  const { name, expect, code: wanted } = fixture;
  const envelope = readFile(fixture.proof, 'proof', LIMITS.proof);
  const key = readFile(fixture.key, 'key', LIMITS.key);
  const circuit = fixture.circuit === undefined ? undefined : readFile(fixture.circuit, 'circuit', LIMITS.circuit);
  const context = parseContext(fixture.context, `context of ${printable(name)}`);
  const verdict = await verifyAny(envelope, key, { context, circuit, ezkl: startEzkl });
  const code = verdict.verdict === 'refused' ? verdict.code : undefined;
  const result = { name, verdict: verdict.verdict, ...(code !== undefined && { code }) };
  const digest = createHash('sha256').update(envelope).digest('hex');
  if (fixture.sha256 !== undefined && digest !== fixture.sha256) {
    return { ...result, asExpected: false, sentence: `the sha256 of the proof is ${digest}` };
  }
  if (verdict.verdict === expect && (wanted === undefined || wanted === code)) return { ...result, asExpected: true };
  const said = verdict.verdict === 'refused' ? `; ${verdict.sentence}` : '';
  return { ...result, asExpected: false, sentence: `expected ${expect}${wanted === undefined ? '' : ` ${wanted}`}${said}` };
}
