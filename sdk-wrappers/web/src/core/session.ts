/** Sessions: 30 minutes without an event end one, and so do 24 hours from its start. */

const IDLE_MS = 30 * 60_000;
const LONGEST_MS = 24 * 3_600_000;

/** `startedMs` and `lastMs` (of its last event) since the epoch, by the device's clock. */
export interface Session {
  id: string;
  startedMs: number;
  lastMs: number;
}

export type Change = 'kept' | 'first' | 'idle' | 'longest' | 'clock';

/** Why the session of an event at `nowMs` is another one, or `kept`. */
export function change(session: Session | null, nowMs: number): Change {
  if (!session?.id) return 'first';
  // a clock that went back a little keeps the session; otherwise it would not end for as long
  if (session.lastMs - nowMs >= IDLE_MS) return 'clock';
  if (nowMs - session.lastMs >= IDLE_MS) return 'idle';
  return nowMs - session.startedMs >= LONGEST_MS ? 'longest' : 'kept';
}

/** The session of an event at `nowMs`; `newId` is used if it is a new one. */
export function touch(session: Session | null, nowMs: number, newId: string): Session {
  return session && change(session, nowMs) === 'kept'
    ? { ...session, lastMs: Math.max(session.lastMs, nowMs) }
    : { id: newId, startedMs: nowMs, lastMs: nowMs };
}
