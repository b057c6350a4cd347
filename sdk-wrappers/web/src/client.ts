/** The client: takes events, makes them fit, seals them into batches, and has them delivered. */
import { cut } from './core/batch_cut.js';
import { cutText, fitAttributes, fitName, fitValue, type Attributes } from './core/fitting.js';
import { RANDOM_BYTES, uuid7 } from './core/ids.js';
import { hash32, kept } from './core/sampling.js';
import { spoolName } from './core/spool_names.js';
import { userHash } from './core/user_hash.js';
import { Device } from './device.js';
import { plainFailure } from './plain_failure.js';
import type { Consent, Options, Seamark, SeamarkEvent, Statistics } from './options.js';
import { Outbox } from './outbox.js';
import { eventsOf, Sender } from './sender.js';
import { SessionState } from './session_state.js';
import { NAME, VERSION } from './version.js';

const HARD_BYTES = 512 * 1024;
const PENDING_EVENTS = 200;
const MOST_ALIKE = 5;
const USER = 'user';

/** An id of this moment. */
export function newId(): string {
  return uuid7(Date.now(), crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)));
}

export class Client implements Seamark {
  /** The route that events belong to. */
  _page = '';
  /** What an `exception` event says of an error. */
  _failureOf = plainFailure;
  private readonly _most: { events: number; bytes: number; intervalMs: number };
  private readonly _device: Device;
  private readonly _outbox: Outbox;
  private readonly _sender: Sender;
  private readonly _session: SessionState;
  private readonly _told: Record<string, string> = { lang: navigator.language };
  private _consent: Consent;
  private _user: string | null;
  private _hashing = 0;
  private _context: Attributes;
  private _seen = new Map<unknown, number>();
  private _held: SeamarkEvent[] = [];
  private _queue: string[] = [];
  private _queued = 0;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _passes = Promise.resolve();
  private _counts = { tracked: 0, sampled: 0, delivered: 0, rejected: 0, retries: 0, lastError: '' };
  private _dropped: Record<string, number> = {};

