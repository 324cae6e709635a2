/** The dashboard in a real browser, on a real engine with real decisions: what people see, and that they can use it. */
import { createServer, request as open } from 'node:http';
import type { AddressInfo } from 'node:net';
import { manyDecisions } from '../../bench/many-decisions';
import { patienceMs } from '../patience';
import { atEnd } from '../started';
import { describeWithBrowser, visitDashboard } from './dashboard-visitor';

describeWithBrowser('the dashboard (needs Chromium)', () => {
  visitDashboard((visitor) => {
    test('without a decision it says so, and how to make one; trying it makes the first', async () => {
      const page = await visitor.openPage('#/');
      await page.getByText('No decision in the last hour').waitFor();
      await page.getByRole('link', { name: 'try one here' }).click();
      await page.getByRole('button', { name: 'Decide' }).click();
      await page.getByRole('link', { name: 'Open it up' }).click();
      await page.getByRole('heading', { name: 'Candidates' }).waitFor();
      // Decided, and nothing judged yet: charts without figures have words.
      await page.getByRole('link', { name: 'Now' }).click();
      const wordsIn = (name: string) => page.getByRole('figure', { name }).getByText('Nothing yet in this time.');
      await wordsIn('Decisions per minute').waitFor({ state: 'detached' });
      await wordsIn('Mean quality of judged answers').waitFor();
      expect(await page.locator('main').textContent()).not.toMatch(/NaN|Infinity|undefined|1970/);
      await page.close();
    });

    test('a decision shows in the list as it is made, and opens up with its outcome', async () => {
      const page = await visitor.openPage('#/decisions');
      await page.getByRole('status').getByText('live').waitFor();
      await visitor.route('seen-live');
      await page.getByRole('link', { name: 'seen-live' }).click();
      await page.getByRole('row', { name: /0\.75/ }).waitFor();
      expect(await page.getByRole('row', { name: /learning optimized/ }).count()).toBeGreaterThan(0);
      await page.close();
    });

    test('what if: nothing else wanted is the same decision, and a limit that shuts out all says so', async () => {
      await visitor.route('what-if');
      const page = await visitor.openPage('#/decisions/what-if');
      await page.getByLabel('Price of').waitFor();
      await page.getByRole('button', { name: 'Decide again' }).click();
      await page.getByText('as it did').waitFor();
      await page.getByLabel('Most latency, ms').fill('1');
      await page.getByRole('button', { name: 'Decide again' }).click();
      await page.getByRole('alert').getByText('no eligible candidate').waitFor();
      await page.close();
    });

    test('a gateway that does not answer is said to be away, since when, and is there again by itself', async () => {
      // What the browser says of it is no fault of the page.
      const page = await visitor.browser.newPage();
      page.setDefaultTimeout(patienceMs);
      await page.goto(`${visitor.url}/#/budgets`);
      await page.getByRole('heading', { name: 'Accounts' }).waitFor();
      await page.route('**/v1/**', (route) => route.abort());
      await page
        .getByRole('alert')
        .getByText(/the gateway does not answer; .* What is shown is of \d\d:\d\d/)
        .waitFor();
      await page.unroute('**/v1/**');
      await page.getByRole('alert').waitFor({ state: 'detached' });
      await page.close();
    });

    test('an address that is cut off is a decision that nobody knows', async () => {
      const page = await visitor.browser.newPage();
      page.setDefaultTimeout(patienceMs);
      await page.goto(`${visitor.url}/#/decisions/cut-off%E0%A4`);
      await page.getByRole('alert').getByText('no decision with id').waitFor();
      await page.close();
    });

    test('filters choose from the list, and say when nothing fits', async () => {
      await visitor.route('filtered');
      const page = await visitor.openPage('#/decisions');
      await page.getByRole('link', { name: 'filtered' }).waitFor();
      await page.getByLabel('Search').fill('team');
      await page.getByRole('link', { name: 'filtered' }).waitFor();
      await page.getByLabel('Search').fill('no such thing');
      await page.getByText('None of them fits the filters.').waitFor();
      await page.close();
    });

    test('10,000 decisions are all there, and only those in sight are in the page, from the newest to the oldest', async () => {
      await visitor.route('one-of-many');
      const many = await manyDecisions(visitor.url, 10_000);
      atEnd(() => many.close());
      const page = await visitor.browser.newPage();
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

    test('below another path, as behind a proxy, it asks there; a gateway that wants a key gets it', async () => {
      const keys: (string | undefined)[] = [];
      const proxy = createServer((request, response) => {
        const path = request.url ?? '';
        const isPage = path === '/router/' || path.startsWith('/router/dashboard/');
        keys.push(request.headers.authorization);
        if (!path.startsWith('/router/') || (!isPage && request.headers.authorization !== 'Bearer secret')) {
          const refused = request.headers.authorization === 'Bearer weak' ? 403 : 401;
          response.writeHead(path.startsWith('/router/') ? refused : 404, { 'content-type': 'application/json' });
          response.end('{"error":{"code":"refused","message":"another key is needed","field":null}}');
          return;
        }
        const passed = open(visitor.url + path.slice('/router'.length), { headers: request.headers }, (answer) => {
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
      const page = await visitor.browser.newPage();
      page.setDefaultTimeout(patienceMs);
      await page.goto(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}/router/#/models`);
      const signIn = async (key: string): Promise<void> => {
        await page.getByLabel('Key').fill(key);
        await page.getByRole('button', { name: 'Sign in' }).click();
      };
      // One that may do something else says so, and makes room for another.
      await signIn('weak');
      await page.getByRole('alert').getByText('another key is needed').first().waitFor();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await signIn('secret');
      await page.getByRole('heading', { name: 'Last hour' }).waitFor();
      await page.getByRole('status').getByText('live').waitFor();
      await page.close();
      expect(keys).toContain('Bearer secret');
    });

    test('its policy lets in nothing from elsewhere', async () => {
      const { headers } = await fetch(`${visitor.url}/`);
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; script-src 'self'; style-src 'self'/,
      );
    });
  });
});
