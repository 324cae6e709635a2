/**
 * What happens now, for any number of viewers: the log is followed once while anybody watches, and not at all otherwise.
 * Viewers that come again are first told what they have not seen, from the log, up to a limit.
 */
import type { Broker, Follower, LogRecord, TopicPartition } from '../../../lib/ports/broker';
import type { Clock } from '../../../lib/ports/clock';
import type { Log } from '../../../lib/telemetry/log';
import type { AnyTopic, Topic } from '../../../lib/topics/define-topic';
import type { ModelProfile } from '../../../lib/topics/generated/messages';
import { readRow } from '../../../lib/topics/read-row';
import { topics } from '../../../lib/topics/topics';
import { HttpError } from '../http/http-error';
import { createFrame, createPresenter, type Told } from './frame';
import {
  alertEvent,
  decisionEvent,
  healthEvent,
  type LiveEvent,
  type LiveFilter,
  type LiveKind,
  outcomeEvent,
  passes,
  weightsEvent,
} from './live-events';
import type { Positions } from './positions';
import { createViewer, type Send, type SendPassed, type Viewer } from './viewer';

export interface LiveHub {
  /** With those who are to be told of the past first. */
  readonly viewers: number;
  /**
   * Sends from now on to `send`; before that what came after `positions`, or the newest `last` events where there are none.
   * Rejects with an HttpError when too many watch already, or the gateway stops.
   */
  watch(options: WatchOptions): Promise<Watching>;
  /** Ends all. */
  close(): Promise<void>;
}

export interface WatchOptions {
  readonly filter: LiveFilter;
  readonly positions: Positions | null;
  readonly last: number;
  readonly send: Send;
  /** Where many events go out at once; one after another by `send` where it is left out. */
  readonly sendPassed?: SendPassed;
  /** The viewer is to be sent away. */
  readonly onEnd: () => void;
  /** Aborted when the viewer has gone: nothing is read for it any more. */
  readonly gone: AbortSignal;
}

export interface Watching {
  resume(): void;
  stop(): void;
}

interface Source {
  readonly letter: string;
  readonly kind: LiveKind;
  readonly topic: AnyTopic;
  readonly partitions: number;
  /** Null for a record that is nothing new. */
  readonly eventOf: (value: unknown) => LiveEvent | null;
  /** Whether what lies in the log is an event for whoever comes later. */
  readonly isKept: boolean;
}

export interface LiveHubOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly topicPrefix: string;
  readonly requestPathPartitions: number;
  readonly log: Log;
  readonly profiles: () => Iterable<ModelProfile>;
  readonly maxViewers: number;
  /** Events that wait for one viewer. */
  readonly maxQueued: number;
}

/** Events of the past that a viewer is told at most, and records looked at for each partition. */
export const maxReplayed = 1_000;
/** So many viewers are told of the past at once: all of them come again when a gateway has been started anew. */
const maxReplaysAtOnce = 4;
const lingerMs = 50;
/**
 * What happens within a moment is one write to each viewer, and writes are what viewers cost. Nobody looks more closely than
 * this, and where many watch a moment is longer: all viewers together are written to 500 times a second at most.
 */
const leastMomentMs = 250;
const momentMsPerViewer = 2;

