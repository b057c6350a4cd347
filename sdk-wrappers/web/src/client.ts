/** The client: makes events of its calls, with session, user and context, and has them delivered. */
import { cutText, fitAttributes, fitName, fitValue, type Attributes } from './core/fitting.js';
import { hash32, kept } from './core/sampling.js';
import { userHash } from './core/user_hash.js';
import { Delivery } from './delivery.js';
import { Device } from './device.js';
import { newId } from './new_id.js';
import { plainFailure } from './plain_failure.js';
import type { Consent, Options, Seamark, SeamarkEvent, Statistics } from './options.js';
import { SessionState } from './session_state.js';

const MOST_ALIKE = 5;
const USER = 'user';

export class Client implements Seamark {
  /** The route that events belong to. */
  _page = '';
  /** What an `exception` event says of an error. */
  _failureOf = plainFailure;
  private readonly _device: Device;
  private readonly _delivery: Delivery;
  private readonly _session: SessionState;
  private readonly _told: Record<string, string> = { lang: navigator.language };
  private _user: string | null = null;
  private _hashing = 0;
  private _known: Promise<void> | undefined;
  private _context: Attributes;
  private _seen = new Map<unknown, number>();
  private _held: SeamarkEvent[] = [];

  constructor(readonly _options: Options) {
    const { key, endpoint, persistence } = _options;
    const gpc = (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl;
    const consent = _options.consent ?? (gpc ? 'pending' : 'granted');
    // what was sealed for one key and address is never sent to another, and no key is on the device
    const prefix = `seamark.${hash32(`${endpoint}\0${key}`).toString(36)}.`;
    this._device = new Device(prefix, consent === 'granted', !gpc && persistence !== 'memory');
    this._delivery = new Delivery(_options, this._device, consent);
    this._session = new SessionState(this._device);
    this._context = this._common;
    // the first use of a time zone takes tens of milliseconds on slow devices
    setTimeout(() => (this._told.tz = Intl.DateTimeFormat().resolvedOptions().timeZone));
    addEventListener('pagehide', () => this._exit(true));
    document.addEventListener('visibilitychange', () => document.hidden && this._exit(false));
    // another tab went on with the session
    addEventListener('storage', () => this._session._load());
    this.setConsent(consent);
  }

  track(name: string, attributes?: Attributes, value?: number, unit?: string): void {
    this._safely(() => {
      if (this._delivery._consent === 'denied') return;
      const ts = Date.now();
      const { id, previous } = this._session._touch(ts, newId);
      if (!kept(id, this._options.sampleRate ?? 1)) {
        this._delivery._counts.sampled++;
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
      } else this._delivery._drop('repeated');
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
    else this._known = userHash(`${id}`, this._options.userSalt ?? '').then(known, () => known(null));
  }

  setContext(attributes: Attributes): void {
    Object.assign(this._context, attributes);
  }

  setConsent(consent: Consent): void {
    this._delivery._setConsent(consent);
    // read or written only now, where consent was pending
    if (this._user) this._device._set(USER, this._user);
    else this._user = this._device._get(USER);
    if (consent !== 'denied') return;
    this._held = [];
    this.reset();
  }

  reset(): void {
    this._context = this._common;
    this._session._forget();
    this.identify(null);
  }

  async flush(timeoutMs = 10_000): Promise<boolean> {
    await this._known;
    return this._delivery._flush(timeoutMs);
  }

  async shutdown(): Promise<boolean> {
    const done = await this.flush(2000);
    this._exit(false);
    this._delivery._consent = 'denied';
    return done;
  }

  get sessionId(): string {
    return this._session._id;
  }

  stats(): Statistics {
    return this._delivery._statistics;
  }

  sendOtlp(kind: 'traces' | 'logs', body: string): void {
    if (this._delivery._consent !== 'denied') this._delivery._putOtlp(kind, body);
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
      if (told) this._delivery._add(told);
      else this._delivery._drop('redacted');
    }
  }

  private _exit(unload: boolean): void {
    this._safely(() => {
      this._settle();
      this._delivery._exit(unload);
    });
  }

  /** An SDK never breaks what it observes. */
  _safely(work: () => void): void {
    try {
      work();
    } catch {
      this._delivery._drop('internal');
    }
  }
}
