/**
 * Other majors of Node make the same bytes (settlement §16 T9). `ASSAY_NODES` names their binaries, separated by colons: 22.18 or newer,
 * which run TypeScript themselves. Without it there is nothing to compare with.
 */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { everything } from './majors.helpers.ts';

const nodes = (process.env.ASSAY_NODES ?? '').split(':').filter((path) => path !== '');
const PROGRAM = `import { everything } from './test/majors.helpers.ts'; console.log(JSON.stringify(await everything()))`;

test('another Node makes the same bytes', async (context) => {
  if (nodes.length === 0) return context.skip('ASSAY_NODES names no other Node');
  const mine = await everything();
  for (const node of nodes) {
    const told = execFileSync(node, ['--input-type=module', '-e', PROGRAM], { encoding: 'utf8', maxBuffer: 2 ** 26, stdio: 'pipe' });
    expect(JSON.parse(told)).toEqual(mine);
  }
}, 120_000);
