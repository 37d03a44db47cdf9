/** groth16 by the command line: a session as a newcomer has it, wrong usage, and no process left. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { reluModel } from '../../scripts/relu-model.ts';
import { folder } from './files.helpers.ts';
import { assay } from './spawn.helpers.ts';

const MODEL = resolve('fixtures/models/digits-mlp.qop/model.onnx');
const FIXTURES = resolve('fixtures/groth16');
const INPUT = JSON.stringify(Array.from({ length: 64 }, (_, i) => (i % 17) / 16));

test('compile, set up, prove, verify, export', async () => {
  const cwd = folder();
  writeFileSync(join(cwd, 'in.json'), INPUT);
  const compiled = await assay(['compile', MODEL, '--system', 'groth16', '--private-input', '-o', 'd'], { cwd });
  expect(compiled).toMatchObject({ code: 0, stdout: 'd.circuit\n' });
  expect(compiled.stderr).toContain('2,624 constraints, 4 public signals');
  const setup = await assay(['setup', 'groth16', 'd.circuit', '--insecure-dev'], { cwd });
  expect(setup).toMatchObject({ code: 0, stdout: 'd.key\nd.zkey\n' });
  expect(setup.stderr).toContain('insecure set-up');
  const proved = await assay(['prove', 'd.circuit', '--input', 'in.json', '--context', 'order 7'], { cwd });
  expect(proved.code).toBe(0);
  expect(statSync(join(cwd, 'd.proof')).size).toBeLessThan(1024);
  expect(statSync(join(cwd, 'd.proof.opening')).mode & 0o777).toBe(0o600);
  const again = await assay(['prove', 'd.circuit', '--input', 'in.json'], { cwd });
  expect(again).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('d.proof.opening exists') });
  const verified = await assay(['verify', 'd.proof', '--key', 'd.key', '--context', 'order 7', '--json'], { cwd });
  expect(verified.code).toBe(0);
  const verdict = JSON.parse(verified.stdout) as { trust: object; inputs: Record<string, { root?: string; data?: unknown }> };
  expect(verdict.trust).toMatchObject({ setup: 'insecure-dev', zeroKnowledge: true, hidden: ['input'] });
  expect(Object.values(verdict.inputs)[0]?.root).toMatch(/^0x[0-9a-f]{64}$/);
  const ran = await assay(['run', 'd.circuit', '--input', 'in.json', '--json'], { cwd });
  expect((JSON.parse(ran.stdout) as { outputs: unknown }).outputs).toEqual((JSON.parse(verified.stdout) as { outputs: unknown }).outputs);
  const exported = await assay(['export', 'solidity', 'd.key'], { cwd });
  expect(exported).toMatchObject({ code: 0, stdout: 'd.sol\n' });
  expect(readFileSync(join(cwd, 'd.sol'), 'utf8')).toContain('contract Groth16Verifier');
  const other = await assay(['verify', 'd.proof', '--key', join(FIXTURES, 'digits.key'), '--context', 'order 7'], { cwd });
  expect(other.code).toBe(1);
  expect(other.stdout).toMatch(/^refused E3/);
});

test('a ceremony: powers, a contribution, a beacon, and the key at its end', async () => {
  const cwd = folder();
  writeFileSync(join(cwd, 'relu.onnx'), reluModel());
  writeFileSync(join(cwd, 'in.json'), JSON.stringify(Array.from({ length: 16 }, (_, i) => i)));
  const ptau = resolve('fixtures/groth16/pot9.ptau');
  const ok = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await assay(args, { cwd });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return stdout;
  };
  expect(await ok('compile', 'relu.onnx', '--system', 'groth16')).toBe('relu.circuit\n');
  expect(await ok('setup', 'groth16', 'relu.circuit', '--ptau', ptau, '-o', 'first')).toBe('first.key\nfirst.zkey\n');
  expect(await ok('setup', 'contribute', 'first.zkey', '--name', 'second', '-o', 'second.zkey')).toBe('second.zkey\n');
  expect(await ok('setup', 'beacon', 'second.zkey', '--hash', '0102', '-o', 'relu.zkey')).toBe('relu.zkey\n');
  expect(await ok('setup', 'finish', 'relu.circuit', '--ptau', ptau, '--proving-key', 'relu.zkey')).toBe('relu.key\n');
  await ok('prove', 'relu.circuit', '--input', 'in.json');
  expect(await ok('verify', 'relu.proof', '--key', 'relu.key')).toMatch(/^accepted about 100 bits, groth16/);
  // Nobody could make them again.
  const again = await assay(['setup', 'groth16', 'relu.circuit', '--insecure-dev'], { cwd });
  expect(again.code).toBe(2);
  expect(again.stderr).toContain('relu.key is the key of a ceremony');
  // A contribution that was changed: refused, and nothing on stdout, where snarkjs would say it too.
  const lie = readFileSync(join(cwd, 'relu.zkey'));
  lie[lie.length - 400] = (lie[lie.length - 400] as number) ^ 1;
  writeFileSync(join(cwd, 'lie.zkey'), lie);
  const refused = await assay(['setup', 'finish', 'relu.circuit', '--ptau', ptau, '--proving-key', 'lie.zkey', '-o', 'lie'], { cwd });
  expect(refused.code).toBe(1);
  expect(refused.stdout).toBe('');
  expect(refused.stderr).toContain('a contribution in it is wrong');
  expect(existsSync(join(cwd, 'lie.key'))).toBe(false);
});

test('after verify no process and no thread is left', async () => {
  const started = Date.now();
  const { code } = await assay([
    'verify',
    join(FIXTURES, 'digits.proof'),
    '--key',
    join(FIXTURES, 'digits.key'),
    '--context',
    'order 1841',
  ]);
  expect(code).toBe(0);
  const left = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes('digits.proof') && !line.includes('ps -eo'));
  mkdirSync('test/artifacts', { recursive: true });
  writeFileSync(
    'test/artifacts/ps-after-verify.txt',
    `assay verify of a groth16 proof ended after ${Date.now() - started} ms with code ${code}\nprocesses of it in ps afterwards: ${left.length}\n`,
  );
  expect(left).toEqual([]);
});

test('audit tells the model of a key, hidden or not', async () => {
  for (const name of ['digits', 'digits-private']) {
    const audited = await assay(['audit', MODEL, '--key', join(FIXTURES, `${name}.key`)]);
    expect(audited.code).toBe(0);
    expect(audited.stdout).toMatch(/^accepted .*\.key is the key of /);
    expect(audited.stderr).toContain('the set-up behind the key is not checked');
  }
  const other = await assay(['audit', resolve('fixtures/models/digits-mlp.qop-pt/model.onnx'), '--key', join(FIXTURES, 'digits.key')]);
  expect(other.code).toBe(1);
  expect(other.stdout).toBe('refused audit\n');
  const native = await assay(['audit', MODEL, '--key', resolve('fixtures/ezkl/mlp.key')]);
  expect(native).toMatchObject({ code: 2, stdout: '' });
  expect(native.stderr).toContain('mlp.key is a key of EZKL');
  // lenet5-max would take circom half an hour; names and shapes tell it apart at once.
  const large = await assay(['audit', resolve('fixtures/models/lenet5-max.qop/model.onnx'), '--key', join(FIXTURES, 'digits.key')]);
  expect(large).toMatchObject({ code: 1, stdout: 'refused audit\n' });
  expect(large.stderr).toContain('interface');
});

test('a file that lies beside the right one is named, and so is a flag that would do nothing', async () => {
  const cwd = folder();
  const at = (name: string): string => join(FIXTURES, name);
  const key = ['--key', at('digits-private.key')];
  const told: readonly (readonly [readonly string[], number, string])[] = [
    [['verify', at('digits.proof'), '--key', at('digits.zkey')], 2, 'digits.zkey is a proving key, not a key'],
    [['verify', at('digits.proof'), '--key', at('pot9.ptau')], 2, 'pot9.ptau is a powers-of-tau file, not a key'],
    [['verify', at('digits-private.opening'), ...key], 1, 'digits-private.opening is an opening, not a proof'],
    [['verify', resolve('fixtures/ezkl/artefacts/mlp-21.0.0/proof.json'), ...key], 1, 'proof.json is a proof.json of EZKL'],
    [['verify', at('digits-private.proof'), ...key, '--circuit', at('digits.circuit')], 2, '--circuit is for the native system'],
    [['audit', MODEL, ...key, '--circuit', at('digits.circuit')], 2, '--circuit is for the native system'],
    [['setup', 'groth16', at('digits.circuit'), '--insecure-dev', '--entropy', 'x', '-o', 'd'], 2, '--entropy goes with --ptau'],
    [
      ['setup', 'finish', at('digits.circuit'), '--ptau', at('pot9.ptau'), '--proving-key', at('digits.zkey'), '-o', 'd'],
      1,
      'the powers-of-tau file is for 2^9 constraints; this circuit needs 2^12',
    ],
  ];
  for (const [args, code, sentence] of told) {
    const ended = await assay(args, { cwd });
    expect({ args, code: ended.code, stderr: ended.stderr }).toEqual({ args, code, stderr: expect.stringContaining(sentence) });
  }
  const shown = await assay(['verify', at('digits-private.proof'), ...key]);
  expect(shown.stderr).toContain('whoever has the proof learns commitments alone: it is zero knowledge');
  expect(readdirSync(cwd)).toEqual([]);
});

test('check says constraints and feasibility', async () => {
  const small = await assay(['check', MODEL, '--system', 'groth16', '--json']);
  expect(small.code).toBe(0);
  expect(JSON.parse(small.stdout)).toMatchObject({ supported: true, predicted: { constraints: 2327, publicSignals: 6, proofBytes: 256 } });
  const large = await assay(['check', resolve('fixtures/models/mnist-cnn.qop/model.onnx'), '--system', 'groth16']);
  expect(large.code).toBe(1);
  expect(large.stdout).toMatch(/^refused groth16\.constraints/);
  expect(large.stderr).toMatch(/28\d,?\d{3} constraints, most of them in "conv_3_node_quant"/);
  const refused = await assay(['compile', resolve('fixtures/models/mnist-cnn.qop/model.onnx'), '--system', 'groth16'], { cwd: folder() });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('at most 65536 are compiled unless forced');
});

test.each<[string, readonly string[], string]>([
  ['a flag of the other system', ['compile', MODEL, '--system', 'groth16', '--mode', 'I0'], '--mode is no flag of --system groth16'],
  ['a flag of this system for the other', ['compile', MODEL, '--private-input'], '--private-input is no flag of --system gkr'],
  [
    'a form of the other system',
    ['compile', MODEL, '--system', 'groth16', '--emit', 'network'],
    '--emit network is no flag of --system groth16',
  ],
  ['an unknown system', ['compile', MODEL, '--system', 'plonk'], "option '--system <system>' argument 'plonk' is invalid"],
  ['neither kind of set-up', ['setup', 'groth16', join(FIXTURES, 'digits.circuit')], 'a set-up takes either --ptau FILE or --insecure-dev'],
  ['both kinds', ['setup', 'groth16', join(FIXTURES, 'digits.circuit'), '--insecure-dev', '--ptau', 'x'], 'a set-up takes either'],
  [
    'a short seed',
    ['setup', 'groth16', join(FIXTURES, 'digits.circuit'), '--insecure-dev', '--seed', 'abcd'],
    '--seed wants 64 hex digits',
  ],
  ['a key where the circuit belongs', ['setup', 'groth16', join(FIXTURES, 'digits.key'), '--insecure-dev'], 'cannot be used as a circuit'],
  ['a native key to export', ['export', 'solidity', resolve('fixtures/envelopes/digits.key')], 'the key is one of gkr-koalabear-v1'],
  ['a missing file', ['setup', 'groth16', 'nothing.circuit', '--insecure-dev'], 'there is no file nothing.circuit'],
  [
    'iterations out of range',
    ['setup', 'beacon', join(FIXTURES, 'digits.zkey'), '-o', 'x', '--hash', '00', '--iterations', '5'],
    'it takes a number from 10 to 24',
  ],
  [
    'iterations without an end',
    ['setup', 'beacon', join(FIXTURES, 'digits.zkey'), '-o', 'x', '--hash', '00', '--iterations', '40'],
    'it takes a number from 10 to 24',
  ],
  [
    'a beacon that is no hex',
    ['setup', 'beacon', join(FIXTURES, 'digits.zkey'), '-o', 'x', '--hash', 'xyz'],
    '--hash wants pairs of hex digits',
  ],
  [
    'a circuit without its keys',
    ['prove', join(FIXTURES, 'digits.circuit'), '--input', 'x', '--key', 'nothing.key'],
    'there is no file nothing.key',
  ],
  [
    'threads of another system',
    ['prove', join(FIXTURES, 'digits.circuit'), '--input', 'x', '--threads', '2'],
    '--threads is for the native system, and ',
  ],
  [
    'kernels of another system',
    ['prove', join(FIXTURES, 'digits.circuit'), '--input', 'x', '--kernels', 'wasm'],
    '--kernels is for the native system, and ',
  ],
  [
    'a key where none is needed',
    ['prove', resolve('fixtures/envelopes/digits-i0.circuit'), '--input', 'x', '--key', 'x'],
    'is a circuit of gkr-koalabear-v1',
  ],
])('wrong usage: %s', async (_, args, sentence) => {
  const cwd = folder();
  const { code, stderr, stdout } = await assay(args, { cwd });
  expect(stderr).toContain(sentence);
  expect([1, 2]).toContain(code);
  expect(stdout === '' || stdout.startsWith('refused')).toBe(true);
  expect(readdirSync(cwd)).toEqual([]);
});

test('Ctrl-C leaves nothing half-written, and circom ends with it', async () => {
  const cwd = folder();
  const model = resolve('fixtures/models/digits-cnn.qop/model.onnx');
  const processes = (): { pid: string; parent: string; args: string }[] =>
    execFileSync('ps', ['-eo', 'pid,ppid,args'], { encoding: 'utf8' })
      .split('\n')
      .map((line) => /^ *(\d+) +(\d+) (.*)$/.exec(line) ?? [])
      .map(([, pid = '', parent = '', args = '']) => ({ pid, parent, args }));
  let circom = '';
  let wait: NodeJS.Timeout | undefined;
  const { code } = await assay(['compile', model, '--system', 'groth16', '-o', 'c'], {
    cwd,
    onStart: (kill, pid) => {
      wait = setInterval(() => {
        circom = processes().find((p) => p.parent === `${pid}` && p.args.includes('main.circom'))?.pid ?? '';
        if (circom === '') return;
        clearInterval(wait);
        kill('SIGINT');
      }, 200);
    },
  }).finally(() => clearInterval(wait));
  expect(code).toBe(130);
  expect(circom).not.toBe('');
  expect(readdirSync(cwd)).toEqual([]);
  expect(processes().filter((p) => p.pid === circom)).toEqual([]);
});
