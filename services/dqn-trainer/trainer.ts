/**
 * The trainer's life around the fold: resume from the newest checkpoint, fold batch after batch, publish, save. Between
 * two checkpoints nothing but the log decides what comes out, so a restart repeats it to the byte.
 */
import { countInvalidConfig, createConfigReader } from '../../lib/config/current-config';
import { configFromJson, defaultRouterConfig } from '../../lib/config/parse-config';
import type { RouterConfig } from '../../lib/config/router-config';
import type { Encoder } from '../../lib/learning/features/encoder-key';
import { sha256Of } from '../../lib/learning/fold/blob';
import type { Broker } from '../../lib/ports/broker';
import { PlannedRestart, TransientError } from '../../lib/ports/broker';
import type { Clock } from '../../lib/ports/clock';
import type { TensorBackendName } from '../../lib/ports/tensor-backend';
import { type Context, type Emit, emit } from '../../lib/stream/define-service';
import type { Log } from '../../lib/telemetry/log';
import type { Metrics } from '../../lib/telemetry/metrics';
import type {
  LearningPace,
  TrainerCheckpoint,
  WeightsCommand,
  WeightsPublished,
} from '../../lib/topics/generated/messages';
import { readLast } from '../../lib/topics/read-last';
import { logForeign } from '../../lib/topics/read-row';
import { readTable } from '../../lib/topics/read-table';
import { topics } from '../../lib/topics/topics';
import type { BlobStore } from '../../lib/weights/blob-store';
import { addTried, nothingTried } from './add-tried';
import { carryOut, readAnswered, refusal } from './commands';
import { type Asked, askInPortions, type ReadEvent, without } from './fold/ask-in-portions';
import { foldSettingsOf, type StartFold, sameLineage, sameSettings, type TrainerFold, type Tried } from './fold/fold';
import { forgottenFigure } from './fold/fold-inline';
import type { FoldBatch, FoldSettings } from './fold/fold-settings';
import { type FoldState, readFoldState } from './fold/fold-state';
import { createLearningLag, type LearningLag } from './learning-lag';
import { isOfLineage, lineageIdOf } from './lineage';
import { modeAtStart } from './mode';
import { createPaceKeeper, lookLagMs, type PaceKeeper, paceEvent } from './pace-keeper';
import { type PlaceInLog, placeInLog } from './place-in-log';
import { Publisher } from './publisher';
import { readEvents } from './read-events';
import { reportForgotten } from './report-forgotten';
import { createSkippedTeller, type SkippedTeller } from './skipped-teller';
import { chooseBackend, faultOfBackend } from './tensor-backend';
import type { TrialVerdict } from './trial';
import { createTrialKeeper, type TrialKeeper } from './trial-keeper';
import { createVersions } from './versions';

export interface DqnTrainerOptions {
  readonly broker: Broker;
  readonly blobs: BlobStore;
  /** `createFold('worker')`, or `createFold('inline')` on a virtual clock. */
  readonly startFold: StartFold;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Sub-millisecond monotonic time, for durations that are reported. */
  readonly elapsedMs: () => number;
  /** In front of topics, as the runtime does it. */
  readonly topicPrefix?: string;
  /** Events between two checkpoints, the most that a restart folds again; default 2,000. */
  readonly checkpointEveryEvents?: number;
  /** With the installation's key; left out without one. */
  readonly encoder?: Encoder | null;
  /** Lag of the fold above which an alarm rings; default 10,000. */
  readonly lagAlarmMs?: number;
}

const defaultCheckpointEveryEvents = 2_000;
/** Publishings between two clean-ups of the key-value store. */
const cleanEveryPublishings = 16;
/**
 * Events in a row that may be put aside without a question. Then a fold of its own takes an event that went well: where it
 * fails at that one, too, the events are not at fault, the service fails, and somebody has to look.
 */
const mostSkippedInRow = 8;
/** So far back an event that went well is looked for. */
const knownEvents = 500;
/** Offsets remembered as skipped; the log forgets its oldest events, too. */
const mostSkipped = 10_000;
/** A command that fails is carried out again after a restart, so often; then it is refused. */
const commandTries = 2;

