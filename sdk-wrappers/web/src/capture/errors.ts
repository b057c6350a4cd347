/** `exception`: errors that nothing caught, and rejections that nothing handled. */
import type { Client } from '../client.js';
import { failureOf } from '../failure.js';

export function captureErrors(client: Client): void {
  client._failureOf = failureOf;
  if (client._options.capture?.errors === false) return;
  addEventListener('error', (event) => client.captureError(event.error ?? event.message));
  addEventListener('unhandledrejection', (event) => client.captureError(event.reason));
}
