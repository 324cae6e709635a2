/**
 * `replay --retrain`: weights as a function of a range of learning events, settings and seed, by the trainer's own fold.
 * Outcomes that came after their decision was closed count here, in the place of the event that closed it.
 */
import { configFromJson } from '../../lib/config/parse-config';
import { defaultRewardWeights } from '../../lib/config/router-config';
import type { Broker, LogRecord } from '../../lib/ports/broker';
import { type OffsetSpan, ReplayRangeError } from '../../lib/replay/range';
import { decoded } from '../../lib/replay/record-window';
import { plausibleOutcome } from '../../lib/reward/plausible-outcome';
import type { RewardWeights } from '../../lib/reward/reward';
import type { ConfigApplied, LearningEvent, RouteOutcome, WeightsPublished } from '../../lib/topics/generated/messages';
import { readLast } from '../../lib/topics/read-last';
import { topics } from '../../lib/topics/topics';
import type { FoldOutput } from '../../services/dqn-trainer/fold/fold';
import { startFoldInline } from '../../services/dqn-trainer/fold/fold-inline';
import type { FoldBatch, FoldSettings } from '../../services/dqn-trainer/fold/fold-settings';
import { mergeReport, wholeOf } from '../../services/reward-feedback/merge-reports';
import { experienceOf, isRewarded } from '../../services/reward-feedback/reward';

export interface LogOptions {
  readonly broker: Broker;
  readonly topicPrefix: string;
}

export interface RetrainOptions extends LogOptions {
  /** Offsets of learning.events; not empty. */
  readonly span: OffsetSpan;
  readonly settings: FoldSettings;
  readonly lateOutcomes: boolean;
  /** Of the parts of late outcomes' judgements; default: as without configuration. */
  readonly rewardWeights?: RewardWeights;
  /** Called with the events done so far, chunk by chunk. */
  readonly onProgress: (done: number) => void;
  /** Ends the fold with the signal's reason. */
  readonly signal: AbortSignal;
}

export interface RetrainedBlob {
  readonly sha256: string;
  readonly bytes: Buffer;
}

export interface Retrained {
  /** As last published within the range; null when there were too few rewards for any. */
  readonly weights: {
    readonly policy: RetrainedBlob;
    readonly basis: RetrainedBlob;
    /** One past the last event folded in. */
    readonly toOffset: number;
    readonly learnedRewards: number;
    readonly backend: string;
    readonly models: readonly string[];
  } | null;
  readonly events: number;
  readonly duplicates: number;
  /** Events of another encoder, left out. */
  readonly foreign: number;
  readonly undecodable: number;
  /** Events that make no sense, or that the trainer has put aside because they made its fold fail. */
  readonly skipped: number;
  /** Outcomes that counted although they came late. */
  readonly lateOutcomes: number;
}

const chunkEvents = 500;

export async function retrain(options: RetrainOptions): Promise<Retrained> {
  const { broker, span, signal } = options;
  const of = { topic: options.topicPrefix + topics.learningEvents.name, partition: 0 };
  const late = options.lateOutcomes ? await lateOutcomesOf(options) : new Map<string, RouteOutcome[]>();
  const putAside = await putAsideIn(options);
  const fold = await startFoldInline(options.settings, null);
  const totals = { events: 0, duplicates: 0, foreign: 0, undecodable: 0, skipped: 0, lateOutcomes: 0 };
  const newest = newestWeights();
  options.onProgress(0);
  try {
    for await (const records of broker.read(of, { ...span, maxRecords: chunkEvents })) {
      signal.throwIfAborted();
      const batch: { event: LearningEvent; offset: number }[] = [];
      for (const record of records) {
        const event = decoded(topics.learningEvents.codec, record);
        if (!event) {
          totals.undecodable++;
          continue;
        }
        if (putAside.has(record.offset)) {
          totals.skipped++;
          continue;
        }
        const judged = withLateOutcome(event, late, options.rewardWeights ?? defaultRewardWeights);
        if (judged !== event) totals.lateOutcomes++;
        batch.push({ event: judged, offset: record.offset });
      }
      const folded = await fold.apply(batch as FoldBatch);
      totals.events += batch.length;
      totals.duplicates += folded.duplicates;
      totals.foreign += folded.foreign;
      totals.skipped += folded.faults.length;
      newest.take(folded.outputs);
      options.onProgress(records.at(-1)!.offset + 1 - span.from);
    }
    return { weights: newest.weights(), ...totals };
  } finally {
    await fold.close();
  }
}

/** Offsets that every fold of this log passes over. */
async function putAsideIn({ broker, topicPrefix }: LogOptions): Promise<ReadonlySet<number>> {
  const name = topicPrefix + topics.trainerCheckpoint.name;
  const isThere = (await broker.listTopics()).some((topic) => topic.name === name);
  const checkpoint = isThere ? await readLast(broker, topics.trainerCheckpoint, topicPrefix) : null;
  return new Set(checkpoint?.skippedOffsets ?? []);
}

/** The newest policy that may be served, and the basis it belongs to. */
function newestWeights() {
  const bases = new Map<string, Buffer>();
  let newest: Extract<FoldOutput, { kind: 'policy' }> | null = null;
  return {
    take(outputs: readonly FoldOutput[]): void {
      for (const output of outputs) {
        if (output.kind !== 'policy') continue;
        if (output.basis) bases.set(output.basisSha256, output.basis);
        if (output.rejected === null) newest = output;
      }
    },
    weights(): Retrained['weights'] {
      if (!newest) return null;
      const { policy, policySha256, basisSha256, published } = newest;
      const { toOffset, learnedRewards, backend, models } = published;
      return {
        policy: { sha256: policySha256, bytes: policy },
        basis: { sha256: basisSha256, bytes: bases.get(basisSha256)! },
        toOffset,
        learnedRewards,
        backend,
        models,
      };
    },
  };
}

