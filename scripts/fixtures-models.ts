/**
 * Makes fixtures/models from a zoo of recorded models: `node dist/scripts/fixtures-models.js <zoo>`.
 *
 * Copies the model as it is, cuts the recordings (all 32 inputs of small models, 8 of larger ones; of the intermediate tensors those of
 * onnxruntime's fused graph for the first input) and writes a certificate with the sha256 of every file.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

interface Entry {
  readonly role: string;
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly nbytes: number;
}

interface Meta {
  readonly name: string;
  readonly family: string;
  readonly format: string;
  readonly sha256: string;
  readonly opset: Readonly<Record<string, number>>;
  readonly onnxruntime: string;
  readonly n_inputs: number;
  readonly labels?: readonly number[];
  readonly io: readonly Entry[];
  readonly mid: readonly Entry[];
}

const FAMILIES = [
  'digits-mlp',
  'digits-mlp-mm',
  'digits-cnn',
  'mnist-cnn',
  'lenet5-max',
  'lenet5-avg',
  'cifar-cnn-264k',
  'dense-4m',
  'resnet8',
  'mobilenet',
  'tab-logreg',
  'tab-regress',
  'tab-tanh',
  'tiny-transformer-erf',
  'tiny-transformer-gelu',
];
/** Graphs of one operator each: 8 inputs, and nothing inside. */
const OPERATOR = 'op-';
const LEFT_OUT = ['dense-4m.qdq-s8', 'resnet8.qdq-u8-intio'];
/** Whose float models are kept too: other systems prove those (bench/systems.ts), and `assay quantize` is tested on them. */
const FLOATS = ['digits-mlp.qop', 'digits-cnn.qop', 'mnist-cnn.qop'];
const SMALL = 32 * 1024;
const OUT = 'fixtures/models';

/** The first `count` inputs of these entries, packed. */
function cut(bytes: Uint8Array, entries: readonly Entry[], count: number): { bytes: Uint8Array; entries: Entry[] } {
  const parts: Uint8Array[] = [];
  let offset = 0;
  const made = entries.map((e) => {
    const n = Math.min(count, e.shape[0] as number);
    const nbytes = (e.nbytes / (e.shape[0] as number)) * n;
    const room = Math.ceil(nbytes / 8) * 8;
    const part = new Uint8Array(room);
    part.set(bytes.subarray(e.offset, e.offset + nbytes));
    parts.push(part);
    const entry = { role: e.role, name: e.name, dtype: e.dtype, shape: [n, ...e.shape.slice(1)], offset, nbytes };
    offset += room;
    return entry;
  });
  return { bytes: Buffer.concat(parts), entries: made };
}

const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

const README = `# Recorded models

Quantized networks trained on real data, with inputs and what onnxruntime computed for them; and \`bad/\`, files a loader must refuse (or
accept) as \`bad/manifest.json\` says. \`certificate.json\` is the birth certificate: every file, what it is, how it was made, its sha256.

    <name>/model.onnx   batch 1, static shapes
           float.onnx   the float model it was quantized from, of three
           meta.json    where each array lies in the two files below: {role, name, dtype, shape, offset, nbytes}, first dimension = input
           io.bin       inputs, and outputs at ORT_ENABLE_ALL (role expected_all)
           mid.bin.gz   integer tensors of onnxruntime's fused graph for input 0 (role mid_fused); \`qdq_s8_to_u8_*\` are shifted by 128

\`op-*\` are graphs of one operator, with two sets of scales and zero points each, unsigned and signed.

Formats: qop QOperator, u8 activations, s8 weights per channel; qop-pt the same per tensor; qdq-u8, qdq-s8 QDQ; -intio integer inputs and outputs.
`;

function main(zoo: string | undefined): void {
  if (zoo === undefined || !existsSync(zoo)) {
    process.stderr.write('usage: fixtures-models <folder of recorded models>\n');
    process.exitCode = 1;
    return;
  }
  rmSync(OUT, { recursive: true, force: true });
  const certificate: Record<string, unknown>[] = [];
  const certify = (file: string, what: string) => {
    certificate.push({ file, what, bytes: readFileSync(join(OUT, file)).length, sha256: sha256(join(OUT, file)) });
  };
  for (const name of readdirSync(zoo).sort()) {
    const [family] = name.split('.');
    const operator = name.startsWith(OPERATOR) && name.includes('.');
    if (!(operator || FAMILIES.includes(family as string)) || LEFT_OUT.includes(name)) continue;
    const from = join(zoo, name);
    const meta = JSON.parse(readFileSync(join(from, 'meta.json'), 'utf8')) as Meta;
    mkdirSync(join(OUT, name), { recursive: true });
    const model = readFileSync(join(from, 'model.onnx'));
    writeFileSync(join(OUT, name, 'model.onnx'), model);
    if (FLOATS.includes(name)) writeFileSync(join(OUT, name, 'float.onnx'), readFileSync(join(from, 'float.onnx')));
    const count = operator ? Math.min(8, meta.n_inputs) : model.length <= SMALL ? meta.n_inputs : 8;
    const io = cut(
      readFileSync(join(from, 'io.bin')),
      meta.io.filter((e) => e.role !== 'expected_disabled'),
      count,
    );
    const mid = cut(
      gunzipSync(readFileSync(join(from, 'mid.bin.gz'))),
      meta.mid.filter((e) => e.role === 'mid_fused' && e.dtype !== 'float32'),
      1,
    );
    writeFileSync(join(OUT, name, 'io.bin'), io.bytes);
    if (!operator) writeFileSync(join(OUT, name, 'mid.bin.gz'), gzipSync(mid.bytes, { level: 9 }));
    const { family: f, format, opset, onnxruntime, labels } = meta;
    const kept = {
      name,
      family: f,
      format,
      opset,
      onnxruntime,
      n_inputs: count,
      labels: labels?.slice(0, count),
      io: io.entries,
      ...(operator ? {} : { mid: mid.entries }),
    };
    writeFileSync(join(OUT, name, 'meta.json'), `${JSON.stringify(kept)}\n`);
    certify(
      `${name}/model.onnx`,
      operator ? `one operator, quantized: ${name}` : `trained and quantized network, family ${f}, format ${format}`,
    );
    if (FLOATS.includes(name)) certify(`${name}/float.onnx`, 'the float network before it was quantized');
    certify(`${name}/io.bin`, `${count} inputs and the outputs of onnxruntime ${onnxruntime} at ORT_ENABLE_ALL`);
    if (!operator) certify(`${name}/mid.bin.gz`, 'integer tensors of onnxruntime’s fused graph for the first input');
    certify(`${name}/meta.json`, 'where each array lies');
  }
  mkdirSync(join(OUT, 'bad'));
  for (const file of readdirSync(join(zoo, 'bad')).sort()) {
    writeFileSync(join(OUT, 'bad', file), readFileSync(join(zoo, 'bad', file)));
    certify(
      `bad/${file}`,
      file === 'manifest.json' ? 'what is wrong with each file, and the verdict it must get' : 'a broken or unsupported model',
    );
  }
  writeFileSync(join(OUT, 'README.md'), README);
  const made =
    'scripts/fixtures-models.ts from a zoo made with onnxruntime 1.31.1, onnx 1.23.2, numpy 2.4.6, Python 3.11, Intel Xeon with AVX-512 VNNI';
  writeFileSync(join(OUT, 'certificate.json'), `${JSON.stringify({ made, files: certificate }, null, 1)}\n`);
}

main(process.argv[2]);
