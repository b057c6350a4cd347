/** What an `exception` event says of an error, with its stack and fingerprint. */
import { fingerprint, type Frame } from './core/fingerprint.js';
import type { Attributes } from './core/fitting.js';
import { scrubText } from './core/scrub.js';
import { plainFailure } from './plain_failure.js';

/** A line of V8's stacks, or of Gecko's and WebKit's. */
const LINE =
  /^\s{0,16}at (?:(?:async )?(.{1,200}?) \()?(.{1,500}?):\d+(?::\d+)?\)?$|^(.{0,200}?)@(.{1,500}?):\d+(?::\d+)?$/;

/** The frames of a stack, the innermost first. */
export function framesOf(stack: string): Frame[] {
  const frames: Frame[] = [];
  for (const line of stack.slice(0, 8192).split('\n')) {
    const found = LINE.exec(line);
    if (found) frames.push({ file: found[2] ?? found[4], function: found[1] ?? found[3] ?? '' });
  }
  return frames;
}

/** Of a stack that is too long the innermost frames stay: they stand first. */
export function failureOf(error: unknown): Attributes {
  const told = plainFailure(error);
  const stack = `${(error as Partial<Error> | null)?.stack ?? ''}`;
  return {
    ...told,
    'exception.stacktrace': scrubText(stack.slice(0, 4096)) || null,
    'error.fingerprint': fingerprint(
      told['exception.type'] as string,
      told['exception.message'] as string,
      framesOf(stack)
    ),
  };
}
