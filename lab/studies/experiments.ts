/**
 * Whether an experiment may be believed however often it is looked at: false positives and interval coverage in runs looked at after
 * every request, how soon a lift is found against a test of fixed size, and what covariates save on recorded data:
 * `node dist/lab/studies/experiments.js [--runs 200] [--data ../shared/data]`; the full size is 1,000 runs.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mixtureScale } from '../../lib/experiments/confidence-sequence';
import { type Effect, intervalOfEffect, noEffect, pValueOf, withUnit } from '../../lib/experiments/effect';
import { varianceOf } from '../../lib/experiments/moments';
import { noCounts, ratioPValue, withArm } from '../../lib/experiments/sample-ratio';
import { seededRandom } from '../../lib/random/seeded';
import { inferTask } from '../../lib/routing/open/infer-task';
import { estimateTokens } from '../../lib/routing/open/request-text';
import { report, reportBar, runCheck } from '../report/report-line';
import { readRecordedData } from '../workloads/recorded-data';

const alpha = 0.05;
const scale = mixtureScale(10_000, alpha);
const quality = 0.7;
const lift = 0.02;
/** Of either arm together: a two-sided z-test of this size finds the lift four times in five. */
const fixedUnits = Math.ceil((4 * (1.95996 + 0.84162) ** 2 * quality * (1 - quality)) / lift ** 2);

/** One run of `units` requests, looked at after each. */
function runOnce(seed: number, units: number, treatedQuality: number, treatedShare = 0.5) {
  const random = seededRandom(seed, 'experiments', treatedQuality);
  let effect: Effect = noEffect;
  let counts = noCounts(2);
  let stoppedAt: number | null = null;
  let covered = true;
  for (let unit = 1; unit <= units; unit++) {
    const isTreated = random.next() < treatedShare;
    const value = random.next() < (isTreated ? treatedQuality : quality) ? 1 : 0;
    effect = withUnit(effect, { isTreated, value, covariate: null }, treatedShare, scale);
    counts = withArm(counts, isTreated ? 1 : 0, [1 - treatedShare, treatedShare]);
    const { lower, upper } = intervalOfEffect(effect, alpha, scale);
    const truth = treatedQuality - quality;
    covered &&= lower <= truth && truth <= upper;
    if (stoppedAt === null && pValueOf(effect) < alpha) stoppedAt = unit;
  }
  return { stoppedAt, covered, ratioAlarm: ratioPValue(counts) < alpha };
}

function shareOf<T>(of: readonly T[], holds: (one: T) => boolean): number {
  return of.filter(holds).length / of.length;
}

function chanceOfLies(runs: number): void {
  const units = 5_000;
  for (const [name, treatedShare] of [
    ['even', 0.5],
    ['tenth', 0.1],
  ] as const) {
    const all = Array.from({ length: runs }, (_, seed) => runOnce(seed, units, quality, treatedShare));
    const found = shareOf(all, ({ stoppedAt }) => stoppedAt !== null);
    reportBar(`experiments.aa.${name}.falsePositives`, found, 'share of runs', '<=', alpha, { runs, units });
    const alarms = shareOf(all, ({ ratioAlarm }) => ratioAlarm);
    reportBar(`experiments.aa.${name}.ratioAlarms`, alarms, 'share of runs', '<=', alpha, { runs, units });
    const covering = shareOf(all, ({ covered }) => covered);
    reportBar(`experiments.aa.${name}.coverage`, covering, 'share of runs', '>=', 1 - alpha, { runs, units });
  }
}

function power(runs: number): void {
  const all = Array.from({ length: runs }, (_, seed) => runOnce(seed, 3 * fixedUnits, quality + lift));
  const foundBy = (units: number) => shareOf(all, ({ stoppedAt }) => stoppedAt !== null && stoppedAt <= units);
  report('experiments.lift.fixedSample', fixedUnits, 'requests', { power: 0.8, lift });
  report('experiments.lift.powerAtFixedSample', foundBy(fixedUnits), 'share of runs', { runs });
  reportBar('experiments.lift.powerAtTwice', foundBy(2 * fixedUnits), 'share of runs', '>=', 0.8, { runs });
  const stops = all.map(({ stoppedAt }) => stoppedAt ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  const median = stops[Math.floor(stops.length / 2)]!;
  reportBar('experiments.lift.medianAgainstFixed', median / fixedUnits, 'times its size', '<=', 1, { median });
  const covering = shareOf(all, ({ covered }) => covered);
  reportBar('experiments.lift.coverage', covering, 'share of runs', '>=', 1 - alpha, { runs });
}

/** Two models of the data against each other, with what the router knows of a request before it assigns it, and without. */
async function saved(path: string, name: string): Promise<void> {
  const data = await readRecordedData(path);
  const rows = Array.from({ length: data.rows }, (_, index) => data.row(index)).filter(({ prompt }) => prompt !== null);
  if (rows.length === 0) return;
  const measured = data.models
    .map(({ name: model }) => ({ model, known: rows.filter((row) => row.outcomes.get(model)).length }))
    .sort((a, b) => b.known - a.known);
  const [control, treated] = [measured[0]!.model, measured[1]!.model];
  for (const metric of ['score', 'costUsd'] as const) {
    const random = seededRandom(1, 'experiments', name);
    const profiles = new Map<string, { sum: number; count: number }>();
    let [plain, adjusted]: Effect[] = [noEffect, noEffect];
    for (const row of rows) {
      const isTreated = random.next() < 0.5;
      const value = row.outcomes.get(isTreated ? treated : control)?.[metric] ?? null;
      if (value === null) continue;
      // As the profiles know it from the requests before: the mean of the task type, whoever answered. Cost goes with length.
      const task = inferTask(null, row.prompt!);
      const profile = profiles.get(task) ?? { sum: 0, count: 0 };
      const covariate =
        metric === 'costUsd'
          ? estimateTokens(Buffer.byteLength(row.prompt!))
          : profile.count > 0
            ? profile.sum / profile.count
            : null;
      plain = withUnit(plain!, { isTreated, value, covariate: null }, 0.5, scale);
      adjusted = withUnit(adjusted!, { isTreated, value, covariate }, 0.5, scale);
      profiles.set(task, { sum: profile.sum + value, count: profile.count + 1 });
    }
    if (varianceOf(plain!.scores) === 0) {
      process.stderr.write(`${name} does not say what ${metric} was: what covariates save is left out for it\n`);
      continue;
    }
    const share = 1 - varianceOf(adjusted!.scores) / varianceOf(plain!.scores);
    // A covariate that says nothing costs one slope.
    reportBar(`experiments.cuped.${name}.${metric}`, share, 'share of requests saved', '>=', -0.01, {
      requests: adjusted!.scores.count,
      models: [control, treated],
    });
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { data: { type: 'string', default: '../shared/data' }, runs: { type: 'string', default: '200' } },
  });
  const runs = Number(values.runs);
  chanceOfLies(runs);
  power(Math.max(50, Math.round(runs / 5)));
  for (const name of ['routerarena2', 'ulab9']) {
    const path = join(values.data, `${name}.jsonl.gz`);
    if (existsSync(path)) await saved(path, name);
    else process.stderr.write(`${path} is not there: what covariates save is left out for it\n`);
  }
}

runCheck(main);
