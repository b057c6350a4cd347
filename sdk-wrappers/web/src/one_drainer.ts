/** One tab of an origin at a time sends what is stored: a Web Lock, or a lease on the device where there are none. */
import type { Device } from './device.js';

const LEASE_MS = 60_000;
const LEASE = 'lease';

/** Run `work` with whether this tab is the one that drains. */
export async function drained(device: Device, work: (drains: boolean) => Promise<void>): Promise<void> {
  if (!device._used) return work(false);
  if (navigator.locks) {
    await navigator.locks.request(device._prefix, { ifAvailable: true }, (lock) => work(!!lock));
    return;
  }
  const now = Date.now();
  const free = now > +(device._get(LEASE) ?? 0);
  if (free) device._set(LEASE, `${now + LEASE_MS}`);
  await work(free);
  if (free) device._remove(LEASE);
}
