/**
 * Which errors are the same, so that a repeated one is sent only so often. As the groups of the API: type and
 * innermost frames, or type and message where there is no frame.
 */

/** One line of a stack: file (a path or URL) and function; "" where unknown. */
export interface Frame {
  file: string;
  function: string;
}

/**
 * 16 hex digits: FNV-1a, 64 bits, of the type and the three top frames or the masked message. `frames` has the
 * innermost first. Lines and columns are no part of it, nor are directories and the hashes of bundlers.
 */
export function fingerprint(type: string, message: string, frames: readonly Frame[]): string {
  const top = frames.slice(0, 3).map((frame) => `${fileName(frame.file)}:${frame.function}`);
  let value = 0xcbf29ce484222325n;
  for (const octet of new TextEncoder().encode([type, ...(top.length ? top : [masked(message)])].join('\n'))) {
    value = BigInt.asUintN(64, (value ^ BigInt(octet)) * 0x100000001b3n);
  }
  return value.toString(16).padStart(16, '0');
}

function fileName(path: string): string {
  const name = path.split(/[?#]/, 1)[0].replace(/.*[/\\]/s, '');
  return name.replace(/[.-](?=\w*[0-9])\w{8,64}(?=\.[A-Za-z0-9.]{1,24}$)/g, '');
}

function masked(message: string): string {
  const line = message
    .split('\n', 1)[0]
    .replace(/"[^"]{0,200}"|'[^']{0,200}'|`[^`]{0,200}`/g, '*')
    .replace(/\b(?:0x[0-9a-f]{1,32}|[0-9a-f]{8,64}(?:-[0-9a-f]{4,12}){0,4})\b/gi, '*')
    .replace(/[0-9]{1,64}/g, '*');
  return [...line].slice(0, 300).join('');
}
