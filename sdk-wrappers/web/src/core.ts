/** `@seamark/web/core`: events, sessions and delivery, without any capture. */
import { start } from './start.js';
import type { Options, Seamark } from './options.js';

export type { Capture, Consent, Options, Seamark, SeamarkEvent, Statistics } from './options.js';
export { VERSION } from './version.js';

/** Start once; later calls give the same. Does nothing on a server, and without a key or an address. */
export function init(options: Options): Seamark {
  return start(options);
}
