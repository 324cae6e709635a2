/**
 * What the engine makes of what happens in life, against somebody who knows everything and against itself without the part
 * that deals with it: `node dist/checks/scenarios.js [--only outage,burst] [--requests 480] [--rate 50] [--seed 1]`, on a virtual
 * clock, or with `--kafka host:port [--redis url] [--instances 3] [--placement chained]` on real servers with every service as
 * processes of its own. A table on stderr, JSON lines on stdout; exit code 1 when a bar is missed. docs/scenarios.md explains both.
 */
import { parseArgs } from 'node:util';
import { report, reportBar, runCheck } from '../lab/report/report-line';
import { type PlacementName, placementNames } from '../services/placements';
import { playInProcess } from './scenarios/in-process';
import { newcomerFate } from './scenarios/newcomer';
import { startOnKafka } from './scenarios/on-kafka';
import {
  defaultRatePerSecond,
  type PlayedScenario,
  playScenario,
  type ScenarioEngine,
  type ScenarioRun,
} from './scenarios/play';
import { type Scenario, scenarios } from './scenarios/scenarios';

/** Requests over which it is looked whether the engine has adapted. */
const window = 20;
/** It has when it is worth so much of what it was before, both as a share of what was possible. */
const adaptedShare = 0.95;

/** Requests within which a newcomer is adopted or left. */
const settlesWithin = 300;

interface Row {
  readonly scenario: string;
  readonly part: string;
  readonly oracle: number;
  readonly withPart: number;
  readonly without: number | null;
  readonly adapts: number | null;
  readonly adaptsWithout: number | null;
  readonly remark: string;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      requests: { type: 'string', default: '480' },
      rate: { type: 'string', default: String(defaultRatePerSecond) },
      seed: { type: 'string', default: '1' },
      kafka: { type: 'string' },
      redis: { type: 'string' },
      instances: { type: 'string' },
      placement: { type: 'string' },
    },
  });
  const names = values.only === '' ? scenarios.map(({ name }) => name) : values.only.split(',');
  const unknown = names.find((name) => !scenarios.some((one) => one.name === name));
  if (unknown !== undefined)
    throw new Error(`--only has ${unknown}: give some of ${scenarios.map(({ name }) => name).join(', ')}`);
  const wish = {
    requests: positive('--requests', values.requests),
    ratePerSecond: positive('--rate', values.rate),
    seed: Number(values.seed),
  };
  const play = playOn(values);
  const rows: Row[] = [];
  for (const scenario of scenarios.filter(({ name }) => names.includes(name))) {
    const withPart = await play({ ...wish, scenario, isWith: true });
    const without = scenario.without && (await play({ ...wish, scenario, isWith: false }));
    rows.push(judge(scenario, withPart, without));
  }
  process.stderr.write(tableOf(rows));
}

interface Where {
  readonly kafka?: string | undefined;
  readonly redis?: string | undefined;
  readonly instances?: string | undefined;
  readonly placement?: string | undefined;
}

/** In this process, or on Kafka where that is given. */
function playOn({ kafka, redis, instances, placement }: Where): (run: ScenarioRun) => Promise<PlayedScenario> {
  if (kafka === undefined) {
    const first = Object.entries({ redis, instances, placement }).find(([, value]) => value !== undefined);
    if (first) throw new Error(`--${first[0]} goes with --kafka`);
    return playInProcess;
  }
  const placed = placementNames.find((name) => name === (placement ?? defaultPlacement));
  if (!placed) throw new Error(`--placement is ${placement}: give one of ${placementNames.join(', ')}`);
  const count = positive('--instances', instances ?? '3');
  process.stderr.write(`on Kafka at ${kafka}, ${count} instances of each service, ${placed}\n`);
  const start = startOnKafka({
    ...{ kafka, instances: count, placement: placed, environment: process.env },
    ...(redis !== undefined && { redis }),
    onLine: (line) => process.stderr.write(`${line}\n`),
  });
  return (run) =>
    playScenario(run, async (...given) => {
      engine = await start(...given);
      return engine;
    });
}

/** The one that runs on Kafka now. */
let engine: ScenarioEngine | null = null;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Its topics go with it. Processes that still start end by themselves, once this one has.
  process.once(signal, () => {
    process.stderr.write('stopping\n');
    void (engine?.stop() ?? Promise.resolve()).finally(() => process.exit(130));
  });
}

