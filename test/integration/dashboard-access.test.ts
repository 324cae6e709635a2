/** Every page of the dashboard, in a real browser: without serious faults of access, and within every width. */
import { describeWithBrowser, visitDashboard } from './dashboard-visitor';

describeWithBrowser('access to the dashboard (needs Chromium)', () => {
  visitDashboard((visitor) => {
    test('there is a decision to be seen, between models with names as long and odd as they may be', async () => {
      const { config } = (await (await fetch(`${visitor.url}/v1/config`)).json()) as { config: { models: object[] } };
      const names = [`a-long-one/${'x'.repeat(70)}`, '<img src=x onerror=alert(1)>'];
      await visitor.configure({ models: config.models.map((model, i) => ({ ...model, name: names[i] })) });
      await visitor.route('seen');
    });

    test('long names do not push figures out of sight', async () => {
      const page = await visitor.openPage('#/decisions/seen', 1024);
      const table = page.getByRole('region', { name: 'Candidates' });
      await table.waitFor();
      expect(await table.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0);
      await page.close();
    });

    test.each([
      '#/',
      '#/decisions',
      '#/decisions/seen',
      '#/models',
      '#/learning',
      '#/experiments',
      '#/budgets',
      '#/configuration',
      '#/alerts',
      '#/try',
    ])(
      '%s has no serious fault of access, in the light and in the dark, and fits a desk, a tablet and a telephone',
      async (hash) => {
        for (const [width, scheme] of [
          [1440, 'light'],
          [390, 'dark'],
        ] as const) {
          const page = await visitor.openPage(hash, width, scheme);
          await page.getByRole('status').getByText('live').waitFor();
          await page.locator('.card').first().waitFor();
          expect(await visitor.seriousFaults(page)).toEqual([]);
          for (const narrower of [1440, 1024, 390].filter((one) => one <= width)) {
            await page.setViewportSize({ width: narrower, height: 900 });
            const overflow = await page.evaluate(`new Promise((resolve) =>
              requestAnimationFrame(() => requestAnimationFrame(() =>
                resolve(document.documentElement.scrollWidth - document.documentElement.clientWidth))))`);
            expect({ narrower, overflow }).toEqual({ narrower, overflow: 0 });
          }
          await page.close();
        }
      },
    );
  });
});
