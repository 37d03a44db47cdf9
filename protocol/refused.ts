/**
 * A refusal: what untrusted bytes get instead of an answer.
 *
 * `code` is stable and made for programs (a check id of protocol §13 for keys, envelopes and proofs; a dotted word for models,
 * inputs and files). `message` is one sentence for people, naming the node, the byte or the field. Anything thrown that is not
 * a `Refused` is a bug of ours and must never be shown as a refusal.
 */
export class Refused extends Error {
  readonly code: string;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(code: string, sentence: string, detail: Readonly<Record<string, unknown>> = {}) {
    super(sentence);
    this.name = 'Refused';
    this.code = code;
    this.detail = detail;
  }
}
