// What is asked, and what is read out of the answers. No page here, only values.

import { ask } from "./api.js";

export const MINUTES = 30;
export const MINUTE_MS = 60_000;
export const SIGNALS = ["events", "traces", "logs", "metrics"];
const FROM = `now-${MINUTES}m`;
const MOST_PAGES = 8;
const MOST_GROUPS = 6;
/** Names that a page's load goes by; the one that was seen most is shown. */
const LOADS = [
  { metric: "page.load", title: "Page load" },
  { metric: "web_vital.lcp", title: "Largest contentful paint" },
  { metric: "browser.web_vital.lcp", title: "Largest contentful paint" },
];

/** The ledger of the last minutes, by minute. */
export const books = (signal) => ask(`v1/ledger?from=${FROM}&step=1m`, { signal });

/** How fast pages load: the series of the name seen most (`title`), and p95 by page and of all. */
export async function loads(signal) {
  const asked = LOADS.map(({ metric }) =>
    ask("v1/query/timeseries", {
      signal,
      body: { metric, from: FROM, granularity: "1m", agg: ["count", "p50", "p95"] },
    }),
  );
  const found = (await Promise.all(asked)).map(({ answer }, n) => {
    const rows = answer.series[0]?.rows ?? [];
    return { ...LOADS[n], rows, meta: answer.meta, seen: rows.reduce((sum, row) => sum + row[1], 0) };
  });
  const most = found.reduce((best, one) => (one.seen > best.seen ? one : best));
  if (!most.seen) return { ...most, p95: null, byPage: new Map(), stale: most.meta.stale };
  const { answer } = await ask("v1/query/top", {
    signal,
    body: { metric: most.metric, by: "page", agg: "p95", from: FROM, limit: 100 },
  });
  const byPage = new Map(answer.values.map(({ label, value }) => [label, value]));
  return { ...most, p95: answer.total, byPage, stale: most.meta.stale || answer.meta.stale };
}

/** The pages that were viewed most. */
export async function pages(signal) {
  const body = { metric: "page_view", by: "page", from: FROM, limit: MOST_PAGES };
  return (await ask("v1/query/top", { signal, body })).answer;
}

/** Errors against page views, and what they were. */
export async function errors(signal) {
  return (await ask("v1/query/errors", { signal, body: { from: FROM, limit: MOST_GROUPS } })).answer;
}

/** Requests with a key that no app has, and bytes refused unread: Seamark's own metrics, where the token sees them. */
export async function refused(signal) {
  const total = async (metric, groupBy) => {
    const filters = [{ key: "app", value: "seamark" }];
    const body = { metric, source: "metrics", from: FROM, granularity: "5m", agg: ["sum"], groupBy, filters };
    const { answer } = await ask("v1/query/timeseries", { signal, body });
    return answer.series.map(({ labels, rows }) => ({ ...labels, sum: rows.reduce((sum, row) => sum + row[1], 0) }));
  };
  const [keys, bytes] = await Promise.all([
    total("seamark_collector_unknown_key_requests", ["key_hash", "source"]),
    total("seamark_collector_unread_bytes", ["reason"]),
  ]);
  return { keys: keys.filter(({ sum }) => sum > 0), bytes: bytes.filter(({ sum }) => sum > 0) };
}

/**
 * The latest start of a minute that is drawn: of a whole one, and of the running one only where there
 * is hardly another yet (`first` is the start of the first). Later it would only look like a fall,
 * since what came in last is still on its way into the store.
 */
export function drawnUntil(first = Infinity, at) {
  return at - (at - first < 2 * MINUTE_MS ? 10_000 : MINUTE_MS + 5_000);
}

/** Items per second of each minute that is drawn. */
export function byMinute(rows, { from, at }) {
  const until = drawnUntil(rows[0]?.time, at);
  const seen = new Map();
  for (const row of rows) {
    const counts = seen.get(row.time) ?? {};
    counts[row.signal] = (counts[row.signal] ?? 0) + row.accepted;
    seen.set(row.time, counts);
  }
  const times = [];
  for (let time = from; time <= until; time += MINUTE_MS) times.push(time);
  return SIGNALS.map((name) => ({
    name,
    points: times.map((time) => {
      const seconds = Math.min(MINUTE_MS, at - time) / 1000;
      return [time, (seen.get(time)?.[name] ?? 0) / seconds];
    }),
  }));
}

/** Remembers answers of the ledger for a while; what was added between two of them is the rate now. */
export function liveRates({ overMs = 30_000, soonMs = 6_000 } = {}) {
  let answers = [];
  const counted = (rows) => {
    const counts = new Map();
    for (const { signal, time, app, accepted } of rows) counts.set(JSON.stringify([signal, time, app]), accepted);
    return counts;
  };
  return {
    add(rows, at) {
      answers = [...answers.filter((one) => at - one.at <= overMs && one.at < at), { at, counts: counted(rows) }];
    },
    /** Per second, and over how many ms; null while it cannot be told. */
    of(signal) {
      const [first, last] = [answers[0], answers.at(-1)];
      const overMs = answers.length ? last.at - first.at : 0;
      if (overMs < soonMs) return null;
      let added = 0;
      for (const [key, accepted] of last.counts) {
        if (JSON.parse(key)[0] === signal) added += accepted - (first.counts.get(key) ?? 0);
      }
      return { rate: Math.max(added, 0) / (overMs / 1000), overMs };
    },
    clear: () => (answers = []),
  };
}
