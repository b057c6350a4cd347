/** The session that the tabs of an origin share: on the device, with a copy in memory. */
import { change, touch, type Session } from './core/session.js';
import { parsed, type Device } from './device.js';

/** How old what other tabs read may be. */
const WRITE_MS = 5000;
/** Sessions that two tabs began at once become one: the one with the lesser id. */
const TOGETHER_MS = 10_000;
const ITEM = 'session';

export class SessionState {
  private _session: Session | null = null;
  private _written = 0;

  constructor(private readonly _device: Device) {
    this._load();
  }

  get _id(): string {
    return this._session?.id ?? '';
  }

  /** The session of an event at `now`; the id of the one before where a new one began, else null. */
  _touch(now: number, newId: () => string): { id: string; previous: string | null } {
    if (change(this._session, now) !== 'kept') this._load(); // another tab may have gone on
    const before = this._id;
    this._session = touch(this._session, now, newId());
    const began = this._id !== before;
    if (began || now - this._written > WRITE_MS) this._save(now);
    return { id: this._id, previous: began ? before : null };
  }

  _forget(): void {
    this._session = null;
    this._device._remove(ITEM);
  }

  /** Take what another tab wrote. */
  _load(): void {
    const told = parsed<Session | null>(this._device._get(ITEM), null);
    const own = this._session;
    if (!told?.id) return;
    if (own && told.id > own.id && told.startedMs - own.startedMs < TOGETHER_MS) this._save(Date.now());
    else this._session = told;
  }

  private _save(now: number): void {
    this._written = now;
    this._device._set(ITEM, JSON.stringify(this._session));
  }
}
