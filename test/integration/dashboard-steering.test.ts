/** Steering by the dashboard, in a real browser: configuration, alerts, experiments and budgets, and what is known of models and learning. */
import { describeWithBrowser, visitDashboard } from './dashboard-visitor';

describeWithBrowser('steering by the dashboard (needs Chromium)', () => {
  visitDashboard((visitor) => {
    test('a configuration is checked, refused with its faults, and put in force', async () => {
      const page = await visitor.openPage('#/configuration');
      const text = page.getByLabel('Configuration, JSON');
      await page.getByRole('heading', { name: /^Version/ }).waitFor();
      const before = JSON.parse(await text.inputValue());
      await text.fill(JSON.stringify({ ...before, explorationFloor: 7 }));
      await page.getByRole('button', { name: 'Check' }).click();
      await page.getByRole('alert').getByText('explorationFloor').first().waitFor();
      await text.fill(JSON.stringify({ ...before, explorationFloor: 0.25 }));
      await page.getByRole('button', { name: 'Check' }).click();
      await page.getByText(/explorationFloor: .* → 0\.25/).waitFor();
      await page.getByLabel('Why').fill('to try more');
      await page.getByRole('button', { name: 'Put in force' }).click();
      await page.getByText(/Version \d+ is in force/).waitFor();
      await page.getByRole('row', { name: /to try more/ }).waitFor();
      expect(
        ((await (await fetch(`${visitor.url}/v1/config`)).json()) as { config: { explorationFloor: number } }).config
          .explorationFloor,
      ).toBe(0.25);
      await page.close();
    });

    test('alerts say that nothing rings, and what would; one that rings is counted, and silenced with a reason', async () => {
      const page = await visitor.openPage('#/alerts');
      await page.getByText('Nothing rings.').waitFor();
      await page.getByRole('row', { name: /providerDown critical/ }).waitFor();
      const { version, config } = (await (await fetch(`${visitor.url}/v1/config`)).json()) as {
        version: number;
        config: { alerts: { rules: { disk: object } } };
      };
      // No disk has so much room.
      config.alerts.rules.disk = { freeBytesBelow: Number.MAX_SAFE_INTEGER };
      const changed = await fetch(`${visitor.url}/v1/config`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ version, config }),
      });
      expect(changed.status).toBe(200);
      await page.getByRole('button', { name: 'Silence disk' }).click();
      await page.getByLabel('Why').fill('a larger one is coming');
      await page.getByRole('button', { name: 'Silence it' }).click();
      await page.getByRole('row', { name: /disk .*a larger one is coming/ }).waitFor();
      expect(await visitor.seriousFaults(page)).toEqual([]);
      await page.getByRole('link', { name: 'Now' }).click();
      await page.getByRole('link', { name: 'Alerts' }).nth(1).click();
      await page.getByRole('button', { name: 'End the silence of disk' }).click();
      await page.getByText('a larger one is coming').waitFor({ state: 'detached' });
      await page.close();
    });

    test('without any, experiments and budgets say what they are for; with some, how they stand, and one is stopped', async () => {
      const page = await visitor.openPage('#/experiments');
      page.on('dialog', (dialog) => void dialog.accept());
      await page.getByText('No experiment runs').waitFor();
      await page.getByRole('link', { name: 'Budgets' }).click();
      await page.getByText('Nobody has a budget').waitFor();
      await visitor.configure({
        budgets: [{ name: 'month', scope: 'tenant', limitUsd: 5, pace: 'even' }],
        experiments: [
          { name: 'weighted', arms: [{ name: 'control' }, { name: 'changed', set: { collapse: 'WEIGHTED' } }] },
        ],
        shadows: [{ name: 'rules', strategy: 'TASK_OPTIMIZED' }],
      });
      await visitor.route('spent');
      await page.getByRole('row', { name: /^month team ok .*\$5\.00/ }).waitFor();
      expect(await visitor.seriousFaults(page)).toEqual([]);
      await page.getByRole('link', { name: 'Experiments' }).click();
      await page.getByRole('row', { name: /^changed collapse: "WEIGHTED"/ }).waitFor();
      await page.getByRole('row', { name: /^rules task optimized/ }).waitFor();
      expect(await visitor.seriousFaults(page)).toEqual([]);
      await page.getByRole('button', { name: 'Stop weighted' }).click();
      await page.getByText('No experiment runs').waitFor();
      await page.close();
    });

    test('a change is tried on what was decided; earlier versions are compared with, and gone back to', async () => {
      await visitor.route('tried');
      await visitor.configure({ explorationFloor: 0.125 });
      const page = await visitor.openPage('#/configuration');
      const text = page.getByLabel('Configuration, JSON');
      await page.getByRole('heading', { name: /^Version/ }).waitFor();
      const before = JSON.parse(await text.inputValue());
      await text.fill(JSON.stringify({ ...before, preference: { quality: 0, cost: 1, latency: 0 } }));
      await page.getByRole('button', { name: 'Try it on the last hour' }).click();
      await page.getByText(/^Of \d+ requests, \d+ would have got another model/).waitFor();
      await page.getByRole('button', { name: 'Discard' }).click();
      const version = ((await (await fetch(`${visitor.url}/v1/config`)).json()) as { version: number }).version;
      await page.getByRole('button', { name: `Compare version ${version - 1} with the one in force` }).click();
      await page.getByText(/explorationFloor: .* → 0\.125/).waitFor();
      await page.getByRole('button', { name: `Go back to version ${version - 1}` }).click();
      const dialog = page.getByRole('dialog', { name: `Go back to version ${version - 1}` });
      await dialog.getByLabel('Why').fill('it was better');
      await dialog.getByRole('button', { name: 'Put it in force' }).click();
      await page.getByText(`Version ${version + 1} is in force`).waitFor();
      await page.getByRole('row', { name: /back to version \d+: it was better/ }).waitFor();
      // It is told at once, and read a moment later.
      await page.getByRole('heading', { name: `Version ${version + 1}`, exact: true }).waitFor();
      expect(JSON.parse(await text.inputValue()).explorationFloor).not.toBe(0.125);
      await page.close();
    });

    test('what is known of models and of learning is shown: calibration, trust, drift, lineage, and other policies', async () => {
      for (let index = 0; index < 40; index++) await visitor.route(`learned-${index}`);
      const models = await visitor.openPage('#/models');
      await models
        .getByText(/on what was predicted, .* judged/)
        .first()
        .waitFor();
      await models.close();
      const page = await visitor.openPage('#/learning');
      await page.getByRole('row', { name: /^learning optimized/ }).waitFor();
      await page.getByText('error trend: fine').waitFor();
      await page.getByText('not at all').waitFor();
      await page.getByRole('row', { name: /^router/ }).waitFor();
      await page.getByRole('row', { name: /^type of task \d+\.\d %/ }).waitFor();
      await page
        .getByRole('row', { name: /^\d+ \d+ % \w+ 100/ })
        .first()
        .waitFor();
      await page.close();
    });
  });
});