/** What has happened to the log, and what is done about it. */
const breaks = {
  expired: 'retention was faster than the fold, which goes on with the oldest that is left',
  shorter: 'the log ends before what was folded in; the fold goes on at its end',
  other: 'the log is not the one that was folded in; the fold keeps what it knows and goes on at its beginning',
} as const;

interface SavedState extends Pick<FoldState, 'settings' | 'eventOffset' | 'recentIds'> {
  readonly bytes: Buffer;
  /** What the fold counted above the offsets of the log. */
  readonly shift: number;
}

interface SavedCheckpoint {
  readonly pointer: TrainerCheckpoint;
  readonly byteLength: number;
}

/** One life between two starts. */
interface Life {
  fold: TrainerFold;
  settings: FoldSettings;
  /** Next offset to fold in, as the fold counts. */
  position: number;
  /** What the fold counts above the offsets of the log: see place-in-log.ts. Everything else in here is counted as it does. */
  shift: number;
  /** What the fold was last saved as or started from: where it goes back to. Null: the beginning of the log. */
  saved: Buffer | null;
  /** Events that made the fold fail. No fold of this log meets them again: checkpoints carry the offsets on. */
  readonly skipped: Set<number>;
  readonly publisher: Publisher;
  readonly trials: TrialKeeper;
  readonly pace: PaceKeeper;
  /** Ids of commands that have an answer. */
  readonly answered: Set<string>;
  /** Newest last; the one before it is kept until the next, should the newest not be readable. */
  checkpoints: SavedCheckpoint[];
  checkpointSequence: number;
  /** Write a checkpoint before the next batch. */
  recordStart: boolean;
  eventsSinceCheckpoint: number;
  publishings: number;
}

/** The wanted settings as far as a running lineage can take them over. */
function inLineageOf(running: FoldSettings, wanted: FoldSettings): FoldSettings {
  const { seed, encoderVersion } = running;
  const { pipeline, backend, forget } = running.learning;
  return {
    ...wanted,
    seed,
    encoderVersion,
    learning: { ...wanted.learning, pipeline, backend, ...(forget && { forget }) },
  };
}

export class Trainer {
  private life: Life | null = null;
  private readonly readConfig: ReturnType<typeof createConfigReader>;
  /** Failures by command, for as long as the process lives. */
  private readonly failedCommands = new Map<string, number>();
  private readonly lag: LearningLag;
  private readonly skipped: SkippedTeller;
  /** Configuration that this began anew for: where it still wants another lineage than there is, that one cannot be had. */
  private restartedFor = 0;

  constructor(private readonly options: DqnTrainerOptions) {
    this.readConfig = createConfigReader(countInvalidConfig(options.metrics, 'dqn-trainer'));
    const onChange = (isBehind: boolean): void => this.life?.publisher.setBehind(isBehind);
    this.lag = createLearningLag({ ...options, onChange });
    this.skipped = createSkippedTeller(options);
  }

