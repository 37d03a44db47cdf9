/**
 * Certifies a folder of fixtures that no command of ours makes: `node dist/scripts/certify.js <folder> <how it was made> <what a file is>`.
 */
import { CERTIFICATE, certify, filesBelow } from './certificates.ts';

const [folder, made, what] = process.argv.slice(2);
if (folder === undefined || made === undefined || what === undefined) {
  process.stderr.write('usage: certify <folder> <how it was made> <what a file is>\n');
  process.exitCode = 2;
} else {
  const files = filesBelow(folder).filter((file) => file !== CERTIFICATE && !file.endsWith('README.md'));
  certify(
    folder,
    made,
    files.map((file) => ({ file, what })),
  );
}
