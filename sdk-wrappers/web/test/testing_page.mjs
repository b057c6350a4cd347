// A user's test with Playwright, run by tests/integration/test_web_testing.py: `node testing_page.mjs CHROMIUM SITE`.
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { receive } from '../dist/testing.js';

const [executablePath, site] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--no-zygote', '--disable-gpu', '--disable-dev-shm-usage'],
});
try {
  const page = await browser.newPage();
  const seamark = await receive(page, 'https://ingest.example');
  await page.goto(`${site}/cart`);
  await page.evaluate(async () => {
    const { init } = await import('/dist/index.js');
    const sdk = init({ key: 'k', endpoint: 'https://ingest.example', batch: { intervalMs: 100 } });
    sdk.track('purchase', { plan: 'gold' });
    globalThis.sdk = sdk;
  });

  await seamark.received('page_view', { page: '/cart' }, { times: 1 });
  await seamark.received('purchase', { plan: 'gold' }, { times: 1 });
  seamark.noPii('Ann Lee');
  await assert.rejects(seamark.received('purchase', { plan: 'free' }, { timeoutMs: 200 }), /plan":"gold/);
  await assert.rejects(seamark.received('purchase', {}, { times: 0, timeoutMs: 200 }), /1 received/);
  await seamark.received('refund', {}, { times: 0, timeoutMs: 200 });

  await page.evaluate(() => globalThis.sdk.track('note', { text: 'ann@shop.example' }));
  await seamark.received('note');
  assert.throws(() => seamark.noPii(), /note has personal data/);
  assert.throws(() => seamark.noPii('gold'), /purchase has gold/);
} finally {
  await browser.close();
}
