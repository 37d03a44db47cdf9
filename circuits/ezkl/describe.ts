/** What `assay inspect` prints of EZKL's keys and circuits. */
import { trustFields } from '../../protocol/trust.ts';
import { circuitOfBody, type EzklKey, keyOfBody, trustOf } from './key.ts';
import type { FixedPoint } from './settings.ts';

type Fields = Readonly<Record<string, unknown>>;

const port = ({ name, dims, scale }: FixedPoint): string => `${name} float32 [${dims.join(', ')}], as integers of 2^-${scale}`;

const keyFields = (key: EzklKey): Fields => ({
  ...trustFields(trustOf(key)),
  vkHash: key.vkHash,
  profile: key.profile,
  ezkl: key.read.version,
  rows: `2^${key.read.logrows}`,
  proofBytes: key.proofBytes,
  vkBytes: key.vk.length,
  settingsBytes: key.settings.length,
  inputs: key.read.inputs.map(port),
  outputs: key.read.outputs.map(port),
});

export const describeEzklKey = (body: Uint8Array): Fields => keyFields(keyOfBody(body));

export function describeEzklCircuit(body: Uint8Array): Fields {
  const { key, compiled, srs } = circuitOfBody(body);
  return { ...keyFields(key), compiledBytes: compiled.length, srsBytes: srs.length };
}
