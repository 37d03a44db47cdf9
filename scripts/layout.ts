/** Where each message of a proof lies: found by verifying an accepted proof with a transcript that notes what it reads. */
import { tableContents } from '../circuits/contents.ts';
import { decodeCircuitFile, decodeKeyFile } from '../circuits/files.ts';
import { itemShape } from '../circuits/items.ts';
import { planOf } from '../circuits/plan.ts';
import { pad } from '../circuits/shape.ts';
import type { IoTensor } from '../circuits/types.ts';
import { decodeEnvelope } from '../protocol/envelope.ts';
import { readCommittedItem, readPublicItem, statementDigest } from '../protocol/statement.ts';
import { VerifierTranscript } from '../protocol/transcript.ts';
import { verifyPass } from '../verifier/pass.ts';

export interface Message {
  readonly label: string;
  /** Of the proof body, not of the envelope. */
  readonly at: number;
  readonly bytes: number;
}

class Surveyor extends VerifierTranscript {
  readonly messages: Message[] = [];
  #at = 0;

  #note<T>(label: string, bytes: number, received: T): T {
    this.messages.push({ label, at: this.#at, bytes });
    this.#at += bytes;
    return received;
  }

  override receiveDigest(label: string): Uint8Array {
    return this.#note(label, 32, super.receiveDigest(label));
  }

  /** Also what `receiveElements` reads. */
  override receiveVector(label: string, n: number): Uint32Array {
    return this.#note(label, 16 * n, super.receiveVector(label, n));
  }

  override receiveBytes(label: string, n: number): Uint8Array {
    const bytes = super.receiveBytes(label, n);
    return n > 0 ? this.#note(label, n, bytes) : bytes;
  }

  override receiveNonce(label: string, g: number): void {
    super.receiveNonce(label, g);
    if (g > 0) this.#note(label, 8, null);
  }

  /** A message a row. */
  override receiveRows(count: number, width: number, label: string): Uint32Array {
    const rows = super.receiveRows(count, width, label);
    for (let i = 0; i < count; i++) this.#note(label, 4 * width, null);
    return rows;
  }

  /** A message a sibling. */
  override receiveSiblings(count: number): Uint32Array {
    const siblings = super.receiveSiblings(count);
    for (let i = 0; i < count; i++) this.#note('siblings', 32, null);
    return siblings;
  }
}

/** The messages of an accepted proof, in order. `circuit` for keys of mode I0. */
export function layoutOf(envelope: Uint8Array, keyFile: Uint8Array, circuit?: Uint8Array): readonly Message[] {
  const e = decodeEnvelope(envelope);
  const { key } = decodeKeyFile(keyFile);
  const plan = planOf(key);
  const publicValues = new Map<number, Int32Array>();
  let inputRoot: Uint8Array | null = null;
  const read = (list: readonly IoTensor[], items: readonly Uint8Array[]): void => {
    list.forEach((io, i) => {
      const item = items[i] as Uint8Array;
      const shape = itemShape(key, io, `item ${i}`);
      if (key.tensors[io.tensor]?.home === 'X') inputRoot = readCommittedItem(item, shape);
      else publicValues.set(io.tensor, pad(readPublicItem(item, shape), shape.dims));
    });
  };
  read(key.inputs, e.inputs);
  read(key.outputs, e.outputs);
  const t = new Surveyor(key.profile, e.proof);
  const contents = circuit === undefined ? new Map(tableContents(key, plan)) : decodeCircuitFile(circuit).contents;
  verifyPass(t, { key, plan, publicValues, statementDigest: statementDigest(e), inputRoot, contents });
  return t.messages;
}
