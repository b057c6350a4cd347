/** `dist/seamark.iife.js`: what the snippet loads. Replays the calls and errors that came before it. */
import { init } from './index.js';
import type { Options, Seamark } from './options.js';

/** What `snippet.js` leaves in `window.seamark`. */
interface Stub {
  options: Options;
  calls: ((seamark: Seamark) => void)[];
  errors: (ErrorEvent & PromiseRejectionEvent)[];
}

const page = window as { seamark?: unknown };
const stub = page.seamark as Partial<Stub> | undefined;
if (stub?.calls && stub.errors && stub.options) {
  const seamark = init(stub.options);
  page.seamark = seamark;
  for (const event of stub.errors) seamark.captureError(event.reason ?? event.error ?? event.message);
  for (const call of stub.calls) call(seamark);
} else page.seamark = { init };
