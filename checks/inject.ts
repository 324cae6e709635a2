/**
 * Does learning survive what goes wrong with it, and does serving notice? Plays the same requests with and without each
 * fault and compares what the decisions were worth.
 *
 *     node dist/checks/inject.js [--fault nan|scale|flip|flood|all] [--requests 1800] [--seeds 2] [--seed 1]
 *
 * JSON lines; exit code 1 when a bar is missed.
 */
import { parseArgs } from 'node:util';
import { pairedDifference } from '../lab/report/paired-difference';
import { report, reportBar, runCheck } from '../lab/report/report-line';
import { faultGroups, faults } from './inject/faults';
import { playWithFault, type Served } from './inject/play';

/** Quality during and after a fault, relative to the same requests without it... */
const leastShare = 0.99;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      fault: { type: 'string', default: 'all' },
      requests: { type: 'string', default: '1800' },
      seeds: { type: 'string', default: '2' },
      seed: { type: 'string', default: '1' },
    },
  });
  const names = faultGroups[values.fault];
  if (!names) throw new Error(`--fault is ${values.fault}: give one of ${Object.keys(faultGroups).join(', ')}`);
  const requests = Number(values.requests);
  const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => Number(values.seed) + i);
  const undisturbed: Served[] = [];
  for (const seed of seeds) undisturbed.push(await playWithFault({ seed, requests, fault: null }));
  for (const name of names) {
    const disturbed: Served[] = [];
    for (const seed of seeds) disturbed.push(await playWithFault({ seed, requests, fault: faults[name] }));
    judge(name, disturbed, undisturbed);
  }
}

/** Prints what a fault did, over all seeds. */
function judge(name: string, disturbed: readonly Served[], undisturbed: readonly Served[]): void {
  const line = (what: string): string => `inject.${name}.${what}`;
  const third = undisturbed[0]!.qualities.length / 3;
  const all = (runs: readonly Served[], from: number, to: number): number[] =>
    runs.flatMap(({ qualities }) => qualities.slice(Math.floor(from * third), Math.floor(to * third)));
  for (const [phase, from] of [
    ['before', 0],
    ['during', 1],
    ['after', 2],
  ] as const) {
    const quality = mean(all(disturbed, from, from + 1));
    report(line(`quality.${phase}`), quality, 'quality', { undisturbed: mean(all(undisturbed, from, from + 1)) });
  }
  const [faulty, sound] = [all(disturbed, 1, 3), all(undisturbed, 1, 3)];
  const { mean: difference, low, high } = pairedDifference(faulty, sound);
  reportBar(line('qualityKept'), mean(faulty) / mean(sound), 'share', '>=', leastShare, { difference, low, high });
  const total = (count: (run: Served) => number): number => disturbed.reduce((sum, run) => sum + count(run), 0);
  reportBar(
    line('degraded'),
    total(({ degraded }) => degraded),
    'decisions',
    '<=',
    0,
  );
  reportBar(
    line('undecided'),
    total(({ undecided }) => undecided),
    'requests',
    '<=',
    0,
  );
  reportBar(
    line('servicesFailed'),
    total(({ failures }) => failures.length),
    'services',
    '<=',
    0,
  );
  report(
    line('refused'),
    total(({ rejected }) => rejected),
    'policies',
  );
  report(
    line('repairs'),
    total((run) => lastMetric(run, 'repairs')),
    'repairs',
  );
  report(
    line('passedOver'),
    total((run) => lastMetric(run, 'passedOver')),
    'judgements',
  );
  const tampered = disturbed.filter(({ tamperedAt }) => tamperedAt !== null);
  if (tampered.length === 0) return;
  const recovered = tampered.map(eventsToRecovery);
  reportBar(line('recovered'), recovered.filter((events) => events !== null).length, 'runs', '>=', tampered.length);
  report(line('recoveredAfter'), Math.max(...recovered.map((events) => events ?? Infinity)), 'events');
}

/** Learning events from the fault to the next policy that the guard let through; null: none came. */
function eventsToRecovery({ tamperedAt, published }: Served): number | null {
  const found = published.find(({ toOffset }) => toOffset > tamperedAt!);
  return found ? found.toOffset - tamperedAt! : null;
}

function lastMetric({ published }: Served, name: string): number {
  return published.at(-1)?.metrics[name] ?? 0;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

runCheck(main);
