/** Sampling by a hash of the session, so that whole sessions are kept or left out everywhere. */

/**
 * FNV-1a of the UTF-8 bytes, 32 bits, then MurmurHash3's `fmix32`: FNV-1a alone leaves the upper bits
 * of keys that end alike almost equal.
 */
export function hash32(key: string): number {
  let value = 0x811c9dc5;
  for (const octet of new TextEncoder().encode(key)) value = Math.imul(value ^ octet, 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

/** Whether events of `key` (a session id) are sent at this rate, 0 to 1. */
export function kept(key: string, rate: number): boolean {
  return hash32(key) < rate * 2 ** 32;
}
