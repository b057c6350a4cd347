/** Every vector of `sdk-wrappers/spec/vectors` through this SDK's functions; writes the report that is checked. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decide } from '../src/core/answers';
import { delayMs } from '../src/core/backoff';
import { cut, halves } from '../src/core/batch_cut';
import { fingerprint, type Frame } from '../src/core/fingerprint';
import { fitAttributes, fitName, fitValue } from '../src/core/fitting';
import { uuid7 } from '../src/core/ids';
import { hash32, kept } from '../src/core/sampling';
import { scrubText, scrubUrl } from '../src/core/scrub';
import { change, touch, type Session } from '../src/core/session';
import { evictions, readSpoolName, spoolName } from '../src/core/spool_names';
import { userHash } from '../src/core/user_hash';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- documents of another language
type Given = any;

const FOLDER = join(process.cwd(), '../spec/vectors');

/** The value, or the number that `{"$float": …}` stands for. */
function number(value: Given): unknown {
  return typeof value?.$float === 'string' ? Number(value.$float) : value;
}

function truncation(given: Given): unknown {
  const told = Object.entries(given.attrs ?? {}).map(([key, value]) => [key, number(value)]);
  const [attrs, leftOut] = fitAttributes(Object.fromEntries(told));
  return { name: fitName(given.name), value: fitValue(number(given.value)), attrs, leftOut };
}

function spool(given: Given): unknown {
  if (given.make) return { name: spoolName(given.make.ms, given.make.batchId, given.make.kind) };
  if (given.read) return readSpoolName(given.read);
  const files = given.files.map((file: Given) => [file.name, file.bytes]);
  return { delete: evictions(files, given.nowMs, given.mostBytes).map(([name, reason]) => ({ name, reason })) };
}

const FUNCTIONS: Record<string, (given: Given) => unknown> = {
  answers: (given) =>
    decide(
      { status: given.status, retryAfter: given.headers['retry-after'] ?? null, body: given.body },
      given.events,
      given.nowMs
    ),
  backoff: (given) => delayMs(given.attempt, given.rand, given.askedMs),
  'batch-cut': (given) =>
    given.count ? halves(given.count) : cut(given.sizes, given.mostEvents, given.mostBytes, given.hardBytes),
  fingerprint: (given) => fingerprint(given.type, given.message, given.frames as Frame[]),
  hash: (given) => userHash(given.id, given.salt),
  id: (given) => uuid7(given.ms, Uint8Array.from(Buffer.from(given.random, 'hex'))),
  sampling: (given) => ({ hash: hash32(given.key), kept: kept(given.key, given.rate) }),
  'scrub-text': (given) => scrubText(given),
  'scrub-url': (given) => scrubUrl(given.url, given.denied),
  session: (given) => ({
    session: touch(given.session as Session | null, given.nowMs, given.newId),
    change: change(given.session as Session | null, given.nowMs),
  }),
  'spool-name': spool,
  truncation,
};

const files = readdirSync(FOLDER).sort();
const bytes = files.map((name) => readFileSync(join(FOLDER, name)));
const sha256 = createHash('sha256').update(Buffer.concat(bytes)).digest('hex');
const passed: string[] = [];

for (const [index, body] of bytes.entries()) {
  const document = JSON.parse(body.toString()) as { function: string; cases: Given[] };
  test(`${files[index]}: each function gives what the vector says`, async (context) => {
    for (const one of document.cases) {
      await context.test(one.id, async () => {
        assert.deepEqual(await FUNCTIONS[document.function](one.in), one.out);
        passed.push(one.id);
      });
    }
  });
}

test('the report names every vector that passed', () => {
  const report = process.env.SEAMARK_VECTOR_REPORT;
  if (report) writeFileSync(report, JSON.stringify({ sdk: 'seamark-web', sha256, passed }));
  console.log(`seamark-web: ${passed.length} vectors, sha256 ${sha256}`);
});
