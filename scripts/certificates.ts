/**
 * Birth certificates: `certificate.json` in every folder of fixtures says of each file what it is, how it was made, its size and sha256.
 *
 *     {"made": how all were made, "versions": {…}, "files": [{"file", "what", "bytes", "sha256"}]}
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

export const CERTIFICATE = 'certificate.json';

interface Certificate {
  readonly made: string;
  readonly versions?: Readonly<Record<string, string | number>>;
  readonly files: readonly { readonly file: string; readonly what: string; readonly bytes: number; readonly sha256: string }[];
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Certifies files of a folder as they are now. */
export function certify(
  folder: string,
  made: string,
  files: readonly { readonly file: string; readonly what: string }[],
  versions?: Certificate['versions'],
): void {
  const certificate: Certificate = {
    made,
    ...(versions && { versions }),
    files: files.map(({ file, what }) => {
      const bytes = readFileSync(join(folder, file));
      return { file, what, bytes: bytes.length, sha256: sha256(bytes) };
    }),
  };
  writeFileSync(join(folder, CERTIFICATE), `${JSON.stringify(certificate, null, 1)}\n`);
}

/** Every file below a folder, with `/` between names, sorted. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile())
    .map((e) => relative(folder, join(e.parentPath, e.name)).split(sep).join('/'))
    .sort();
}

/** What is wrong with the certificate of a folder; nothing if all is well. */
export function checkCertificate(folder: string): string[] {
  const path = join(folder, CERTIFICATE);
  if (!existsSync(path)) return [`${folder} has no ${CERTIFICATE}`];
  const { made, files } = JSON.parse(readFileSync(path, 'utf8')) as Certificate;
  const wrong = made ? [] : [`${path} does not say how the files were made`];
  const certified = new Set(files.map((f) => f.file));
  for (const { file, what, bytes, sha256: digest } of files) {
    if (!existsSync(join(folder, file))) {
      wrong.push(`${folder}/${file} is missing`);
      continue;
    }
    const found = readFileSync(join(folder, file));
    if (!what) wrong.push(`${path} does not say what ${file} is`);
    if (found.length !== bytes || sha256(found) !== digest) wrong.push(`${folder}/${file} is not the file of its certificate`);
  }
  for (const file of filesBelow(folder))
    if (file !== CERTIFICATE && !file.endsWith('README.md') && !certified.has(file)) wrong.push(`${folder}/${file} has no certificate`);
  return wrong;
}

const MOST_BYTES = 25e6;

/** All folders of fixtures, and their size together. */
export function checkCertificates(root = 'fixtures'): string[] {
  const folders = readdirSync(root, { withFileTypes: true }).filter((e) => e.isDirectory());
  const bytes = filesBelow(root).reduce((n, file) => n + statSync(join(root, file)).size, 0);
  return [
    ...folders.flatMap((e) => checkCertificate(join(root, e.name))),
    ...(bytes > MOST_BYTES ? [`${root} has ${bytes} bytes, more than ${MOST_BYTES}`] : []),
  ];
}
