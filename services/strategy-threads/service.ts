/** The declaration of strategy-threads: opened requests in, what each hosted strategy thinks of them out. */
import { type StrategyName, strategyNames } from '../../lib/config/router-config';
import { defaultStrategyGroup } from '../../lib/config/strategy-groups';
import type { Clock } from '../../lib/ports/clock';
import { strategies as allStrategies, learnedStrategy } from '../../lib/routing/judge/strategies/strategies';
import type { LearnedPolicy, Strategies } from '../../lib/routing/judge/strategy';
import type { WeightsSource } from '../../lib/routing/judge/weights-source';
import { isHit } from '../../lib/routing/open/is-hit';
import { type Context, defineService, on, type ServiceDefinition } from '../../lib/stream/define-service';
import type { RouteOpened, StrategyScored } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { createLastGoodWeights } from '../../lib/weights/last-good-weights';
import { type CacheOptions, createKeepInCache } from './keep-in-cache';
import { createPace } from './pace';
import { askedOf, score, scoredId } from './score';

/** Scores per partition that are recognised when their requests come again. */
const maxRememberedScores = 20_000;

export interface StrategyThreadsOptions {
  readonly weights: WeightsSource;
  /** Limits how long requests wait for weights. */
  readonly clock: Clock;
  /** Consumer group; give a strategy one of its own to scale, fail or shadow alone. Tell route-intake of it. */
  readonly group?: string;
  /** Hosted here; default all. */
  readonly strategies?: readonly StrategyName[];
  /** Where a group begins that has never read anything: at `latest` it scores none of the requests of the past. */
  readonly startAt?: ServiceDefinition['startAt'];
  /** Left out: nothing is kept in the routing cache. */
  readonly cache?: CacheOptions;
  /** What each name means; replaced in tests and by shadows. */
  readonly implementations?: Strategies;
}

export function createStrategyThreads(options: StrategyThreadsOptions): ServiceDefinition {
  const { group = defaultStrategyGroup, strategies = strategyNames, implementations = allStrategies } = options;
  const pace = createPace();
  const keep = options.cache ? createKeepInCache(options.cache) : () => [];
  const batch = { nowMs: Number.NaN, startedMs: 0 };
  /** Time is read once per batch: another time, another batch. */
  const batchStartedMs = (context: Context): number => {
    if (batch.nowMs !== context.nowMs) {
      batch.nowMs = context.nowMs;
      batch.startedMs = context.elapsedMs();
    }
    return batch.startedMs;
  };
  const learnedWeights = createLastGoodWeights(options.weights, options.clock);
  return defineService({
    group,
    startAt: options.startAt ?? 'earliest',
    inputs: [
      on<RouteOpened, never, LearnedPolicy | null>(
        topics.routeOpened,
        (_state, opened, context, learned) =>
          score(opened, context, learned, implementations, strategies, pace, batchStartedMs(context), keep),
        { lookup: (batch, context) => learnedFor(batch, context) },
      ),
    ],
    // Weights that the key-value store does not have.
    reads: [topics.weightsBlobs],
    outputs: [topics.strategyScored],
    ownOutput: {
      topics: [topics.strategyScored],
      idOf: (scored: Pick<StrategyScored, 'requestId' | 'group'>) => scoredId(scored.requestId, scored.group),
      idFields: ['requestId', 'group'],
      maxIds: maxRememberedScores,
    },
  });

  /** The weights each event pins: usually one version for the whole batch. */
  async function learnedFor(
    batch: readonly RouteOpened[],
    context: Pick<Context, 'nowMs'>,
  ): Promise<(LearnedPolicy | null)[]> {
    const loaded = new Map<string, LearnedPolicy | null>();
    const policies: (LearnedPolicy | null)[] = [];
    let last: { opened: RouteOpened; policy: LearnedPolicy | null } | null = null;
    for (const opened of batch) {
      const { policySha256, basisSha256 } = opened;
      // What the cache has judged comes by to have entries renewed.
      const isAsked = (isHit(opened) ? strategies : askedOf(opened, strategies)).includes(learnedStrategy);
      if (policySha256 === null || !isAsked) {
        policies.push(null);
        continue;
      }
      // Most requests pin what the one before pinned: comparing two hashes is less than making a key of them.
      if (last?.opened.policySha256 === policySha256 && last.opened.basisSha256 === basisSha256) {
        policies.push(last.policy);
        continue;
      }
      const key = `${policySha256}/${basisSha256 ?? ''}`;
      let policy = loaded.get(key);
      if (policy === undefined) {
        policy = await learnedWeights.load({ policySha256, basisSha256 }, context.nowMs);
        loaded.set(key, policy);
      }
      last = { opened, policy };
      policies.push(policy);
    }
    return policies;
  }
}
