/** The dashboard by keyboard alone, in a real browser on a real engine: everything can be reached, seen and left again. */
import type { Locator, Page } from 'playwright-core';
import { until } from '../../checks/chaos/until';
import { systemClock } from '../../lib/adapters/system';
import { patienceMs } from '../patience';
import { describeWithBrowser, visitDashboard } from './dashboard-visitor';

/** What can be used now, as the page has it. */
const usable =
  'a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea:not(:disabled), [tabindex="0"]';

/** The element that keys go to: what it is, and whether somebody can see that. */
interface Focused {
  readonly index: number;
  readonly name: string;
  readonly isMarked: boolean;
}

function focused(page: Page): Promise<Focused> {
  return page.evaluate(`(() => {
    const element = document.activeElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    return {
      index: [...document.querySelectorAll(${JSON.stringify(usable)})].indexOf(element),
      name: (element.getAttribute('aria-label') ?? element.textContent).trim().slice(0, 40),
      isMarked: outlineStyle !== 'none' && outlineWidth !== '0px',
    };
  })()`);
}

/** Everything that the keys can come to, in the order of the page. */
function stopsOf(page: Page): Promise<string[]> {
  return page.evaluate(
    `[...document.querySelectorAll(${JSON.stringify(usable)})].map(({ tagName, name, href, ariaLabel, textContent }) => [tagName, name, href, ariaLabel, textContent.slice(0, 40)].join())`,
  );
}

const hasFocus = (of: Locator): Promise<boolean> =>
  of.evaluate((element) => element === element.ownerDocument.activeElement);

/** Presses Tab until the keys go there. */
async function tabTo(page: Page, target: Locator, key = 'Tab'): Promise<void> {
  await target.waitFor();
  for (let presses = 0; presses < 200; presses++) {
    if (await hasFocus(target)) return;
    await page.keyboard.press(key);
  }
  throw new Error(`${target} cannot be reached with ${key}`);
}

