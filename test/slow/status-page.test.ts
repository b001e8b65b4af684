// The status page that the demo leaves, in a real browser.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import { launch, open, skipWithoutBrowser } from './support/browser.ts';
import { demoOnce } from './support/demo.ts';

interface Status {
  readonly overall: string;
  readonly components: readonly { readonly name: string; readonly state: string; readonly kind: string }[];
}

beforeEach(skipWithoutBrowser);

test.each([1280, 360])(
  'the page renders in a browser %i pixels wide: components and slots, no complaint, nothing loaded from anywhere',
  async (width) => {
    const { browser, url, status } = await prepare();
    const { page, requests, complaints } = await open(browser, url, width);
    expect(await page.title()).toMatch(/AlphaSwarm status$/);
    expect(await page.locator('h1').textContent()).not.toBe('');
    expect(await page.locator('ul.components > li .name').allTextContents()).toEqual(
      expect.arrayContaining(status.components.map(({ name }) => name)),
    );
    expect(await page.locator('ul.components > li').count()).toBe(status.components.length);
    const text = await page.locator('body').innerText();
    for (const schedule of ['killswitch-heartbeat', 'runs-reap', 'status-sync']) expect(text).toContain(schedule);
    // Drawn, and not only there: each strip of samples has cells with a size and a colour of their own.
    const cell = page.locator('svg rect').first();
    expect(await page.evaluate("getComputedStyle(document.querySelector('svg rect')).fill")).not.toBe('rgb(0, 0, 0)');
    const box = await cell.boundingBox();
    expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThan(0);
    const { scrollWidth, clientWidth } = await page.evaluate<Record<'scrollWidth' | 'clientWidth', number>>(
      '({ scrollWidth: document.documentElement.scrollWidth, clientWidth: document.documentElement.clientWidth })',
    );
    expect(scrollWidth).toBeLessThanOrEqual(clientWidth);
    expect(complaints).toEqual([]);
    expect(requests).toEqual([url]);
  },
  240_000,
);

test('the page says the same without styles and without a script: it has headings in order and a label for each strip', async () => {
  const { browser, url } = await prepare();
  const { page } = await open(browser, url, 1280);
  expect(await page.locator('script').count()).toBe(0);
  const levels = await page
    .locator('h1, h2, h3')
    .evaluateAll((all) => all.map(({ tagName }) => Number(tagName.slice(1))));
  expect(levels[0]).toBe(1);
  for (const [at, level] of levels.entries()) expect(level - (levels[at - 1] ?? 1)).toBeLessThanOrEqual(1);
  const labels = await page.locator('svg').evaluateAll((all) => all.map((one) => one.getAttribute('aria-label') ?? ''));
  expect(labels.length).toBeGreaterThan(0);
  for (const label of labels) expect(label).toMatch(/^\d+ last (samples|days): \d+ /);
}, 240_000);

/** The demo's page and a browser. */
async function prepare(): Promise<{ browser: Browser; url: string; status: Status }> {
  const demo = await demoOnce();
  if (demo.status !== 0) throw new Error(`the demo ended with status ${demo.status}:\n${demo.stderr}`);
  const { statusPage } = (JSON.parse(demo.stdout) as { ingest: { statusPage: string } }).ingest;
  const status = JSON.parse(readFileSync(join(dirname(statusPage), 'status.json'), 'utf8')) as Status;
  const browser = await launch();
  return { browser, url: pathToFileURL(statusPage).href, status };
}
