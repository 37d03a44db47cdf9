/** EZKL's verifier as a seam: whoever starts it (a thread in Node, a worker in the page) also ends it. */

export interface EzklFiles {
  /** UTF-8 of proof.json and settings.json, raw vk.key and kzg.srs. */
  readonly proof: Uint8Array;
  readonly vk: Uint8Array;
  readonly settings: Uint8Array;
  readonly srs: Uint8Array;
}

/** Why the engine does not accept: `stopped` says that its code gave up on these bytes (a panic) instead of answering. */
export interface EngineRefusal {
  readonly reason: string;
  readonly stopped: boolean;
}

export interface EzklEngine {
  /**
   * `null`: the proof holds. Every call runs in an instance that no other call has touched: a panic leaves the engine in no state to rely on.
   * Rejects where the engine could not be run to its end (not there, no memory): that is nobody's refusal.
   */
  verify(files: EzklFiles): Promise<EngineRefusal | null>;
}
