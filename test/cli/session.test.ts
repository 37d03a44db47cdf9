/**
 * A whole session with the built command line: compile, run, prove, verify, audit, inspect, and what goes wrong on the way.
 */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { folder, npy } from './files.helpers.ts';
import { assay, type Ended } from './spawn.helpers.ts';

vi.setConfig({ testTimeout: 60_000 });

const MODEL = fileURLToPath(new URL('../../fixtures/models/digits-mlp.qop/model.onnx', import.meta.url));
const SLOW_MODEL = fileURLToPath(new URL('../../fixtures/models/cifar-cnn-264k.qop/model.onnx', import.meta.url));
const digit = Array.from({ length: 64 }, (_, i) => ((i * 7) % 17) / 16);
let made = '';

/** A copy of the folder of the first session: digits.onnx, .circuit, .key, .proof, one.json. */
function session(): string {
  const dir = folder();
  cpSync(made, dir, { recursive: true });
  return dir;
}

function endedWith(ended: Ended, code: number): Ended {
  expect(`${ended.code} ${ended.signal} ${ended.stderr}`).toMatch(new RegExp(`^${code} null `));
  return ended;
}

beforeAll(async () => {
  if (!existsSync(MODEL)) throw new Error('fixtures/models/digits-mlp.qop/model.onnx is missing');
  made = mkdtempSync(join(tmpdir(), 'assay-session-'));
  cpSync(MODEL, join(made, 'digits.onnx'));
  writeFileSync(join(made, 'one.json'), JSON.stringify({ input: digit }));
  endedWith(await assay(['compile', 'digits.onnx'], { cwd: made }), 0);
  endedWith(await assay(['prove', 'digits.circuit', '--input', 'one.json', '--context', 'order 1841'], { cwd: made }), 0);
}, 120_000);

afterAll(() => rmSync(made, { recursive: true, force: true }));

const verifyArgs = ['verify', 'digits.proof', '--key', 'digits.key', '--context', 'order 1841'];

describe('an honest session', () => {
  it('names what it wrote on stdout, and leaves nothing else', () => {
    expect(readdirSync(made).sort()).toEqual(['digits.circuit', 'digits.key', 'digits.onnx', 'digits.proof', 'one.json']);
  });

  it('checks the model, in text and in JSON', async () => {
    const text = endedWith(await assay(['check', 'digits.onnx'], { cwd: made }), 0);
    expect(text.stdout).toMatch(/^supported /);
    const json = endedWith(await assay(['check', 'digits.onnx', '--json'], { cwd: made }), 0);
    expect(JSON.parse(json.stdout)).toMatchObject({ supported: true, reasons: [] });
  });

  it('accepts the proof, first word first, and says what lies outside of it', async () => {
    const { stdout, stderr } = endedWith(await assay(verifyArgs, { cwd: made }), 0);
    expect(stdout).toMatch(/^accepted \d+\.\d bits/);
    expect(stderr).toContain('proven:');
    expect(stderr).toContain('outside the proof');
    expect(stderr).toContain('not zero knowledge');
    expect(stderr).toContain('bound to the context "order 1841"');
  });

  it('shows the same output in run and in verify, to the bit, and takes the context as hex too', async () => {
    const ran = endedWith(await assay(['run', 'digits.circuit', '--input', 'one.json', '--json'], { cwd: made }), 0);
    const context = `0x${Buffer.from('order 1841').toString('hex')}`;
    const verified = endedWith(await assay([...verifyArgs.slice(0, -1), context, '--json'], { cwd: made }), 0);
    const verdict = JSON.parse(verified.stdout) as Record<string, unknown>;
    const { outputs, proven } = JSON.parse(ran.stdout) as Record<string, unknown>;
    expect(verdict).toMatchObject({ verdict: 'accepted', code: null, outputs, context });
    expect(verdict.securityBits).toBeGreaterThanOrEqual(100);
    expect(outputs).toMatchObject({ output: { dtype: 'float32', shape: [1, 10] } });
    expect(Object.keys(proven as object).length).toBeGreaterThan(0);
    expect(verdict).toHaveProperty('inputs');
  });

  it('audits the key against the model', async () => {
    expect(endedWith(await assay(['audit', 'digits.onnx', '--key', 'digits.key'], { cwd: made }), 0).stdout).toMatch(/^accepted /);
  });

  it('inspects every artefact, in text and in JSON', async () => {
    for (const kind of ['circuit', 'key', 'proof']) {
      const text = endedWith(await assay(['inspect', `digits.${kind}`], { cwd: made }), 0);
      expect(text.stdout.split('\n')[0]).toContain(kind);
      const json = endedWith(await assay(['inspect', `digits.${kind}`, '--json'], { cwd: made }), 0);
      expect(JSON.parse(json.stdout)).toMatchObject({ kind });
    }
  });

  it('compiles again to the same bytes, over old files', async () => {
    const dir = session();
    writeFileSync(join(dir, 'digits.key'), 'old');
    endedWith(await assay(['compile', 'digits.onnx'], { cwd: dir }), 0);
    for (const file of ['digits.circuit', 'digits.key']) expect(readFileSync(join(dir, file))).toEqual(readFileSync(join(made, file)));
  });

  it('prints every form of the compiler and writes nothing', async () => {
    const forms = /choices: (.*?)\)/.exec((await assay(['compile', '--help'])).stdout.replace(/\s+/g, ' ').split('--emit')[1] ?? '')?.[1];
    const names = [...(forms ?? '').matchAll(/"([^"]+)"/g)].map(([, name]) => name as string);
    expect(names.length).toBeGreaterThan(1);
    const dir = folder();
    for (const form of names) {
      const system = form === 'circom' ? ['--system', 'groth16'] : [];
      const ended = endedWith(await assay(['compile', join(made, 'digits.onnx'), `--emit=${form}`, ...system], { cwd: dir }), 0);
      expect([form, ended.stdout.length > 100]).toEqual([form, true]);
    }
    expect(readdirSync(dir)).toEqual([]);
  });

  it('runs and proves several inputs, a line and a proof each', async () => {
    const dir = session();
    writeFileSync(join(dir, 'two.npy'), npy('<f8', [2, 64], Float64Array.from([...digit, ...digit.toReversed()])));
    const ran = endedWith(await assay(['run', 'digits.circuit', '--input', 'two.npy', '--json'], { cwd: dir }), 0);
    const lines = ran.stdout.trimEnd().split('\n');
    const one = await assay(['run', 'digits.circuit', '--input', 'one.json', '--json'], { cwd: dir });
    expect(lines).toHaveLength(2);
    expect(`${lines[0]}\n`).toBe(one.stdout);
    endedWith(await assay(['prove', 'digits.circuit', '--input', 'two.npy', '-o', 'two.proof'], { cwd: dir }), 0);
    expect(readdirSync(dir).filter((name) => name.startsWith('two.'))).toEqual(['two.0.proof', 'two.1.proof', 'two.npy']);
    for (const [i, line] of lines.entries()) {
      const verified = endedWith(await assay(['verify', `two.${i}.proof`, '--key', 'digits.key', '--json'], { cwd: dir }), 0);
      expect(JSON.parse(verified.stdout)).toMatchObject({ outputs: (JSON.parse(line) as { outputs: object }).outputs });
    }
  });
});

