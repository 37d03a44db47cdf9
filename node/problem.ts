/** What the HTTP side answers when it refuses: `{code, message, hint}` (settlement §12.1). */

export class Problem extends Error {
  readonly status: 400 | 402 | 404 | 409 | 413 | 422 | 503;
  readonly code: string;
  readonly hint: string;

  constructor(status: Problem['status'], code: string, message: string, hint = '') {
    super(message);
    this.name = 'Problem';
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}
