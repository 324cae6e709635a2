/** The dashboard in a real browser, on a real engine with real decisions: what people see, and that they can use it. */
import { readFileSync } from 'node:fs';
import { createServer, request as open } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { manyDecisions } from '../../bench/many-decisions';
import { openBrowser } from '../../dashboard/open-browser';
import { browserProgram } from '../../infra/tools';
import { createWorkplace } from '../bin/run-command';
import { patienceMs } from '../patience';
import { atEnd } from '../started';
import { serveDemo } from './serve-demo';

const isRequired = process.env['REQUIRE_BROWSER'] || process.env['CI'];
// Said in the name, since a suite that is left out says nothing else.
const describeWithBrowser = browserProgram() !== null || isRequired ? describe : describe.skip;

describeWithBrowser('the dashboard (needs Chromium)', () => {
  const place = createWorkplace();
  let browser: Browser;
  let url: string;
  const faults: string[] = [];

  beforeAll(async () => {
    url = await serveDemo(place);
    browser = await openBrowser();
    atEnd(() => browser.close());
  });

  async function openPage(hash: string, width = 1440, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    page.setDefaultTimeout(patienceMs);
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    await page.goto(`${url}/${hash}`);
    return page;
  }

  const route = async (requestId: string): Promise<void> => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ requestId, prompt: 'Write a haiku about logs.', tenantId: 'team' });
    expect((await fetch(`${url}/v1/route`, { method: 'POST', headers, body })).status).toBe(200);
    const report = JSON.stringify({ decisionId: requestId, quality: 0.75, costUsd: 0.001, latencyMs: 400 });
    expect((await fetch(`${url}/v1/feedback`, { method: 'POST', headers, body: report })).status).toBe(202);
  };

  /** Serious faults, as axe sees them. */
  async function seriousFaults(page: Page): Promise<string[]> {
    const source = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
    await page.evaluate(source);
    const found: { impact: string; id: string; html: string }[] = await page.evaluate(`
      axe.run(document).then(({ violations }) =>
        violations.flatMap(({ id, impact, nodes }) => nodes.map(({ html }) => ({ id, impact, html }))))`);
    return found
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, html }) => `${id}: ${html}`);
  }

  test('without a decision it says so, and how to make one; trying it makes the first', async () => {
    const page = await openPage('#/');
    await page.getByText('No decision in the last hour').waitFor();
    await page.getByRole('link', { name: 'try one here' }).click();
    await page.getByRole('button', { name: 'Decide' }).click();
    await page.getByRole('link', { name: 'Open it up' }).click();
    await page.getByRole('heading', { name: 'Candidates' }).waitFor();
    await page.close();
  });

  test('a decision shows in the list as it is made, and opens up with its outcome', async () => {
    const page = await openPage('#/decisions');
    await page.getByRole('status').getByText('live').waitFor();
    await route('seen-live');
    await page.getByRole('link', { name: 'seen-live' }).click();
    await page.getByRole('row', { name: /0\.75/ }).waitFor();
    expect(await page.getByRole('row', { name: /learning optimized/ }).count()).toBeGreaterThan(0);
    await page.close();
  });

  test('what if: nothing else wanted is the same decision, and a limit that shuts out all says so', async () => {
    await route('what-if');
    const page = await openPage('#/decisions/what-if');
    await page.getByLabel('Price of').waitFor();
    await page.getByRole('button', { name: 'Decide again' }).click();
    await page.getByText('as it did').waitFor();
    await page.getByLabel('Most latency, ms').fill('1');
    await page.getByRole('button', { name: 'Decide again' }).click();
    await page.getByRole('alert').getByText('no eligible candidate').waitFor();
    await page.close();
  });

  test('filters choose from the list, and say when nothing fits', async () => {
    await route('filtered');
    const page = await openPage('#/decisions');
    await page.getByRole('link', { name: 'filtered' }).waitFor();
    await page.getByLabel('Search').fill('team');
    await page.getByRole('link', { name: 'filtered' }).waitFor();
    await page.getByLabel('Search').fill('no such thing');
    await page.getByText('None of them fits the filters.').waitFor();
    await page.close();
  });

  test('10,000 decisions are all there, and only those in sight are in the page, from the newest to the oldest', async () => {
    await route('one-of-many');
    const many = await manyDecisions(url, 10_000);
    atEnd(() => many.close());
    const page = await browser.newPage();
    page.setDefaultTimeout(patienceMs);
    await page.goto(`${many.url}/#/decisions`);
    await page.getByText('10,000 of the newest 10,000').waitFor();
    const rows = page.locator('.rows tbody tr');
    await page.getByRole('link', { name: 'many-9999', exact: true }).waitFor();
    expect(await rows.count()).toBeLessThan(100);
    await page.evaluate("document.querySelector('.rows').scrollTop = 1e9");
    await page.getByRole('link', { name: 'many-0', exact: true }).waitFor();
    expect(await rows.count()).toBeLessThan(100);
    await page.getByLabel('Search').fill('many-99');
    await page.getByText('111 of the newest 10,000').waitFor();
    await page.close();
  });

  test('a configuration is checked, refused with its faults, and put in force', async () => {
    const page = await openPage('#/configuration');
    const text = page.getByLabel('Configuration, JSON');
    await page.getByRole('heading', { name: /^Version/ }).waitFor();
    const before = JSON.parse(await text.inputValue());
    await text.fill(JSON.stringify({ ...before, explorationFloor: 7 }));
    await page.getByRole('button', { name: 'Check' }).click();
    await page.getByRole('alert').getByText('explorationFloor').first().waitFor();
    await text.fill(JSON.stringify({ ...before, explorationFloor: 0.25 }));
    await page.getByRole('button', { name: 'Check' }).click();
    await page.getByText(/explorationFloor: .* → 0\.25/).waitFor();
    await page.getByRole('button', { name: 'Put in force' }).click();
    await page.getByText(/Version \d+ is in force/).waitFor();
    expect(
      ((await (await fetch(`${url}/v1/config`)).json()) as { config: { explorationFloor: number } }).config
        .explorationFloor,
    ).toBe(0.25);
    await page.close();
  });

  test('alerts say that nothing rings, and what would; one that rings is counted, and silenced with a reason', async () => {
    const page = await openPage('#/alerts');
    await page.getByText('Nothing rings.').waitFor();
    await page.getByRole('row', { name: /providerDown critical/ }).waitFor();
    const { version, config } = (await (await fetch(`${url}/v1/config`)).json()) as {
      version: number;
      config: { alerts: { rules: { disk: object } } };
    };
    // No disk has so much room.
    config.alerts.rules.disk = { freeBytesBelow: Number.MAX_SAFE_INTEGER };
    const changed = await fetch(`${url}/v1/config`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ version, config }),
    });
    expect(changed.status).toBe(200);
    await page.getByRole('button', { name: 'Silence disk' }).click();
    await page.getByLabel('Why').fill('a larger one is coming');
    await page.getByRole('button', { name: 'Silence it' }).click();
    await page.getByRole('row', { name: /disk .*a larger one is coming/ }).waitFor();
    expect(await seriousFaults(page)).toEqual([]);
    await page.getByRole('link', { name: 'Now' }).click();
    await page.getByRole('link', { name: 'Alerts' }).nth(1).click();
    await page.getByRole('button', { name: 'End the silence of disk' }).click();
    await page.getByText('a larger one is coming').waitFor({ state: 'detached' });
    await page.close();
  });

  /** Puts a change of the configuration in force, over HTTP. */
  const configure = async (change: object): Promise<void> => {
    const { version, config } = (await (await fetch(`${url}/v1/config`)).json()) as { version: number; config: object };
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ version, config: { ...config, ...change } });
    expect((await fetch(`${url}/v1/config`, { method: 'PUT', headers, body })).status).toBe(200);
  };

  test('without any, experiments and budgets say what they are for; with some, how they stand, and one is stopped', async () => {
    const page = await openPage('#/experiments');
    page.on('dialog', (dialog) => void dialog.accept());
    await page.getByText('No experiment runs').waitFor();
    await page.getByRole('link', { name: 'Budgets' }).click();
    await page.getByText('Nobody has a budget').waitFor();
    await configure({
      budgets: [{ name: 'month', scope: 'tenant', limitUsd: 5, pace: 'even' }],
      experiments: [
        { name: 'weighted', arms: [{ name: 'control' }, { name: 'changed', set: { collapse: 'WEIGHTED' } }] },
      ],
      shadows: [{ name: 'rules', strategy: 'TASK_OPTIMIZED' }],
    });
    await route('spent');
    await page.getByRole('row', { name: /^month team ok .*\$5\.00/ }).waitFor();
    expect(await seriousFaults(page)).toEqual([]);
    await page.getByRole('link', { name: 'Experiments' }).click();
    await page.getByRole('row', { name: /^changed collapse: "WEIGHTED"/ }).waitFor();
    await page.getByRole('row', { name: /^rules task optimized/ }).waitFor();
    expect(await seriousFaults(page)).toEqual([]);
    await page.getByRole('button', { name: 'Stop weighted' }).click();
    await page.getByText('No experiment runs').waitFor();
    await page.close();
  });

  test('a change is tried on what was decided; earlier versions are compared with, and gone back to', async () => {
    await route('tried');
    await configure({ explorationFloor: 0.125 });
    const page = await openPage('#/configuration');
    page.on('dialog', (dialog) => void dialog.accept());
    const text = page.getByLabel('Configuration, JSON');
    await page.getByRole('heading', { name: /^Version/ }).waitFor();
    const before = JSON.parse(await text.inputValue());
    await text.fill(JSON.stringify({ ...before, preference: { quality: 0, cost: 1, latency: 0 } }));
    await page.getByRole('button', { name: 'Try it on the last hour' }).click();
    await page.getByText(/^Of \d+ requests, \d+ would have got another model/).waitFor();
    await page.getByRole('button', { name: 'Discard' }).click();
    const version = ((await (await fetch(`${url}/v1/config`)).json()) as { version: number }).version;
    await page.getByRole('button', { name: `Compare version ${version - 1} with the one in force` }).click();
    await page.getByText(/explorationFloor: .* → 0\.125/).waitFor();
    await page.getByRole('button', { name: `Go back to version ${version - 1}` }).click();
    await page.getByText(`Version ${version + 1} is in force`).waitFor();
    expect(JSON.parse(await text.inputValue()).explorationFloor).not.toBe(0.125);
    await page.close();
  });

  test('what is known of models and of learning is shown: calibration, trust, drift, lineage, and other policies', async () => {
    for (let index = 0; index < 40; index++) await route(`learned-${index}`);
    const models = await openPage('#/models');
    await models
      .getByText(/on what was predicted, .* judged/)
      .first()
      .waitFor();
    await models.close();
    const page = await openPage('#/learning');
    await page.getByRole('row', { name: /^learning optimized/ }).waitFor();
    await page.getByText('error trend: fine').waitFor();
    await page.getByText('not at all').waitFor();
    await page.getByRole('row', { name: /^router/ }).waitFor();
    await page.close();
  });

  test.each([
    '#/',
    '#/decisions',
    '#/models',
    '#/learning',
    '#/experiments',
    '#/budgets',
    '#/configuration',
    '#/alerts',
    '#/try',
  ])('%s has no serious fault of access, in the light and in the dark, and fits a telephone', async (hash) => {
    for (const [width, scheme] of [
      [1440, 'light'],
      [390, 'dark'],
    ] as const) {
      const page = await openPage(hash, width, scheme);
      await page.getByRole('status').getByText('live').waitFor();
      await page.locator('.card').first().waitFor();
      expect(await seriousFaults(page)).toEqual([]);
      const overflow = await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      expect(overflow).toBe(0);
      await page.close();
    }
  });

  test('by keyboard alone a decision can be opened', async () => {
    await route('by-key');
    const page = await openPage('#/decisions');
    const link = page.getByRole('link', { name: 'by-key' });
    await link.waitFor();
    for (let presses = 0; presses < 60; presses++) {
      await page.keyboard.press('Tab');
      if ((await page.evaluate('document.activeElement?.textContent')) === 'by-key') break;
    }
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Candidates' }).waitFor();
    await page.close();
  });

  test('below another path, as behind a proxy, it asks there; a gateway that wants a key gets it', async () => {
    const keys: (string | undefined)[] = [];
    const proxy = createServer((request, response) => {
      const path = request.url ?? '';
      const isPage = path === '/router/' || path.startsWith('/router/dashboard/');
      keys.push(request.headers.authorization);
      if (!path.startsWith('/router/') || (!isPage && request.headers.authorization !== 'Bearer secret')) {
        response.writeHead(path.startsWith('/router/') ? 401 : 404, { 'content-type': 'application/json' });
        response.end('{"error":{"code":"unauthorized","message":"a key is needed","field":null}}');
        return;
      }
      const passed = open(url + path.slice('/router'.length), { headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      request.pipe(passed);
      passed.on('error', () => response.destroy());
      response.on('close', () => passed.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    atEnd(() => {
      proxy.closeAllConnections();
      proxy.close();
    });
    const page = await browser.newPage();
    page.setDefaultTimeout(patienceMs);
    await page.goto(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}/router/#/models`);
    await page.getByLabel('Key').fill('secret');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Last hour' }).waitFor();
    await page.getByRole('status').getByText('live').waitFor();
    await page.close();
    expect(keys).toContain('Bearer secret');
  });

  test('nothing that a page did was an error, and its policy lets in nothing from elsewhere', async () => {
    // The browser itself reports an answer of 400 as one; those were asked for above.
    expect(faults.filter((fault) => !/status of 400/.test(fault))).toEqual([]);
    const { headers } = await fetch(`${url}/`);
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'/);
  });
});
