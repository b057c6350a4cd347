/**
 * `@seamark/web/testing`: what a page sends, for tests with Playwright. Nothing has to listen at the endpoint: its
 * requests are answered in the test. The types are structural, so that no version of Playwright is needed here.
 */
import { gunzipSync } from 'node:zlib';
import { scrubText } from './core/scrub.js';
import type { SeamarkEvent } from './options.js';

/** What is used of Playwright's `Page` and `BrowserContext`. */
export interface Routable {
  route(url: (url: URL) => boolean, handler: (route: Routed) => Promise<void>): Promise<unknown>;
}

interface Routed {
  request(): { url(): string; method(): string; postDataBuffer(): Uint8Array | null };
  fulfill(answer: { status: number; headers?: Record<string, string>; json?: unknown }): Promise<void>;
}

const CORS = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': '*' };
const LOOK_MS = 50;

/** Events that came, each once however often it was sent. */
export class Received {
  readonly events: SeamarkEvent[] = [];

  /** Take the events of a batch. */
  take(events: readonly SeamarkEvent[]): void {
    const known = new Set(this.events.map((event) => event.id));
    this.events.push(...events.filter((event) => !known.has(event.id)));
  }

  /**
   * Wait for events of a name with these attributes: one or more, or exactly `times`. Rejects, and says what came
   * instead, where they do not come within `timeoutMs` (5,000).
   */
  async received(
    name: string,
    attributes: Readonly<Record<string, unknown>> = {},
    { times, timeoutMs = 5000 }: { times?: number; timeoutMs?: number } = {}
  ): Promise<SeamarkEvent[]> {
    const until = Date.now() + timeoutMs;
    const wanted = Object.entries(attributes);
    for (;;) {
      const found = this.events.filter(
        (event) => event.name === name && wanted.every(([key, value]) => event.attrs[key] === value)
      );
      const late = Date.now() > until;
      if (times === undefined ? found.length : found.length === times && (times || late)) return found;
      if (late || found.length > (times ?? Infinity)) {
        const came = this.events.map((event) => `${event.name} ${JSON.stringify(event.attrs)}`);
        const asked = `${times ?? 'one or more'} of ${name} ${JSON.stringify(attributes)}`;
        throw new Error(`${asked} asked for, ${found.length} received; what came:\n${came.join('\n')}`);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** Throws where an event has an e-mail address, a card number, a JWT, an ingest key, or one of `texts`. */
  noPii(...texts: string[]): void {
    for (const event of this.events) {
      const told = JSON.stringify(event.attrs);
      const found = texts.find((text) => told.includes(text)) ?? (scrubText(told) === told ? '' : 'personal data');
      if (found) throw new Error(`${event.name} has ${found}: ${told}`);
    }
  }
}

/** Answer what a page, or a context, sends to `endpoint`, and keep the events. Call it before the page is opened. */
export async function receive(target: Routable, endpoint: string): Promise<Received> {
  const received = new Received();
  const origin = new URL(endpoint).href;
  await target.route(
    (url) => url.href.startsWith(origin),
    async (route) => {
      const request = route.request();
      const body = request.postDataBuffer();
      if (request.method() !== 'POST' || !body) return route.fulfill({ status: 204, headers: CORS });
      if (!request.url().includes('/v1/ingest/batch')) return route.fulfill({ status: 200, headers: CORS, json: {} });
      const text = new TextDecoder().decode(request.url().includes('enc=gzip') ? gunzipSync(body) : body);
      const { events } = JSON.parse(text) as { events: SeamarkEvent[] };
      received.take(events);
      return route.fulfill({
        status: 202,
        headers: CORS,
        json: { accepted: events.length, rejected: 0, receiptId: 'test' },
      });
    }
  );
  return received;
}