  /** Closes what an earlier life left, restores state, and returns the offset of learning.events to go on from. */
  async resume(): Promise<number> {
    await this.close();
    const { broker, blobs, log, metrics } = this.options;
    const prefix = this.options.topicPrefix ?? '';
    const onForeign = logForeign(log);
    const applied = await readLast(broker, topics.config, prefix, {
      onForeign,
      accepts: ({ json }) => void configFromJson(json),
    });
    const config = applied ? configFromJson(applied.json) : defaultRouterConfig([{ name: 'none', provider: 'none' }]);
    const pointer = await readLast(broker, topics.trainerCheckpoint, prefix, { onForeign });
    const weights = await readLast(broker, topics.weightsPublished, prefix, { onForeign });
    const tuning = await readLast(broker, topics.tuning, prefix, { onForeign });
    const { earliest, end } = await broker.offsets({ topic: prefix + topics.learningEvents.name, partition: 0 });
    const versions = createVersions((await readTable(broker, topics.weightsVersions, prefix, { onForeign })).values());
    const found = await this.lineageOf(pointer, weights, config);
    const { settings } = found;
    const shiftBefore = found.saved?.shift ?? 0;
    const skipped = new Set((pointer?.skippedOffsets ?? []).map((offset) => offset + shiftBefore));
    const placed =
      found.saved &&
      (await placeInLog({ ...this.options, shift: shiftBefore }, { earliest, end }, found.saved, skipped));
    const { fold, isFresh } = await this.startFrom(settings, found.saved, placed?.shift ?? 0, skipped);
    const saved = isFresh ? null : found.saved;
    const place: PlaceInLog = (saved && placed) || { offset: earliest, shift: 0, log: 'same' };
    const { shift } = place;
    for (const offset of skipped) if (offset < earliest + shift) skipped.delete(offset);
    // Folded from nothing: the weights in force say how long the log was.
    const isShortened = saved === null && Math.max(weights?.toOffset ?? 0, tuning?.eventOffset ?? 0) > end;
    const isRefold = found.isNew || (isFresh && found.saved !== null) || isShortened;
    const mode = modeAtStart({
      weights,
      versions: versions.all(),
      settings,
      isRefold,
      isOtherLog: isShortened,
      earliest: earliest + shift,
      end: end + shift,
    });
    const lineage = lineageIdOf(settings);
    const position = place.offset + shift;
    // What follows from events that are gone stands for what was known, but is no measure of what is news.
    const knownTo = place.log === 'same' || place.log === 'expired' ? end + shift : position;
    const publisher = new Publisher({ blobs, log, metrics, weights, tuning, versions, lineage, mode, knownTo });
    publisher.configVersion = applied?.version ?? 0;
    publisher.setBehind(this.lag.isBehind);
    metrics.set('quantum_router_learning_rewards', {}, tuning?.learnedRewards ?? 0);
    this.life = {
      fold,
      settings,
      position,
      shift,
      saved: saved?.bytes ?? null,
      skipped,
      publisher,
      trials: createTrialKeeper({ publisher, ...this.options }),
      pace: createPaceKeeper(),
      answered: await readAnswered(broker, prefix),
      checkpoints: saved && pointer ? [{ pointer, byteLength: saved.bytes.length }] : [],
      checkpointSequence: pointer?.sequence ?? 0,
      // Under other settings than it was saved with, or in another log, the state is a new starting point and is recorded as such.
      recordStart: saved !== null && (!sameSettings(saved.settings, settings) || shift !== saved.shift),
      eventsSinceCheckpoint: 0,
      publishings: 0,
    };
    await this.life.trials.follow(this.life);
    if (isShortened) this.tellBreak('other', { offset: place.offset, end, lost: 0 });
    else if (saved && place.log !== 'same') {
      const known = Math.max(weights?.toOffset ?? 0, tuning?.eventOffset ?? 0);
      const lost = (place.log === 'expired' ? position : known) - saved.eventOffset;
      this.tellBreak(place.log, { offset: place.offset, end, lost: Math.max(0, lost) });
    }
    await this.lag.show({ position: place.offset, sinceMs: this.options.clock.nowMs() });
    log.info('trainer resumes', {
      offset: place.offset,
      end,
      fromCheckpoint: saved !== null,
      lineage,
      mode: mode.kind,
    });
    return place.offset;
  }

  /** Learning events are gone, or the log is another one: learning goes on with what is there, and somebody has to know. */
  private tellBreak(
    kind: Exclude<PlaceInLog['log'], 'same'>,
    facts: { readonly offset: number; readonly end: number; readonly lost: number },
  ): void {
    const { metrics, log } = this.options;
    metrics.count('quantum_router_learning_log_breaks_total', { kind });
    metrics.count('quantum_router_learning_lost_events_total', {}, facts.lost);
    log.error(`learning events are gone: ${breaks[kind]}`, facts);
  }

  /**
   * The events as the fold counts them. Within one life offsets only grow, unless the topic was deleted and made anew: then
   * the fold counts on from where it is.
   */
  private counted<E extends { readonly offset: number }>(life: Life, batch: readonly E[]): readonly E[] {
    let next = life.position;
    return batch.map((one) => {
      if (one.offset + life.shift < next) {
        life.shift = next - one.offset;
        life.recordStart = true;
        this.tellBreak('other', { offset: one.offset, end: one.offset + 1, lost: 0 });
      }
      const offset = one.offset + life.shift;
      next = offset + 1;
      return { ...one, offset };
    });
  }

