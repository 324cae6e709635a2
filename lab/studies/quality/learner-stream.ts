/**
 * The engine in miniature: learner and learned policy alone, serially, with the production publishing rule, and no
 * services, threads or other strategies. The fast way to see what a change of the learning is worth.
 */
import { wasmBackend } from '../../../lib/adapters/tensor/wasm-backend';
import type { LearningConfig } from '../../../lib/config/router-config';
import { encoderVersion } from '../../../lib/learning/features/encode';
import { emptyEvent } from '../../../lib/learning/fold/empty-event';
import { createLearner, type Learner, type LearnerOutput } from '../../../lib/learning/fold/learner';
import { openedOfEvent } from '../../../lib/learning/fold/opened-of-event';
import { parsePolicy } from '../../../lib/learning/value/policy';
import type { Random } from '../../../lib/ports/random';
import { seededRandom } from '../../../lib/random/seeded';
import { budgetedFloors, coldStartShares } from '../../../lib/routing/decide/budgeted-floors';
import type { LearnedPolicy } from '../../../lib/routing/judge/strategy';
import { untuned } from '../../../lib/routing/open/pin-tuning';
import type {
  LearningEvent,
  Preference,
  RouteOpened,
  Tuning,
  UtilityScale,
} from '../../../lib/topics/generated/messages';
import { type EncodedRow, encodeRow } from '../../workloads/encode-row';
import type { Outcome, WorkloadRow } from '../../workloads/workload';

export interface StreamOptions {
  readonly seed: number;
  readonly pipeline: LearningConfig['pipeline'];
  readonly publish: LearningConfig['publish'];
  readonly budgetUsd: number | null;
  readonly explorationFloor: number;
  /** What is wished for; quality alone by default. */
  readonly wish?: { readonly preference: Preference; readonly scale: UtilityScale };
  /** How rows are encoded; as the engine does by default. */
  readonly encode?: (row: WorkloadRow) => EncodedRow;
}

/** What is known of the models at one request, beside the recorded data. */
export interface Circumstances {
  readonly frozen?: boolean;
  /** The outcome is learned after this many further requests; null: never; 0 by default. */
  readonly feedbackAfter?: number | null;
  /** Catalogue price factor; 1 where no price is known. */
  readonly prices?: (model: string) => number;
  readonly latencyMs?: (model: string) => number;
  readonly available?: (model: string) => boolean;
  /** Encoded, as in RouteOpened; unknown by default. */
  readonly context?: Buffer;
}

export const qualityOnly = {
  preference: { quality: 1, cost: 0, latency: 0 },
  scale: { costUsd: 0.01, latencyMs: 10_000 },
};

/** A function that encodes every row once. */
export function encodingOnce(encode: (row: WorkloadRow) => EncodedRow): (row: WorkloadRow) => EncodedRow {
  const encodings = new WeakMap<WorkloadRow, EncodedRow>();
  return (row) => {
    let encoding = encodings.get(row);
    if (!encoding) {
      encoding = encode(row);
      encodings.set(row, encoding);
    }
    return encoding;
  };
}

const asTheEngine = encodingOnce(encodeRow);
const noContext = Buffer.alloc(0);

/** What is thought of one request. */
export interface Predicted {
  /** Per candidate, 0..1. */
  readonly qualities: ReadonlyMap<string, number>;
  /** As in the tuning in force. */
  readonly setGaps: Tuning['setGaps'];
}

/** Judge, floor, draw, fold, take over what was published. */
export class LearnerStream {
  private tuning = untuned;
  private policy: LearnedPolicy | null = null;
  private basis: Buffer | null = null;
  private offset = 0;
  private requests = 0;
  /** Outcomes that are not reported yet, and the number of the request after which they are. */
  private waiting: { readonly event: LearningEvent; readonly dueAt: number }[] = [];
  private readonly random: Random;
  private readonly encode: (row: WorkloadRow) => EncodedRow;
  judgeMs = 0;
  judged = 0;

  private constructor(
    readonly learner: Learner,
    private models: readonly string[],
    private readonly options: StreamOptions,
  ) {
    this.random = seededRandom(options.seed, 'draw');
    this.encode = options.encode ?? asTheEngine;
  }

  static async create(models: readonly string[], options: StreamOptions): Promise<LearnerStream> {
    const learner = await createLearner({
      seed: options.seed,
      config: {
        pipeline: options.pipeline,
        publish: options.publish,
        sessionDiscount: 0,
        networkReplayRows: 2000,
        replayRows: 50_000,
        priorObservations: 8,
        // Alone it declares nothing that it could fall behind.
        maxRegretShare: 1,
        backend: 'wasm',
      },
      budgetUsdPerRequest: options.budgetUsd,
      encoderVersion,
      backend: wasmBackend(),
      explorationFloor: options.explorationFloor,
    });
    return new LearnerStream(learner, models, options);
  }

  get lastTuning(): Tuning {
    return this.tuning;
  }

  /** Other models from here on. */
  configure(models: readonly string[]): void {
    this.models = models;
  }

