/**
 * An event made to fit the collector's limits, so that it is not rejected for size or types. Lengths are in
 * characters (Unicode code points) but for the text of an attribute, which is in bytes of UTF-8.
 */

export type Scalar = string | number | boolean;
export type Attributes = Record<string, unknown>;

const TEXT_BYTES = 4096;

/** The first characters of a text. */
export function cutText(text: string, most = 128): string {
  return text.length > most ? [...text].slice(0, most).join('') : text;
}

/** A name the collector takes: each other character becomes `_`; `unnamed` for none at all. */
export function fitName(name: unknown): string {
  return `${name}`.replace(/[^A-Za-z0-9._/:-]/gu, '_').slice(0, 128) || 'unnamed';
}

/** Text of at most 4,096 bytes of UTF-8, cut between characters; an ellipsis marks the cut. */
export function fitText(text: string): string {
  if (text.length * 3 <= TEXT_BYTES) return text;
  const octets = new TextEncoder().encode(text);
  if (octets.length <= TEXT_BYTES) return text;
  return `${new TextDecoder().decode(octets.subarray(0, TEXT_BYTES - 3), { stream: true })}…`;
}

/** A finite number within ±1e15, or null. */
export function fitValue(value: unknown): number | null {
  return typeof value == 'number' && Math.abs(value) <= 1e15 ? value : null;
}

/**
 * The attributes that are sent, in their order, and how many were left out: those beyond 64, without a key, or
 * whose number is not finite. Null is not sent and not counted. Arrays and objects become JSON, integers beyond
 * 64 bits text; a key beyond 128 characters is cut, and is left out where the cut key is there already.
 */
export function fitAttributes(attributes: Attributes): [Record<string, Scalar>, number] {
  const fitted = new Map<string, Scalar>();
  let leftOut = 0;
  for (const [name, value] of Object.entries(attributes)) {
    if (value == null) continue;
    const key = cutText(name);
    const fit = scalar(value);
    if (fit == null || !key || fitted.has(key) || fitted.size > 63) leftOut++;
    else fitted.set(key, fit);
  }
  return [Object.fromEntries(fitted), leftOut];
}

function scalar(value: unknown): Scalar | undefined {
  switch (typeof value) {
    case 'boolean':
      return value;
    case 'number':
      if (!Number.isFinite(value)) return undefined;
      return Number.isInteger(value) && Math.abs(value) >= 2 ** 63 ? `${value}` : value;
    case 'string':
      return fitText(value);
    case 'object':
      try {
        return fitText(JSON.stringify(value) ?? 'null');
      } catch {
        return 'object';
      }
    default:
      return fitText(String(value));
  }
}