export function createLiveHub(options: LiveHubOptions): LiveHub {
  const { broker, clock, topicPrefix, requestPathPartitions, log } = options;
  const health = new Map<string, string>();
  const sources = sourcesOf(requestPathPartitions, (profile) => changedHealth(health, profile));
  const byTopic = new Map(sources.map((source) => [topicPrefix + source.topic.name, source]));
  const viewers = new Map<Viewer, () => void>();
  /** Where the followers stand: next offset by place. */
  let followed: Positions = new Map();
  let happened: Told[] = [];
  let isGathering = false;
  const present = createPresenter<Viewer>(() => {
    if (happened.length === 0) return null;
    const frame = createFrame(happened, followed);
    happened = [];
    return { frame, viewers: [...viewers.keys()], isThere: (viewer) => viewers.has(viewer) };
  });
  let followers: Promise<Follower[]> | null = null;
  /** Who is to be told of the past, and is no viewer before its turn: nobody could keep what happens for so long. */
  const coming = new Set<WatchOptions>();
  let isClosed = false;

  const tell = (source: Source, record: LogRecord): Told => {
    const read = readRow(source.topic, record);
    const event = read.kind === 'row' ? source.eventOf(read.value) : null;
    const { partition, offset } = record;
    return { place: `${source.letter}${partition}`, offset, event, json: event ? JSON.stringify(event.data) : '' };
  };
  const onRecords = (records: readonly LogRecord[]): void => {
    for (const record of records) happened.push(tell(byTopic.get(record.topic)!, record));
    if (isGathering) return;
    isGathering = true;
    clock.setTimer(Math.max(leastMomentMs, momentMsPerViewer * viewers.size), () => {
      isGathering = false;
      present();
    });
  };
  const endAll = (): void => {
    for (const end of viewers.values()) end();
    viewers.clear();
  };
  const follow = async (): Promise<Follower[]> => {
    health.clear();
    for (const profile of options.profiles()) changedHealth(health, profile);
    const started: Follower[] = [];
    // Whoever watches comes again; requests are none of this follower's business.
    const onFailed = (error: Error): void => {
      log.warn('what happens can no longer be shown; viewers are sent away', { error });
      endAll();
      stopFollowing();
    };
    try {
      // Before they begin: whoever has seen what comes between is in step once it has gone on.
      followed = await endsOf(sources);
      for (const { topic } of sources)
        started.push(
          await broker.follow({ topic: topicPrefix + topic.name, startAt: 'latest', lingerMs, onRecords, onFailed }),
        );
    } catch (error) {
      for (const follower of started) await follower.stop();
      throw error;
    }
    return started;
  };
  const endsOf = async (all: readonly Source[]): Promise<Positions> => {
    const ends: Positions = new Map();
    for (const { letter, topic, partitions } of all)
      for (let partition = 0; partition < partitions; partition++)
        ends.set(`${letter}${partition}`, (await broker.offsets({ topic: topicPrefix + topic.name, partition })).end);
    return ends;
  };
  /** Nobody watches any more. */
  const rest = (): void => {
    if (viewers.size === 0 && coming.size === 0) stopFollowing();
  };
  const stopFollowing = (): void => {
    if (followers === null) return;
    const ended = followers;
    followers = null;
    ended
      .then(async (all) => {
        for (const follower of all) await follower.stop();
      })
      .catch((error: Error) => log.warn('following for viewers did not end well', { error }));
  };

  /** Sends what there was, and sets the positions to where what is to come begins. */
  const replay = async (viewer: Viewer, positions: Positions, watched: WatchOptions) => {
    const { filter, positions: given, last } = watched;
    let past: { atMs: number; told: Told }[] = [];
    const most = given ? maxReplayed : last;
    /** Partitions are read one after another, each as far back as all of them together may be told. */
    const keepNewest = (): void => {
      past.sort((a, b) => a.atMs - b.atMs);
      const gone = Math.max(0, past.length - most);
      past = past.slice(gone);
      if (given) skipped += gone;
    };
    const ends: Positions = new Map();
    let skipped = 0;
    for (const source of sources) {
      const isWanted = source.isKept && filter.kinds.has(source.kind);
      for (let partition = 0; partition < source.partitions; partition++) {
        if (watched.gone.aborted) return;
        const place = `${source.letter}${partition}`;
        const of: TopicPartition = { topic: topicPrefix + source.topic.name, partition };
        const { earliest, end } = await broker.offsets(of);
        ends.set(place, end);
        const wanted = Math.min(end, given ? (given.get(place) ?? end) : end - last);
        const from = isWanted ? Math.max(earliest, wanted, end - maxReplayed) : end;
        // What retention has removed was missed as well; what a table has compacted was replaced.
        const known = source.topic.kind === 'table' ? Math.max(earliest, wanted) : wanted;
        if (given && isWanted) skipped += Math.max(0, from - known);
        positions.set(place, from);
        // Records keep their order within a partition, whatever their producers' clocks say.
        let atMs = 0;
        if (from < end)
          for await (const records of broker.read(of, { from, to: end, maxRecords: 200 }))
            for (const record of records) {
              atMs = Math.max(atMs, record.timestampMs);
              const told = tell(source, record);
              if (told.event && passes(told.event, filter)) past.push({ atMs, told });
              if (past.length >= 2 * maxReplayed) keepNewest();
            }
      }
    }
    keepNewest();
    if (skipped > 0) viewer.skip(skipped);
    for (const { told } of past) viewer.tell(told);
    for (const [place, end] of ends) positions.set(place, Math.max(end, positions.get(place) ?? 0));
  };

  let replays = 0;
  const line = new Set<() => void>();
  /** Resolves when its turn has come; false where the viewer has left the line before. */
  const takeTurn = (gone: AbortSignal): Promise<boolean> =>
    new Promise((resolve) => {
      const leave = (): void => {
        line.delete(begin);
        resolve(false);
      };
      const begin = (): void => {
        gone.removeEventListener('abort', leave);
        resolve(true);
      };
      if (gone.aborted) return resolve(false);
      if (replays < maxReplaysAtOnce) {
        replays++;
        return resolve(true);
      }
      gone.addEventListener('abort', leave);
      line.add(begin);
    });
  const passTurnOn = (): void => {
    // Whoever is next takes over the place.
    const [next] = line;
    if (!next) replays--;
    else {
      line.delete(next);
      next();
    }
  };

  /** Makes a viewer of who comes, and tells it of the past. */
  const join = async (watched: WatchOptions): Promise<Watching> => {
    // They may have failed, and stopped, while they were waited for.
    for (let started: typeof followers = null; started === null || started !== followers; ) {
      if (isClosed) throw stopping();
      followers ??= follow();
      started = followers;
      try {
        await started;
      } catch (error) {
        if (followers === started) followers = null;
        throw error;
      }
    }
    if (isClosed) throw stopping();
    const positions: Positions = new Map();
    const viewer = createViewer(watched.filter, positions, options.maxQueued, watched.send, watched.sendPassed);
    coming.delete(watched);
    viewers.set(viewer, watched.onEnd);
    const stop = (): void => {
      viewers.delete(viewer);
      rest();
    };
    try {
      await replay(viewer, positions, watched);
    } catch (error) {
      stop();
      throw error;
    }
    viewer.catchUp();
    return { resume: () => viewer.resume(), stop };
  };
  const joinInTurn = async (watched: WatchOptions): Promise<Watching> => {
    if (!(await takeTurn(watched.gone))) return nobodyWatches;
    try {
      return await join(watched);
    } finally {
      passTurnOn();
    }
  };

  return {
    get viewers() {
      return viewers.size + coming.size;
    },
    async watch(watched) {
      if (isClosed) throw stopping();
      if (viewers.size + coming.size >= options.maxViewers)
        throw new HttpError('overloaded', `${options.maxViewers} viewers are watching; try again later`);
      coming.add(watched);
      try {
        // Who wants nothing of the past has nothing read for it.
        const hasPast = watched.positions !== null || watched.last > 0;
        return await (hasPast ? joinInTurn(watched) : join(watched));
      } finally {
        coming.delete(watched);
        rest();
      }
    },
    async close() {
      isClosed = true;
      endAll();
      for (const { onEnd } of coming) onEnd();
      rest();
    },
  };
}