  /**
   * Folds one batch and returns what is to be written before positions move; what is due earlier is written with `write`.
   * All portions are asked at once, so the fold's thread goes on while the first ones' outputs are being written.
   */
  async train(
    read: readonly ReadEvent[],
    context: Pick<Context, 'nowMs' | 'view'>,
    write: (emits: readonly Emit[]) => Promise<void>,
  ): Promise<Emit[]> {
    const { life } = this;
    if (!life) throw new Error('the trainer was not resumed');
    const { metrics, elapsedMs } = this.options;
    await this.followConfig(life, context);
    const batch = this.counted(life, read);
    const { nowMs } = context;
    const due = life.recordStart ? await this.save(life, nowMs) : [];
    const startedMs = elapsedMs();
    const [first] = batch as [(typeof batch)[number]];
    const verdict = await this.lag.during(
      { position: first.offset - life.shift, sinceMs: first.timestampMs ?? nowMs },
      async () => {
        let last: TrialVerdict | null = null;
        let lookedMs = startedMs;
        for await (const { tried, events } of this.fold(life, batch, nowMs, due)) {
          last = tried.verdict ?? last;
          const tookMs = elapsedMs() - lookedMs;
          lookedMs += tookMs;
          due.push(...(await this.heedFolded(life, tried, events, { nowMs, tookMs })));
          if (due.length > 0 && life.position <= batch.at(-1)!.offset) await write(due.splice(0));
        }
        return last;
      },
    );
    metrics.observe('quantum_router_training_batch_seconds', {}, (elapsedMs() - startedMs) / 1_000);
    if (verdict) due.push(...(await life.publisher.heed(verdict, nowMs)));
    await life.publisher.copied();
    await life.trials.follow(life);
    due.push(...(await this.reportForgotten(life)));
    life.eventsSinceCheckpoint += batch.length;
    if (life.eventsSinceCheckpoint >= (this.options.checkpointEveryEvents ?? defaultCheckpointEveryEvents))
      due.push(...(await this.save(life, nowMs)));
    if (life.publishings >= cleanEveryPublishings) {
      life.publishings = 0;
      await this.cleanKeyValue(life);
    }
    return due;
  }

  /** What follows from some events that have been folded: figures, and the records of what came out. */
  private async heedFolded(
    life: Life,
    { outputs, folded, duplicates, foreign, faults, pace, threadMs }: Tried,
    events: readonly ReadEvent[],
    { nowMs, tookMs }: { readonly nowMs: number; readonly tookMs: number },
  ): Promise<Emit[]> {
    const { metrics } = this.options;
    const last = events.at(-1)!;
    life.position = last.offset + 1;
    await this.lag.show({ position: life.position - life.shift, sinceMs: last.timestampMs ?? nowMs });
    for (const [kind, count] of folded) metrics.count('quantum_router_learning_events_total', { kind }, count);
    if (duplicates > 0)
      metrics.count('quantum_router_drops_total', { service: 'dqn-trainer', reason: 'duplicate-event' }, duplicates);
    if (foreign > 0) {
      metrics.count('quantum_router_drops_total', { service: 'dqn-trainer', reason: 'other-encoder' }, foreign);
      this.skipped.tell('learning events of another encoder were skipped', foreign);
    }
    if (faults.length > 0) {
      metrics.count('quantum_router_drops_total', { service: 'dqn-trainer', reason: 'invalid-event' }, faults.length);
      const [{ offset, fault }] = faults as [(typeof faults)[number]];
      this.skipped.tell('learning events that make no sense were skipped', faults.length, { offset, fault });
    }
    for (const output of outputs)
      if (output.kind === 'tuning') metrics.set('quantum_router_learning_rewards', {}, output.tuning.learnedRewards);
    if (outputs.some(({ kind }) => kind === 'policy')) life.publishings++;
    const paceRecords = await this.keepPace(life, events, pace, threadMs ?? tookMs);
    return [...paceRecords, ...(await life.publisher.take(outputs, life.position, nowMs))];
  }

