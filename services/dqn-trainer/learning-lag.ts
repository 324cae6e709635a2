/**
 * How far the fold is behind the log: in events, and in seconds as the age of the oldest event that is not folded in. What is
 * said of learning is said of what was folded, so nothing is called fine while much waits.
 */
import type { Broker } from '../../lib/ports/broker';
import type { Clock } from '../../lib/ports/clock';
import type { Log } from '../../lib/telemetry/log';
import type { Metrics } from '../../lib/telemetry/metrics';
import { topics } from '../../lib/topics/topics';

export interface LearningLagOptions {
  readonly broker: Broker;
  readonly topicPrefix?: string;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
  /** A lag above this is an alarm, and ends when half of it is left; default 10,000. */
  readonly lagAlarmMs?: number;
  /** Called when the alarm begins or ends. */
  readonly onChange: (isBehind: boolean) => void;
}

/** Where the fold stands. */
export interface FoldedTo {
  /** Next offset to fold in. */
  readonly position: number;
  /** When the event at `position` was written, in milliseconds since the epoch: at the latest then the lag began. */
  readonly sinceMs: number;
}

export interface LearningLag {
  readonly isBehind: boolean;
  /** Shows the lag from now on, also while `work` keeps the fold busy. */
  during<T>(at: FoldedTo, work: () => Promise<T>): Promise<T>;
  show(at: FoldedTo): Promise<void>;
  /** Nobody folds here any more: there is no lag to show until somebody does again. */
  forget(): void;
}

const defaultLagAlarmMs = 10_000;
/** The end of the log is looked at, and the figures are renewed, this often while a batch is folded. */
const refreshMs = 1_000;

export function createLearningLag(options: LearningLagOptions): LearningLag {
  const { broker, clock, metrics, log, lagAlarmMs = defaultLagAlarmMs } = options;
  const of = { topic: (options.topicPrefix ?? '') + topics.learningEvents.name, partition: 0 };
  let end = 0;
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let isBehind = false;
  let now: FoldedTo | null = null;

  const look = async (): Promise<void> => {
    if (clock.monotonicMs() - lookedAtMs < refreshMs) return;
    lookedAtMs = clock.monotonicMs();
    try {
      end = (await broker.offsets(of)).end;
    } catch {
      // A broker that does not answer is other alarms' business: the lag in seconds grows from what was seen last.
    }
  };
  const publish = ({ position, sinceMs }: FoldedTo): void => {
    const events = Math.max(0, end - position);
    const lagMs = events === 0 ? 0 : Math.max(0, clock.nowMs() - sinceMs);
    metrics.set('quantum_router_learning_lag_events', {}, events);
    metrics.set('quantum_router_learning_lag_seconds', {}, lagMs / 1_000);
    const wasBehind = isBehind;
    isBehind = lagMs > (wasBehind ? lagAlarmMs / 2 : lagAlarmMs);
    metrics.set('quantum_router_learning_alarm', { alarm: 'behind' }, isBehind ? 1 : 0);
    if (isBehind === wasBehind) return;
    if (isBehind) log.warn('learning is behind the log', { events, lagMs });
    else log.info('learning has caught up with the log', { events, lagMs });
    options.onChange(isBehind);
  };

  // Between batches nobody folds and nobody looks: what has come meanwhile is waiting at least since it was noticed.
  metrics.onCollect(() => {
    void look();
    if (!now) return;
    if (end <= now.position) now = { ...now, sinceMs: clock.nowMs() };
    publish(now);
  });

  return {
    get isBehind() {
      return isBehind;
    },
    async during(at, work) {
      now = at;
      await look();
      // What is about to be folded is not folded yet, wherever the end of the log was seen last.
      end = Math.max(end, at.position + 1);
      publish(at);
      let cancel = (): void => {};
      const again = (): void => {
        cancel = clock.setTimer(refreshMs, () => {
          if (now === null) return;
          void look();
          publish(at);
          again();
        });
      };
      again();
      try {
        return await work();
      } finally {
        cancel();
      }
    },
    async show(at) {
      now = at;
      await look();
      publish(at);
    },
    forget() {
      if (!now) return;
      now = null;
      end = 0;
      publish({ position: 0, sinceMs: clock.nowMs() });
    },
  };
}
