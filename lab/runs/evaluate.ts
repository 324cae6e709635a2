/**
 * Offline evaluation: the same intake, strategies, collapse, feedback and trainer over recorded rows, on a virtual clock
 * and the memory home. First the warm split, then the test split; the engine sees only what a router would see. Announced
 * events of the workload (a price change) go through the configuration; their `atIndex` counts rows in the order played.
 */

import { createVirtualClock, type VirtualClock } from '../../lib/adapters/memory/virtual-clock';
import { createRouterClient, type RouterClient } from '../../lib/client/router-client';
import type { RouterConfig } from '../../lib/config/router-config';
import { dictionaryOf } from '../../lib/dictionary';
import type { Producer } from '../../lib/ports/broker';
import type { Random } from '../../lib/ports/random';
import { seededRandom } from '../../lib/random/seeded';
import { utilityWeights } from '../../lib/routing/judge/utility';
import { inferTask } from '../../lib/routing/open/infer-task';
import type { Log } from '../../lib/telemetry/log';
import type { RouteDecided } from '../../lib/topics/generated/messages';
import { chooseBackend, tensorBackendOf } from '../../services/dqn-trainer/tensor-backend';
import { startEngine } from '../../services/engine';
import { memoryHome } from '../../services/home';
import { allBaselines, judgeChoices, outcomeMatrix, type PolicyResult } from '../policies/baselines';
import { shuffled } from '../workloads/draw';
import type { Workload, WorkloadRow, WorldEvent } from '../workloads/workload';
import { type LoggedRow, type OffPolicyEstimate, offPolicyReport } from './off-policy';
import { configAfter } from './play-workload';
import { type ChoiceReport, probeChoices } from './probe-choices';
import { outcomeOf, recordedEvents, requestOf } from './workload-records';

export interface EvaluateOptions {
  readonly workload: Workload;
  readonly config: RouterConfig;
  /** Rows shown before the test; `full`: all outcomes, as in offline training; `chosen`: routed, only the chosen outcome. */
  readonly warm: { readonly split: string; readonly feedback: 'full' | 'chosen' } | null;
  /** Split to report on; null: all rows that are not warm. */
  readonly testSplit: string | null;
  /** `chosen`: goes on learning from chosen outcomes during the test; `none`: frozen. */
  readonly feedback: 'chosen' | 'none';
  readonly order: 'file' | 'shuffle';
  /** The outcome of the request at a position, warm ones counted, arrives after this many further requests; null: never. */
  readonly feedbackAfter: (position: number) => number | null;
  /** Also judge other policies from the log of the test rows. */
  readonly offPolicy?: boolean;
  readonly seed: number;
  readonly log: Log;
  readonly onDecision: (line: EvaluatedDecision) => void;
  readonly onTiming: (line: { readonly id: string; readonly wallMs: number }) => void;
  readonly onProgress: (done: number, total: number) => void;
  /** Wall time in milliseconds, for timings only; nothing in the engine sees it. */
  readonly wallMs: () => number;
}

export interface EvaluatedDecision {
  readonly id: string;
  readonly model: string;
  readonly propensity: number;
  /** How sure the engine was that no candidate is better, 0..1. */
  readonly confidence: number;
  /** Predicted quality per candidate, 0..1. */
  readonly values: Readonly<Record<string, number>>;
}

export interface PolicySummary {
  readonly meanScore: number;
  /** Mean over requests whose cost is known; null when none is. */
  readonly meanCostUsd: number | null;
  /** Mean utility below the oracle's, which knows the best model of every row; without cost or latency preference this is in score. */
  readonly regret: number;
}

export interface EvaluationReport extends PolicySummary {
  readonly requests: number;
  readonly baselines: Readonly<Record<string, PolicySummary>>;
  /** Rewards the learner folded in, warm split included. */
  readonly updates: number;
  /** Mean utility over the best fixed model's, known only afterwards. */
  readonly marginOverBestSingle: number;
  /** Share of the requests that went to the model with the most. */
  readonly topModelShare: number;
  /** What the choices depend on, by what was learned at the end; null where the rows have no text. */
  readonly choices: ChoiceReport | null;
  /** What the log of the test rows says of other policies; absent unless asked for. */
  readonly offPolicy?: Readonly<Record<string, OffPolicyEstimate>>;
}

