/**
 * LCP, INP, CLS, TTFB, FCP as web.dev defines them, each once for a page: TTFB and FCP when they are known, the others
 * when the page is first hidden (LCP also at the first input). A page that comes back from the back/forward cache is a
 * page of its own. `tests/integration/test_web_capture.py` compares with the package web-vitals.
 */
import type { Client } from '../client.js';
import type { Attributes } from '../core/fitting.js';
import { observe, type Entry } from './observe.js';

export type Vital = 'lcp' | 'inp' | 'cls' | 'ttfb' | 'fcp';
/** More attributes of a vital, from the entry that decided it. */
export type Explain = (name: Vital, entry: Entry | undefined) => Attributes;

const LIMITS: Record<Vital, readonly [number, number]> = {
  lcp: [2500, 4000],
  inp: [200, 500],
  cls: [0.1, 0.25],
  ttfb: [800, 1800],
  fcp: [1800, 3000],
};
const INTERACTIONS = 10;
const FIFTY = 50;
const SHORTEST_EVENT_MS = 40;
const SHIFT_GAP_MS = 1000;
const SHIFT_WINDOW_MS = 5000;

export function captureVitals(client: Client, explain?: Explain): void {
  const navigation = performance.getEntriesByType('navigation')[0] as
    (PerformanceNavigationTiming & { activationStart?: number }) | undefined;
  if (client._options.capture?.vitals === false || !navigation) return;
  const page = client._page || null;
  let type: string = navigation.type.replace('_', '-');
  let open = new Set<Vital>(Object.keys(LIMITS) as Vital[]);
  /** When the page was prerendered: what came before it was shown took no time. */
  const since = (ms: number) => Math.max(0, ms - (navigation.activationStart ?? 0));
  const hiddenAt = () =>
    performance
      .getEntriesByType('visibility-state')
      .find((entry) => entry.name === 'hidden' && entry.startTime > (navigation.activationStart ?? 0))?.startTime ??
    (document.hidden ? 0 : Infinity);

  const report = (name: Vital, value: number, entry?: Entry) => {
    if (!open.delete(name)) return;
    const [good, fair] = LIMITS[name];
    client.measure(`web_vital.${name}`, value, name === 'cls' ? '1' : 'ms', {
      page,
      'browser.web_vital.name': name,
      'browser.web_vital.rating': value > fair ? 'poor' : value > good ? 'needs-improvement' : 'good',
      'browser.web_vital.navigation_type': type,
      ...explain?.(name, entry),
    });
  };

  let largest: Entry | undefined;
  let interactions: Entry[] = [];
  let before = interactionCount();
  let shifts: [first: number, last: number, sum: number] = [0, 0, 0];
  let worst: [sum: number, entry?: Entry] = [0];

  observe('paint', (entry) => {
    const { name, startTime } = entry;
    if (name === 'first-contentful-paint' && startTime < hiddenAt()) report('fcp', since(startTime), entry);
  });
  const takes = [
    observe('largest-contentful-paint', (entry) => {
      if (entry.startTime < hiddenAt()) largest = entry;
    }),
    observe('layout-shift', (entry) => {
      if (entry.hadRecentInput) return;
      const { startTime } = entry;
      const [first, last, sum] = shifts;
      const same = sum && startTime - last < SHIFT_GAP_MS && startTime - first < SHIFT_WINDOW_MS;
      shifts = [same ? first : startTime, startTime, (same ? sum : 0) + (entry.value as number)];
      if (shifts[2] > worst[0]) worst = [shifts[2], entry];
    }),
    ...['event', 'first-input'].map((kind) =>
      observe(
        kind,
        (entry) => {
          const others = interactions.filter((one) => one.interactionId !== entry.interactionId);
          const known = interactions.find((one) => one.interactionId === entry.interactionId);
          if (!entry.interactionId || (known && weight(known) >= weight(entry))) return;
          interactions = [...others, entry].sort((a, b) => b.duration - a.duration).slice(0, INTERACTIONS);
        },
        SHORTEST_EVENT_MS
      )
    ),
  ];

  const ended = (input?: Event) => {
    if (input && !input.isTrusted) return;
    takes.forEach((take) => take());
    if (largest) report('lcp', since(largest.startTime), largest);
    if (input) return;
    // the 98th percentile: one of fifty may be longer
    const place = Math.min(interactions.length - 1, Math.floor((interactionCount() - before) / FIFTY));
    if (place >= 0) report('inp', interactions[place].duration, interactions[place]);
    if (!open.has('fcp') && PerformanceObserver.supportedEntryTypes.includes('layout-shift')) report('cls', ...worst);
  };
  const hidden = () => document.hidden && ended();
  // in the capturing phase: before the client sends what there is
  addEventListener('visibilitychange', hidden, true);
  addEventListener('pagehide', () => ended(), true);
  for (const kind of ['keydown', 'click']) addEventListener(kind, ended, { capture: true, once: true });

  const loaded = () => {
    const { responseStart } = navigation;
    if (responseStart > 0 && responseStart < performance.now()) report('ttfb', since(responseStart));
  };
  if (document.readyState === 'complete') loaded();
  else addEventListener('load', () => setTimeout(loaded));

  addEventListener('pageshow', (event) => {
    if (!event.persisted) return;
    type = 'back-forward-cache';
    open = new Set<Vital>(Object.keys(LIMITS) as Vital[]);
    largest = undefined;
    interactions = [];
    before = interactionCount();
    shifts = [0, 0, 0];
    worst = [0];
    report('ttfb', 0);
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        for (const name of ['fcp', 'lcp'] as const) report(name, performance.now() - event.timeStamp);
      })
    );
  });
}

/** Longer first; of the events of one interaction that lasted alike, the one that worked longest. */
function weight(entry: Entry): number {
  const { duration, processingStart, processingEnd } = entry as Entry & PerformanceEventTiming;
  return duration * 1e6 + processingEnd - processingStart;
}

function interactionCount(): number {
  return (performance as { interactionCount?: number }).interactionCount ?? 0;
}
