/**
 * The main job: the whole engine in one process, a workload through its real topics, live progress, and one table that
 * says what routing was worth beside other policies on the same requests and the same luck.
 */

import { createRouterClient } from '../../lib/client/router-client';
import type { RouterConfig } from '../../lib/config/router-config';
import { providerSchema } from '../../lib/config/schema/provider-schema';
import { dictionaryOf } from '../../lib/dictionary';
import { fixedPercent, signed } from '../../lib/figures/figures';
import type { Clock } from '../../lib/ports/clock';
import { utilityWeights } from '../../lib/routing/judge/utility';
import { inferTask } from '../../lib/routing/open/infer-task';
import type { Log } from '../../lib/telemetry/log';
import type { Metrics } from '../../lib/telemetry/metrics';
import type { StatusLine } from '../../lib/terminal/status-line';
import { wrapText } from '../../lib/terminal/wrap-text';
import { type Engine, startEngine, type TrainerHost } from '../../services/engine';
import type { EngineHome } from '../../services/home';
import {
  allBaselines,
  createStaticRules,
  judgeChoices,
  type OutcomeMatrix,
  outcomeMatrix,
  type PolicyResult,
} from '../policies/baselines';
import { pairedDifference } from '../report/paired-difference';
import { shortFigure, startProgress } from '../report/progress';
import { policyTable, quantilesOf, riseOf } from '../report/report';
import { rememberRows } from '../workloads/recent-rows';
import type { Workload } from '../workloads/workload';
import { configAfter, type Played, playWorkload } from './play-workload';
import { type ChoiceReport, probeChoices } from './probe-choices';
import { workloadConfig } from './workload-config';

export interface RunOptions {
  readonly workload: Workload;
  readonly home: EngineHome;
  readonly http: { readonly host: string; readonly port: number } | null;
  readonly ratePerSecond: number;
  readonly seed: number;
  readonly log: Log;
  /** Where live progress goes; the table is made for its width. */
  readonly line: StatusLine;
  /** Called once when requests can be routed, with the address of the gateway; null without one. */
  readonly onReady?: (url: string | null) => void;
  readonly stopped: () => boolean;
  /** `inline` on a virtual clock. */
  readonly trainer: TrainerHost;
}

export interface RunResult {
  readonly engine: Engine;
  readonly played: Played;
  /** The engine first, then the baselines, on the requests that were decided; empty when too few were. */
  readonly policies: readonly PolicyResult[];
  /** What its choices depend on; null where the requests have no text, or too few were decided. */
  readonly choices: ChoiceReport | null;
  /** The final table, for people. */
  readonly summary: string;
  /** Why the run was no success; null when it was one, or was stopped. */
  readonly failure: string | null;
  /** Somebody stopped it before its end. */
  readonly stopped: boolean;
}

/** Requests of a default run, and how many are sent per second. */
export const defaultRunRequests = 15_000;
export const defaultRunRate = 250;

const partitions = 4;
/**
 * Requests under way, as a share of what is sent in a second: with more the machine is too slow for the rate. A longer queue
 * brings no more decisions; it makes each of them later, and with it what is learned from the one before.
 */
const inFlightSeconds = 0.1;
/** A pause of the process must not count as a machine that is too slow: so many may come in one. */
const leastInFlight = 128;
/** Fewer decisions say nothing about a policy. */
const leastJudged = 10;
/**
 * A simulated outage lasts a share of the run, seconds here and not minutes: a breaker that waits as in production would outlast
 * it. So the first wait is the time of so many requests, whatever the rate.
 */
const breakerOpenRequests = 250;

