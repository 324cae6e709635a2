/**
 * A candidate against the policy in force, on decisions the candidate has not learned from. Each decision is judged by both
 * as it comes; every so often the off-policy gate is asked. Runs where the fold runs, off the routing thread.
 */
import { checkEvent } from '../../lib/learning/fold/check-event';
import { createForgetting, type Forgetting } from '../../lib/learning/fold/forget';
import { openedOfEvent } from '../../lib/learning/fold/opened-of-event';
import { describeContext } from '../../lib/learning/ope/describe-context';
import { gate } from '../../lib/learning/ope/gate';
import { evidenceOf, type LoggedDecision } from '../../lib/learning/ope/logged-decision';
import { prepareLog } from '../../lib/learning/ope/prepared-log';
import { parsePolicy } from '../../lib/learning/value/policy';
import { rewardOf } from '../../lib/reward/reward';
import { drawModel } from '../../lib/routing/decide/draw';
import type { LearnedPolicy } from '../../lib/routing/judge/strategy';
import { utilityWeights } from '../../lib/routing/judge/utility';
import { untuned } from '../../lib/routing/open/pin-tuning';
import type { LearningEvent, Tuning } from '../../lib/topics/generated/messages';
import type { FoldBatch, FoldSettings } from './fold/fold-settings';
import { heldTuning } from './held-tuning';

export interface PolicyBlobs {
  readonly policySha256: string;
  readonly policy: Buffer;
  readonly basisSha256: string;
  readonly basis: Buffer;
}

export interface TrialSetup {
  readonly candidate: PolicyBlobs;
  /** In force. */
  readonly current: PolicyBlobs;
  /** Offset of learning.events from which on the candidate has not seen them. */
  readonly fromOffset: number;
  /** In force; what of it belongs to the current policy stays so throughout. Null: there is none. */
  readonly tuning: Tuning | null;
}

export interface TrialVerdict {
  readonly verdict: 'promote' | 'keep' | 'refuse';
  /** For a person to read. */
  readonly reason: string;
  /** The whole interval is below 0: more evidence will not help. */
  readonly isWorse: boolean;
  /** As much evidence as will be gathered. */
  readonly isLast: boolean;
  readonly figures: Readonly<Record<string, number>>;
}

/** Decisions after which the gate is asked. */
export const looks: readonly number[] = [200, 400, 800, 1_600, 3_200, 6_400];
/**
 * The more often one looks, the more often luck passes: the error of .05 is divided among the looks (Bonferroni), so a
 * candidate just at the margin passes at any of them in at most 1 trial of 40.
 */
const level = 1 - 0.05 / looks.length;

interface Targets {
  readonly candidate: readonly number[];
  readonly current: readonly number[];
}

export class Trial {
  private readonly candidate: LearnedPolicy;
  private readonly current: LearnedPolicy;
  private readonly events: LearningEvent[] = [];
  /** What both policies would have drawn with, by decision. */
  private readonly targets = new Map<string, Targets>();
  private readonly latencies = new Map<string, { sum: number; count: number }>();
  private newestTuning: Tuning | null = null;
  private asked = 0;
  /** What must not be learned from is no evidence, either. */
  private readonly forgetting: Forgetting;

  /** Throws for a policy that serving would refuse. */
  constructor(
    private readonly setup: TrialSetup,
    private readonly settings: FoldSettings,
  ) {
    this.candidate = parsed(setup.candidate);
    this.current = parsed(setup.current);
    this.forgetting = createForgetting(settings.learning.forget);
  }

  /** The fold's own, as it comes. */
  noteTuning(tuning: Tuning): void {
    this.newestTuning = tuning;
  }

  add(batch: FoldBatch): void {
    for (const { event, offset } of batch) {
      if (offset < this.setup.fromOffset || !this.isEvidence(event)) continue;
      const checked = checkEvent(event);
      if (checked.fault === null) this.addEvent(this.forgetting.hear(checked.event));
    }
  }

  /** The verdict, when so many decisions have come that it is time to ask again. */
  dueVerdict(): TrialVerdict | null {
    const reached = looks.filter((look) => this.targets.size >= look).length;
    if (reached <= this.asked) return null;
    return this.judge();
  }