describe('what goes wrong', () => {
  it('refuses a changed byte with a code and a sentence', async () => {
    const dir = session();
    const proof = readFileSync(join(dir, 'digits.proof'));
    proof[proof.length - 1000] = (proof[proof.length - 1000] as number) ^ 1;
    writeFileSync(join(dir, 'digits.proof'), proof);
    const { stdout, stderr } = endedWith(await assay(verifyArgs, { cwd: dir }), 1);
    expect(stdout).toMatch(/^refused [A-Z]\d+/);
    expect(stderr).toMatch(/^assay: \S+ /);
    const json = JSON.parse((await assay([...verifyArgs, '--json'], { cwd: dir })).stdout) as { code: string };
    expect(json).toMatchObject({ verdict: 'refused', securityBits: null, outputs: null, inputs: null, code: stdout.split(/\s/)[1] });
  });

  it('refuses another context, and none', async () => {
    const other = endedWith(await assay([...verifyArgs.slice(0, -1), 'order 1842'], { cwd: made }), 1);
    expect(other.stdout).toMatch(/^refused E3/);
    expect(other.stderr).toContain('assay: hint: --context names the context that you expect');
    expect(endedWith(await assay(verifyArgs.slice(0, -2), { cwd: made }), 1).stdout).toMatch(/^refused E3/);
  });

  it('refuses the key of another compilation and shows both hashes', async () => {
    const dir = session();
    endedWith(await assay(['compile', 'digits.onnx', '--mode', 'I0', '-o', 'other'], { cwd: dir }), 0);
    const ended = endedWith(await assay(verifyArgs.with(3, 'other.key').concat('--circuit', 'other.circuit'), { cwd: dir }), 1);
    expect(ended.stdout).toMatch(/^refused E3/);
    expect(ended.stderr).toMatch(/assay: hint: digits\.proof was made for circuit [0-9a-f]{4}…, other\.key is of circuit [0-9a-f]{4}…/);
  });

  it('verifies a proof of mode I0 with the circuit', async () => {
    const dir = session();
    endedWith(await assay(['compile', 'digits.onnx', '--mode', 'I0', '-o', 'zero'], { cwd: dir }), 0);
    endedWith(await assay(['prove', 'zero.circuit', '--input', 'one.json'], { cwd: dir }), 0);
    endedWith(await assay(['verify', 'zero.proof', '--key', 'zero.key', '--circuit', 'zero.circuit'], { cwd: dir }), 0);
    const without = endedWith(await assay(['verify', 'zero.proof', '--key', 'zero.key'], { cwd: dir }), 2);
    expect(without.stderr).toContain('assay: hint: give its circuit with --circuit');
    const wrong = ['verify', 'zero.proof', '--key', 'zero.key', '--circuit', 'digits.circuit'];
    expect(endedWith(await assay(wrong, { cwd: dir }), 2).stderr).toBe('assay: digits.circuit is not the circuit of zero.key\n');
  });

  it('trusts a key only by its digest when one is named', async () => {
    const { keyDigest } = (
      JSON.parse((await assay(['inspect', 'digits.key', '--json'], { cwd: made })).stdout) as { fields: { keyDigest: string } }
    ).fields;
    endedWith(await assay([...verifyArgs, '--key-digest', keyDigest], { cwd: made }), 0);
    expect(endedWith(await assay([...verifyArgs, '--key-digest', `0x${'00'.repeat(32)}`], { cwd: made }), 1).stdout).toMatch(/^refused E3/);
  });

  it('shows the root of a committed input and says that it does not hide it', async () => {
    const dir = session();
    endedWith(await assay(['compile', 'digits.onnx', '--committed-input', '-o', 'shut'], { cwd: dir }), 0);
    endedWith(await assay(['prove', 'shut.circuit', '--input', 'one.json'], { cwd: dir }), 0);
    const args = ['verify', 'shut.proof', '--key', 'shut.key'];
    expect(endedWith(await assay(args, { cwd: dir }), 0).stderr).toContain('does not hide it');
    const { inputs } = JSON.parse((await assay([...args, '--json'], { cwd: dir })).stdout) as { inputs: Record<string, object> };
    expect(Object.values(inputs)).toEqual([{ dtype: 'uint8', shape: [64], root: expect.stringMatching(/^0x[0-9a-f]{64}$/) as unknown }]);
  });

  it('says which file is of another kind', async () => {
    const kinds: [string[], number, string][] = [
      [['verify', 'digits.proof', '--key', 'digits.proof'], 2, 'digits.proof is a proof, not a key'],
      [['verify', 'digits.proof', '--key', 'digits.circuit'], 2, 'digits.circuit is a circuit, not a key'],
      [['verify', 'digits.key', '--key', 'digits.key'], 1, 'digits.key is a key, not a proof'],
      [['run', 'digits.key', '--input', 'one.json'], 2, 'digits.key is a key, not a circuit'],
      [['prove', 'digits.proof', '--input', 'one.json'], 2, 'digits.proof is a proof, not a circuit'],
      [['audit', 'digits.onnx', '--key', 'digits.circuit'], 2, 'digits.circuit is a circuit, not a key'],
      [['audit', 'digits.key', '--key', 'digits.key'], 1, 'digits.key is a key, not an ONNX model'],
    ];
    for (const [args, code, hint] of kinds) {
      const ended = endedWith(await assay(args, { cwd: made }), code);
      expect(ended.stderr).toContain(`assay: hint: ${hint}`);
    }
  });

  it('refuses an input that does not fit, before any work, and writes nothing', async () => {
    const dir = session();
    writeFileSync(join(dir, 'short.json'), '{"input": [1, 2, 3]}');
    for (const command of ['run', 'prove']) {
      const ended = endedWith(await assay([command, 'digits.circuit', '--input', 'short.json'], { cwd: dir }), 1);
      expect(ended.stderr).toBe('assay: refused input.shape: input "input" wants the shape [1,64], but [3] is given\n');
    }
    expect(readdirSync(dir).sort()).toEqual([...readdirSync(made), 'short.json'].sort());
  });

  it('refuses to audit a key against another model', async () => {
    const dir = session();
    const model = readFileSync(join(dir, 'digits.onnx'));
    const at = model.lastIndexOf('w_1_quantized') + 100; // inside the weights
    model[at] = (model[at] as number) ^ 1;
    writeFileSync(join(dir, 'other.onnx'), model);
    const ended = endedWith(await assay(['audit', 'other.onnx', '--key', 'digits.key', '--json'], { cwd: dir }), 1);
    expect(JSON.parse(ended.stdout)).toMatchObject({ verdict: 'refused', code: 'audit' });
  });
});

