/**
 * What the dashboard takes in a real browser: first paint on loopback, and its list with 10,000 decisions.
 *
 *     node dist/bench/dashboard.js [--loads 5]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openBrowser } from '../dashboard/open-browser';
import { quantilesOf } from '../lab/report/report';
import { report, reportBar, runCheck } from '../lab/report/report-line';
import { workloadConfig } from '../lab/runs/workload-config';
import { createLog } from '../lib/telemetry/log';
import { startEngine } from '../services/engine';
import { embeddedHome } from '../services/home';
import { kilobyteRows } from './kilobyte-rows';
import { manyDecisions } from './many-decisions';

const decisions = 10_000;
const patienceMs = 120_000;

/** Each step of a scroll through the whole list waits for its frame; milliseconds of each. */
const scrollThrough = `(async () => {
  const place = document.querySelector('.rows');
  const frames = [];
  for (let step = 1; step <= 60; step++) {
    const startedMs = performance.now();
    place.scrollTop = (place.scrollHeight * step) / 60;
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
    frames.push(performance.now() - startedMs);
  }
  return frames;
})()`;

const { values: options } = parseArgs({ options: { loads: { type: 'string', default: '5' } } });

runCheck(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'quantum-router-bench-dashboard-'));
  const home = embeddedHome({ directory });
  const engine = await startEngine({
    home,
    config: workloadConfig(kilobyteRows(1).world),
    partitions: 4,
    trainer: 'worker',
    http: { host: '127.0.0.1', port: 0 },
    log: createLog({ level: 'warn' }),
  });
  const routed = await fetch(`${engine.url}/v1/route`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'hello' }),
  });
  if (!routed.ok) throw new Error(await routed.text());
  const many = await manyDecisions(engine.url!, decisions);
  const browser = await openBrowser();
  try {
    const paints: number[] = [];
    for (let load = 0; load < Number(options.loads); load++) {
      const page = await browser.newPage();
      await page.goto(engine.url!);
      await page.getByText('Time to decide').waitFor({ timeout: patienceMs });
      paints.push(await page.evaluate<number>(`performance.getEntriesByName('first-contentful-paint')[0].startTime`));
      await page.close();
    }
    reportBar('dashboard.firstPaint', quantilesOf(paints).p50, 'ms', '<=', 1_000, { loads: paints.length });
    const page = await browser.newPage();
    const startedMs = performance.now();
    await page.goto(`${many.url}/#/decisions`);
    await page.getByText('10,000 of the newest 10,000').waitFor({ timeout: patienceMs });
    report('dashboard.decisionsDrawn', performance.now() - startedMs, 'ms', { decisions });
    reportBar('dashboard.rowsInPage', await page.locator('.rows tbody tr').count(), 'rows', '<=', 100);
    const frames = quantilesOf(await page.evaluate<number[]>(scrollThrough));
    report('dashboard.scrollFrameP50', frames.p50, 'ms');
    report('dashboard.scrollFrameP95', frames.p95, 'ms');
    const typedMs = performance.now();
    await page.getByLabel('Search').fill('many-99');
    await page.getByText(/^111 of the newest/).waitFor({ timeout: patienceMs });
    report('dashboard.filtered', performance.now() - typedMs, 'ms', { decisions });
  } finally {
    await browser.close();
    many.close();
    await engine.stop();
    await home.close();
    rmSync(directory, { recursive: true, force: true });
  }
});