const nobodyWatches: Watching = { resume() {}, stop() {} };

function stopping(): HttpError {
  return new HttpError('not_ready', 'the gateway is stopping');
}

function sourcesOf(requestPath: number, healthOf: (profile: ModelProfile) => LiveEvent | null): Source[] {
  const source = <T>(
    letter: string,
    kind: LiveKind,
    topic: Topic<T>,
    eventOf: (value: T) => LiveEvent | null,
    isKept = true,
  ): Source => ({
    letter,
    kind,
    topic: topic,
    partitions: topic.partitions === 'one' ? 1 : requestPath,
    eventOf: eventOf as Source['eventOf'],
    isKept,
  });
  return [
    source('d', 'decision', topics.routeDecided, decisionEvent),
    source('o', 'outcome', topics.routeOutcome, outcomeEvent),
    source('w', 'weights', topics.weightsVersions, weightsEvent),
    source('a', 'alert', topics.alerts, alertEvent),
    source('h', 'health', topics.modelProfile, healthOf, false),
  ];
}

/** Null where the breakers are as they were. */
function changedHealth(known: Map<string, string>, profile: ModelProfile): LiveEvent | null {
  const is = `${profile.breaker.health}/${profile.providerBreaker.health}`;
  const was = known.get(profile.model);
  known.set(profile.model, is);
  return was === is || (was === undefined && is === 'CLOSED/CLOSED') ? null : healthEvent(profile);
}
