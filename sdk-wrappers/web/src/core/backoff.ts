/** How long to wait after a failed attempt: full jitter, or what the server asked for. */

const BASE_MS = 1000;
const LONGEST_MS = 300_000;
const SHORTEST_MS = 100;
const LONGEST_ASKED_MS = 3_600_000;

/**
 * Milliseconds until the next attempt, after `attempt` failures in a row; `rand` is uniform in [0, 1).
 *
 * Without `askedMs`: a random part of 1 s, doubled with every failure up to 5 min, never below 100 ms.
 * With it: at least what was asked, at most an hour, and up to a tenth more, so that clients which were
 * asked together do not come back together.
 */
export function delayMs(attempt: number, rand: number, askedMs: number | null): number {
  if (askedMs !== null) {
    const asked = Math.max(SHORTEST_MS, Math.min(askedMs, LONGEST_ASKED_MS));
    return asked + Math.ceil(rand * asked * 0.1);
  }
  return Math.max(SHORTEST_MS, Math.ceil(rand * Math.min(LONGEST_MS, BASE_MS * 2 ** (Math.max(attempt, 1) - 1))));
}
