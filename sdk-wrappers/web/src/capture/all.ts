/** Every capture, each of which looks whether it is switched on. */
import type { Client } from '../client.js';
import { captureClicks } from './clicks.js';
import { captureErrors } from './errors.js';
import { captureFrames } from './frames.js';
import { captureNetwork } from './network.js';
import { capturePages } from './pages.js';
import { captureVitals, type Explain } from './vitals.js';

/** One that fails stops no other. `explain`: more attributes of vitals. */
export function captureAll(client: Client, explain?: Explain): void {
  const begin = () => {
    client._safely(() => captureErrors(client));
    client._safely(() => capturePages(client));
    client._safely(() => captureVitals(client, explain));
    client._safely(() => captureClicks(client));
    client._safely(() => captureNetwork(client));
    client._safely(() => captureFrames(client));
  };
  // a page that is prerendered is not seen yet, and may never be
  if ((document as { prerendering?: boolean }).prerendering) addEventListener('prerenderingchange', begin, true);
  else begin();
}
