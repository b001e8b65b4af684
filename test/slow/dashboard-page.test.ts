// The Beat dashboard as a page, in a real browser.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { scheduleKeys } from '#core/catalogue/schedules.ts';
import { renderDashboards } from '#local/dashboard-page.ts';
import { startPlane } from '#local/plane.ts';
import { launch, open, skipWithoutBrowser } from './support/browser.ts';

const startAtMs = Date.parse('2026-11-20T12:03:30Z');
let url = '';

beforeAll(async () => {
  const folder = join(inject('sharedDir'), 'dashboards');
  const plane = await startPlane({
    assemblyDir: inject('assemblyDir'),
    dataDir: join(folder, 'plane'),
    clock: 'driven',
    startAtMs,
  });
  try {
    // Until each schedule has had a slot, the hourly ones too: what has no data is drawn as no chart.
    await plane.clock.advanceTo(startAtMs + 10 * 60_000);
    await plane.idle(AbortSignal.timeout(60_000));
    const [file = ''] = renderDashboards(plane, folder);
    url = pathToFileURL(file).href;
  } finally {
    await plane.stop();
  }
}, 120_000);

beforeEach(skipWithoutBrowser);

test.each([
  [1280, 'light'],
  [1280, 'dark'],
  [390, 'light'],
  [390, 'dark'],
] as const)(
  'at %i pixels, %s: nothing is cut off, every chart is drawn, no complaint, nothing loaded from anywhere',
  async (width, colorScheme) => {
    const { page, requests, complaints } = await open(await launch(), url, width);
    await page.emulateMedia({ colorScheme });
    expect(await page.title()).toMatch(/AlphaSwarm dashboard$/);
    const text = await page.locator('body').innerText();
    for (const key of scheduleKeys) expect(text).toContain(`${key}: slots`);

    const { scrollWidth, clientWidth } = await page.evaluate<Record<'scrollWidth' | 'clientWidth', number>>(
      '({ scrollWidth: document.documentElement.scrollWidth, clientWidth: document.documentElement.clientWidth })',
    );
    expect(scrollWidth).toBeLessThanOrEqual(clientWidth);
    expect(Math.min(...(await sizes(page, '.widget')).map((box) => box.width))).toBeGreaterThan(200);
    const charts = await sizes(page, 'svg');
    expect(charts.length).toBeGreaterThan(2 * scheduleKeys.length);
    expect(shortestSide(charts)).toBeGreaterThan(80);
    const bars = await sizes(page, 'svg rect');
    expect(bars.length).toBeGreaterThanOrEqual(15);
    expect(shortestSide(bars)).toBeGreaterThan(1);

    const ground = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    expect(ground).toBe(colorScheme === 'dark' ? 'rgb(17, 20, 24)' : 'rgb(255, 255, 255)');
    expect(complaints).toEqual([]);
    expect(requests).toEqual([url]);
  },
);

interface Size {
  readonly width: number;
  readonly height: number;
}

async function sizes(page: Page, selector: string): Promise<Size[]> {
  const boxes = (await page.locator(selector).all()).map((one) => one.boundingBox());
  return (await Promise.all(boxes)).map((box) => box ?? { width: 0, height: 0 });
}

const shortestSide = (all: readonly Size[]): number => Math.min(...all.flatMap(({ width, height }) => [width, height]));

test('it says the same without a drawing: headings in order, each chart with its values in words, no script', async () => {
  const { page } = await open(await launch(), url, 1280);
  expect(await page.locator('script').count()).toBe(0);
  const levels = await page
    .locator('h1, h2, h3')
    .evaluateAll((all) => all.map(({ tagName }) => Number(tagName.slice(1))));
  expect(levels[0]).toBe(1);
  for (const [at, level] of levels.entries()) expect(level - (levels[at - 1] ?? 1)).toBeLessThanOrEqual(1);
  const labels = await page.locator('svg').evaluateAll((all) => all.map((one) => one.getAttribute('aria-label') ?? ''));
  expect(labels).toContain('runs-reap: slots: completed 10, skipped no data, missed no data');
});
