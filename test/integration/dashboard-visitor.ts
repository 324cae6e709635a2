/** A person at the dashboard of a real engine, in a real browser. */
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { openBrowser } from '../../dashboard/open-browser';
import { browserProgram } from '../../infra/tools';
import { createWorkplace } from '../bin/run-command';
import { patienceMs } from '../patience';
import { atEnd } from '../started';
import { serveDemo } from './serve-demo';

const isRequired = process.env['REQUIRE_BROWSER'] || process.env['CI'];
/** Said in the name, since a suite that is left out says nothing else. */
export const describeWithBrowser = browserProgram() !== null || isRequired ? describe : describe.skip;

export interface Visitor {
  readonly url: string;
  readonly browser: Browser;
  openPage(hash: string, width?: number, colorScheme?: 'light' | 'dark'): Promise<Page>;
  /** A request that is decided and reported on, over HTTP. */
  route(requestId: string): Promise<void>;
  /** Puts a change of the configuration in force, over HTTP. */
  configure(change: object): Promise<void>;
  /** Serious faults of access, as axe sees them. */
  seriousFaults(page: Page): Promise<string[]>;
}

/**
 * One engine and one browser for the tests of a file; all fields are there once they begin. Adds a last test: nothing that a page did
 * was an error.
 */
export function visitDashboard(tests: (visitor: Visitor) => void): void {
  const place = createWorkplace();
  let browser: Browser;
  let url: string;
  const faults: string[] = [];

  beforeAll(async () => {
    url = await serveDemo(place);
    browser = await openBrowser();
    atEnd(() => browser.close());
  });

  tests({
    get url() {
      return url;
    },
    get browser() {
      return browser;
    },
    async openPage(hash, width = 1440, colorScheme = 'light') {
      const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
      page.setDefaultTimeout(patienceMs);
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
      await page.goto(`${url}/${hash}`);
      return page;
    },
    async route(requestId) {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ requestId, prompt: 'Write a haiku about logs.', tenantId: 'team' });
      expect((await fetch(`${url}/v1/route`, { method: 'POST', headers, body })).status).toBe(200);
      const report = JSON.stringify({ decisionId: requestId, quality: 0.75, costUsd: 0.001, latencyMs: 400 });
      expect((await fetch(`${url}/v1/feedback`, { method: 'POST', headers, body: report })).status).toBe(202);
    },
    async configure(change) {
      const { version, config } = (await (await fetch(`${url}/v1/config`)).json()) as {
        version: number;
        config: object;
      };
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ version, config: { ...config, ...change } });
      expect((await fetch(`${url}/v1/config`, { method: 'PUT', headers, body })).status).toBe(200);
    },
    async seriousFaults(page) {
      const source = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
      await page.evaluate(source);
      const found: { impact: string; id: string; html: string }[] = await page.evaluate(`
        axe.run(document).then(({ violations }) =>
          violations.flatMap(({ id, impact, nodes }) => nodes.map(({ html }) => ({ id, impact, html }))))`);
      return found
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, html }) => `${id}: ${html}`);
    },
  });

  test('nothing that a page did was an error', () => {
    // The browser itself reports answers of 400 and 401 as such; those were asked for.
    expect(faults.filter((fault) => !/status of 40[01]/.test(fault))).toEqual([]);
  });
}
