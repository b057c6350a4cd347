/** Performance entries as they come, also those from before. */

/** Entries of browsers that are ahead of TypeScript's own types. */
export interface Entry extends PerformanceEntry {
  readonly [name: string]: unknown;
}

/** Hand each entry to `each`; the function that is returned hands over those which wait. Does nothing where unsupported. */
export function observe(type: string, each: (entry: Entry) => void, durationThreshold?: number): () => void {
  try {
    const all = (entries: PerformanceEntry[]) => entries.forEach((entry) => each(entry as Entry));
    const observer = new PerformanceObserver((list) => all(list.getEntries()));
    observer.observe({ type, buffered: true, durationThreshold } as PerformanceObserverInit);
    return () => all(observer.takeRecords());
  } catch {
    return () => undefined;
  }
}
