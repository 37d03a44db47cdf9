/** The boundary of the chain worker, carried by comlink. Failures of node and network are answers; a call that rejects is a failure of ours. */
import type { Lamp } from '../../chain/light/lamps.ts';
import type { LedgerTensor } from '../../chain/tensors.ts';
import type { Figures } from './figures.ts';

export const LAMPS = ['chain', 'record', 'proof', 'answer'] as const;
export type LampName = (typeof LAMPS)[number];

export interface ChainQuestion {
  readonly node: string;
  /** Null: trust begins with the node's own word (chain/light/begin.ts). */
  readonly checkpoint: string | null;
  /** Hexadecimal. Without a job there is only the Chain lamp. */
  readonly job: string | null;
  readonly model: string | null;
  /** Canonical tensors, hexadecimal; null: what is shown is what was proven. */
  readonly answer: string | null;
}

/** Of a job's record, ready to be read. */
export interface JobFacts {
  readonly state: string;
  /** Whether the state can change no more. */
  readonly over: boolean;
  readonly rows: readonly { readonly term: string; readonly text: string; readonly code?: boolean }[];
}

export interface ChainReport {
  readonly lamps: Readonly<Record<LampName, Lamp>>;
  /** Where trust began, as a text to pin; null where the node shows none. */
  readonly checkpoint: string | null;
  readonly chainId: string | null;
  readonly job: JobFacts | null;
  readonly proven: { readonly input: readonly LedgerTensor[]; readonly output: readonly LedgerTensor[] } | null;
}

export interface ChainService {
  /** Null for a text that is no checkpoint. */
  look(question: ChainQuestion, onProgress?: (doing: string) => void): Promise<ChainReport | null>;
  /** The node's word on its chain, or why there is none. */
  figures(node: string): Promise<Figures | string>;
}
