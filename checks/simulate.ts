/** Runs the simulation for a number of seeds, each twice: `node dist/checks/simulate.js --seeds 5 --seed 1`. */
import { parseArgs } from 'node:util';
import { report, reportBar, runCheck } from '../lab/report/report-line';
import { simulate } from './simulation';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '5' },
      seed: { type: 'string', default: '1' },
      requests: { type: 'string', default: '600' },
    },
  });
  const requests = Number(values.requests);
  for (let i = 0; i < Number(values.seeds); i++) {
    const seed = Number(values.seed) + i;
    const options = { seed, requests, crashes: 4 };
    const first = await simulate(options);
    const second = await simulate(options);
    for (const violation of first.violations.slice(0, 10)) process.stderr.write(`seed ${seed}: ${violation}\n`);
    reportBar(`simulate.${seed}.violations`, first.violations.length, 'violations', '<=', 0);
    reportBar(`simulate.${seed}.sameSeedOtherLog`, first.logSha256 === second.logSha256 ? 0 : 1, 'logs', '<=', 0);
    report(`simulate.${seed}.decisions`, first.decisions, 'decisions');
    report(`simulate.${seed}.learningEvents`, first.learningEvents, 'events');
    report(`simulate.${seed}.deadLetters`, first.deadLetters, 'records');
    report(`simulate.${seed}.virtualTime`, first.virtualMs, 'ms');
  }
}

runCheck(main);