  /** Routes one row; learns from the chosen outcome unless frozen. */
  route(
    row: WorkloadRow,
    {
      frozen = false,
      feedbackAfter = 0,
      prices = () => 1,
      latencyMs = () => 0,
      available = () => true,
      context = noContext,
    }: Circumstances = {},
  ): { readonly model: string; readonly outcome: Outcome } {
    const request = {
      ...this.event(row, prices),
      contextFeatures: context,
      eligible: this.models.map((model) => (row.outcomes.get(model) ?? null) !== null && available(model)),
    };
    const probabilities = this.probabilities(request, latencyMs);
    let left = this.random.next();
    let chosen = -1;
    for (let i = 0; i < this.models.length; i++) {
      if (probabilities[i]! <= 0) continue;
      chosen = i;
      left -= probabilities[i]!;
      if (left < 0) break;
    }
    const model = this.models[chosen]!;
    const outcome = row.outcomes.get(model)!;
    if (!frozen) {
      const event: LearningEvent = {
        ...request,
        kind: 'EXPERIENCE',
        propensities: probabilities,
        model,
        quality: outcome.score,
        costUsd: outcome.costUsd,
      };
      if (feedbackAfter !== null) this.waiting.push({ event, dueAt: this.requests + feedbackAfter });
      const due = this.waiting.filter(({ dueAt }) => dueAt <= this.requests);
      if (due.length > 0) this.waiting = this.waiting.filter(({ dueAt }) => dueAt > this.requests);
      for (const { event: reported } of due) this.fold(reported);
    }
    return { model, outcome };
  }

  /** Shows all outcomes of one row. */
  show(row: WorkloadRow, prices: (model: string) => number = () => 1): void {
    this.fold({
      ...this.event(row, prices),
      fullQualities: this.models.map((model) => row.outcomes.get(model)?.score ?? null),
      fullCostsUsd: this.models.map((model) => row.outcomes.get(model)?.costUsd ?? null),
    });
  }

  /** What the policy in force thinks of a row; throws before there is one. */
  predict(row: WorkloadRow): Predicted {
    const event = this.event(row, () => 1);
    const candidates = event.models.filter((model) => (row.outcomes.get(model) ?? null) !== null);
    const opened = this.opened(
      { ...event, eligible: event.models.map((model) => candidates.includes(model)) },
      () => 0,
    );
    const { qualities } = this.policy!.judge(opened);
    return {
      qualities: new Map(candidates.map((model) => [model, qualities[event.models.indexOf(model)]!])),
      setGaps: this.tuning.setGaps,
    };
  }

  private probabilities(event: LearningEvent, latencyMs: (model: string) => number): number[] {
    const { explorationFloor, budgetUsd } = this.options;
    const opened = this.opened(event, latencyMs);
    const costs = opened.candidates.map((candidate) => candidate.expectedCostUsd);
    if (!this.policy) return coldStartShares(opened);
    const started = performance.now();
    const judgement = this.policy.judge(opened);
    this.judgeMs += performance.now() - started;
    this.judged++;
    const floors = budgetedFloors(explorationFloor, budgetUsd, costs).map((floor, i) =>
      event.eligible[i] ? floor : 0,
    );
    const floored = floors.reduce((sum, floor) => sum + floor, 0);
    return judgement.probabilities.map((probability, i) => floors[i]! + (1 - floored) * probability);
  }

  private opened(event: LearningEvent, latencyMs: (model: string) => number): RouteOpened {
    const { explorationFloor, budgetUsd, wish = qualityOnly } = this.options;
    const costs = event.models.map((model, i) => (this.tuning.costRatios[model] ?? 0) * event.priceFactors[i]!);
    return openedOfEvent(
      { ...event, expectedCostsUsd: costs, preference: wish.preference },
      {
        tuning: this.tuning,
        utilityScale: wish.scale,
        explorationFloor,
        budgetUsdPerRequest: budgetUsd,
        expectedLatencyMs: latencyMs,
      },
    );
  }

  private event(row: WorkloadRow, prices: (model: string) => number): LearningEvent {
    return {
      ...emptyEvent({ eventId: row.id, decisionId: `${this.requests++}`, encoderVersion }, 0),
      kind: 'FULL',
      ...this.encode(row),
      contextFeatures: noContext,
      models: [...this.models],
      eligible: this.models.map(() => true),
      expectedCostsUsd: this.models.map(() => 0),
      priceFactors: this.models.map(prices),
      preference: { quality: 1, cost: 0, latency: 0 },
      source: 'recorded',
    };
  }

  private fold(event: LearningEvent): void {
    const outputs = this.learner.apply(event, this.offset++);
    for (const output of outputs) this.takeOver(output);
  }

  private takeOver(output: LearnerOutput): void {
    if (output.kind === 'tuning') this.tuning = output.tuning;
    else {
      if (output.basis) this.basis = output.basis;
      if (output.refused === null) this.policy = parsePolicy(this.basis!, output.policy, output);
    }
  }
}
