/** What is written to the device: items of localStorage under one prefix. */

/** JSON of another time or origin, or the fallback where it is none. */
export function parsed<T>(text: string | null, fallback: T): T {
  try {
    return (JSON.parse(text ?? '') as T | null) ?? fallback;
  } catch {
    return fallback;
  }
}

export class Device {
  private readonly _storage: Storage | undefined;

  /** `_on`: whether anything may be read or written; `used` false: never. */
  constructor(
    readonly _prefix: string,
    public _on: boolean,
    used: boolean
  ) {
    try {
      if (used) this._storage = localStorage;
    } catch {
      // a page without storage
    }
  }

  /** Whether anything can be read and written now. */
  get _used(): boolean {
    return this._on && !!this._storage;
  }

  _get(name: string): string | null {
    return (this._on && this._storage?.getItem(this._prefix + name)) || null;
  }

  /** Whether it is there now: not where there is no room, or nothing may be written. */
  _set(name: string, text: string): boolean {
    try {
      if (this._on) this._storage?.setItem(this._prefix + name, text);
      return this._used;
    } catch {
      return false;
    }
  }

  _remove(name: string): void {
    this._storage?.removeItem(this._prefix + name);
  }

  /** Names of all items, also of those that may not be read now. */
  _names(): string[] {
    return Object.keys(this._storage ?? {})
      .filter((key) => key.startsWith(this._prefix))
      .map((key) => key.slice(this._prefix.length));
  }
}