  /** What leaving judgements out has changed, once for each candidate. */
  private async reportForgotten(life: Life): Promise<Emit[]> {
    const { publisher, settings } = life;
    const { candidate, inForce, tuning } = publisher;
    if (!candidate || !inForce || candidate.forgot || (settings.learning.forget ?? []).length === 0) return [];
    // Going on from a rollback is no news.
    if (candidate.state !== 'CANDIDATE' || candidate.weights.lineage === inForce.lineage) return [];
    const { log } = this.options;
    try {
      const forgot = await reportForgotten(candidate, { weights: inForce, tuning }, { ...this.options, ...life });
      const { judgements } = forgot;
      log.info('judgements were left out', { policySha256: candidate.weights.policySha256, judgements });
      return publisher.versions.put({ ...candidate, forgot });
    } catch (error) {
      if (error instanceof TransientError) throw error;
      log.warn('nobody can say what leaving judgements out has changed', { error: error as Error });
      const judgements = candidate.weights.metrics[forgottenFigure] ?? 0;
      const forgot = { judgements, policySha256: inForce.policySha256, decisions: 0, models: [] };
      return publisher.versions.put({ ...candidate, forgot });
    }
  }

  /** What is said in the log of how much of it is learned from, where that changes. */
  private async keepPace(
    { pace: keeper, position, shift, publisher, settings }: Life,
    read: readonly ReadEvent[],
    pace: LearningPace | null,
    tookMs: number,
  ): Promise<Emit[]> {
    const { metrics, log, clock } = this.options;
    if (pace) {
      metrics.set('quantum_router_learning_pace', { of: 'steps' }, pace.steps);
      metrics.set('quantum_router_learning_pace', { of: 'rewards' }, pace.rewards);
    }
    // A log that is folded anew, and recorded data, are what they are: how long they take is no reason to learn less from them.
    if (publisher.isCatchingUp || read.some(({ event }) => event.kind === 'FULL')) return [];
    const nowMs = clock.nowMs();
    const { timestampMs: writtenAtMs = nowMs } = read.at(-1)!;
    const end = nowMs - writtenAtMs > lookLagMs ? await this.endOfLog() : null;
    const next = keeper.next({
      pace,
      events: read.length,
      writtenAtMs,
      tookMs,
      nowMs,
      position,
      end: end && end + shift,
    });
    if (!next) return [];
    log.info('the share of what comes that is learned from changes', { steps: next.steps, rewards: next.rewards });
    return [emit(topics.learningEvents, paceEvent(next, `pace ${position} ${nowMs}`, settings.encoderVersion, nowMs))];
  }

  /** Null where the broker does not say. */
  private async endOfLog(): Promise<number | null> {
    const { broker, topicPrefix = '' } = this.options;
    try {
      return (await broker.offsets({ topic: topicPrefix + topics.learningEvents.name, partition: 0 })).end;
    } catch {
      return null;
    }
  }

  /** The runtime has put an event aside: no fold of this log may take it, and the next checkpoint says so. */
  skip(offset: number): void {
    const { life } = this;
    if (!life || life.skipped.has(offset + life.shift)) return;
    life.skipped.add(offset + life.shift);
    life.recordStart = true;
  }

  /** Carries commands out, in order and each once, and answers them. */
  async obey(commands: readonly WeightsCommand[], context: Pick<Context, 'nowMs' | 'view'>): Promise<Emit[]> {
    const { life } = this;
    if (!life) throw new Error('the trainer was not resumed');
    await this.followConfig(life, context);
    const records: Emit[] = [];
    for (const command of commands) {
      const { commandId } = command;
      if (life.answered.has(commandId)) continue;
      life.answered.add(commandId);
      const parts = { ...this.options, nowMs: context.nowMs };
      // What it left half done is gone after a restart, which reads the state from the log.
      if ((this.failedCommands.get(commandId) ?? 0) >= commandTries) {
        records.push(
          refusal(command, 'it has failed every time it was carried out: see the log of the trainer', parts),
        );
        continue;
      }
      try {
        records.push(...(await carryOut(command, life, parts)));
      } catch (error) {
        if (!(error instanceof TransientError))
          this.failedCommands.set(commandId, (this.failedCommands.get(commandId) ?? 0) + 1);
        throw error;
      }
      await life.publisher.copied();
      await life.trials.follow(life);
    }
    return records;
  }

  /** A configuration has come; where it makes another lineage, the service begins anew. */
  async lookAtConfig(context: Pick<Context, 'view'>): Promise<void> {
    if (this.life) await this.followConfig(this.life, context);
  }

  /** The last checkpoint of a life that ends cleanly; frees the fold. */
  async stop(): Promise<Emit[]> {
    const { life } = this;
    if (!life) return [];
    const records = life.eventsSinceCheckpoint > 0 ? await this.save(life, this.options.clock.nowMs()) : [];
    await this.close();
    return records;
  }

