/** The dashboard behind a proxy that people use, configured as the documents say, at a path of its own: pages, API, live stream, keys. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { until } from '../../checks/chaos/until';
import { findFreePort } from '../../infra/free-port';
import { proxyIsThere } from '../../infra/tools';
import { systemClock } from '../../lib/adapters/system';
import { patienceMs } from '../patience';
import { atEnd, start } from '../started';
import { describeWithBrowser, visitDashboard } from './dashboard-visitor';

/** What the documents tell people to write. */
function documentedLocation(): string {
  const [, written] = /```nginx\n(.*?)```/s.exec(readFileSync(join(__dirname, '../../docs/dashboard.md'), 'utf8'))!;
  return written!;
}

/** Starts nginx before this gateway; returns its address. */
async function startProxy(gatewayUrl: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'quantum-router-nginx-'));
  atEnd(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(join(directory, 'logs'));
  const port = await findFreePort(1);
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`);
  const location = documentedLocation().replace('http://127.0.0.1:8080', gatewayUrl);
  expect(location).toContain(gatewayUrl);
  writeFileSync(
    join(directory, 'nginx.conf'),
    `daemon off; master_process off; pid nginx.pid; error_log stderr;
     events {}
     http { access_log off; ${paths.join(' ')} server { listen 127.0.0.1:${port}; ${location} } }`,
  );
  const { child, ended } = start('nginx', ['-p', directory, '-c', 'nginx.conf'], { cwd: directory });
  let said = '';
  child.stdout!.resume();
  child.stderr!.on('data', (bytes) => {
    said += String(bytes);
  });
  const url = `http://127.0.0.1:${port}`;
  const ending = ended.then((code) => {
    throw new Error(`nginx ended with ${code}: ${said}`);
  });
  ending.catch(() => {});
  const isUp = (): Promise<boolean> =>
    fetch(`${url}/router/`).then(
      ({ ok }) => ok,
      () => false,
    );
  await Promise.race([until(systemClock(), 'nginx answers', isUp, patienceMs), ending]);
  return url;
}

// Said in the name, since a suite that is left out says nothing else.
const describeWithProxy = proxyIsThere() || process.env['CI'] ? describeWithBrowser : describe.skip;

describeWithProxy('the dashboard behind a proxy (needs Chromium and nginx)', () => {
  visitDashboard((visitor) => {
    let url: string;
    let secret: string;

    test('there is a proxy, a decision, and a key that everybody needs one since', async () => {
      await visitor.route('seen');
      const body = JSON.stringify({ name: 'admin', role: 'admin', tenantId: null });
      const headers = { 'content-type': 'application/json' };
      const made = await fetch(`${visitor.url}/v1/keys`, { method: 'POST', headers, body });
      expect(made.status).toBe(201);
      secret = ((await made.json()) as { secret: string }).secret;
      url = await startProxy(visitor.url);
    });

    test('it asks for the key, and all it asks for, page by page, is below its path; orders are carried out', async () => {
      const page = await visitor.browser.newPage();
      page.setDefaultTimeout(patienceMs);
      const asked = new Set<string>();
      page.on('request', (request) => asked.add(request.url()));
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error' && !message.text().includes('401')) faults.push(message.text());
      });
      // It asks for a key by being refused.
      page.on('response', (response) => {
        if (response.status() >= 400 && response.status() !== 401)
          faults.push(`${response.status()} ${response.url()}`);
      });
      // Without the slash, as people type it.
      await page.goto(`${url}/router#/models`);
      await page.getByLabel('Key').fill(secret);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('status').getByText('live').waitFor();
      for (const name of await page.getByRole('navigation').getByRole('link').allTextContents()) {
        await page.getByRole('link', { name, exact: true }).first().click();
        await page.getByRole('heading', { name, level: 1 }).waitFor();
        await page.locator('.card').first().waitFor();
        expect([name, await page.getByRole('alert').count()]).toEqual([name, 0]);
      }
      await page.getByRole('button', { name: 'Decide' }).click();
      await page.getByRole('link', { name: 'Open it up' }).click();
      await page.getByRole('heading', { name: 'Candidates' }).waitFor();
      await page.getByRole('button', { name: 'Decide again' }).click();
      await page.getByText('as it did').waitFor();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByLabel('Key').waitFor();
      await page.close();
      expect(faults).toEqual([]);
      expect([...asked].filter((address) => address.includes('/v1/live')).length).toBeGreaterThan(0);
      const elsewhere = [...asked].filter(
        (address) => !/^data:/.test(address) && !address.startsWith(`${url}/router/`),
      );
      expect(elsewhere.map((address) => new URL(address).pathname)).toEqual(['/router']);
    });

    test('what is decided while somebody watches reaches him at once, over a WebSocket as well', async () => {
      const headers = { authorization: `Bearer ${secret}` };
      const socket = new WebSocket(`${url.replace('http', 'ws')}/router/v1/live?kinds=decision&last=1`, { headers });
      atEnd(() => socket.terminate());
      const seen: string[] = [];
      const refused = new Promise((_, reject) => socket.once('error', reject));
      refused.catch(() => {});
      const told = (decisionId: string): Promise<void> =>
        new Promise((resolve) => {
          const look = (): void => {
            if (seen.includes(decisionId)) resolve();
          };
          socket.on('message', look);
          look();
        });
      socket.on('message', (text) => {
        const { kind, data } = JSON.parse(String(text));
        seen.push(kind === 'decision' ? data.decisionId : kind);
      });
      await Promise.race([told('caught-up'), refused]);
      const routed = await fetch(`${url}/router/v1/route`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ requestId: 'watched', prompt: 'hello' }),
      });
      expect(routed.status).toBe(200);
      await Promise.race([told('watched'), refused]);
    });
  });
});