describe('fixtures check', () => {
  const fixtures = (folderPath: string, list: object[]): void =>
    writeFileSync(
      join(folderPath, 'manifest.json'),
      JSON.stringify({ format: 'assay-fixtures', version: 1, key: 'digits.key', fixtures: list }),
    );
  const honest = { name: 'honest', proof: 'digits.proof', context: 'order 1841', expect: 'accepted' };
  const replayed = { name: 'replayed', proof: 'digits.proof', context: 'order 1842', expect: 'refused', code: 'E3' };

  it('exits 0 when all are as expected', async () => {
    const dir = session();
    fixtures(dir, [honest, replayed]);
    const ended = endedWith(await assay(['fixtures', 'check', dir]), 0);
    expect(ended.stdout).toBe('ok  honest: accepted\nok  replayed: refused E3\n2 as expected, 0 not\n');
    const json = endedWith(await assay(['fixtures', 'check', dir, '--json']), 0);
    expect(JSON.parse(json.stdout)).toMatchObject({ asExpected: 2, not: 0, fixtures: [{ name: 'honest' }, { code: 'E3' }] });
  });

  it('exits 1 when one is not, by verdict, code or sha256', async () => {
    const dir = session();
    fixtures(dir, [
      honest,
      { ...replayed, code: 'V9' },
      { ...honest, name: 'b', expect: 'refused' },
      { ...honest, name: 'c', sha256: '0'.repeat(64) },
    ]);
    const ended = endedWith(await assay(['fixtures', 'check', dir]), 1);
    expect(ended.stdout).toContain('NOT replayed: refused E3 (expected refused V9');
    expect(ended.stdout).toContain('NOT b: accepted (expected refused)');
    expect(ended.stdout).toContain('NOT c: accepted (the sha256 of the proof is ');
    expect(ended.stdout).toContain('1 as expected, 3 not\n');
  });

  it('exits 2 when a file is missing, and checks the others', async () => {
    const dir = session();
    fixtures(dir, [{ ...honest, name: 'gone', proof: 'gone.proof' }, honest]);
    const ended = endedWith(await assay(['fixtures', 'check', dir]), 2);
    expect(ended.stdout).toContain('NOT gone: could-not-tell file.missing');
    expect(ended.stdout).toContain('ok  honest: accepted\n1 as expected, 1 not\n');
  });
});