/** Plays the workload and prints the table. The engine goes on running: whoever called stops it. */
export async function runWorkload(options: RunOptions): Promise<RunResult> {
  const { workload, home } = options;
  // Models of a workload are on paper: whoever calls one at the doors hears the demonstration upstream.
  const demo = providerSchema.parse({ kind: 'demo' });
  const providers = dictionaryOf(workload.models.map(({ provider }) => [provider, demo] as const));
  const defaults = workloadConfig(workload, { seed: options.seed, providers });
  const { breaker } = defaults;
  const openMs = Math.ceil((1_000 * breakerOpenRequests) / options.ratePerSecond);
  const config = { ...defaults, breaker: { ...breaker, openMs: Math.min(breaker.maxOpenMs, openMs) } };
  const engine = await startEngine({
    home,
    config,
    partitions,
    trainer: options.trainer,
    http: options.http,
    reportsVitals: options.http !== null,
    log: options.log,
  });
  const client = await createRouterClient({
    broker: home.broker,
    clock: home.clock,
    clientId: home.createId(),
    topicName: (name) => home.topicPrefix + name,
    onFailed: (error) => options.log.error('decisions can no longer be followed', { error }),
  });
  options.onReady?.(engine.url);
  const progress = startProgress({ line: options.line, clock: home.clock, total: workload.rows });
  const maxInFlight = Math.max(leastInFlight, Math.ceil(inFlightSeconds * options.ratePerSecond));
  const underWay = rememberRows(workload, 2 * maxInFlight);
  const tally = createTally(underWay);
  const lag = watchLag(engine.metrics, home.clock);
  let wasBehind = false;
  const played = await playWorkload({
    workload: underWay,
    client,
    clock: home.clock,
    config,
    applyConfig: engine.applyConfig,
    ratePerSecond: options.ratePerSecond,
    maxInFlight,
    onPace(isBehind) {
      // Said once: the table says how often it was so.
      if (isBehind && !wasBehind) options.line.above('slowed down: this machine is busy\n');
      wasBehind ||= isBehind;
    },
    onDecided(index, decision, done) {
      tally.add(index, decision.model);
      lag.look();
      progress.update({ done, figures: [tally.worth(), `lag ${lag.nowSeconds().toFixed(1)} s`], counts: tally.counts });
    },
    stopped: options.stopped,
  });
  progress.finish();
  await client.close();
  const decided = played.chosen.filter((model) => model !== null).length;
  const isStopped = played.sent < workload.rows;
  if (decided === 0 && !isStopped) {
    const failure =
      'no request was decided: the topics may hold an earlier run of the same requests; use others (--topic-prefix)';
    return { engine, played, policies: [], choices: null, summary: '', failure, stopped: false };
  }
  if (decided < leastJudged) {
    return { engine, played, policies: [], choices: null, summary: '', failure: null, stopped: isStopped };
  }
  const policies = judge(workload, played, options.seed);
  const sent = played.chosen.flatMap((model, index) => (model === null ? [] : [index]));
  const choices = await probeChoices(home, configAtEnd(workload, config, played.sent), workload, sent, options.log);
  const { columns } = options.line;
  return {
    engine,
    played,
    policies,
    choices,
    summary: summaryOf({
      workload,
      policies,
      choices,
      played,
      ratePerSecond: options.ratePerSecond,
      columns,
      lag: await lag.words(),
    }),
    failure: isStopped ? null : failureOf(workload, policies, played),
    stopped: isStopped,
  };
}

function failureOf(
  workload: Workload,
  [engine, random]: readonly PolicyResult[],
  { undecided, late }: Played,
): string | null {
  if (undecided > 0) return `${undecided} requests were not decided in time`;
  // On a machine that cannot keep up, threads miss their time, and what was chosen says little about the engine.
  if (late > 0) return null;
  if (workload.simulated && engine!.meanUtility <= random!.meanUtility)
    return 'the engine was worth no more than random routing';
  return null;
}

/** What the learner has to show for itself is made by then; the bars look at the time after it. */
const settledMs = 20_000;
const lookEveryMs = 500;

/** How far learning is behind its log while the workload is played, in seconds and in events. */
function watchLag(metrics: Metrics, clock: Clock) {
  const startedMs = clock.monotonicMs();
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  const most = { always: 0, settled: 0 };
  let newest = 0;
  const read = async (): Promise<{ seconds: number; events: number }> => ({
    seconds: await metrics.value('quantum_router_learning_lag_seconds', {}),
    events: await metrics.value('quantum_router_learning_lag_events', {}),
  });
  return {
    /** Called as often as anybody likes. */
    look(): void {
      const nowMs = clock.monotonicMs();
      if (nowMs - lookedAtMs < lookEveryMs) return;
      lookedAtMs = nowMs;
      void read().then(({ seconds }) => {
        newest = seconds;
        most.always = Math.max(most.always, seconds);
        if (nowMs - startedMs >= settledMs) most.settled = Math.max(most.settled, seconds);
      });
    },
    /** As of the last look. */
    nowSeconds: () => newest,
    async words(): Promise<string> {
      const { seconds, events } = await read();
      const atMost = `at most ${most.always.toFixed(1)} s, from the 20th second on ${most.settled.toFixed(1)} s`;
      const learned = await metrics.value('quantum_router_learning_pace', { of: 'rewards' });
      const share =
        learned > 0 && learned < 1 ? `;\n  learning from ${fixedPercent(learned)} of the rewards by then` : '';
      return `${atMost}; at the end ${seconds.toFixed(1)} s (${events} events)${share}`;
    },
  };
}

/** Running means for the progress line: the engine's utility beside that of static rules on the same requests. */
function createTally(workload: Workload) {
  const { preference, utilityScale } = workloadConfig(workload);
  const weights = utilityWeights(preference, utilityScale, 0);
  const rules = createStaticRules(workload.models, weights);
  const indexOf = new Map(workload.models.map((model, index) => [model.name, index]));
  const counts = new Map<string, number>();
  const sum = { engine: 0, rules: 0, judged: 0 };
  return {
    counts: counts as ReadonlyMap<string, number>,
    add(index: number, model: string): void {
      counts.set(model, (counts.get(model) ?? 0) + 1);
      const row = workload.row(index);
      const matrix = outcomeMatrix(workload, weights, [index]);
      const own = matrix.utilities[indexOf.get(model)!]!;
      const theirs = matrix.utilities[rules(matrix, 0, inferTask(row.taskHint, row.prompt))]!;
      // A model without an outcome for the row says nothing about either.
      if (Number.isNaN(own)) return;
      sum.engine += own;
      sum.rules += theirs;
      sum.judged += 1;
    },
    worth: (): string =>
      sum.judged === 0
        ? 'utility –'
        : `utility ${shortFigure(sum.engine / sum.judged)} rules ${shortFigure(sum.rules / sum.judged)}`,
  };
}

