/** One client for each page, also where two entries are imported. */
import { Client } from './client.js';
import type { Options, Seamark } from './options.js';

const KEY = Symbol.for('seamark');

/** Where there is no page, or no key: every call does nothing. */
const idle = new Proxy({} as Seamark, {
  get: (_, name) => {
    if (name === 'sessionId') return '';
    if (name === 'stats') return () => ({ dropped: {}, stopped: 'not_started' });
    return name === 'then' ? undefined : () => Promise.resolve(false);
  },
});

/** Never throws; `capture` begins with the client, once. */
export function start(options: Options, capture?: (client: Client) => void): Seamark {
  const page = globalThis as { [KEY]?: Client };
  try {
    if (page[KEY]) return page[KEY];
    if (typeof document == 'undefined') return idle;
    if (!options.key || !options.endpoint) throw 0;
    const client = (page[KEY] = new Client(options));
    capture?.(client);
    return client;
  } catch {
    console.warn('seamark: init needs key and endpoint');
    return idle;
  }
}