  constructor(readonly _options: Options) {
    const { key, endpoint, consent, persistence, storeBytes = 1e6 } = _options;
    const gpc = (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl;
    this._most = { events: 50, bytes: 48_000, intervalMs: 5000, ..._options.batch };
    this._consent = consent ?? (gpc ? 'pending' : 'granted');
    // what was sealed for one key and address is never sent to another, and no key is on the device
    const prefix = `seamark.${hash32(`${endpoint}\0${key}`).toString(36)}.`;
    this._device = new Device(prefix, this._consent === 'granted', !gpc && persistence !== 'memory');
    this._outbox = new Outbox(this._device, storeBytes, (reason, text) => this._lost(reason, text));
    this._sender = new Sender(endpoint.replace(/\/+$/, ''), key, this._device, this._outbox, this);
    this._session = new SessionState(this._device);
    this._user = this._device._get(USER);
    this._context = this._common;
    // the first use of a time zone takes tens of milliseconds on slow devices
    setTimeout(() => (this._told.tz = Intl.DateTimeFormat().resolvedOptions().timeZone));
    const on = (target: EventTarget, type: string, listener: () => void) => target.addEventListener(type, listener);
    on(window, 'pagehide', () => this._exit(true));
    addEventListener('pageshow', (event) => event.persisted && this._schedule(0));
    // another tab went on with the session, or left batches behind when it was closed
    on(window, 'storage', () => (this._session._load(), this._outstanding && this._schedule()));
    on(window, 'online', () => (this._sender._online(), this._schedule(0)));
    on(document, 'visibilitychange', () => document.hidden && this._exit(false));
    this.setConsent(this._consent);
  }

  track(name: string, attributes?: Attributes, value?: number, unit?: string): void {
    this._safely(() => {
      if (this._consent === 'denied') return;
      const ts = Date.now();
      const { id, previous } = this._session._touch(ts, newId);
      if (!kept(id, this._options.sampleRate ?? 1)) {
        this._counts.sampled++;
        return;
      }
      if (previous !== null) this._make('session.start', { 'session.previous_id': previous || null }, ts, id);
      this._make(name, attributes, ts, id, value, unit);
    });
  }

  page(name?: string, attributes?: Attributes): void {
    this._page = name ?? this._page;
    this._seen.clear();
    this.track('page_view', attributes);
  }

  feature(featureId: string, attributes?: Attributes): void {
    this.track('feature_click', { feature_id: featureId, ...attributes });
  }

  measure(name: string, value: number, unit = '1', attributes?: Attributes): void {
    this.track(name, attributes, value, unit);
  }

  captureError(error: unknown, attributes?: Attributes): void {
    this._safely(() => {
      const told = this._failureOf(error);
      if (this._allows(told['error.fingerprint'] ?? told['exception.message'], MOST_ALIKE)) {
        this.track('exception', { ...told, ...attributes });
      } else this._drop('repeated');
    });
  }

  /** Whether it is one of the first so many in this page view. */
  _allows(what: unknown, most: number): boolean {
    const seen = (this._seen.get(what) ?? 0) + 1;
    this._seen.set(what, seen);
    return seen <= most;
  }

  identify(id: string | null, options?: { raw?: boolean }): void {
    const turn = ++this._hashing;
    const known = (user: string | null): void => {
      if (turn !== this._hashing) return;
      this._hashing = 0;
      this._user = user && cutText(user);
      if (user) this._device._set(USER, user);
      else this._device._remove(USER);
      this._settle();
    };
    if (id === null || options?.raw) known(id);
    else userHash(`${id}`, this._options.userSalt ?? '').then(known, () => known(null));
  }

  setContext(attributes: Attributes): void {
    Object.assign(this._context, attributes);
  }

  setConsent(consent: Consent): void {
    this._consent = consent;
    this._device._on = consent === 'granted';
    if (consent === 'denied') {
      this._queue = [];
      this._queued = 0;
      this._held = [];
      this._outbox._wipe();
      this.reset();
    }
    this._schedule(this._outstanding ? 0 : undefined);
  }

  reset(): void {
    this._context = this._common;
    this._session._forget();
    this.identify(null);
  }

  async flush(timeoutMs = 10_000): Promise<boolean> {
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

  async shutdown(): Promise<boolean> {
    const done = await this.flush(2000);
    this._exit(false);
    this._consent = 'denied';
    return done;
  }

  get sessionId(): string {
    return this._session._id;
  }

  stats(): Statistics {
    return {
      ...this._counts,
      dropped: { ...this._dropped },
      stopped: this._sender._stopped,
      waitingBatches: this._outbox._names(true).length,
    };
  }

  sendOtlp(kind: 'traces' | 'logs', body: string): void {
    if (this._consent === 'denied') return;
    this._outbox._put(spoolName(Date.now(), newId(), kind), body);
    this._schedule();
  }

  private get _common(): Attributes {
    const { service, release, environment } = this._options;
    return {
      'service.name': service,
      'service.version': release,
      'deployment.environment.name': environment,
      platform: 'web',
    };
  }

  private get _outstanding(): boolean {
    return this._queue.length + this._outbox._names(true).length > 0;
  }

  private _make(
    name: string,
    attributes: Attributes | undefined,
    ts: number,
    sessionId: string,
    value?: unknown,
    unit?: string
  ): void {
    this._held.push({
      id: newId(),
      ts,
      name: fitName(name),
      value: fitValue(value) ?? undefined,
      unit: unit && cutText(unit, 64),
      attrs: fitAttributes({ page: this._page || null, ...this._context, ...attributes })[0],
      sessionId,
      device: this._told,
    });
    if (!this._hashing) this._settle();
  }

  /** Queue what waited for the hash of its user. */
  private _settle(): void {
    for (const event of this._held.splice(0)) {
      if (this._user) event.userAnonId = this._user;
      const { beforeSend } = this._options;
      let told: SeamarkEvent | null = event;
      try {
        if (beforeSend) told = beforeSend(event);
      } catch {
        told = null; // to send it may be what the hook was to prevent
      }
      if (!told) this._drop('redacted');
      else if (this._consent === 'pending' && this._queue.length >= PENDING_EVENTS) this._drop('queue_full');
      else {
        this._queued += this._queue[this._queue.push(JSON.stringify(told)) - 1].length;
        this._counts.tracked++;
      }
    }
    const full = this._queue.length >= this._most.events || this._queued >= this._most.bytes;
    this._schedule(full ? 0 : undefined);
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

  _putEvents(events: string[], ms: number): void {
    const { appId, sampleRate } = this._options;
    const batchId = newId();
    const head = JSON.stringify({ sdk: { name: NAME, version: VERSION }, appId, batchId, sampleRate });
    this._outbox._put(spoolName(ms, batchId, 'events'), `${head.slice(0, -1)},"events":[${events}]`);
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

  private _exit(unload: boolean): void {
    this._safely(() => {
      this._settle();
      if (this._consent !== 'granted') return;
      this._seal();
      this._sender._exit(unload);
    });
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

  private _drop(reason: string, events = 1): void {
    this._dropped[reason] = (this._dropped[reason] ?? 0) + events;
  }

  /** An SDK never breaks what it observes. */
  _safely(work: () => void): void {
    try {
      work();
    } catch {
      this._drop('internal');
    }
  }
}