/** The engine and the baselines on the rows that were decided (all of them, unless something is broken). */
function judge(workload: Workload, played: Played, seed: number): PolicyResult[] {
  const { preference, utilityScale } = workloadConfig(workload);
  const weights = utilityWeights(preference, utilityScale, 0);
  const decided = played.chosen.flatMap((model, index) => (model === null ? [] : [index]));
  const matrix: OutcomeMatrix = outcomeMatrix(workload, weights, decided);
  const indexOf = new Map(workload.models.map((model, index) => [model.name, index]));
  const choices = decided.map((index) => indexOf.get(played.chosen[index]!)!);
  const taskTypes = decided.map((index) => {
    const row = workload.row(index);
    return inferTask(row.taskHint, row.prompt);
  });
  return [
    judgeChoices(played.late > 0 ? 'this engine *' : 'this engine', matrix, choices),
    ...Object.values(allBaselines(matrix, { weights, seed, taskTypes })),
  ];
}

/** The configuration after what was announced before the last request that was sent. */
function configAtEnd(workload: Workload, config: RouterConfig, sent: number): RouterConfig {
  return workload.events
    .filter(({ atIndex }) => atIndex < sent)
    .reduce((before, event) => configAfter(before, event, workload), config);
}

/** What the choices came to and what they hang on, for people. */
function choicesText(workload: Workload, policies: readonly PolicyResult[], choices: ChoiceReport | null): string[] {
  const [engine] = policies;
  const best = policies.find(({ name }) => name.startsWith('best single'));
  const top = engine!.shares.indexOf(Math.max(...engine!.shares));
  const lines = ['choices of this engine\n'];
  if (best) {
    const { mean, low, high } = pairedDifference(engine!.utilities, best.utilities);
    lines.push(`  over the best fixed model ${signed(mean, 4)} ± ${((high - low) / 2).toFixed(4)}\n`);
  }
  lines.push(`  most requests went to ${workload.models[top]!.name}: ${fixedPercent(engine!.shares[top]!)}\n`);
  if (choices === null) return lines;
  const { blankLines, letterCase, politeness } = choices.changedBy;
  lines.push(
    `  another request's text would change ${fixedPercent(choices.dependsOnText)} of the choices;\n`,
    `  blank lines ${fixedPercent(blankLines)}, letter case ${fixedPercent(letterCase)}, a polite sentence ${fixedPercent(politeness)}\n`,
  );
  return lines;
}

interface Summarised {
  readonly workload: Workload;
  readonly policies: readonly PolicyResult[];
  readonly choices: ChoiceReport | null;
  readonly played: Played;
  readonly ratePerSecond: number;
  readonly columns: number;
  /** How far learning is behind its log, in words. */
  readonly lag: string;
}

function summaryOf({ workload, policies, choices, played, ratePerSecond, columns, lag }: Summarised): string {
  const latency = quantilesOf(played.latencyMs);
  const { firstTenth, lastTenth, rise } = riseOf(policies[0]!.utilities);
  const isPartial = played.sent < workload.rows;
  const mark = played.late > 0 ? ' *' : '';
  const text = (words: string): string => `${wrapText(words, columns).join('\n')}\n`;
  const count = isPartial
    ? `PARTIAL: stopped after ${played.sent} of ${workload.rows} requests; the table is about those that were decided`
    : `${workload.rows} requests`;
  const sentPerSecond = (1_000 * played.sent) / Math.max(1, played.elapsedMs);
  const lateShare = Math.ceil((100 * played.late) / played.sent);
  return [
    '\n',
    text(
      workload.simulated
        ? `${workload.name}: a SIMULATED workload, written for this project (docs/simulated-world.md).`
        : `${workload.name}: recorded data; only the chosen model's outcome was shown to the engine.`,
    ),
    text(
      `${count}, the same for every policy; utility = quality less cost and latency as the configuration weighs them.`,
    ),
    '\n',
    policyTable(policies, { color: false, paired: true, columns }),
    '\n',
    `decision latency of this engine${mark}\n`,
    `  p50 ${latency.p50.toFixed(1)} ms  p95 ${latency.p95.toFixed(1)} ms  p99 ${latency.p99.toFixed(1)} ms\n`,
    ...choicesText(workload, policies, choices),
    'mean utility of this engine\n',
    `  first tenth ${firstTenth.toFixed(4)} → last tenth ${lastTenth.toFixed(4)}  (${signed(rise, 4)})\n`,
    'learning behind its log\n',
    `  ${lag}\n`,
    played.late > 0
      ? `\n${text(`* made while this machine was too busy for ${ratePerSecond} requests per second: ${lateShare} % of them were sent late, ${sentPerSecond.toFixed(0)} per second on average. Other figures come out on a machine that is free.`)}`
      : '',
    played.undecided > 0 ? `${played.undecided} requests were NOT decided in time\n` : '',
  ].join('');
}
