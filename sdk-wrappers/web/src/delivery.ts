/** Queues events, seals them into batches, schedules the sender, and counts the outcomes. */
import { cut } from './core/batch_cut.js';
import { spoolName } from './core/spool_names.js';
import type { Device } from './device.js';
import { newId } from './new_id.js';
import type { Consent, Options, SeamarkEvent, Statistics } from './options.js';
import { Outbox } from './outbox.js';
import { eventsOf, Sender, type Outcomes } from './sender.js';
import { NAME, VERSION } from './version.js';

const HARD_BYTES = 512 * 1024;
const PENDING_EVENTS = 200;

export class Delivery implements Outcomes {
  _counts = { tracked: 0, sampled: 0, delivered: 0, rejected: 0, retries: 0, lastError: '' };
  private readonly _most: { events: number; bytes: number; intervalMs: number };
  private readonly _outbox: Outbox;
  private readonly _sender: Sender;
  private _queue: string[] = [];
  private _queued = 0;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _passes = Promise.resolve();
  private _dropped: Record<string, number> = {};

  constructor(
    private readonly _options: Options,
    private readonly _device: Device,
    public _consent: Consent
  ) {
    const { key, endpoint, storeBytes = 1e6 } = _options;
    this._most = { events: 50, bytes: 48_000, intervalMs: 5000, ..._options.batch };
    this._outbox = new Outbox(_device, storeBytes, (reason, text) => this._lost(reason, text));
    this._sender = new Sender(endpoint.replace(/\/+$/, ''), key, _device, this._outbox, this);
    addEventListener('pageshow', (event) => event.persisted && this._schedule(0));
    // another tab left batches behind when it was closed
    addEventListener('storage', () => this._outstanding && this._schedule());
    addEventListener('online', () => (this._sender._online(), this._schedule(0)));
  }

  /** Denied: everything that waits is wiped. */
  _setConsent(consent: Consent): void {
    this._consent = consent;
    this._device._on = consent === 'granted';
    if (consent === 'denied') {
      this._queue = [];
      this._queued = 0;
      this._outbox._wipe();
    }
    this._schedule(this._outstanding ? 0 : undefined);
  }

  _add(event: SeamarkEvent): void {
    if (this._consent === 'pending' && this._queue.length >= PENDING_EVENTS) this._drop('queue_full');
    else {
      this._queued += this._queue[this._queue.push(JSON.stringify(event)) - 1].length;
      this._counts.tracked++;
    }
    const full = this._queue.length >= this._most.events || this._queued >= this._most.bytes;
    this._schedule(full ? 0 : undefined);
  }

  _putOtlp(kind: 'traces' | 'logs', body: string): void {
    this._outbox._put(spoolName(Date.now(), newId(), kind), body);
    this._schedule();
  }

  _putEvents(events: string[], ms: number): void {
    const { appId, sampleRate } = this._options;
    const batchId = newId();
    const head = JSON.stringify({ sdk: { name: NAME, version: VERSION }, appId, batchId, sampleRate });
    this._outbox._put(spoolName(ms, batchId, 'events'), `${head.slice(0, -1)},"events":[${events}]`);
  }

  async _flush(timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      await this._pass();
      if (!this._outstanding) return true;
      const left = deadline - performance.now();
      const pause = this._sender._pauseMs || 50;
      if (left <= pause || this._sender._stopped) return false;
      await new Promise((resolve) => setTimeout(resolve, Math.ceil(pause)));
    }
  }

  /** The page is hidden, or with `unload` left. */
  _exit(unload: boolean): void {
    if (this._consent !== 'granted') return;
    this._seal();
    this._sender._exit(unload);
  }

  get _statistics(): Statistics {
    return {
      ...this._counts,
      dropped: { ...this._dropped },
      stopped: this._sender._stopped,
      waitingBatches: this._outbox._names(true).length,
    };
  }

  private get _outstanding(): boolean {
    return this._queue.length + this._outbox._names(true).length > 0;
  }

  /** Seal what is queued. */
  private _seal(): void {
    const queue = this._queue;
    this._queue = [];
    this._queued = 0;
    const encoder = new TextEncoder();
    const sizes = queue.map((text) => encoder.encode(text).length);
    const { batches, tooLarge } = cut(sizes, this._most.events, this._most.bytes, HARD_BYTES);
    if (tooLarge.length) this._drop('too_large', tooLarge.length);
    for (const batch of batches) {
      this._putEvents(
        batch.map((index) => queue[index]),
        Date.now()
      );
    }
  }

  /** Seal and send, after the pass that is under way. */
  private _pass(): Promise<void> {
    return (this._passes = this._passes
      .then(() => {
        if (this._consent !== 'granted') return;
        this._seal();
        return this._sender._drain();
      })
      .catch(() => this._drop('internal'))
      .then(() => {
        if (this._outstanding) this._schedule();
      }));
  }

  /** Have a pass run at the next interval or after a pause, whichever is later, or with 0 at once. */
  private _schedule(ms?: number): void {
    if (this._timer !== undefined && ms !== 0) return;
    clearTimeout(this._timer);
    // rounded up: rounded down it fires early and finds nothing to do
    const wait = Math.ceil(ms ?? Math.max(this._sender._pauseMs, this._most.intervalMs));
    this._timer = setTimeout(() => {
      this._timer = undefined;
      if (this._consent === 'granted' && !this._sender._stopped) void this._pass();
    }, wait);
  }

  _delivered(rejected: number): void {
    this._counts.delivered++;
    this._counts.rejected += rejected;
    this._counts.lastError = '';
  }

  _lost(reason: string, text: string): void {
    this._drop(reason, eventsOf(text).length);
  }

  _retried(reason: string): void {
    this._counts.retries++;
    this._counts.lastError = reason;
  }

  _drop(reason: string, events = 1): void {
    this._dropped[reason] = (this._dropped[reason] ?? 0) + events;
  }
}
