/** What an artefact says about itself. A proof is decoded, not verified; a key must meet the conditions every verifier checks. */
import { ascii, equalBytes } from '../protocol/bytes.ts';
import { decodeEnvelope, MAGIC, SYSTEM } from '../protocol/envelope.ts';
import { hash } from '../protocol/hash.ts';
import { Refused } from '../protocol/refused.ts';
import { statementDigest } from '../protocol/statement.ts';
import { nativeTrust, trustFields } from '../protocol/trust.ts';
import { checkKey } from './check.ts';
import { describeOther } from './describe.ts';
import { CIRCUIT_MAGIC, decodeCircuitFile, decodeKeyFile, KEY_MAGIC } from './files.ts';
import type { Interface } from './interface.ts';
import type { Key } from './key.ts';
import { ledgerOf } from './ledger.ts';
import { planOf } from './plan.ts';
import { committedElements, proofSize } from './proof-size.ts';

export interface Inspection {
  readonly kind: 'circuit' | 'key' | 'proof' | 'model';
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Decodes a circuit, key or proof; an unknown file is refused with `inspect.kind`. */
export function inspect(bytes: Uint8Array): Inspection {
  const begins = (magic: string): boolean => equalBytes(bytes.subarray(0, magic.length), ascii(magic));
  if (begins(KEY_MAGIC)) {
    const other = describeOther(bytes, 'key');
    if (other !== null) return { kind: 'key', fields: { keyDigest: hash('key', bytes), bytes: bytes.length, ...other } };
    const { key, interface: face, digest } = decodeKeyFile(bytes);
    return { kind: 'key', fields: { keyDigest: digest, bytes: bytes.length, ...keyFields(key, face) } };
  }
  if (begins(CIRCUIT_MAGIC)) {
    const other = describeOther(bytes, 'circuit');
    if (other !== null) return { kind: 'circuit', fields: { bytes: bytes.length, ...other } };
    const c = decodeCircuitFile(bytes);
    const values = [...c.contents].filter(([t]) => !c.plan.content.includes(t)).reduce((s, [, v]) => s + v.length, 0);
    return {
      kind: 'circuit',
      fields: { bytes: bytes.length, weightElements: values, ...keyFields(c.fields, c.interface), labels: c.labels },
    };
  }
  if (begins(MAGIC)) {
    const e = decodeEnvelope(bytes);
    return {
      kind: 'proof',
      fields: {
        system: e.system,
        profile: e.profile,
        vkHash: e.vkHash,
        modelId: e.modelId,
        statementDigest: statementDigest(e),
        context: e.context,
        inputBytes: e.inputs.map((i) => i.length),
        outputBytes: e.outputs.map((i) => i.length),
        proofBytes: e.proof.length,
      },
    };
  }
  throw new Refused('inspect.kind', 'the file is no circuit, key or proof: it begins with none of their marks');
}

function keyFields(key: Key, face: Interface): Record<string, unknown> {
  const plan = planOf(key);
  checkKey(key, plan, { allowToy: true });
  const size = proofSize(key, plan);
  const bits = key.profile === 'S100' ? Math.floor(ledgerOf(key, plan).bits * 100) / 100 : 0;
  return {
    system: SYSTEM,
    ...trustFields(nativeTrust(bits)),
    vkHash: key.hash,
    profile: key.profile,
    mode: key.mode,
    securityBits: bits,
    ledger: Object.fromEntries(ledgerOf(key, plan).terms.map((t) => [`${t.id} ${t.event}`, `2^-${t.bits.toFixed(1)}`])),
    h: key.h,
    rate: `2^-${key.lr}`,
    queries: key.t,
    grinding: key.grinding,
    lookups: plan.lookupCount,
    tableRows: plan.tableCount,
    committed: committedElements(plan),
    columns: Object.fromEntries(plan.groups.map((g) => [g.group, g.columns])),
    proofBytes: { expected: size.expected, maximum: size.maximum },
    inputs: face.inputs.map((i) => `${i.name} ${i.dtype} [${i.shape.join(', ')}]`),
    outputs: face.outputs.map((o) => `${o.name} ${o.dtype} [${o.shape.join(', ')}]`),
    recomputed: face.outputs.map((o) => `${o.name}: ${o.steps.map((s) => s.op).join(', ') || 'nothing'}`),
    ops: key.ops.map((op) => (op.kind === 'req' || op.kind === 'out' ? `${op.kind} ${op.form.kind}` : op.kind)).join(' '),
    wroot: key.wroot,
  };
}
