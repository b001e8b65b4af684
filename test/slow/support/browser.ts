// A real browser, if there is one.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { onTestFinished, type TestContext } from 'vitest';
import { skipped } from './skipped.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

function findBrowser(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isExecutable);
}
function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** For `beforeEach`. */
export function skipWithoutBrowser(ctx: TestContext): void {
  if (findBrowser() === undefined) skipped(ctx, `no browser on PATH (${names.join(', ')}): apt install chromium`);
}

/** A browser that ends with the test. */
export async function launch(): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: findBrowser() ?? '', args: ['--no-sandbox'] });
  onTestFinished(() => browser.close());
  return browser;
}

interface Seen {
  readonly page: Page;
  readonly requests: string[];
  readonly complaints: string[];
}

/** A page of that width, and what it asked for and complained of. */
export async function open(browser: Browser, url: string, width: number): Promise<Seen> {
  const page = await browser.newPage({ viewport: { width, height: 900 } });
  const seen: Seen = { page, requests: [], complaints: [] };
  page.on('request', (request) => seen.requests.push(request.url()));
  page.on('console', (message) => seen.complaints.push(message.text()));
  page.on('pageerror', (error) => seen.complaints.push(error.message));
  await page.goto(url);
  return seen;
}
