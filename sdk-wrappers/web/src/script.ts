/** `dist/seamark.iife.js`: what the snippet loads. Replays the calls and errors that came before it. */
import { init } from './index.js';
import type { Options, Seamark } from './options.js';

interface Stub {
  o?: Options;
  q?: [keyof Seamark, unknown[]][];
  e: ArrayLike<ErrorEvent & PromiseRejectionEvent>;
}

const page = window as { seamark?: Stub | Seamark };
const stub = page.seamark as Stub | undefined;
if (stub?.q && stub.o) {
  const seamark = init(stub.o);
  page.seamark = seamark;
  for (const event of Array.from(stub.e)) seamark.captureError(event.reason ?? event.error ?? event.message);
  stub.e = { length: 20 }; // the snippet's listeners keep no more
  for (const [name, told] of stub.q) (seamark[name] as (...told: unknown[]) => void)(...told);
} else (window as { seamark?: unknown }).seamark = { init };
