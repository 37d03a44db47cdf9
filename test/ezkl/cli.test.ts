/** EZKL on the command line: import, verify, inspect, prove, and being stopped. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folder } from '../cli/files.helpers.ts';
import { assay } from '../cli/spawn.helpers.ts';

const FIXTURES = join(process.cwd(), 'fixtures', 'ezkl');
const ARTEFACTS = join(FIXTURES, 'artefacts');
const of = (name: string): string[] => [
  ...['--settings', join(ARTEFACTS, name, 'settings.json')],
  ...['--vk', join(ARTEFACTS, name, 'vk.key'), '--srs', join(ARTEFACTS, 'kzg11.srs')],
];

test('imports a proof, verifies it without a flag, and inspects what came of it', async () => {
  const cwd = folder();
  const proof = join(ARTEFACTS, 'mlp-23.0.5', 'proof.json');
  const made = await assay(['import', 'ezkl', ...of('mlp-23.0.5'), '--proof', proof, '-o', 'm', '--insecure-dev'], { cwd });
  expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^m\.key\nm\.proof {2}output largest at 2 /) });
  // The SRS of 2^11 powers gives the same key as the verifier's.
  for (const file of ['key', 'proof'])
    expect(readFileSync(join(cwd, `m.${file}`)).equals(readFileSync(join(FIXTURES, `mlp-23.${file}`)))).toBe(true);
  const verified = await assay(['verify', 'm.proof', '--key', 'm.key'], { cwd });
  expect(verified).toMatchObject({ code: 0, stdout: expect.stringMatching(/^accepted under an INSECURE set-up, ezkl-halo2-kzg-bn254-v1/) });
  expect(verified.stderr).toMatch(/INSECURE/);
  expect(verified.stderr).toMatch(/not bound to any context/);
  const inspected = await assay(['inspect', 'm.key'], { cwd });
  for (const line of [
    'system: ezkl-halo2-kzg-bn254-v1',
    'setup: insecure-dev',
    'hidden: nothing',
    'security: 0.0 bits, estimated',
    'assumption: ',
  ])
    expect(inspected.stdout).toContain(`  ${line}`);
  expect((await assay(['inspect', 'm.proof'], { cwd })).stdout).toContain('system: ezkl-halo2-kzg-bn254-v1');
});

test('a vk that is cut, and a compiled model that is none, are refused for what they are', async () => {
  const cwd = folder();
  const [settings, srs] = [join(ARTEFACTS, 'mlp-21.0.0', 'settings.json'), join(ARTEFACTS, 'kzg11.srs')];
  const run = (...args: string[]) =>
    assay(['import', 'ezkl', '--settings', settings, '--srs', srs, '-o', 'x', '--insecure-dev', ...args], { cwd });
  const vk = readFileSync(join(ARTEFACTS, 'mlp-21.0.0', 'vk.key'));
  writeFileSync(join(cwd, 'empty'), '');
  writeFileSync(join(cwd, 'cut'), vk.subarray(0, vk.length / 2));
  for (const file of ['empty', 'cut'])
    expect(await run('--vk', file)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/refused (key\.vk: .*cannot read the key|Z2: )/),
    });
  expect(await run('--compiled', settings)).toMatchObject({ code: 1, stderr: expect.stringMatching(/refused circuit\.ezkl: .*genVk/) });
  expect(readdirSync(cwd).sort()).toEqual(['cut', 'empty']);
});

test('imports a key alone', async () => {
  const cwd = folder();
  expect(await assay(['import', 'ezkl', ...of('mlp-21.0.0'), '-o', 'm', '--insecure-dev'], { cwd })).toMatchObject({
    code: 0,
    stdout: 'm.key\n',
  });
  expect(readFileSync(join(cwd, 'm.key')).equals(readFileSync(join(FIXTURES, 'mlp.key')))).toBe(true);
});

test('imports a compiled model: circuit and key are the ones of its vk', async () => {
  const cwd = folder();
  const model = [
    '--compiled',
    join(ARTEFACTS, 'mlp-21.0.0', 'model.compiled'),
    '--settings',
    join(ARTEFACTS, 'mlp-21.0.0', 'settings.json'),
  ];
  const made = await assay(['import', 'ezkl', ...model, '--srs', join(ARTEFACTS, 'kzg11.srs'), '-o', 'm', '--insecure-dev'], { cwd });
  expect(made).toMatchObject({ code: 0, stdout: 'm.key\nm.circuit\n' });
  for (const file of ['key', 'circuit'])
    expect(readFileSync(join(cwd, `m.${file}`)).equals(readFileSync(join(FIXTURES, `mlp.${file}`)))).toBe(true);
  // The verifier's SRS has one power.
  const small = await assay(['import', 'ezkl', ...model, '--srs', join(ARTEFACTS, 'verifier.srs'), '-o', 's', '--insecure-dev'], { cwd });
  expect(small).toMatchObject({ code: 1, stderr: expect.stringMatching(/key\.srs: .*kzg11\.srs/) });
  // One that the engine cannot read, as those of EZKL 23: refused, and no bug of ours.
  writeFileSync(join(cwd, 'cut'), readFileSync(join(ARTEFACTS, 'mlp-21.0.0', 'model.compiled')).subarray(0, 1000));
  const cut = model.with(1, 'cut');
  const bad = await assay(['import', 'ezkl', ...cut, '--srs', join(ARTEFACTS, 'kzg11.srs'), '-o', 's', '--insecure-dev'], { cwd });
  expect(bad).toMatchObject({ code: 1, stderr: expect.stringMatching(/refused circuit\.ezkl: .*genVk.*Failed to deserialize circuit/) });
  expect(readdirSync(cwd).sort()).toEqual(['cut', 'm.circuit', 'm.key']);
}, 600_000);

test('runs a circuit: the outputs are those of its proof', async () => {
  const input = join(ARTEFACTS, 'mlp-input.json');
  const ran = await assay(['run', join(FIXTURES, 'mlp.circuit'), '--input', input, '--json']);
  const verified = await assay(['verify', join(FIXTURES, 'mlp.proof'), '--key', join(FIXTURES, 'mlp.key'), '--json']);
  const [a, b] = [ran, verified].map(({ stdout }) => JSON.parse(stdout) as Record<string, unknown>);
  expect([ran.code, a?.outputs, a?.proven]).toEqual([0, b?.outputs, b?.proven]);
});

test('refuses to import, and writes nothing', async () => {
  const cwd = folder();
  const own = (file: string, change: (text: string) => string): string => {
    const path = join(cwd, file);
    writeFileSync(path, change(readFileSync(join(ARTEFACTS, 'mlp-21.0.0', file), 'utf8')));
    return path;
  };
  const proof = join(ARTEFACTS, 'mlp-21.0.0', 'proof.json');
  const run = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await assay(['import', 'ezkl', '-o', 'x', ...args], { cwd });
    return `${code} ${/refused ([\w.]+)/.exec(stderr)?.[1] ?? stderr.split('\n')[0]}`;
  };
  // An SRS that is not of the ceremony, without saying so.
  expect(await run(...of('mlp-21.0.0'), '--proof', proof)).toBe('1 key.srs');
  const good = [...of('mlp-21.0.0'), '--insecure-dev'];
  expect(
    await run(
      ...good,
      '--proof',
      own('proof.json', (t) => t.replace('"proof":[13,', '"proof":[14,')),
    ),
  ).toBe('1 Z1');
  expect(
    await run(
      ...good,
      '--proof',
      own('proof.json', (t) => t.replace(/("proof":\[[^\]]*)\]/, '$1,0]')),
    ),
  ).toBe('1 C4');
  expect(
    await run(
      ...good,
      '--proof',
      own('proof.json', (t) => t.replace(/("proof":\[[^\]]*),\d+\]/, '$1]')),
    ),
  ).toBe('1 C1');
  expect(
    await run(
      ...good,
      '--proof',
      own('proof.json', (t) => t.replace('4affffef', '4bffffef')),
    ),
  ).toBe('1 Z1');
  expect(
    await run(
      ...good,
      '--proof',
      own('proof.json', (t) => t.replace('"EVM"', '"Poseidon"')),
    ),
  ).toBe('1 proof.json');
  expect(await run(...good, '--proof', join(ARTEFACTS, 'mlp-23.0.5', 'proof.json'))).toBe('1 C1');
  expect(await run(...good, '--proof', join(ARTEFACTS, 'convtiny-21.0.0', 'proof.json'))).toBe('1 proof.json');
  expect(
    await run(
      ...good,
      '--settings',
      own('settings.json', (t) => t.replace('"Public"', '"Hashed"')),
    ),
  ).toBe('1 key.settings');
  expect(await run(...good, '--settings', join(ARTEFACTS, 'convtiny-21.0.0', 'settings.json'))).toBe('1 key.vk');
  expect(await run(...good, '--srs', join(ARTEFACTS, 'mlp-input.json'))).toBe('1 key.srs');
  expect(await run(...good, '--compiled', join(ARTEFACTS, 'mlp-21.0.0', 'model.compiled'))).toMatch(/^2 assay: either --vk or --compiled/);
  expect(readdirSync(cwd).filter((f) => f.startsWith('x.'))).toEqual([]);
});

test('what a lie in fields that the engine does not check would show is not shown', async () => {
  const cwd = folder();
  const lied = JSON.parse(readFileSync(join(ARTEFACTS, 'mlp-21.0.0', 'proof.json'), 'utf8')) as Record<string, unknown>;
  writeFileSync(
    join(cwd, 'proof.json'),
    JSON.stringify({ ...lied, hex_proof: '0x00', pretty_public_inputs: { rescaled_outputs: [['9']] } }),
  );
  const made = await assay(['import', 'ezkl', ...of('mlp-21.0.0'), '--proof', 'proof.json', '-o', 'm', '--insecure-dev'], { cwd });
  expect(made.code).toBe(0);
  expect(readFileSync(join(cwd, 'm.proof')).equals(readFileSync(join(FIXTURES, 'mlp.proof')))).toBe(true);
});

test('refuses a context, which nothing would bind', async () => {
  const [proof, key] = [join(FIXTURES, 'mlp.proof'), join(FIXTURES, 'mlp.key')];
  const bound = await assay(['verify', proof, '--key', key, '--context', 'order 1841']);
  expect(bound).toMatchObject({ code: 1, stdout: expect.stringMatching(/^refused E3/) });
  const proving = await assay(['prove', join(FIXTURES, 'mlp.circuit'), '--input', join(ARTEFACTS, 'mlp-input.json'), '--context', 'x']);
  expect(proving).toMatchObject({ code: 2, stderr: expect.stringMatching(/bound to no context/) });
});

test('proves through the engine, and the proof verifies', async () => {
  const cwd = folder();
  const proved = await assay(['prove', join(FIXTURES, 'mlp.circuit'), '--input', join(ARTEFACTS, 'mlp-input.json'), '-o', 'new.proof'], {
    cwd,
  });
  expect(proved).toMatchObject({ code: 0, stdout: expect.stringMatching(/^new\.proof {2}output largest at 2 /) });
  const verified = await assay(['verify', 'new.proof', '--key', join(FIXTURES, 'mlp.key'), '--json'], { cwd });
  const fixture = await assay(['verify', join(FIXTURES, 'mlp.proof'), '--key', join(FIXTURES, 'mlp.key'), '--json']);
  const [a, b] = [verified, fixture].map(({ stdout }) => JSON.parse(stdout) as Record<string, unknown>);
  expect(a?.verdict).toBe('accepted');
  // The same statement by another, random proof.
  expect([a?.statementDigest, a?.outputs]).toEqual([b?.statementDigest, b?.outputs]);
  expect(readFileSync(join(cwd, 'new.proof')).equals(readFileSync(join(FIXTURES, 'mlp.proof')))).toBe(false);
});

test('stopped while it proves, it writes nothing', async () => {
  const cwd = folder();
  const stopped = await assay(['prove', join(FIXTURES, 'mlp.circuit'), '--input', join(ARTEFACTS, 'mlp-input.json')], {
    cwd,
    onStart: (kill) => setTimeout(() => kill('SIGINT'), 4000),
  });
  expect(stopped.code).toBe(130);
  expect(readdirSync(cwd)).toEqual([]);
});
