/** `browser.long_frame`: frames that block input for 100 ms or more, at most ten in a page view. */
import type { Client } from '../client.js';
import { scrubUrl } from '../core/scrub.js';
import { observe } from './observe.js';

const BLOCKING_MS = 100;
const MOST = 10;

interface Script {
  duration: number;
  sourceURL: string;
  sourceFunctionName: string;
  invoker: string;
}

export function captureFrames(client: Client): void {
  if (client._options.capture?.longFrames === false) return;
  observe('long-animation-frame', (entry) => {
    if ((entry.blockingDuration as number) < BLOCKING_MS || !client._allows('frames', MOST)) return;
    const [longest] = [...(entry.scripts as Script[])].sort((a, b) => b.duration - a.duration);
    client.measure('browser.long_frame', entry.duration, 'ms', {
      'code.file.path': longest && scrubUrl(longest.sourceURL),
      'code.function.name': longest && (longest.sourceFunctionName || longest.invoker),
    });
  });
}