describe('interruptions', () => {
  it('ends at Ctrl-C or SIGTERM while proving: exit 130 or 143, no temporary file, every proof whole', async () => {
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const dir = session();
      writeFileSync(join(dir, 'many.json'), JSON.stringify(Array.from({ length: 200 }, () => ({ input: digit }))));
      const args = ['prove', 'digits.circuit', '--input', 'many.json', '-o', 'many'];
      const ended = endedWith(await assay(args, { cwd: dir, onFirstLine: (kill) => kill(signal) }), code);
      expect(ended.stderr).toContain(`assay: stopped by ${signal}; nothing is half-written\n`);
      const proofs = readdirSync(dir).filter((name) => name.startsWith('many.') && name !== 'many.json');
      expect(readdirSync(dir).filter((name) => name.endsWith('.tmp'))).toEqual([]);
      expect(proofs.length).toBeGreaterThan(0);
      expect(proofs.length).toBeLessThan(200);
      for (const proof of proofs.slice(-2)) endedWith(await assay(['verify', proof, '--key', 'digits.key'], { cwd: dir }), 0);
    }
  });

  it('leaves both files or none when compiling is interrupted at any time', async () => {
    for (const milliseconds of [50, 150, 300, 600, 900]) {
      const dir = folder();
      const onStart = (kill: (signal: NodeJS.Signals) => void): void => {
        setTimeout(() => kill('SIGINT'), milliseconds);
      };
      const ended = await assay(['compile', SLOW_MODEL, '-o', 'x'], { cwd: dir, onStart });
      const files = readdirSync(dir).sort();
      if (files.length > 0) expect(files).toEqual(['x.circuit', 'x.key']);
      // before its handlers stand, the system itself ends the process
      expect(ended.signal ?? ended.code).toBeOneOf(files.length > 0 ? [0] : [130, 'SIGINT']);
    }
  });

  it('goes quietly when nobody reads on', async () => {
    const dir = session();
    writeFileSync(join(dir, 'many.json'), JSON.stringify(Array.from({ length: 2000 }, () => ({ input: digit }))));
    const ended = endedWith(await assay(['run', 'digits.circuit', '--input', 'many.json', '--json'], { cwd: dir, closeAfter: 10 }), 0);
    expect(ended.stderr).toBe('');
  });

  it.skipIf(!existsSync('/dev/full'))('does not call a verdict delivered that did not reach a full disk', async () => {
    const ended = await assay(verifyArgs, { cwd: made, stdoutTo: '/dev/full' });
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('assay: stdout cannot be written');
  });
});