/** Virtual milliseconds between requests: long enough for commits and table flushes to happen in between. */
const requestIntervalMs = 100;
/** A decision comes without any time passing; after this much virtual time something is broken. */
const decisionTimeoutMs = 1_000;

export async function evaluate(options: EvaluateOptions): Promise<EvaluationReport> {
  const { workload, config } = options;
  // Loading the backend takes real time, which a virtual clock cannot see: before it starts.
  await tensorBackendOf(chooseBackend(config).name).ready();
  const clock = createVirtualClock();
  const home = memoryHome({ clock, seed: options.seed });
  const engine = await pump(
    clock,
    startEngine({ home, config, partitions: 1, trainer: 'inline', http: null, log: options.log }),
  );
  const client = await pump(
    clock,
    createRouterClient({
      broker: home.broker,
      clock,
      clientId: 'evaluate',
      onFailed: (error) => {
        throw error;
      },
    }),
  );
  const recorded = home.broker.producer('recorded');
  const driver: Driver = {
    clock,
    recorded,
    client,
    workload,
    config,
    applyConfig: (changed) => engine.applyConfig(changed),
    events: [...workload.events],
    waiting: [],
    feedbackAfter: options.feedbackAfter,
  };

  const { warmRows, testRows } = chooseRows(options);
  const total = warmRows.length + testRows.length;
  let done = 0;
  for (const index of warmRows) {
    const row = workload.row(index);
    await announceEvents(driver, done);
    if (options.warm?.feedback === 'full') await learnFully(driver, row);
    else await reportLater(driver, row, await routeRow(driver, row), done);
    options.onProgress(++done, total);
  }
  await deliverOutcomes(driver, Number.POSITIVE_INFINITY);

  const logged: LoggedRow[] = [];
  for (const index of testRows) {
    const row = workload.row(index);
    await announceEvents(driver, done);
    const startedMs = options.wallMs();
    const decision = await routeRow(driver, row);
    options.onTiming({ id: row.id, wallMs: options.wallMs() - startedMs });
    logged.push({ row, decision });
    options.onDecision(lineOf(row, decision));
    if (options.feedback === 'chosen') await reportLater(driver, row, decision, done);
    options.onProgress(++done, total);
  }
  if (options.feedback === 'chosen') await deliverOutcomes(driver, Number.POSITIVE_INFINITY);

  const choices = await pump(clock, probeChoices(home, driver.config, workload, testRows, options.log));
  const report = { ...reportOf(options, warmRows, testRows, logged, engine.learnedRewards()), choices };
  await pump(clock, client.close());
  await pump(clock, recorded.close());
  await pump(clock, engine.stop());
  return report;
}

interface Driver {
  readonly clock: VirtualClock;
  /** Writes what offline training shows. */
  readonly recorded: Producer;
  readonly client: RouterClient;
  readonly workload: Workload;
  /** The one in force. */
  config: RouterConfig;
  readonly applyConfig: (config: RouterConfig) => Promise<unknown>;
  /** Yet to come. */
  readonly events: WorldEvent[];
  /** Outcomes that are not reported yet, and the position from which on they are. */
  waiting: { readonly row: WorkloadRow; readonly decision: RouteDecided; readonly dueAt: number }[];
  readonly feedbackAfter: EvaluateOptions['feedbackAfter'];
}

/** Runs virtual time until the promise settles. */
async function pump<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let settled = false;
  const watched = promise.finally(() => {
    settled = true;
  });
  // The caller awaits it below; without this a rejection in between would be reported as unhandled.
  watched.catch(() => {});
  await clock.settle();
  for (let stepsLeft = 100_000; !settled && stepsLeft > 0; stepsLeft--) await clock.advanceBy(1);
  return watched;
}

/** Applies what is announced before the row that is played after `played` others. */
async function announceEvents(driver: Driver, played: number): Promise<void> {
  while (driver.events[0] && driver.events[0].atIndex <= played) {
    const changed = configAfter(driver.config, driver.events.shift()!, driver.workload);
    if (changed === driver.config) continue;
    driver.config = changed;
    await pump(driver.clock, driver.applyConfig(changed));
    await driver.clock.advanceBy(requestIntervalMs);
  }
}

async function routeRow(driver: Driver, row: WorkloadRow): Promise<RouteDecided> {
  // A model that has not joined yet is not known to intake, not even as a denied one.
  const configured = { ...driver.workload, models: driver.config.models };
  const request = requestOf(configured, row, driver.clock.nowMs());
  const decision = await pump(driver.clock, driver.client.route(request, decisionTimeoutMs));
  await driver.clock.advanceBy(requestIntervalMs);
  return decision;
}

