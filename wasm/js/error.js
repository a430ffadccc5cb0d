// The one error of the package.

/**
 * Something that a program can react to: `code` never changes its meaning, `message` is for people.
 */
export class UnisonoError extends Error {
  /**
   * @param {string} code A stable word in snake_case, the module's own or one of this package.
   * @param {string} message What is wrong, and what to do.
   * @param {{field?: string, requestId?: string | null, cause?: unknown}} [about]
   */
  constructor(code, message, about = {}) {
    super(`${code}: ${message}${about.field ? ` (at \`${about.field}\`)` : ''}`, 'cause' in about ? { cause: about.cause } : undefined);
    this.name = 'UnisonoError';
    /** @type {string} */
    this.code = code;
    /** Where it is wrong, as `placements[0].kind`; empty when the whole input is meant. @type {string} */
    this.field = about.field ?? '';
    /** The request's id where the module could read it. @type {string | null} */
    this.request_id = about.requestId ?? null;
  }
}

/**
 * Throws the error that an answer of the module carries; gives every other answer back.
 *
 * @template T
 * @param {T} answer
 * @returns {T}
 */
export function unlessError(answer) {
  const { error, request_id: requestId } = /** @type {any} */ (answer);
  if (error === undefined) return answer;
  throw new UnisonoError(error.code, error.message, { field: error.field, requestId });
}