describeWithBrowser('the dashboard by keyboard (needs Chromium)', () => {
  visitDashboard((visitor) => {
    test('there is a decision, somebody who has spent, an experiment, a shadow, and an alert that rings', async () => {
      const { config } = (await (await fetch(`${visitor.url}/v1/config`)).json()) as {
        config: { alerts: { rules: object } };
      };
      await visitor.configure({
        budgets: [{ name: 'month', scope: 'tenant', limitUsd: 5 }],
        experiments: [
          { name: 'weighted', arms: [{ name: 'control' }, { name: 'changed', set: { collapse: 'WEIGHTED' } }] },
        ],
        shadows: [{ name: 'rules', strategy: 'TASK_OPTIMIZED' }],
        // No disk has so much room.
        alerts: { ...config.alerts, rules: { disk: { freeBytesBelow: Number.MAX_SAFE_INTEGER } } },
      });
      await visitor.route('seen');
    });

    test.each<[string, string | RegExp]>([
      ['#/', 'What it is worth'],
      ['#/decisions', /^[1-9]\d* of the newest/],
      ['#/decisions/seen', 'Candidates'],
      ['#/models', 'Last hour'],
      ['#/learning', 'State'],
      ['#/experiments', 'weighted'],
      ['#/budgets', 'Accounts'],
      ['#/configuration', 'History'],
      ['#/alerts', 'Rules'],
      ['#/try', 'Route a prompt'],
    ])(
      '%s: Tab comes to everything that can be used, in order, shows where it is, and goes on',
      async (hash, heading) => {
        await until(
          systemClock(),
          `${hash} stands still while somebody goes through it`,
          async () => {
            const page = await visitor.openPage(hash);
            await page.getByRole('status').getByText('live').waitFor();
            await page.getByRole('heading', { name: heading }).waitFor();
            const before = await stopsOf(page);
            const reached: Focused[] = [];
            // Behind the last one is the browser itself.
            for (let presses = 0; presses <= before.length; presses++) {
              await page.keyboard.press('Tab');
              const at = await focused(page);
              if (at.index < 0) break;
              reached.push(at);
            }
            const after = await stopsOf(page);
            await page.close();
            // Answers come to a page one after the other, and what they bring moves what there is: then once more.
            if (before.join() !== after.join()) return false;
            expect(reached.filter(({ isMarked }) => !isMarked)).toEqual([]);
            expect(reached.map(({ index }) => index)).toEqual(before.map((_, index) => index));
            return true;
          },
          patienceMs,
        );
      },
    );

    test('the first stop leads past the pages; a page that is gone to begins with its heading, at its top', async () => {
      const page = await visitor.openPage('#/learning');
      await page.getByRole('heading', { name: 'Lineage' }).waitFor();
      await page.keyboard.press('Tab');
      expect((await focused(page)).name).toBe('To what the page shows');
      await page.keyboard.press('Enter');
      expect(await hasFocus(page.getByRole('heading', { name: 'Learning', level: 1 }))).toBe(true);
      await page.keyboard.press('End');
      await until(systemClock(), 'the page is scrolled', () => page.evaluate<boolean>('scrollY > 0'), patienceMs);
      await tabTo(page, page.getByRole('link', { name: 'Models' }), 'Shift+Tab');
      await page.evaluate('scrollTo(0, 1e6)');
      await page.keyboard.press('Enter');
      const heading = page.getByRole('heading', { name: 'Models', level: 1 });
      await heading.waitFor();
      await until(systemClock(), 'the keys go to the heading', () => hasFocus(heading), patienceMs);
      expect(await page.evaluate('scrollY')).toBe(0);
      await page.close();
    });

    test('a decision is opened and left again: the list is as it was, and goes on where it was', async () => {
      for (let index = 0; index < 40; index++) await visitor.route(`listed-${index}`);
      const page = await visitor.openPage('#/decisions');
      await page.getByLabel('Search').fill('listed');
      await page.getByText('40 of the newest').waitFor();
      const link = page.getByRole('link', { name: 'listed-3', exact: true });
      for (let presses = 0; presses < 200 && (await focused(page)).name !== 'listed-3'; presses++)
        await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Candidates' }).waitFor();
      await tabTo(page, page.getByRole('link', { name: 'All decisions' }));
      await page.keyboard.press('Enter');
      await page.getByText('40 of the newest').waitFor();
      await link.waitFor();
      expect(await hasFocus(link)).toBe(true);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Candidates' }).waitFor();
      await page.goBack();
      await link.waitFor();
      expect(await hasFocus(link)).toBe(true);
      await page.close();
    });

    test('rows stand still while somebody is in them, by keyboard, mouse or wheel, and what is newer is told', async () => {
      const page = await visitor.openPage('#/decisions');
      await visitor.route('stands');
      const link = page.getByRole('link', { name: 'stands', exact: true });
      await tabTo(page, link);
      await visitor.route('newer-1');
      await visitor.route('newer-2');
      await page.getByRole('button', { name: 'Show 2 newer' }).waitFor();
      expect([await hasFocus(link), await page.getByRole('link', { name: 'newer-2' }).count()]).toEqual([true, 0]);
      // From row to row they stand still as well.
      await page.keyboard.press('Tab');
      await page.keyboard.press('Shift+Tab');
      expect([await hasFocus(link), await page.getByRole('link', { name: 'newer-2' }).count()]).toEqual([true, 0]);
      await tabTo(page, page.getByRole('button', { name: 'Pause' }), 'Shift+Tab');
      await page.getByRole('link', { name: 'newer-2' }).waitFor();
      await page.getByRole('link', { name: 'newer-1' }).hover();
      await visitor.route('newer-3');
      await page.getByRole('button', { name: 'Show 1 newer' }).waitFor();
      expect(await page.getByRole('link', { name: 'newer-3' }).count()).toBe(0);
      await page.mouse.move(0, 0);
      await page.getByRole('link', { name: 'newer-3' }).waitFor();
      const rows = page.getByRole('region', { name: 'Decisions' });
      await rows.evaluate((element) => element.scrollTo(0, 1e6));
      await page.getByRole('link', { name: 'seen', exact: true }).waitFor();
      await visitor.route('newer-4');
      await page.getByRole('button', { name: 'Show 1 newer' }).click();
      await page.getByRole('link', { name: 'newer-4' }).waitFor();
      await page.close();
    });

    test('what if: typed, and asked with Enter', async () => {
      const page = await visitor.openPage('#/decisions/seen');
      await tabTo(page, page.getByLabel('Weight of cost'));
      await page.keyboard.type('0.5');
      await page.keyboard.press('Enter');
      await page.getByText('The same draw would have chosen').waitFor();
      await page.close();
    });

    test('a dialog takes the keys, keeps them, is left with Escape, and gives them back', async () => {
      const page = await visitor.openPage('#/alerts');
      const order = page.getByRole('button', { name: 'Silence disk' });
      await tabTo(page, order);
      await page.keyboard.press('Enter');
      const dialog = page.getByRole('dialog', { name: 'Silence disk' });
      const why = dialog.getByLabel('Why');
      await why.waitFor();
      expect(await hasFocus(why)).toBe(true);
      expect(await visitor.seriousFaults(page)).toEqual([]);
      for (let presses = 0; presses < 12; presses++) {
        await page.keyboard.press('Tab');
        // The browser's own controls take their turn, the page behind the dialog none.
        expect(
          await page.evaluate(
            'document.activeElement === document.body || document.activeElement.closest("dialog") !== null',
          ),
        ).toBe(true);
      }
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
      expect(await hasFocus(order)).toBe(true);
      await page.keyboard.press('Enter');
      await why.waitFor();
      await page.keyboard.type('a larger one is coming');
      await page.keyboard.press('Enter');
      await page.getByRole('row', { name: /disk .*a larger one is coming/ }).waitFor();
      await dialog.waitFor({ state: 'detached' });
      await page.close();
    });
  });
});