async function reportLater(driver: Driver, row: WorkloadRow, decision: RouteDecided, position: number): Promise<void> {
  const after = driver.feedbackAfter(position);
  if (after !== null) driver.waiting.push({ row, decision, dueAt: position + after });
  await deliverOutcomes(driver, position);
}

/** Reports what is due when the request at a position has been answered, oldest request first. */
async function deliverOutcomes(driver: Driver, position: number): Promise<void> {
  const due = driver.waiting.filter(({ dueAt }) => dueAt <= position);
  driver.waiting = driver.waiting.filter(({ dueAt }) => dueAt > position);
  for (const { row, decision } of due) {
    const outcome = outcomeOf(row, decision, driver.clock.nowMs());
    if (outcome) await pump(driver.clock, driver.client.report(outcome));
    await driver.clock.settle();
  }
}

async function learnFully(driver: Driver, row: WorkloadRow): Promise<void> {
  await pump(driver.clock, driver.recorded.send(recordedEvents(row, driver.config, driver.clock.nowMs())));
  await driver.clock.advanceBy(requestIntervalMs);
}

function chooseRows(options: EvaluateOptions): { warmRows: number[]; testRows: number[] } {
  const warmRows: number[] = [];
  const testRows: number[] = [];
  for (let index = 0; index < options.workload.rows; index++) {
    const { split } = options.workload.row(index);
    if (options.warm && split === options.warm.split) warmRows.push(index);
    if (options.testSplit === null ? !(options.warm && split === options.warm.split) : split === options.testSplit)
      testRows.push(index);
  }
  if (options.warm && warmRows.length === 0) throw new Error(`--warm: no row has split "${options.warm.split}"`);
  if (testRows.length === 0) throw new Error(`--test: no row has split "${options.testSplit ?? ''}"`);
  if (options.order === 'file') return { warmRows, testRows };
  return {
    warmRows: inRandomOrder(warmRows, seededRandom(options.seed, 'order', 'warm')),
    testRows: inRandomOrder(testRows, seededRandom(options.seed, 'order', 'test')),
  };
}

function inRandomOrder(rows: readonly number[], random: Random): number[] {
  return shuffled(rows.length, random).map((index) => rows[index]!);
}

function lineOf(row: WorkloadRow, decision: RouteDecided): EvaluatedDecision {
  const values = dictionaryOf(decision.candidates.map((candidate) => [candidate.model, candidate.predictedQuality]));
  return {
    id: row.id,
    model: decision.model,
    propensity: decision.propensity,
    confidence: decision.confidence,
    values,
  };
}

function reportOf(
  options: EvaluateOptions,
  warmRows: readonly number[],
  testRows: readonly number[],
  logged: readonly LoggedRow[],
  updates: number,
): Omit<EvaluationReport, 'choices'> {
  const { workload, config, seed } = options;
  const weights = utilityWeights(config.preference, config.utilityScale, 0);
  const matrix = outcomeMatrix(workload, weights, testRows);
  const indexOf = new Map(workload.models.map((model, index) => [model.name, index]));
  const engine = judgeChoices(
    'engine',
    matrix,
    logged.map(({ decision }) => indexOf.get(decision.model)!),
  );
  const baselines = allBaselines(matrix, {
    weights,
    seed,
    taskTypes: testRows.map((index) => {
      const row = workload.row(index);
      return inferTask(row.taskHint, row.prompt);
    }),
    ...(options.warm && {
      warm: { matrix: outcomeMatrix(workload, weights, warmRows), feedback: options.warm.feedback },
    }),
    learn: options.feedback === 'chosen',
  });
  return {
    requests: testRows.length,
    ...summaryOf(engine),
    baselines: dictionaryOf(Object.entries(baselines).map(([name, result]) => [name, summaryOf(result)])),
    updates,
    marginOverBestSingle: engine.meanUtility - baselines.bestSingle.meanUtility,
    topModelShare: Math.max(...engine.shares),
    ...(options.offPolicy && { offPolicy: offPolicyReport(logged, matrix) }),
  };
}

function summaryOf(result: PolicyResult): PolicySummary {
  return { meanScore: result.meanScore, meanCostUsd: result.meanCostUsd, regret: result.regret };
}
