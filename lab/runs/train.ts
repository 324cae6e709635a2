/**
 * Warm start: recorded outcomes go into the log as full learning events, where the trainer of an engine, or one of our own,
 * learns from them as from anything else. A part of the rows is held out, to say what was learned is worth.
 */
import type { RouterConfig } from '../../lib/config/router-config';
import { openedOfEvent } from '../../lib/learning/fold/opened-of-event';
import { parsePolicy } from '../../lib/learning/value/policy';
import type { OutgoingRecord } from '../../lib/ports/broker';
import { seededRandom } from '../../lib/random/seeded';
import { untuned } from '../../lib/routing/open/pin-tuning';
import type { Log } from '../../lib/telemetry/log';
import type { WeightsVersion } from '../../lib/topics/generated/messages';
import { readKeys } from '../../lib/topics/read-keys';
import { topics } from '../../lib/topics/topics';
import { createBlobStore } from '../../lib/weights/blob-store';
import { readWeights } from '../../lib/weights/read-weights';
import { blobsOf } from '../../services/dqn-trainer/trial-keeper';
import type { EngineHome } from '../../services/home';
import { type PairedDifference, pairedDifference } from '../report/paired-difference';
import type { Workload, WorkloadRow } from '../workloads/workload';
import { recordedEvent, recordedEvents } from './workload-records';

/** Rows whose records are sent together. */
const chunkRows = 100;

export interface SplitRows {
  readonly train: readonly WorkloadRow[];
  readonly heldOut: readonly WorkloadRow[];
}

/** Whether a row is held out depends on its id and the seed alone, so that it stays so from run to run. */
export function splitRows(workload: Workload, holdOut: number, seed: number): SplitRows {
  const train: WorkloadRow[] = [];
  const heldOut: WorkloadRow[] = [];
  for (let index = 0; index < workload.rows; index++) {
    const row = workload.row(index);
    (seededRandom(seed, 'held out', row.id).next() < holdOut ? heldOut : train).push(row);
  }
  return { train, heldOut };
}

/** Writes the rows that the log does not have yet. Resolves with how many those were. */
export async function writeRows(
  home: EngineHome,
  rows: readonly WorkloadRow[],
  config: RouterConfig,
  onProgress: (done: number, total: number) => void,
): Promise<number> {
  const { broker, topicPrefix, clock } = home;
  const known = await readKeys(broker, topics.learningEvents, topicPrefix);
  const fresh = rows.filter(({ id }) => !known.has(id));
  const producer = broker.producer(`train-${home.createId()}`);
  try {
    for (let at = 0; at < fresh.length; at += chunkRows) {
      const chunk = fresh.slice(at, at + chunkRows);
      const records = chunk.flatMap((row) => recordedEvents(row, config, clock.nowMs()));
      await producer.send(records.map((record): OutgoingRecord => ({ ...record, topic: topicPrefix + record.topic })));
      onProgress(at + chunk.length, fresh.length);
    }
  } finally {
    await producer.close();
  }
  return fresh.length;
}

/** The version that has learned most, and whether it is in force. */
export async function newestVersion(
  home: EngineHome,
): Promise<{ readonly version: WeightsVersion; readonly isInForce: boolean } | null> {
  const { inForce, versions } = await readWeights(home.broker, home.topicPrefix);
  const waiting = versions.find(({ state }) => state === 'CANDIDATE');
  const current = versions.find(({ weights }) => weights.policySha256 === inForce?.policySha256);
  if (waiting) return { version: waiting, isInForce: false };
  return current ? { version: current, isInForce: true } : null;
}

export interface HeldOutReport {
  /** Rows on which the best single model was measured. */
  readonly rows: number;
  /** Mean score of what the policy would draw, exploration left out. */
  readonly policy: number;
  /** By mean score on the rows trained on. */
  readonly bestModel: string;
  readonly best: number;
  readonly difference: PairedDifference;
}

/** Null when no row can be judged. */
export async function judgeHeldOut(
  home: EngineHome,
  version: WeightsVersion,
  { train, heldOut }: SplitRows,
  config: RouterConfig,
  log: Log,
): Promise<HeldOutReport | null> {
  const { broker, keyValue, clock, topicPrefix } = home;
  const blobs = await blobsOf(createBlobStore({ broker, keyValue, clock, log, topicPrefix }), version.weights);
  const policy = parsePolicy(blobs.basis, blobs.policy, blobs);
  const bestModel = bestModelOf(train, config);
  const judged = heldOut.filter((row) => (row.outcomes.get(bestModel) ?? null) !== null);
  if (judged.length === 0) return null;
  const world = {
    tuning: { ...(version.tuning ?? untuned), learnedRewards: version.weights.learnedRewards, costPricePerUsd: 0 },
    utilityScale: config.utilityScale,
    explorationFloor: 0,
    budgetUsdPerRequest: null,
    expectedLatencyMs: () => 0,
  };
  const scores = judged.map((row) => {
    const event = recordedEvent(row, config, 0);
    // Quality alone is compared: the best single model is the one of the best answers.
    const opened = openedOfEvent({ ...event, preference: { quality: 1, cost: 0, latency: 0 } }, world);
    const { probabilities } = policy.judge(opened);
    return event.models.reduce((sum, model, i) => sum + probabilities[i]! * scoreOf(row, model), 0);
  });
  const bests = judged.map((row) => scoreOf(row, bestModel));
  return {
    rows: judged.length,
    policy: mean(scores),
    bestModel,
    best: mean(bests),
    difference: pairedDifference(scores, bests),
  };
}

function scoreOf(row: WorkloadRow, model: string): number {
  const outcome = row.outcomes.get(model) ?? null;
  return outcome?.status === 'SUCCESS' ? outcome.score : 0;
}

function bestModelOf(rows: readonly WorkloadRow[], { models }: RouterConfig): string {
  const means = models.map(({ name }) => {
    const measured = rows.filter((row) => (row.outcomes.get(name) ?? null) !== null);
    return measured.length === 0 ? Number.NEGATIVE_INFINITY : mean(measured.map((row) => scoreOf(row, name)));
  });
  return models[means.indexOf(Math.max(...means))]!.name;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
