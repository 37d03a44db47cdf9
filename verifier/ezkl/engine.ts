/** EZKL's verifier as a seam: whoever starts it (a thread in Node, a worker in the page) also ends it. */

export interface EzklFiles {
  /** UTF-8 of proof.json and settings.json, raw vk.key and kzg.srs. */
  readonly proof: Uint8Array;
  readonly vk: Uint8Array;
  readonly settings: Uint8Array;
  readonly srs: Uint8Array;
}

/** Begins an answer where the engine's code gave up on the bytes (a panic) instead of refusing them. */
export const TRAP = 'trap: ';

export interface EzklEngine {
  /**
   * `null`: the proof holds. A text: why the engine says that it does not. Rejects where the engine could not be run to its end (not there,
   * no memory): that is nobody's refusal. Every call has an instance of its own, for a panic leaves one in no state to rely on.
   */
  verify(files: EzklFiles): Promise<string | null>;
}
