/** What decided a vital: the attributes that the attribution build adds. */
import type { Attributes } from '../core/fitting.js';
import { scrubUrl } from '../core/scrub.js';
import type { Entry } from './observe.js';
import type { Vital } from './vitals.js';

const LONGEST = 100;
const PREFIX = 'browser.web_vital.';

/** A short selector of an element: ids, tags and classes from the inside out. */
export function selectorOf(node: unknown): string | null {
  let selector = '';
  for (let element = node as Element | null; element?.tagName; element = element.parentElement) {
    const classes = [...element.classList].map((name) => `.${name}`).join('');
    const part = element.id ? `#${element.id}` : element.tagName.toLowerCase() + classes;
    if (selector.length + part.length > LONGEST) break;
    selector = selector ? `${part}>${selector}` : part;
    if (element.id) break;
  }
  return selector || null;
}

/** In a page view: element, resource and the parts of the time. */
export function explain(name: Vital, entry: Entry | undefined): Attributes {
  const told: Attributes = {};
  const add = (part: string, value: unknown) => (told[PREFIX + part] = value);
  if (name === 'ttfb') {
    const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
    add('waiting', navigation.workerStart || navigation.fetchStart);
    add('dns', navigation.domainLookupEnd - navigation.domainLookupStart);
    add('connection', navigation.connectEnd - navigation.connectStart);
    add('request', navigation.responseStart - navigation.requestStart);
  }
  if (!entry) return told;
  if (name === 'lcp') {
    const url = entry.url as string;
    add('target', selectorOf(entry.element));
    add('url', url && scrubUrl(url));
    const resource = url && (performance.getEntriesByName(url)[0] as PerformanceResourceTiming | undefined);
    if (resource) {
      add('load_delay', resource.requestStart || resource.startTime);
      add('load_duration', resource.responseEnd - (resource.requestStart || resource.startTime));
      add('render_delay', entry.startTime - resource.responseEnd);
    }
  }
  if (name === 'inp') {
    const { startTime, duration, processingStart, processingEnd } = entry as Entry & PerformanceEventTiming;
    add('target', selectorOf(entry.target));
    add('event', entry.name);
    add('input_delay', processingStart - startTime);
    add('processing', processingEnd - processingStart);
    add('presentation', startTime + duration - processingEnd);
  }
  if (name === 'cls') {
    const [source] = (entry.sources as { node?: Node }[] | undefined) ?? [];
    add('target', selectorOf(source?.node));
    add('shift_time', entry.startTime);
    add('shift_value', entry.value);
  }
  return told;
}