  /** The partition is another process's now, or the service has failed: what is learned elsewhere is no lag of ours. */
  lose(): void {
    this.close().catch((error: Error) => this.options.log.warn('the fold was not closed cleanly', { error }));
  }

  async close(): Promise<void> {
    const { life } = this;
    this.life = null;
    this.lag.forget();
    await life?.fold.close();
  }

  /**
   * The settings to go on under, and the saved state if it is of the same lineage; null: the log is folded from its
   * beginning. Before the first checkpoint, the weights in force say what the lineage was made with.
   */
  private async lineageOf(
    pointer: TrainerCheckpoint | null,
    weights: WeightsPublished | null,
    config: RouterConfig,
  ): Promise<{ saved: SavedState | null; settings: FoldSettings; isNew: boolean }> {
    const { log } = this.options;
    const saved = pointer && (await this.savedState(pointer));
    const before = saved?.settings.learning.backend ?? weights?.backend ?? null;
    const goesOnWith = (backend: string): boolean => {
      const settings = foldSettingsOf(config, backend as TensorBackendName, this.options.encoder);
      if (saved) return sameLineage(saved.settings, settings);
      return weights === null || isOfLineage(weights, settings);
    };
    const fault = faultOfBackend(config);
    // Requests are decided all the same, so a start fails for it as little as an engine that runs when it is asked for.
    if (fault !== null) log.error('what is configured to train is not there; something else trains', { fault });
    const usable = fault === null ? config : { ...config, learning: { ...config.learning, backend: 'auto' as const } };
    const { name: backend, reason } = chooseBackend(usable, before && goesOnWith(before) ? before : null);
    log.info('tensor backend', { backend, reason });
    const settings = foldSettingsOf(config, backend, this.options.encoder);
    if (goesOnWith(backend)) return { saved, settings, isNew: saved === null && pointer !== null };
    log.warn('seed, pipeline, encoder or backend have changed: a new lineage is folded from the beginning of the log', {
      backend,
      before,
    });
    return { saved: null, settings, isNew: true };
  }

  /** Null, saying why, when the checkpoint's blob is nowhere or cannot be read. */
  private async savedState(pointer: TrainerCheckpoint): Promise<SavedState | null> {
    const { blobs, log } = this.options;
    const bytes = await blobs.load(pointer.sha256);
    if (!bytes) {
      log.error('the checkpoint is in no store; folding the log from its beginning', { sha256: pointer.sha256 });
      return null;
    }
    try {
      const { settings, eventOffset, recentIds } = readFoldState(bytes);
      return { bytes, settings, eventOffset, recentIds, shift: eventOffset - pointer.eventOffset };
    } catch (error) {
      log.error('the checkpoint cannot be read; folding the log from its beginning', { error: error as Error });
      return null;
    }
  }

  private async reload(
    fold: TrainerFold,
    { from, to }: { readonly from: number; readonly to: number },
    shift: number,
    skipped: ReadonlySet<number>,
  ): Promise<void> {
    const log = { ...this.options, shift };
    for await (const batch of readEvents(log, from, to)) await fold.reload(without(skipped, batch));
  }

  /** A fold from a saved state, or, where that cannot be taken up, from nothing (`isFresh`). */
  private async startFrom(
    settings: FoldSettings,
    saved: { readonly bytes: Buffer } | null,
    shift: number,
    skipped: ReadonlySet<number>,
  ): Promise<{ fold: TrainerFold; isFresh: boolean }> {
    const { startFold, log } = this.options;
    if (saved) {
      try {
        return { fold: await this.restored(settings, saved.bytes, shift, skipped), isFresh: false };
      } catch (error) {
        if (error instanceof TransientError) throw error;
        log.error('the checkpoint cannot be taken up; folding the log from its beginning', { error: error as Error });
      }
    }
    return { fold: await startFold(settings, null), isFresh: true };
  }

  private async restored(
    settings: FoldSettings,
    bytes: Buffer,
    shift: number,
    skipped: ReadonlySet<number>,
  ): Promise<TrainerFold> {
    const fold = await this.options.startFold(settings, bytes);
    try {
      await this.reload(fold, { from: fold.replayFromOffset, to: fold.eventOffset }, shift, skipped);
      return fold;
    } catch (error) {
      await fold.close();
      throw error;
    }
  }

