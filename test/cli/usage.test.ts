import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { folder } from './files.helpers.ts';
import { assay } from './spawn.helpers.ts';

vi.setConfig({ testTimeout: 60_000 });

/** A folder with a file of each sad kind. */
function sadFolder(): string {
  const dir = folder();
  mkdirSync(join(dir, 'sub'));
  writeFileSync(join(dir, 'empty'), '');
  writeFileSync(join(dir, 'text'), 'this is no artefact\n');
  return dir;
}

describe('assay --help', () => {
  it('lists the commands, and shows an example and the exit codes of each', async () => {
    const top = await assay(['--help']);
    expect(top.code).toBe(0);
    expect(top.stderr).toBe('');
    const commands = ['check', 'quantize', 'compile', 'run', 'prove', 'verify', 'audit', 'inspect', 'fixtures check'];
    for (const command of commands) {
      expect(top.stdout).toContain(command.split(' ')[0]);
      const help = await assay([...command.split(' '), '--help']);
      expect([command, help.code, help.stderr]).toEqual([command, 0, '']);
      expect(help.stdout).toContain('Exit codes: 0');
      expect(help.stdout).toContain(`$ assay ${command}`);
    }
  });

  it('prints the version', async () => {
    expect(await assay(['--version'])).toMatchObject({ code: 0, stdout: '0.1.0\n', stderr: '' });
  });
});

describe('wrong usage', () => {
  const wrong: [string, string[], string][] = [
    ['no command', [], 'a command is missing'],
    ['a folder of commands alone', ['fixtures'], 'a command is missing'],
    ['an unknown command', ['prov'], "unknown command 'prov'"],
    ['an unknown flag', ['check', 'text', '--jsn'], "unknown option '--jsn'"],
    ['a missing argument', ['inspect'], "missing required argument 'file'"],
    ['one argument too many', ['inspect', 'text', 'text'], 'too many arguments'],
    ['a missing key', ['verify', 'text'], "required option '--key <file>' not specified"],
    ['a flag without its value', ['compile', 'text', '-o'], "option '-o, --output <name>' argument missing"],
    ['an unknown mode', ['compile', 'text', '--mode', 'I2'], 'Allowed choices are I1, I0'],
    ['a context of half a byte', ['verify', 'text', '--key', 'text', '--context', '0x123'], '--context 0x123 is not hex'],
    ['no thread', ['prove', 'text', '--input', 'text', '--threads', '0'], '--threads takes a number from 1 to 64, not 0'],
    ['threads in words', ['prove', 'text', '--input', 'text', '--threads', 'two'], '--threads takes a number from 1 to 64, not two'],
    ['unknown kernels', ['prove', 'text', '--input', 'text', '--kernels', 'gpu'], 'Allowed choices are auto, wasm, reference'],
    ['a short model id', ['verify', 'text', '--key', 'text', '--model-id', '0x12'], '--model-id wants 64 hex digits'],
    ['a missing file', ['check', 'nothing'], 'there is no file nothing (model)'],
    ['a folder for a file', ['check', 'sub'], 'sub is a folder, not a file (model)'],
    ['an empty key', ['verify', 'text', '--key', 'empty'], 'empty is empty, so it is no key'],
    ['a missing key file', ['audit', 'text', '--key', 'nothing'], 'there is no file nothing (key)'],
    ['a target in a missing folder', ['compile', 'text', '-o', 'nowhere/x'], 'there is no folder nowhere'],
    ['a folder without a manifest', ['fixtures', 'check', 'sub'], 'there is no file sub/manifest.json (manifest)'],
  ];
  for (const [what, args, sentence] of wrong) {
    it(`answers ${what} with a sentence and exit code 2`, async () => {
      const ended = await assay(args, { cwd: sadFolder() });
      expect(ended.stderr.split('\n')[0]).toMatch(/^assay: /);
      expect(ended.stderr).toContain(sentence);
      expect(ended.stderr).not.toContain('    at ');
      expect(ended.stderr).not.toMatch(/refused/);
      expect(ended.code).toBe(2);
      expect(ended.stdout).toBe('');
    });
  }

  it('suggests the word that was meant', async () => {
    expect((await assay(['prov'])).stderr).toContain('assay: hint: did you mean prove?');
    expect((await assay(['check', 'x', '--jsn'])).stderr).toContain('assay: hint: did you mean --json?');
  });

  it('tells programs, too, that it could not tell', async () => {
    const ended = await assay(['verify', 'nothing', '--key', 'text', '--json'], { cwd: sadFolder() });
    expect(ended.code).toBe(2);
    expect(JSON.parse(ended.stdout)).toEqual({
      verdict: 'could-not-tell',
      code: 'file.missing',
      sentence: 'there is no file nothing (proof)',
      securityBits: null,
      outputs: null,
      inputs: null,
    });
  });
});

describe('a machine without WebAssembly SIMD', () => {
  it('predicts what the slower kernels take', () => {
    const without = 'data:text/javascript,WebAssembly.validate=()=>false';
    const args = ['--import', without, 'dist/cli/main.js', 'check', 'fixtures/models/digits-mlp.qop/model.onnx', '--json'];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ predicted: { proverSeconds: expect.any(Number) } });
  });
});

describe('files that are no artefacts', () => {
  const refused: [string, string[]][] = [
    ['a text as a model', ['check', 'text']],
    ['an empty file as a model', ['check', 'empty']],
    ['a text as an artefact', ['inspect', 'text']],
    ['an empty file as an artefact', ['inspect', 'empty']],
    ['a text as a key', ['verify', 'text', '--key', 'text']],
    ['an empty proof', ['verify', 'empty', '--key', 'text']],
    ['a text as model and key', ['audit', 'text', '--key', 'text']],
  ];
  for (const [what, args] of refused) {
    it(`refuses ${what} with code, sentence and exit code 1`, async () => {
      const dir = sadFolder();
      const ended = await assay(args, { cwd: dir });
      expect(ended.stdout).toMatch(/^refused \S+/);
      expect(ended.stderr).toMatch(/^assay: \S+/);
      expect(ended.code).toBe(1);
      const json = await assay([...args, '--json'], { cwd: dir });
      expect(json.code).toBe(1);
      expect(JSON.parse(json.stdout)).toMatchObject(args[0] === 'check' ? { supported: false } : { verdict: 'refused' });
    });
  }

  it('refuses a text as a model to compile, as a circuit, and writes nothing', async () => {
    const dir = sadFolder();
    for (const args of [
      ['compile', 'text'],
      ['run', 'text', '--input', 'text'],
      ['prove', 'text', '--input', 'text'],
    ]) {
      const ended = await assay(args, { cwd: dir });
      expect(ended.stderr).toMatch(/^assay: refused \S+: \S+/);
      expect([ended.code, ended.stdout]).toEqual([1, '']);
    }
    expect(readdirSync(dir).sort()).toEqual(['empty', 'sub', 'text']);
  });
});
