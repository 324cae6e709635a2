/** Searches for prompt text past the request topic and prints what it found: `node dist/benchmarks/scan-prompts.js`. */
import { scanPrompts } from './prompt-scan';
import { report, reportBar, runCheck } from './report-line';

async function main(): Promise<void> {
  const { leaks, foundInRequests, foundInDeadLetters } = await scanPrompts();
  for (const leak of leaks) process.stderr.write(`prompt text found in ${leak}\n`);
  report('scanPrompts.inRequestTopic', foundInRequests, 'records');
  report('scanPrompts.inItsDeadLetters', foundInDeadLetters, 'records');
  reportBar('scanPrompts.elsewhere', leaks.length, 'places', '<=', 0);
}

runCheck(main);
