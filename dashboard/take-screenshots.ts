/**
 * Pictures of the dashboard for the documents, from a real engine that routes the sample workload.
 *
 *     tsx dashboard/take-screenshots.ts
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBrowser } from './open-browser';

const root = join(__dirname, '..');
const target = join(root, 'docs', 'figures');
const pictures = [
  { name: 'dashboard-now', hash: '#/', colorScheme: 'light' },
  { name: 'dashboard-decision', hash: '#/decisions', colorScheme: 'dark' },
] as const;

async function takePictures(url: string): Promise<void> {
  const browser = await openBrowser();
  try {
    for (const { name, hash, colorScheme } of pictures) {
      const page = await browser.newPage({ viewport: { width: 1440, height: 1000 }, colorScheme });
      // A busy machine takes its time.
      page.setDefaultTimeout(300_000);
      await page.goto(`${url}/${hash}`);
      if (hash === '#/decisions') {
        await page.locator('td.id a').first().click();
        await page.getByRole('heading', { name: 'Candidates' }).waitFor();
      } else await page.getByRole('row', { name: /^router/ }).waitFor();
      await page.screenshot({ path: join(target, `${name}.png`) });
      await page.close();
    }
  } finally {
    await browser.close();
  }
}

async function main(): Promise<void> {
  mkdirSync(target, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'screenshots-'));
  const args = [
    'dist/bin/main.js',
    'run',
    '--port',
    '0',
    '--requests',
    '900',
    '--rate',
    '40',
    '--data-dir',
    join(folder, 'store'),
  ];
  const engine = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    const url = await new Promise<string>((resolve, reject) => {
      let said = '';
      engine.stderr.on('data', (bytes: Buffer) => {
        said += String(bytes);
        process.stderr.write(bytes);
        const found = /stays up on (http:\S+)/.exec(said);
        if (found) resolve(found[1]!);
      });
      engine.once('exit', (code) => reject(new Error(`the engine ended with ${code}`)));
    });
    await takePictures(url);
  } finally {
    engine.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