/**
 * Late outcomes by decision, as known when the last event of the range was written: so that the same range gives the same
 * weights, whatever came later. Reports of one decision are merged as they are in time.
 */
async function lateOutcomesOf(options: RetrainOptions): Promise<Map<string, RouteOutcome[]>> {
  const { broker, topicPrefix, span, signal } = options;
  const late = new Map<string, RouteOutcome[]>();
  const name = topicPrefix + topics.routeOutcomeLate.name;
  const topic = (await broker.listTopics()).find((one) => one.name === name);
  if (!topic) return late;
  const untilMs = await newestTimestampMs(options, span);
  for (let partition = 0; partition < topic.partitions; partition++) {
    const of = { topic: name, partition };
    const { earliest: from, end: to } = await broker.offsets(of);
    for await (const records of broker.read(of, { from, to })) {
      signal.throwIfAborted();
      for (const record of records) {
        const outcome = record.timestampMs <= untilMs ? decoded(topics.routeOutcomeLate.codec, record)?.outcome : null;
        if (outcome?.attempt === 1) addLate(late, outcome);
      }
    }
  }
  return late;
}

function addLate(late: Map<string, RouteOutcome[]>, outcome: RouteOutcome): void {
  const merged = mergeReport(late.get(outcome.decisionId) ?? [], outcome);
  if (merged.kind === 'taken') late.set(outcome.decisionId, [...merged.reports]);
}

/** An event that closed its decision without feedback becomes the experience that the late outcome makes of it. */
function withLateOutcome(
  event: LearningEvent,
  late: ReadonlyMap<string, readonly RouteOutcome[]>,
  weights: RewardWeights,
): LearningEvent {
  const reported = event.kind === 'CLOSED' ? wholeOf(late.get(event.decisionId) ?? []) : undefined;
  if (!reported || !isRewarded(event, reported)) return event;
  const costUsd = event.expectedCostsUsd[event.models.indexOf(reported.model)] ?? 0;
  const believed = plausibleOutcome(reported, { costUsd, latencyMs: 0, model: null, elapsedMs: 0 });
  return experienceOf(event, believed, undefined, weights) ?? event;
}

async function newestTimestampMs({ broker, topicPrefix }: LogOptions, { from, to }: OffsetSpan): Promise<number> {
  const of = { topic: topicPrefix + topics.learningEvents.name, partition: 0 };
  // Offsets may have gaps: a few before the end are enough to meet the last record, all of them in the worst case.
  for (let back = 64; ; back *= 8) {
    let last: LogRecord | null = null;
    for await (const records of broker.read(of, { from: Math.max(from, to - back), to })) last = records.at(-1) ?? last;
    if (last) return last.timestampMs;
    if (to - back <= from) return Number.NEGATIVE_INFINITY;
  }
}

export interface ConfigAtRange {
  readonly applied: ConfigApplied;
  /** How many other configurations came into force within the range. */
  readonly changes: number;
}

/**
 * The configuration in force at the end of the range, or the first one after it where older ones are gone (the topic keeps
 * the newest). Throws a ReplayRangeError when there is none.
 */
export async function configAt(options: LogOptions, span: OffsetSpan): Promise<ConfigAtRange> {
  const { broker, topicPrefix } = options;
  const untilMs = await newestTimestampMs(options, span);
  const sinceMs = await oldestTimestampMs(options, span);
  const of = { topic: topicPrefix + topics.config.name, partition: 0 };
  const { earliest: from, end: to } = await broker.offsets(of);
  let at: ConfigApplied | null = null;
  let changes = 0;
  for await (const records of broker.read(of, { from, to })) {
    for (const record of records) {
      if (at && record.timestampMs > untilMs) continue;
      const applied = decoded(topics.config.codec, record);
      if (!applied || !isValid(applied)) continue;
      if (at && record.timestampMs > sinceMs) changes++;
      at = applied;
    }
  }
  if (!at) throw new ReplayRangeError(`${of.topic} has no valid configuration: give one with --config`);
  return { applied: at, changes };
}

async function oldestTimestampMs({ broker, topicPrefix }: LogOptions, span: OffsetSpan): Promise<number> {
  const of = { topic: topicPrefix + topics.learningEvents.name, partition: 0 };
  for await (const [first] of broker.read(of, { ...span, maxRecords: 1 })) if (first) return first.timestampMs;
  return Number.POSITIVE_INFINITY;
}

function isValid({ json }: ConfigApplied): boolean {
  try {
    configFromJson(json);
    return true;
  } catch {
    return false;
  }
}

/** What the trainer published at the same offset; null where that is not kept. */
export async function publishedAt(options: LogOptions, toOffset: number): Promise<WeightsPublished | null> {
  let found: WeightsPublished | null = null;
  for await (const published of publishedWeights(options)) if (published.toOffset === toOffset) found = published;
  return found;
}

/** The tensor backend that trained up to the end of the range; null where nothing is kept that says so. */
export async function backendAt(options: LogOptions, span: OffsetSpan): Promise<string | null> {
  let found: string | null = null;
  for await (const { toOffset, backend } of publishedWeights(options)) {
    if (found === null || toOffset <= span.to) found = backend;
  }
  return found;
}

async function* publishedWeights(options: LogOptions): AsyncGenerator<WeightsPublished> {
  const of = { topic: options.topicPrefix + topics.weightsPublished.name, partition: 0 };
  const { earliest: from, end: to } = await options.broker.offsets(of);
  for await (const records of options.broker.read(of, { from, to })) {
    for (const record of records) {
      const published = decoded(topics.weightsPublished.codec, record);
      if (published) yield published;
    }
  }
}
