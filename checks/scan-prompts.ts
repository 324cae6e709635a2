/** Searches for prompt text past the request topic, and for answers anywhere, and prints what it found: `node dist/checks/scan-prompts.js`. */

import { report, reportBar, runCheck } from '../lab/report/report-line';
import { scanPrompts } from './prompt-scan';

async function main(): Promise<void> {
  const { leaks, foundInRequests, foundInDeadLetters, openedAnswers } = await scanPrompts();
  for (const leak of leaks) process.stderr.write(`text found in ${leak}\n`);
  report('scanPrompts.inRequestTopic', foundInRequests, 'records');
  report('scanPrompts.inItsDeadLetters', foundInDeadLetters, 'records');
  report('scanPrompts.keptAnswers', openedAnswers, 'records');
  reportBar('scanPrompts.elsewhere', leaks.length, 'places', '<=', 0);
}

runCheck(main);
