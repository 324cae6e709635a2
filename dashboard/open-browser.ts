/** Opens this machine's browser, without a window, for tests and pictures. */
import { chromium } from 'playwright-core';
import { browserProgram, run } from '../infra/tools';

/** Rejects where there is no browser: `make servers-installed` brings one where it may. */
export async function openBrowser() {
  const program = browserProgram();
  if (program === null) throw new Error('there is no Chromium on this machine: make servers-installed brings one');
  const executablePath = run('which', program).trim();
  // As root, as in containers, its own sandbox cannot be had.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath, args });
}
