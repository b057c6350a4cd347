/** What an `exception` event says of an error without its stack. */
import type { Attributes } from './core/fitting.js';
import { scrubText } from './core/scrub.js';

/** Type and message of an error, or of any other value that was thrown. */
export function plainFailure(error: unknown): Attributes {
  const { name = 'Error', message } = (error ?? {}) as Partial<Error>;
  const text = message ?? (typeof error == 'object' ? JSON.stringify(error) : error);
  return { 'exception.type': `${name}`, 'exception.message': scrubText(`${text}`.slice(0, 4096)) };
}
