/** `@seamark/web/attribution`: the same as `@seamark/web`; vitals also say what decided them. */
import { captureAll } from './capture/all.js';
import { explain } from './capture/explain.js';
import type { Options, Seamark } from './options.js';
import { start } from './start.js';

export type { Capture, Consent, Options, Seamark, SeamarkEvent, Statistics } from './options.js';
export { VERSION } from './version.js';

/** Start once; later calls give the same. Does nothing on a server, and without a key or an address. */
export function init(options: Options): Seamark {
  return start(options, (client) => captureAll(client, explain));
}
