// One question to the API and its answer, or why there is none.

import { kept } from "./token.js";

const PATIENCE_MS = 15_000;

/** Why there is no answer. `kind`: "token" (it was refused), "away" (ask again later), "refused" (this question). */
export class NoAnswer extends Error {
  constructor(kind, message, retryAfterMs = 0) {
    super(message);
    this.kind = kind;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Asks; a body makes it a POST. Returns the answer, and `at`, the API's own time in epoch ms.
 * Throws NoAnswer, or AbortError when `signal` says so.
 */
export async function ask(path, { body, signal }) {
  const headers = { Authorization: `Bearer ${kept()}` };
  if (body) headers["Content-Type"] = "application/json";
  const limit = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
  let response, answer;
  try {
    response = await fetch(path, {
      method: body ? "POST" : "GET",
      body: body && JSON.stringify(body),
      headers,
      signal: limit,
      cache: "no-store",
      credentials: "omit",
    });
    answer = await response.json();
  } catch (error) {
    if (signal.aborted) throw error;
    const why = error.name === "TimeoutError" ? `took longer than ${PATIENCE_MS / 1000} s` : "does not answer";
    throw new NoAnswer("away", `The API at ${location.host} ${why}.`);
  }
  if (response.ok) return { answer, at: Date.parse(response.headers.get("Date")) || Date.now() };
  const said = answer?.error?.message ?? `The API answered ${response.status}.`;
  if (response.status === 401 || response.status === 403) throw new NoAnswer("token", said);
  const forNow = response.status >= 500 && response.status !== 504;
  throw new NoAnswer(forNow ? "away" : "refused", said, 1000 * Number(response.headers.get("Retry-After") ?? 0));
}

/** What is missing or pressing, as the API's health says it; needs no token. */
export async function health(signal) {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
  try {
    const response = await fetch("v1/healthz", { signal: limit, cache: "no-store", credentials: "omit" });
    return await response.json();
  } catch (error) {
    if (signal.aborted) throw error;
    return { parts: [], degraded: [] }; // who asks next says that the API is away
  }
}