  /**
   * Folds a batch in and tells what came of it, portion after portion; those that are done by the time somebody looks come
   * together. Should an event make the fold fail, it is put aside, and the fold goes on as if it had never come.
   */
  private async *fold(
    life: Life,
    batch: readonly ReadEvent[],
    nowMs: number,
    records: Emit[],
  ): AsyncGenerator<{ readonly tried: Tried; readonly events: readonly ReadEvent[] }> {
    const { skipped } = life;
    let asked = askInPortions(life.fold, batch, skipped);
    while (asked.length > 0) {
      const { events } = asked[0]!;
      let count = 1;
      let tried: Tried;
      try {
        tried = await asked[0]!.tried;
        for (let next = asked[count]?.done; next; next = asked[++count]?.done) tried = addTried(tried, next);
      } catch (error) {
        this.options.log.error('the fold has failed: it goes back and takes the events one by one', {
          from: events[0]!.offset,
          to: events.at(-1)!.offset,
          error: error as Error,
        });
        tried = await this.foldOneByOne(life, without(skipped, events), nowMs, records);
        // The portions behind it were asked of a fold that is no more.
        asked = [asked[0]!, ...askInPortions(life.fold, asked.slice(1).flatMap(eventsOf), skipped)];
      }
      yield { tried, events: asked.splice(0, count).flatMap(eventsOf) };
    }
  }

  /**
   * The state may be half changed where a fold has failed, so it starts again from the last checkpoint and the log. What then
   * fails alone is at fault itself: its offset is saved with the state before it, in the same write as what follows from
   * the events after it, so a restart passes it over as well and comes to the same.
   */
  private async foldOneByOne(life: Life, batch: FoldBatch, nowMs: number, records: Emit[]): Promise<Tried> {
    const { metrics, log } = this.options;
    const { skipped } = life;
    await this.goBack(life);
    let told = 0;
    let tried = nothingTried;
    let inRow = 0;
    for (const [i, one] of batch.entries()) {
      try {
        tried = addTried(tried, await life.fold.apply([one]));
        inRow = 0;
      } catch (error) {
        if (++inRow > mostSkippedInRow) {
          // Said to be no fault of the records, or the runtime would put them aside one after another.
          if (!(await this.foldsWhatItFolded(life, batch.at(-1)!.offset + 1))) {
            const message = `the fold fails at ${inRow} events in a row: ${(error as Error).message}`;
            throw new TransientError(message, { cause: error });
          }
          inRow = 0;
        }
        skipped.add(one.offset);
        metrics.count('quantum_router_learning_skipped_total', {});
        log.error('a learning event makes the fold fail: it is put aside for good', {
          offset: one.offset,
          eventId: one.event.eventId,
          error: error as Error,
        });
        await this.goBack(life);
        const before = without(skipped, batch.slice(0, i));
        if (before.length > 0) await life.fold.apply(before);
        // A restart goes on after this checkpoint: what the events before it gave has to be written, too.
        const news = tried.outputs.slice(told);
        told = tried.outputs.length;
        records.push(...(await life.publisher.take(news, one.offset, nowMs)), ...(await this.save(life, nowMs)));
      }
    }
    return { ...tried, outputs: tried.outputs.slice(told) };
  }

  /** Whether a new fold takes the last event that went well: then it is the events that are at fault, however many they are. */
  private async foldsWhatItFolded({ settings, skipped, position, shift }: Life, offset: number): Promise<boolean> {
    let known: FoldBatch[number] | undefined;
    for await (const batch of readEvents({ ...this.options, shift }, Math.max(0, position - knownEvents), position))
      known = without(skipped, batch).at(-1) ?? known;
    if (!known) return false;
    const fold = await this.options.startFold(settings, null);
    try {
      await fold.apply([{ event: known.event, offset }]);
      return true;
    } catch {
      return false;
    } finally {
      await fold.close();
    }
  }

