/** One HTTP attempt: a batch to the collector, and its answer. */
import type { Answer } from './core/answers.js';

const TIMEOUT_MS = 30_000;

/** The body of one attempt: a batch is kept without its end, which says when it was sent. */
export function sentBody(text: string): string {
  return text.endsWith(']') ? `${text},"sentAt":${Date.now()}}` : text;
}

/**
 * Send, and read the whole answer: browsers give back the quota of `keepalive` only then. Never rejects. The key
 * stands in the query and the body is text/plain, which needs no preflight, also while a page is left.
 */
export async function send(
  endpoint: string,
  key: string,
  kind: string,
  body: string,
  keepalive: boolean
): Promise<Answer> {
  try {
    let url = `${endpoint}/v1/${kind === 'events' ? 'ingest/batch' : kind}?k=${encodeURIComponent(key)}`;
    let payload: BodyInit = body;
    if (!keepalive && globalThis.CompressionStream) {
      const zipped = new Blob([body]).stream().pipeThrough(new CompressionStream('gzip'));
      payload = await new Response(zipped).arrayBuffer();
      url += '&enc=gzip';
    }
    const response = await fetch(url, {
      method: 'POST',
      body: payload,
      keepalive,
      credentials: 'omit',
      redirect: 'manual',
      headers: { 'Content-Type': kind === 'events' ? 'text/plain' : 'application/json' },
      signal: AbortSignal.timeout?.(TIMEOUT_MS),
    });
    return {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      body: await response.text(),
    };
  } catch {
    return { status: 0, retryAfter: null, body: '' };
  }
}
