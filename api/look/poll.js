// Rounds of questions: one after the other, only while somebody looks, and slower while nothing answers.

/**
 * Calls `round(signal)` now and `everyMs` after each end. A round that throws is followed by longer
 * and longer waits, at most `mostMs`; `failed(error, waitMs)` is told. A hidden page asks nothing,
 * and what it was asking is aborted; when it is shown again it asks at once.
 */
export function rounds(round, { everyMs, mostMs, failed }) {
  let running = null;
  let timer = 0;
  let misses = 0;
  let stopped = true;

  async function once() {
    clearTimeout(timer);
    running?.abort();
    const mine = (running = new AbortController());
    let waitMs = everyMs;
    try {
      await round(mine.signal);
      misses = 0;
    } catch (error) {
      if (mine.signal.aborted) return;
      waitMs = Math.max(Math.min(everyMs * 2 ** misses++, mostMs), error.retryAfterMs ?? 0);
      failed(error, waitMs);
    }
    if (running === mine && !stopped && !document.hidden) timer = setTimeout(once, waitMs);
  }

  function pause() {
    clearTimeout(timer);
    running?.abort();
    running = null;
  }

  const now = () => {
    if (!stopped && !document.hidden) once();
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? pause() : now()));
  addEventListener("online", now);
  return {
    start() {
      stopped = false;
      misses = 0;
      now();
    },
    stop() {
      stopped = true;
      pause();
    },
  };
}
