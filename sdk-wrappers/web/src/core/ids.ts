/** Ids of events, batches and sessions: UUID version 7 (RFC 9562 §5.7). */

export const RANDOM_BYTES = 10;

/** The id of a moment: `ms` since the epoch, clamped to 48 bits; `random` has 10 bytes. */
export function uuid7(ms: number, random: Uint8Array): string {
  const octets = Array.from(random, (octet, index) =>
    (index === 0 ? 0x70 | (octet & 15) : index === 2 ? 0x80 | (octet & 63) : octet).toString(16).padStart(2, '0')
  );
  return (
    Math.max(0, Math.min(ms, 2 ** 48 - 1))
      .toString(16)
      .padStart(12, '0') + octets.join('')
  ).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