  /** Looks that were passed before, as after a restart, are not made up for. */
  skipPassedLooks(): void {
    const passed = looks.filter((look) => this.targets.size >= look).length;
    // But for the last, from which follows what is tried next.
    this.asked = Math.min(passed, looks.length - 1);
  }

  judge(): TrialVerdict {
    this.asked = looks.filter((look) => this.targets.size >= look).length;
    const { utilityScale } = this.settings;
    const lambda = (this.newestTuning ?? this.setup.tuning ?? untuned).costPricePerUsd;
    const { decisions } = evidenceOf(this.events, {
      featuresOf: paddedFeatures(this.events),
      rewardOf: (event) =>
        rewardOf(
          event,
          utilityWeights(event.preference, utilityScale, lambda),
          event.expectedCostsUsd[event.models.indexOf(event.model ?? '')] ?? 0,
        ),
    });
    const log = prepareLog(decisions);
    const targetOf =
      (whose: keyof Targets) =>
      ({ id }: LoggedDecision) =>
        this.targets.get(id)![whose];
    const { verdict, reason, evidence } = gate(log, targetOf('candidate'), targetOf('current'), { level });
    const figures: Record<string, number> = { decisions: decisions.length, judged: log.judged };
    if (evidence) {
      const { dr, first, second } = evidence;
      Object.assign(figures, {
        difference: dr.value,
        low: dr.low,
        high: dr.high,
        candidate: first.dr.value,
        current: second.dr.value,
        effectiveSampleSize: first.support.effectiveSampleSize,
      });
    }
    return {
      verdict,
      reason: `${reason} (${decisions.length} decisions)`,
      isWorse: evidence !== null && evidence.dr.high < 0,
      isLast: this.targets.size >= looks.at(-1)!,
      figures,
    };
  }

  /** A draw with known probabilities, of a request whose features these policies understand. */
  private isEvidence(event: LearningEvent): boolean {
    if (event.kind === 'FULL' || event.degraded || !event.eligible.includes(true)) return false;
    return event.callerFeatures !== null || event.encoderVersion === this.settings.encoderVersion;
  }

  private addEvent(event: LearningEvent): void {
    const isKnown = this.targets.has(event.decisionId);
    if (!isKnown && this.targets.size >= looks.at(-1)!) return;
    this.events.push(event);
    if (event.model !== null && event.latencyMs !== null) {
      const latency = this.latencies.get(event.model) ?? { sum: 0, count: 0 };
      this.latencies.set(event.model, { sum: latency.sum + event.latencyMs, count: latency.count + 1 });
    }
    if (!isKnown) this.targets.set(event.decisionId, this.targetsOf(event));
  }

  private targetsOf(event: LearningEvent): Targets {
    const inForce = this.setup.tuning;
    const own = this.newestTuning ?? inForce ?? untuned;
    return {
      candidate: this.propensities(this.candidate, event, own),
      current: this.propensities(this.current, event, heldTuning(own, inForce)),
    };
  }

  private propensities(policy: LearnedPolicy, event: LearningEvent, tuning: Tuning): readonly number[] {
    const { utilityScale, explorationFloor, budgetUsdPerRequest } = this.settings;
    const opened = openedOfEvent(event, {
      tuning,
      utilityScale,
      explorationFloor,
      budgetUsdPerRequest,
      expectedLatencyMs: (model) => {
        const latency = this.latencies.get(model);
        return latency ? latency.sum / latency.count : 0;
      },
    });
    return drawModel(opened, policy.judge(opened).probabilities).propensities;
  }
}

/** Texts and callers' own vectors in one log have different lengths; the reward model wants one. */
function paddedFeatures(events: readonly LearningEvent[]): (event: LearningEvent) => Float32Array {
  let longest = 0;
  for (const event of events) longest = Math.max(longest, describeContext(event).length);
  return (event) => {
    const features = new Float32Array(longest);
    features.set(describeContext(event));
    return features;
  };
}

function parsed({ policySha256, policy, basisSha256, basis }: PolicyBlobs): LearnedPolicy {
  return parsePolicy(basis, policy, { policySha256, basisSha256 });
}
