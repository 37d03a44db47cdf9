/**
 * Result codes of the ledger (settlement §4.3), codespace `opg`. Numbers are consensus and append-only.
 *
 * A code is a number in a block's results; people see its name and a sentence (the `log`, which no hash covers).
 */
export const CODES = {
  OK: 0,
  E_SIZE: 1,
  E_DECODE: 2,
  E_NONCANONICAL: 3,
  E_CHAIN: 4,
  E_FIELD: 5,
  E_EXPIRED: 6,
  E_KEY: 7,
  E_SIG: 8,
  E_SPONSOR: 9,
  E_NONCE: 10,
  E_MAXBURN: 11,
  E_FUNDS: 12,
  E_DENOM: 20,
  E_KEY_HASH: 21,
  E_SYSTEM: 24,
  E_SYSTEM_OFF: 25,
  E_KEY_BYTES: 26,
  E_MODEL: 27,
  E_MODEL_EXISTS: 28,
  E_MODEL_DEPRECATED: 29,
  E_OWNER: 30,
  E_PROVER: 31,
  E_BOND: 32,
  E_MODE: 33,
  E_TEE: 34,
  E_ORDER: 40,
  E_JOB: 41,
  E_JOB_EXISTS: 42,
  E_STATE: 43,
  E_LATE: 44,
  E_NOT_PROVER: 45,
  E_ESCROW: 46,
  E_INPUT: 47,
  E_OUTPUT: 48,
  E_SAME_OUTPUT: 49,
  E_PROOF_SIZE: 50,
  E_VGAS_LIMIT: 51,
  E_PROOF_SHAPE: 53,
  E_PROOF_INVALID: 54,
  E_SPACE: 60,
  E_PP: 61,
  E_PP_PARENT: 62,
  E_PP_SIGS: 63,
  E_BOUND: 64,
  E_AUTH: 65,
} as const;

export type CodeName = keyof typeof CODES;
export const CODESPACE = 'opg';

const names = new Map<number, CodeName>(Object.entries(CODES).map(([name, code]) => [code, name as CodeName]));

/** `E_NONCE` for 10; `code 999` for a number that this release does not know. */
export const codeName = (code: number): string => names.get(code) ?? `code ${code}`;

/** What ERC-7992 calls the same outcome. ModelMismatch has no code of its own: the model is inside the statement (54). */
export const ERC7992: Readonly<Partial<Record<CodeName, string>>> = {
  E_PROOF_SHAPE: 'InvalidProof',
  E_PROOF_INVALID: 'InvalidProof',
  E_MODEL: 'ModelNotFound',
  E_MODEL_DEPRECATED: 'ModelDeprecated',
  E_OWNER: 'NotModelOwner',
  E_SYSTEM: 'UnsupportedProofSystem',
  E_INPUT: 'InputCommitmentMismatch',
  E_OUTPUT: 'OutputMismatch',
};

/**
 * A refusal of the ledger. `message` is the sentence without the code: the field, the value seen and the value wanted. Anything else that
 * is thrown is a bug or a node that cannot decide (settlement §8.3).
 */
export class Rejected extends Error {
  readonly code: Exclude<CodeName, 'OK'>;

  constructor(code: Exclude<CodeName, 'OK'>, sentence: string) {
    super(sentence);
    this.name = 'Rejected';
    this.code = code;
  }
}
