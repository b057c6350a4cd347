/**
 * What to do after an answer of `POST /v1/ingest/batch`, or after none.
 *
 * done    the batch is durable; `rejected` of its events were not
 * retry   send the same events again, after `askedMs` or the backoff; the whole queue waits
 * split   halve the events, with new batchIds, and send both
 * drop    it will never be taken: count it and go on
 * stop    the key or the address is wrong: send nothing more, keep what there is
 */
export interface Decision {
  action: 'done' | 'retry' | 'split' | 'drop' | 'stop';
  reason: string;
  askedMs: number | null;
  rejected: number;
}

/** `status` 0: there was no answer; `retryAfter`: the header. */
export interface Answer {
  status: number;
  retryAfter: string | null;
  body: string;
}

/**
 * `events` is what the batch holds. An answer that is not in the collector's words (a captive portal, a proxy, a
 * firewall) says nothing about the batch, so it is sent again, whatever the status, but for 413, 401 and 403.
 */
export function decide(answer: Answer, events: number, nowMs: number): Decision {
  const { status } = answer;
  const document = read(answer.body);
  const told = document.error?.reason;
  const word = told ? `${told}` : '';
  const decision = (action: Decision['action'], reason: string, askedMs: number | null = null): Decision => ({
    action,
    reason,
    askedMs,
    rejected: action === 'done' ? (document.rejected as number) : 0,
  });
  const asked = () =>
    isCount(document.nextRetryAfterMs) ? document.nextRetryAfterMs : after(answer.retryAfter, nowMs);
  const reason = word || (status ? `http_${status}` : 'network');
  if (status === 202 && isCount(document.accepted) && isCount(document.rejected)) return decision('done', 'accepted');
  if (status < 200 || status > 499 || [408, 425, 429].includes(status)) return decision('retry', reason, asked());
  if (status === 413) return decision(events > 1 ? 'split' : 'drop', reason);
  if (status === 401 || status === 403 || (status === 404 && word)) return decision('stop', reason);
  return status > 399 && word ? decision('drop', word) : decision('retry', 'not_the_collector', asked());
}

interface Told {
  accepted?: unknown;
  rejected?: unknown;
  nextRetryAfterMs?: unknown;
  error?: { reason?: unknown };
}

function read(body: string): Told {
  try {
    return (JSON.parse(body) as Told | null) ?? {};
  } catch {
    return {};
  }
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}

/** What `Retry-After` (seconds or a date) asks for. */
function after(header: string | null, nowMs: number): number | null {
  const text = (header ?? '').trim();
  if (/^\d{1,9}$/.test(text)) return +text * 1000;
  const at = /^\w{3}, .*GMT$/.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}
