/** What a service needs from outside to run: ports, limits and somebody to tell when it has failed for good. */
import type { Broker, Delivery } from '../ports/broker';
import type { Clock } from '../ports/clock';
import type { KeyValue } from '../ports/key-value';
import type { Random } from '../ports/random';
import type { Log } from '../telemetry/log';
import type { Metrics } from '../telemetry/metrics';
import type { TableChecks } from './table-checks';

export interface Host {
  readonly broker: Broker;
  readonly keyValue: KeyValue;
  readonly clock: Clock;
  /** Monotonic, sub-millisecond time for durations that are reported, never decided on. */
  readonly elapsedMs: () => number;
  /** A stream of its own for each combination of labels; seeded by whoever makes the host. */
  readonly createRandom: (...labels: readonly (string | number)[]) => Random;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly limits: RuntimeLimits;
  /** Largest record that the broker takes in each topic, by the topic's name on the broker. Where this is absent, what the topics declare counts. */
  readonly maxRecordBytes?: ReadonlyMap<string, number>;
  /** Says which values of followed tables are sound. Where this is absent, every value of the right type counts. */
  readonly tableChecks?: TableChecks;
  /** Partitions of the request path; every process of an engine must say the same number. */
  readonly requestPathPartitions: number;
  /** How often what a service of this host writes may be there after failures; default `at-least-once`. */
  readonly delivery?: Delivery;
  /**
   * Of how many partitions that other members own a chain keeps what a task of theirs would restore, so that it can take them over at once.
   * Default 0: for brokers on which nobody else can own any.
   */
  readonly standbyPartitions?: number;
  /** In front of every topic and group when several teams share a cluster; '' otherwise. */
  readonly topicPrefix: string;
  /** Called once when a service has failed for good; the process should end and be looked at. */
  readonly onFatal: (group: string, error: Error) => void;
}

/** Everything the runtime does has a limit. */
export interface RuntimeLimits {
  /** Records per poll. */
  readonly maxBatchRecords: number;
  /** Time between two commits of a task that has something to commit. After a crash, what was decided within this time may be decided again. */
  readonly commitIntervalMs: number;
  /** A task that has read fewer records than this since its last commit takes `patientCommitIntervalMs` instead. */
  readonly fewRecords: number;
  /**
   * The same of a task whose group gathers: nobody waits for it while it decides again. Bounded, since what it decides again
   * counts again where whoever reads it keeps sums, unless it is written with its rows (`ServiceDefinition.writtenWithRows`).
   */
  readonly fewGatheredRecords: number;
  readonly patientCommitIntervalMs: number;
  /** Longest wait of a poll when nothing is due. */
  readonly idleWaitMs: number;
  /** How often an action is tried again after a TransientError. Each wait is twice the wait before. */
  readonly maxRetries: number;
  readonly retryBackoffMs: number;
  readonly maxRetryBackoffMs: number;
  /** How often a record that makes a processor throw is handed to it alone before it is put aside. */
  readonly maxTriesAlone: number;
  /** A service that restarts more often than this within the window has failed for good. Restarts that narrow a batch down do not count. */
  readonly maxRestarts: number;
  readonly restartWindowMs: number;
  /** Wait before the first restart in a window; doubles with each, up to the maximum. */
  readonly restartBackoffMs: number;
  readonly maxRestartBackoffMs: number;
  /** An alarm rings when more than `count` records AND more than `ratio` of a service's records became dead letters within the window. */
  readonly deadLetters: { readonly count: number; readonly ratio: number; readonly windowMs: number };
  /** Entries for the key-value store that may wait; more are given up. */
  readonly maxRememberQueue: number;
  /** How long a stop may take. Batches that have not ended by then are abandoned, and their records are read again at the next start. */
  readonly stopTimeoutMs: number;
}

export const defaultRuntimeLimits: RuntimeLimits = {
  maxBatchRecords: 500,
  commitIntervalMs: 200,
  fewRecords: 16,
  fewGatheredRecords: 128,
  patientCommitIntervalMs: 1_000,
  idleWaitMs: 5_000,
  maxRetries: 6,
  retryBackoffMs: 20,
  maxRetryBackoffMs: 1_000,
  maxTriesAlone: 3,
  maxRestarts: 5,
  restartWindowMs: 60_000,
  restartBackoffMs: 100,
  maxRestartBackoffMs: 10_000,
  deadLetters: { count: 100, ratio: 0.5, windowMs: 60_000 },
  maxRememberQueue: 10_000,
  stopTimeoutMs: 10_000,
};
