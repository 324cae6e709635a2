/** The dashboard with keys of each role, on a real engine: it shows what the key may do, and says what the rest takes. */
import type { Page } from 'playwright-core';
import type { Role } from '../../lib/access/roles';
import { describeWithBrowser, visitDashboard } from './dashboard-visitor';

interface Sight {
  readonly hash: string;
  /** Of what the page is once it is there. */
  readonly heading: string | RegExp;
  readonly orders: readonly (string | RegExp)[];
}

/** Everything that changes something, by page. */
const sights: readonly Sight[] = [
  { hash: '#/configuration', heading: /^Version/, orders: ['Put in force', /^Go back to version/] },
  { hash: '#/learning', heading: 'State', orders: ['Promote the candidate', 'Roll back'] },
  { hash: '#/experiments', heading: 'weighted', orders: ['Promote changed', 'Stop weighted', 'Stop rules'] },
  { hash: '#/alerts', heading: 'Ringing', orders: ['Silence disk'] },
];
const ofViewers = ['Now', 'Decisions', 'Models', 'Learning', 'Experiments', 'Budgets', 'Configuration', 'Alerts'];

describeWithBrowser('the dashboard by role (needs Chromium)', () => {
  visitDashboard((visitor) => {
    const secrets = new Map<string, string>();
    const send = async (path: string, body: object, key?: string) => {
      const headers = { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) };
      return fetch(`${visitor.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    };
    const makeKey = async (name: string, role: Role, tenantId: string | null = null): Promise<void> => {
      const made = await send('/v1/keys', { name, role, tenantId }, secrets.get('admin'));
      expect(made.status).toBe(201);
      secrets.set(name, ((await made.json()) as { secret: string }).secret);
    };
    const signIn = async (name: string, hash: string, width = 1440): Promise<Page> => {
      const page = await visitor.openPage(hash, width);
      await page.getByLabel('Key').fill(secrets.get(name)!);
      await page.getByRole('button', { name: 'Sign in' }).click();
      return page;
    };
    const pagesIn = (page: Page): Promise<string[]> => page.getByRole('navigation').getByRole('link').allTextContents();

    test('there is something to steer, a decision, and a key of each role', async () => {
      const { config } = (await (await fetch(`${visitor.url}/v1/config`)).json()) as {
        config: { alerts: { rules: object } };
      };
      await visitor.configure({
        experiments: [
          { name: 'weighted', arms: [{ name: 'control' }, { name: 'changed', set: { collapse: 'WEIGHTED' } }] },
        ],
        shadows: [{ name: 'rules', strategy: 'TASK_OPTIMIZED' }],
        // No disk has so much room.
        alerts: { ...config.alerts, rules: { disk: { freeBytesBelow: Number.MAX_SAFE_INTEGER } } },
      });
      await visitor.route('seen');
      await makeKey('admin', 'admin');
      await makeKey('operator', 'operator');
      await makeKey('viewer', 'viewer');
      await makeKey('caller', 'caller');
      await makeKey('of a tenant', 'viewer', 'team');
    });

    test.each(['operator', 'admin'])('a key of an %s has every order', async (role) => {
      const page = await signIn(role, '#/');
      await page.getByRole('status').getByText(role).waitFor();
      expect(await pagesIn(page)).toEqual([...ofViewers, 'Try it']);
      for (const { hash, heading, orders } of sights) {
        await page.goto(`${visitor.url}/${hash}`);
        await page.getByRole('heading', { name: heading }).first().waitFor();
        for (const name of orders) await page.getByRole('button', { name }).first().waitFor();
        expect(await page.getByText('takes a key of the role').count()).toBe(0);
      }
      await page.close();
    });

    test.each([1440, 390])(
      'a key of a viewer sees everything, orders nothing, and is told what it would take (%d px)',
      async (width) => {
        const page = await signIn('viewer', '#/', width);
        await page.getByRole('status').getByText('viewer').waitFor();
        expect(await pagesIn(page)).toEqual(ofViewers);
        await page
          .getByText('Try it: takes a key of the role caller, operator or admin; this one is of the role viewer')
          .waitFor();
        for (const { hash, heading, orders } of sights) {
          await page.goto(`${visitor.url}/${hash}`);
          await page.getByRole('heading', { name: heading }).first().waitFor();
          await page
            .getByText(/takes a key of the role operator or admin; this one is of the role viewer/)
            .first()
            .waitFor();
          if (hash === '#/alerts') await page.getByRole('row', { name: /disk/ }).first().waitFor();
          if (hash === '#/experiments') await page.getByRole('row', { name: /^rules/ }).waitFor();
          for (const name of orders)
            expect([name, await page.getByRole('button', { name }).count()]).toEqual([name, 0]);
          expect(await visitor.seriousFaults(page)).toEqual([]);
          expect(
            await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
          ).toBe(0);
        }
        await page.close();
      },
    );

    test('a key of a caller tries prompts and opens its decisions; pages for viewers say so', async () => {
      const page = await signIn('caller', '#/');
      await page.getByText('This page takes a key of the role viewer, operator or admin').waitFor();
      expect(await pagesIn(page)).toEqual(['Try it']);
      await page.getByRole('status').getByText('not live for this key').waitFor();
      await page.getByRole('link', { name: 'Try it' }).click();
      await page.getByRole('button', { name: 'Decide' }).click();
      await page.getByRole('link', { name: 'Open it up' }).click();
      await page.getByRole('heading', { name: 'Candidates' }).waitFor();
      await page.getByText('Deciding it again takes a key of the role viewer, operator or admin').waitFor();
      expect(await page.getByRole('button', { name: 'Decide again' }).count()).toBe(0);
      await page.close();
    });

    test('a key of a tenant is told that pages are of the whole installation', async () => {
      const page = await signIn('of a tenant', '#/budgets');
      await page.getByText('This page is not for this key: this is of the whole installation').waitFor();
      await page.getByRole('status').getByText('viewer of team').waitFor();
      await page.close();
    });
  });
});
