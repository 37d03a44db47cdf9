/**
 * Verdicts on proofs, reached before `apply` asks for them (settlement §9.4): outside the main thread, each with a name that says all it
 * depends on. The cache is an optimisation, never an input: on a miss the ledger verifies in line.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, toHex } from '../../protocol/bytes.ts';
import type { ProofQuestion, ProofSystem, ProofVerdict } from '../systems/system.ts';

/** Answers questions somewhere else. Rejects with `VerifierDied` where the work killed its worker: never a verdict. */
export interface VerifierPool {
  ask(system: string, question: ProofQuestion): Promise<ProofVerdict>;
  close(): Promise<void>;
}

export class VerifierDied extends Error {
  constructor(how: string) {
    super(`the verifier's worker died: ${how}`);
    this.name = 'VerifierDied';
  }
}

export interface Question {
  readonly system: ProofSystem;
  readonly question: ProofQuestion;
  /** Which transaction of the block asks. */
  readonly tx: number;
}

const KEPT = 4096;

export class Verdicts {
  readonly #known = new Map<string, ProofVerdict>();
  readonly #pool: VerifierPool;

  constructor(pool: VerifierPool) {
    this.#pool = pool;
  }

  /** The statement names chain, system, model, key, input, output, prover and job: with the proof it names the question. */
  static nameOf(system: ProofSystem, { context, proof }: ProofQuestion): string {
    return toHex(sha256(concat(system.id, context, proof)));
  }

  get(system: ProofSystem, question: ProofQuestion): ProofVerdict | undefined {
    return this.#known.get(Verdicts.nameOf(system, question));
  }

  /** Answers what is not known yet. Returns the transactions whose question killed a worker. */
  async warm(questions: readonly Question[]): Promise<readonly number[]> {
    const fatal: number[] = [];
    await Promise.all(
      questions.map(async ({ system, question, tx }) => {
        const name = Verdicts.nameOf(system, question);
        if (this.#known.has(name)) return;
        try {
          this.#keep(name, await this.#pool.ask(system.name, question));
        } catch (e) {
          if (!(e instanceof VerifierDied)) throw e;
          fatal.push(tx);
        }
      }),
    );
    return fatal;
  }

  #keep(name: string, verdict: ProofVerdict): void {
    this.#known.set(name, verdict);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= KEPT) return;
      this.#known.delete(oldest);
    }
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}

/** A pool that is no pool: for tests and for machines without worker threads. */
export const inlinePool = (systems: readonly ProofSystem[]): VerifierPool => ({
  async ask(name, question) {
    const system = systems.find((s) => s.name === name);
    if (system === undefined) throw new Error(`no proof system ${name}`);
    try {
      return system.verify(question);
    } catch (e) {
      throw new VerifierDied((e as Error).message);
    }
  },
  close: async () => {},
});
