/** `assay audit`: does this key speak for this model? */
import type { Command } from 'commander';
import { systemOf } from '../../circuits/container.ts';
import { EZKL_SYSTEM } from '../../circuits/ezkl/key.ts';
import { GROTH16 } from '../../circuits/groth16/key.ts';
import { SYSTEM } from '../../protocol/envelope.ts';
import { asKind, mistaken } from '../artefact.ts';
import { LIMITS, readFile } from '../files.ts';
import { auditForGroth16 } from '../groth16/audit.ts';
import { encode } from '../json.ts';
import { audit } from '../library.ts';
import { CannotTell, conclude, type Exit } from '../outcome.ts';
import { hint, note, print, say } from '../talk.ts';
import { printable } from '../text.ts';

interface Options {
  key: string;
  circuit?: string;
  json?: true;
}

export function addAudit(program: Command): void {
  program
    .command('audit')
    .summary('recompute what a key says about a model')
    .description('Recomputes from the model everything its key says: ops, shapes, bounds, tables and the commitment to the weights.')
    .argument('<model>', 'the ONNX file')
    .requiredOption('--key <file>', 'the .key file')
    .option('--circuit <file>', 'the .circuit file published with the key; needed only if the key is not the one assay compile makes')
    .option('--json', 'one JSON object: verdict, code, sentence')
    .addHelpText(
      'after',
      `
Who audits a key once may verify proofs with it and forget the model. Of a groth16 key the constraint system is audited, which takes as
long as assay compile, and not the set-up; keys of EZKL cannot be audited here.

Example
  $ assay audit digits.onnx --key digits.key

Exit codes: 0 it is this model's key, 1 it is not (and where), 2 could not tell, 130 stopped by Ctrl-C.`,
    )
    .action((path: string, options: Options) => conclude(() => auditCommand(path, options), options.json ? {} : 'text'));
}

async function auditCommand(path: string, options: Options): Promise<Exit> {
  const model = readFile(path, 'model', LIMITS.model);
  const key = readFile(options.key, 'key', LIMITS.key);
  const circuit = options.circuit === undefined ? undefined : readFile(options.circuit, 'circuit', LIMITS.circuit);
  const mistake = mistaken('key', options.key, key);
  if (mistake) throw new CannotTell('file.kind', `${printable(options.key)} cannot be audited as a key`, mistake);
  const system = asKind('key', options.key, key, () => systemOf(key, 'key'));
  if (system === EZKL_SYSTEM)
    throw new CannotTell(
      'key.system',
      `${printable(options.key)} is a key of EZKL: whether it is one of a model cannot be told here`,
      'make it again with EZKL, of the model and the settings, and compare',
    );
  if (system !== SYSTEM && circuit !== undefined)
    throw new CannotTell('usage', `--circuit is for the native system; ${printable(options.key)} is a key of ${printable(system)}`);
  const result = system === GROTH16 ? await auditForGroth16(model, key) : audit(model, key, circuit);
  if (options.json) {
    await print(
      encode(
        result.ok
          ? { verdict: 'accepted', canonical: result.canonical }
          : { verdict: 'refused', code: result.code, sentence: result.sentence },
      ),
    );
    return result.ok ? 0 : 1;
  }
  await print(result.ok ? `accepted ${printable(options.key)} is the key of ${printable(path)}` : `refused ${result.code}`);
  if (result.ok) {
    if (system === GROTH16)
      note('the constraint system is that of the model; the set-up behind the key is not checked: assay setup finish does');
    return 0;
  }
  say(printable(result.sentence));
  const swapped = mistaken('model', path, model);
  if (swapped) hint(swapped);
  return 1;
}
