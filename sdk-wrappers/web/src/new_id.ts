/** Ids of events, batches and sessions, made now. */
import { RANDOM_BYTES, uuid7 } from './core/ids.js';

/** An id of this moment. */
export function newId(): string {
  return uuid7(Date.now(), crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)));
}
