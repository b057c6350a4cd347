/** Sealed batches that wait: in memory until they are stored, then on the device, one item each. */
import { evictions, readSpoolName } from './core/spool_names.js';
import type { Device } from './device.js';

export class Outbox {
  private readonly _memory = new Map<string, string>();

  constructor(
    private readonly _device: Device,
    private readonly _mostBytes: number,
    private readonly _lost: (reason: string, text: string) => void
  ) {}

  /** Keep a batch in memory. */
  _put(name: string, text: string): void {
    this._memory.set(name, text);
    this._evict([...this._memory.keys()]);
  }

  /** Move what is in memory to the device, as far as there is room; the names of all that was in memory. */
  _store(): string[] {
    const names = [...this._memory.keys()];
    const stored = names.filter((name) => this._device._set(name, this._memory.get(name) as string));
    stored.forEach((name) => this._memory.delete(name));
    if (stored.length) this._evict(this._names(true));
    return names;
  }

  /** Names in the order of their time: those in memory, and where asked for those on the device. */
  _names(stored: boolean): string[] {
    const device = stored && this._device._on ? this._device._names().filter(readSpoolName) : [];
    return [...this._memory.keys(), ...device].sort();
  }

  _read(name: string): string | null {
    return this._memory.get(name) ?? this._device._get(name);
  }

  /** Whether it was there. */
  _remove(name: string): boolean {
    const there = this._read(name) !== null;
    this._memory.delete(name);
    this._device._remove(name);
    return there;
  }

  _wipe(): void {
    this._memory.clear();
    this._device._names().forEach((name) => this._device._remove(name));
  }

  private _evict(names: string[]): void {
    const sizes = names.map((name) => [name, this._read(name)?.length ?? 0] as const);
    for (const [name, reason] of evictions(sizes, Date.now(), this._mostBytes)) {
      this._lost(reason, this._read(name) ?? '');
      this._remove(name);
    }
  }
}
