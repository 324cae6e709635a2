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
  /** Largest record of each topic as the broker has it, by name on the broker; without, what the topics declare. */
  readonly maxRecordBytes?: ReadonlyMap<string, number>;
  /** For tables that a service follows; without, every value of the right type counts. */
  readonly tableChecks?: TableChecks;
  /** Partitions of the request path; every process of an engine must say the same number. */
  readonly requestPathPartitions: number;
  /** Of every service on this host; default `at-least-once`. */
  readonly delivery?: Delivery;
  /** In front of every topic and group when several teams share a cluster; '' otherwise. */
  readonly topicPrefix: string;
  /** Called once when a service has failed for good; the process should end and be looked at. */
  readonly onFatal: (group: string, error: Error) => void;
}

/** Everything the runtime does has a limit. */
export interface RuntimeLimits {
  /** Records per poll. */
  readonly maxBatchRecords: number;
  /** Time between two commits of a task that has something to commit; the most that is decided again after a crash. */
  readonly commitIntervalMs: number;
  /** Longest wait of a poll when nothing is due. */
  readonly idleWaitMs: number;
  /** Tries again after a TransientError, each wait twice the one before. */
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
  /** How long a stop may take before what is left is abandoned (it is read again at the next start). */
  readonly stopTimeoutMs: number;
}

export const defaultRuntimeLimits: RuntimeLimits = {
  maxBatchRecords: 500,
  commitIntervalMs: 200,
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