/** As in one process. */
const defaultPlacement: PlacementName = 'chained';

function positive(option: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`${option} is ${text}: give a whole number above 0`);
}

function judge(scenario: Scenario, played: PlayedScenario, without: PlayedScenario | null): Row {
  const line = (what: string): string => `scenarios.${scenario.name}.${what}`;
  const begins = Math.floor(played.utilities.length / 3);
  const meanFrom = (values: readonly number[]): number => mean(values.slice(begins));
  const oracle = meanFrom(played.oracle);
  const utility = meanFrom(played.utilities);
  const other = without && meanFrom(without.utilities);
  const [adapts, adaptsWithout] = [adaptation(played, begins), without && adaptation(without, begins)];
  report(line('oracle'), oracle, 'utility');
  report(line('utility'), utility, 'utility', { part: scenario.part, oracle, without: other });
  report(line('adaptedAfter'), adapts ?? -1, 'requests', { without: adaptsWithout, never: adapts === null });
  report(line('learnedBefore'), played.learnedBefore, 'rewards', {
    of: begins,
    without: without?.learnedBefore ?? null,
  });
  report(line('rate'), played.ratePerSecond, 'requests/s', { without: without?.ratePerSecond ?? null });
  reportBar(line('failed'), played.failures.length, 'services', '<=', 0, { failures: played.failures });
  reportBar(line('undecided'), played.undecided, 'requests', '<=', 0);
  if (scenario.extra) {
    report(line('between'), played.extraDecided, 'decisions', {
      usd: played.extraUsd,
      without: without?.extraDecided ?? null,
      usdWithout: without?.extraUsd ?? null,
    });
  }
  const remark = scenario.extra
    ? `${played.extraDecided} in between${without ? `, ${without.extraDecided} without` : ''}`
    : scenario.announced?.joins
      ? judgeNewcomer(scenario.announced.joins, played, begins, line)
      : '';
  return {
    ...{ scenario: scenario.name, part: scenario.part, oracle, withPart: utility, without: other },
    ...{ adapts, adaptsWithout, remark },
  };
}

/** When the newcomer had been adopted or left, and what was lost by trying it; in words for the table. */
function judgeNewcomer(
  name: string,
  { newcomer }: PlayedScenario,
  begins: number,
  line: (what: string) => string,
): string {
  const { isBetter, settledAfter, costs } = newcomerFate(newcomer.slice(begins));
  reportBar(line('settledAfter'), settledAfter ?? newcomer.length, 'requests', '<=', settlesWithin, {
    never: settledAfter === null,
    isBetter,
  });
  report(line('tryingCosts'), costs, 'utility', { perRequest: costs / (newcomer.length - begins) });
  const fate = settledAfter === null ? 'is neither adopted nor left' : `${isBetter ? 'adopted' : 'left'} after`;
  return `${name} ${fate} ${settledAfter ?? ''}, ${costs.toFixed(2)} utility in all for trying`;
}

/** Requests from the beginning until it is worth as much of what is possible as before; null: never. */
function adaptation({ utilities, oracle }: PlayedScenario, begins: number): number | null {
  const shareOf = (from: number): number =>
    mean(utilities.slice(from, from + window)) / mean(oracle.slice(from, from + window));
  const before = shareOf(begins - window);
  for (let at = begins; at + window <= utilities.length; at++)
    if (shareOf(at) >= adaptedShare * before) return at - begins;
  return null;
}

function tableOf(rows: readonly Row[]): string {
  const number = (value: number | null): string => (value === null ? '' : value.toFixed(3));
  const after = (value: number | null, isPlayed: boolean): string => (isPlayed ? (value ?? 'never').toString() : '');
  const lines = [
    ['scenario', 'part', 'oracle', 'engine', 'without', 'adapts after', 'without', ''],
    ...rows.map((row) => [
      ...[row.scenario, row.part, number(row.oracle), number(row.withPart), number(row.without)],
      ...[after(row.adapts, true), after(row.adaptsWithout, row.without !== null), row.remark],
    ]),
  ];
  const widths = lines[0]!.map((_, at) => Math.max(...lines.map((line) => line[at]!.length)));
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, at) => cell.padEnd(widths[at]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

runCheck(main);
