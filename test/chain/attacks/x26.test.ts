/** X26: somebody sees a registration in the mempool and registers the model first. */
import { expect, test } from 'vitest';
import { keyFile } from '../helpers/system.ts';
import { modelFixture, registerModel } from '../helpers/txs.ts';
import { OTHER, OWNER, SYSTEMS, world } from '../helpers/world.ts';

test('the owner is in the id: the thief has another model, and the owner still registers', () => {
  const l = world();
  const model = modelFixture(OWNER, SYSTEMS.test, keyFile({ salt: 4 }));
  const [stolen, own] = l.ok(l.tx(OTHER, registerModel(model)), l.tx(OWNER, registerModel(model))) as [Uint8Array, Uint8Array];
  expect(own).toEqual(model.id);
  expect(stolen).not.toEqual(own);
  expect(l.code(l.tx(OTHER, { case: 'deprecateModel', value: { modelId: own } }))).toBe('E_OWNER');
});
