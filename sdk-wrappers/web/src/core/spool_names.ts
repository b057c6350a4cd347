/** Names of stored batches, and which of them make room. One format for all languages. */

const LONGEST_AGE_MS = 7 * 24 * 3_600_000;
const NAME = /^(\d{13})-([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})\.(events|traces|metrics|logs)\.gz$/;

/** `ms`: when the batch was sealed, since the epoch. */
export interface SpoolName {
  ms: number;
  batchId: string;
  kind: string;
}

/** `<ms, 13 digits>-<batchId>.<kind>.gz`: names in order of text are in order of time. */
export function spoolName(ms: number, batchId: string, kind: string): string {
  return `${`${Math.max(0, Math.min(ms, 1e13 - 1))}`.padStart(13, '0')}-${batchId}.${kind}.gz`;
}

/** The parts of a name; null for what is no finished batch. */
export function readSpoolName(name: string): SpoolName | null {
  const found = NAME.exec(name);
  return found && { ms: +found[1], batchId: found[2], kind: found[3] };
}

/** A batch to delete: `expired`, or `full`. */
export type Eviction = [name: string, reason: 'expired' | 'full'];

/** What to delete of (name, bytes), oldest first: the week-old, then what is too much. Other names are left alone. */
export function evictions(files: readonly (readonly [string, number])[], nowMs: number, mostBytes: number): Eviction[] {
  const gone: Eviction[] = [];
  let total = 0;
  const known = files.filter(([name]) => readSpoolName(name)).sort(([a], [b]) => (a < b ? -1 : 1));
  const left = known.filter(([name, bytes]) => {
    const expired = nowMs - parseInt(name) > LONGEST_AGE_MS;
    if (expired) gone.push([name, 'expired']);
    else total += bytes;
    return !expired;
  });
  for (const [name, bytes] of left) {
    if (total <= mostBytes) break;
    total -= bytes;
    gone.push([name, 'full']);
  }
  return gone;
}
