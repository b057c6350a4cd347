/** Delivers what waits in the outbox: one pass at a time, oldest first, as `core` decides. */
import { decide, type Answer } from './core/answers.js';
import { delayMs } from './core/backoff.js';
import { halves } from './core/batch_cut.js';
import { decideOtlp } from './core/otlp_answers.js';
import { readSpoolName } from './core/spool_names.js';
import { parsed, type Device } from './device.js';
import { drained } from './one_drainer.js';
import type { Outbox } from './outbox.js';
import { send, sentBody } from './transport.js';

/** The 64 KiB that a browser allows to requests which outlive their page, less what their headers may count. */
const EXIT_BYTES = 60_000;
/** An ad blocker does not go away: after three failures without an answer that last a minute, this long. */
const BLOCKED_MS = 300_000;
const BLOCKED_AFTER_MS = 60_000;

/** What the sender needs of its client. */
export interface Outcomes {
  _delivered(rejected: number): void;
  _lost(reason: string, text: string): void;
  _retried(reason: string): void;
  /** Keep a batch with these events, each as JSON. */
  _putEvents(events: string[], ms: number): void;
}

/** The events of a batch as it is kept. */
export function eventsOf(text: string): unknown[] {
  return parsed<{ events?: unknown[] }>(`${text}}`, {}).events ?? [0];
}

export class Sender {
  _stopped = '';
  private _failures = 0;
  private _unanswered = 0;
  private _unansweredSince = 0;
  private _resumesAt = 0;
  private _flying = new Set<string>();
  private _exitBytes = 0;

  constructor(
    private readonly _endpoint: string,
    private readonly _key: string,
    private readonly _device: Device,
    private readonly _outbox: Outbox,
    private readonly _outcomes: Outcomes
  ) {}

  /** How long nothing is sent from now on. */
  get _pauseMs(): number {
    return Math.max(0, this._resumesAt - performance.now());
  }

  /** Whether an attempt makes sense now. */
  get _may(): boolean {
    return !this._stopped && !this._pauseMs && navigator.onLine !== false;
  }

  /** One pass, until a failure. */
  _drain(): Promise<void> {
    return drained(this._device, async (drains) => {
      const tried = new Set<string>();
      for (;;) {
        // asked anew each time: a batch that is too large leaves two
        const name = this._outbox._names(drains).find((one) => !tried.has(one));
        if (!name || !this._may) return;
        tried.add(name);
        await this._attempt(name, false);
      }
    });
  }

  /** The network came back: what failed for want of it need not wait longer. */
  _online(): void {
    if (this._unanswered) this._resumesAt = this._failures = this._unanswered = 0;
  }

  /** Store everything, and send what the browser carries beyond the page's end; with `unload` also what is under way. */
  _exit(unload: boolean): void {
    const names = this._outbox._store();
    for (const name of names) {
      const text = this._outbox._read(name);
      if (!text || !this._may) continue;
      const bytes = new Blob([text]).size + 100;
      if (this._exitBytes + bytes > EXIT_BYTES) continue;
      if (unload) this._flying.delete(name);
      this._exitBytes += bytes;
      void this._attempt(name, true).then(() => (this._exitBytes -= bytes));
    }
  }

  private async _attempt(name: string, exit: boolean): Promise<void> {
    const text = this._outbox._read(name);
    const kind = readSpoolName(name)?.kind;
    if (!text || !kind || this._flying.has(name)) return;
    this._flying.add(name);
    const answer = await send(this._endpoint, this._key, kind, sentBody(text), exit);
    this._flying.delete(name);
    // one that was sent while the page went away tells nothing by the lack of an answer
    if (answer.status || !exit) this._act(name, text, answer, kind);
  }

  private _act(name: string, text: string, answer: Answer, kind: string): void {
    const count = answer.status < 400 ? 1 : eventsOf(text).length;
    const decision = kind === 'events' ? decide(answer, count, Date.now()) : decideOtlp(answer, Date.now());
    if (decision.action === 'stop') this._stopped = decision.reason;
    if (decision.action === 'stop' || decision.action === 'retry') {
      this._outcomes._retried(decision.reason);
      if (decision.action === 'retry') this._wait(answer.status, decision.askedMs);
      this._outbox._store();
      return;
    }
    this._failures = this._unanswered = 0;
    if (!this._outbox._remove(name)) return; // wiped, or another tab was told the same
    if (decision.action === 'split') {
      const events = eventsOf(text).map((event) => JSON.stringify(event));
      const [first] = halves(count);
      for (const half of [events.slice(0, first), events.slice(first)]) this._outcomes._putEvents(half, parseInt(name));
      this._outbox._store();
    } else if (decision.action === 'drop') this._outcomes._lost(decision.reason, text);
    else this._outcomes._delivered(decision.rejected);
  }

  private _wait(status: number, askedMs: number | null): void {
    const now = performance.now();
    this._unanswered = status ? 0 : this._unanswered + 1;
    if (this._unanswered === 1) this._unansweredSince = now;
    const blocked = this._unanswered > 2 && navigator.onLine && now - this._unansweredSince > BLOCKED_AFTER_MS;
    this._resumesAt = now + (blocked ? BLOCKED_MS : delayMs(++this._failures, Math.random(), askedMs));
  }
}
