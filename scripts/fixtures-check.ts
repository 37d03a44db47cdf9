/**
 * Checks fixtures: `npm run fixtures:check`. Every proof of the manifest gets its verdict, every file is the one of its birth
 * certificate, and compiling the models again gives the same keys. Exit 1 if anything is not as it should be.
 */
import { main as assay } from '../cli/program.ts';
import { checkCertificates } from './certificates.ts';
import { checkKeys } from './envelopes.ts';
import { checkEzklKeys } from './fixtures-ezkl.ts';
import { checkGroth16Keys } from './fixtures-groth16.ts';

await assay(['fixtures', 'check', 'fixtures']);
const wrong = [...checkCertificates(), ...(await checkKeys()), ...(await checkGroth16Keys()), ...(await checkEzklKeys())];
for (const line of wrong) process.stdout.write(`NOT ${line}\n`);
process.stdout.write(
  wrong.length === 0 ? 'all files are those of their certificates; all keys are made again\n' : `${wrong.length} wrong\n`,
);
if (wrong.length > 0) process.exitCode = 1;
