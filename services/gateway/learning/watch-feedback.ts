/**
 * Whether feedback comes. Without any, the learned strategy has nothing to go by and draws alike for ever, which no single
 * answer shows: so the process says it, when it starts, at /ready and as a metric.
 */
import { coldStartRewards } from '../../../lib/learning/fold/cold-start';
import type { Broker } from '../../../lib/ports/broker';
import type { Tuning } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';

export interface FeedbackState {
  /** Rewards learned, as the newest tuning says. */
  readonly rewards: number;
  /** So many the learned strategy needs before it chooses. */
  readonly rewardsNeeded: number;
  /** Decisions since a report was accepted here or the rewards last grew, as far as this process knows. */
  readonly decisionsSinceFeedback: number;
  /** For a person; null when there is nothing to say. */
  readonly note: string | null;
}

export interface FeedbackWatch {
  noteDecision(): void;
  /** A report was accepted here; that it was learned from shows in the tuning, some events later. */
  noteReport(): void;
  state(): FeedbackState;
}

export interface FeedbackWatchOptions {
  readonly tuning: () => Tuning | undefined;
  /** Configured models; 0 before there is a configuration. */
  readonly models: () => number;
  /** Made before this process started. */
  readonly decisionsBefore: number;
}

/** Decisions in a row without a new reward that are worth a word where there was feedback before. */
const longSilence = 1_000;

export function watchFeedback({ tuning, models, decisionsBefore }: FeedbackWatchOptions): FeedbackWatch {
  let known = tuning()?.learnedRewards ?? 0;
  let decisions = known === 0 ? decisionsBefore : 0;
  let reports = 0;
  const follow = (): number => {
    const rewards = tuning()?.learnedRewards ?? 0;
    if (rewards !== known) decisions = 0;
    known = rewards;
    return rewards;
  };
  return {
    noteDecision() {
      follow();
      decisions++;
    },
    noteReport() {
      reports++;
      decisions = 0;
    },
    state() {
      const rewards = follow();
      const rewardsNeeded = coldStartRewards(models());
      const noteOf = (): string | null => {
        const until = `until ${rewardsNeeded} rewards are learned, the learned strategy goes by what the configuration declares, or draws at random where that says nothing`;
        if (rewards === 0 && reports > 0)
          return `${reports === 1 ? '1 report has' : `${reports} reports have`} come, and none is learned yet: ${until}`;
        if (rewards === 0) return `no feedback has come (${decisions} decisions): ${until}; POST /v1/feedback takes it`;
        if (rewards < rewardsNeeded) return `${rewards} rewards are learned: ${until}`;
        return decisions >= longSilence ? `no feedback has come for ${decisions} decisions` : null;
      };
      return { rewards, rewardsNeeded, decisionsSinceFeedback: decisions, note: noteOf() };
    },
  };
}

/** Decisions that the log still has; 0 where that cannot be said. */
export async function decisionsInLog(broker: Broker, topicPrefix: string, partitions: number): Promise<number> {
  const topic = topicPrefix + topics.routeDecided.name;
  let decisions = 0;
  try {
    for (let partition = 0; partition < partitions; partition++) {
      const { earliest, end } = await broker.offsets({ topic, partition });
      decisions += end - earliest;
    }
  } catch {
    // It is a figure for people: a process starts without it.
  }
  return decisions;
}