  /** Makes the fold anew as it was before the batch under way. What it puts out on the way has been published. */
  private async goBack(life: Life): Promise<void> {
    const { startFold } = this.options;
    const { settings, saved, skipped, position, shift } = life;
    await life.fold.close();
    life.fold = saved ? await this.restored(settings, saved, shift, skipped) : await startFold(settings, null);
    life.trials.restart();
    for await (const batch of readEvents({ ...this.options, shift }, life.fold.eventOffset, position)) {
      const wanted = without(skipped, batch);
      if (wanted.length > 0) await life.fold.apply(wanted);
    }
  }

  /**
   * A changed budget or cadence takes effect between two batches: the state so far is saved under the new settings, and
   * that checkpoint is where the fold goes on. So what is learned stays a function of checkpoint, settings and offsets.
   */
  private async followConfig(life: Life, context: Pick<Context, 'view'>): Promise<void> {
    const current = this.readConfig(context.view(topics.config));
    if (!current) return;
    const { log } = this.options;
    life.publisher.configVersion = current.version;
    const { backend } = current.config.learning;
    const wanted = foldSettingsOf(
      current.config,
      backend === 'auto' ? life.settings.learning.backend : backend,
      this.options.encoder,
    );
    const settings = inLineageOf(life.settings, wanted);
    if (!sameLineage(wanted, life.settings) && this.restartedFor !== current.version) {
      this.restartedFor = current.version;
      const { version } = current;
      const fault = faultOfBackend(current.config);
      if (fault === null)
        throw new PlannedRestart(
          `version ${version} of the configuration makes another lineage: ${lineageIdOf(wanted)}`,
        );
      // A start would not have it either.
      log.warn('the lineage that the configuration wants cannot be had here', { version, fault });
    }
    if (sameSettings(settings, life.settings)) return;
    log.info('the trainer goes on under changed settings', { version: current.version });
    const { bytes } = await life.fold.checkpoint();
    const fold = await this.restored(settings, bytes, life.shift, life.skipped);
    await life.fold.close();
    life.fold = fold;
    life.saved = bytes;
    life.settings = settings;
    life.recordStart = true;
    life.trials.restart();
    await life.trials.follow(life);
  }

  private async save(life: Life, nowMs: number): Promise<Emit[]> {
    const { blobs } = this.options;
    const { bytes, eventOffset, replayFromOffset } = await life.fold.checkpoint();
    life.eventsSinceCheckpoint = 0;
    life.recordStart = false;
    life.saved = bytes;
    const sha256 = sha256Of(bytes);
    // A checkpoint speaks of the log: its offsets are the log's.
    const { shift } = life;
    const skippedOffsets = [...life.skipped].slice(-mostSkipped).map((offset) => offset - shift);
    const at = { eventOffset: eventOffset - shift, replayFromOffset: replayFromOffset - shift };
    const newest = life.checkpoints.at(-1)?.pointer;
    if (newest?.sha256 === sha256) {
      const isSamePlace = newest.eventOffset === eventOffset - shift;
      if (isSamePlace && newest.skippedOffsets.length === skippedOffsets.length) return [];
      // The state of before under the same hash: only the pointer has news.
      const pointer = { ...newest, ...at, skippedOffsets, sequence: ++life.checkpointSequence, savedAtMs: nowMs };
      life.checkpoints = [...life.checkpoints.slice(0, -1), { ...life.checkpoints.at(-1)!, pointer }];
      return [emit(topics.trainerCheckpoint, pointer)];
    }
    const pointer: TrainerCheckpoint = {
      sha256,
      ...at,
      sequence: ++life.checkpointSequence,
      savedAtMs: nowMs,
      skippedOffsets,
    };
    await blobs.share(sha256, bytes);
    const records = [...blobs.putToRecords(sha256, bytes), emit(topics.trainerCheckpoint, pointer)];
    life.checkpoints.push({ pointer, byteLength: bytes.length });
    while (life.checkpoints.length > 2) {
      const old = life.checkpoints.shift()!;
      records.push(...blobs.removeToRecords(old.pointer.sha256, old.byteLength));
    }
    await this.cleanKeyValue(life);
    return records;
  }

  private cleanKeyValue({ publisher, checkpoints }: Life): Promise<void> {
    const kept = [...publisher.sharedSha256s, ...checkpoints.map(({ pointer }) => pointer.sha256)];
    return this.options.blobs.shareOnly(new Set(kept));
  }
}

function eventsOf({ events }: Asked): readonly ReadEvent[] {
  return events;
}
