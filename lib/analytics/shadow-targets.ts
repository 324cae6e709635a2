/** With what probabilities a shadow would have drawn: pure, from the opened request and whatever the shadow goes by. */
import type { RouterConfig, StrategyName } from '../config/router-config';
import { drawModel } from '../routing/decide/draw';
import { decideUnder } from '../routing/decide/under-config';
import { distributionFault } from '../routing/judge/distribution';
import { judgeThread } from '../routing/judge/judge-thread';
import { learnedStrategy } from '../routing/judge/strategies/strategies';
import type { LearnedPolicy } from '../routing/judge/strategy';
import type { RouteOpened, StrategyScored } from '../topics/generated/messages';

/** What a shadow would have drawn with, by decision, in the order of the opened candidates. */
export interface ShadowTargets {
  readonly name: string;
  readonly kind: 'shadow' | 'previous-policy';
  readonly targets: ReadonlyMap<string, readonly number[]>;
  /** Decisions it had no judgement of: it failed, was not there, or nobody could have served. */
  readonly missing: number;
  /** Share of its draws that go to models which were no candidates then: the log knows nothing of them. */
  readonly unknownShare: number;
}

export type Shadow =
  | { readonly kind: 'strategy'; readonly strategy: StrategyName }
  | { readonly kind: 'policy'; readonly learned: LearnedPolicy | null }
  | { readonly kind: 'config'; readonly config: RouterConfig }
  /** Everything as it was, with these weights. */
  | { readonly kind: 'weights'; readonly learned: LearnedPolicy | null }
  | { readonly kind: 'group'; readonly scored: ReadonlyMap<string, StrategyScored> };

export interface ShadowRequest {
  readonly opened: RouteOpened;
  /** What it was opened under. */
  readonly base: RouterConfig;
  /** Weights it was judged with; null where there were none, or they are gone. */
  readonly learned: LearnedPolicy | null;
}

/** Null where it has no judgement. `unknown`: how much of it goes to models that were no candidates. */
export function shadowDraw(
  shadow: Shadow,
  { opened, base, learned }: ShadowRequest,
): { readonly propensities: readonly number[]; readonly unknown: number } | null {
  if (!opened.candidates.some(({ eligible }) => eligible)) return null;
  if (shadow.kind === 'config') return underConfig(shadow.config, opened, base, learned);
  if (shadow.kind === 'weights')
    return shadow.learned === null ? null : underConfig(base, opened, base, shadow.learned);
  const probabilities = probabilitiesOf(shadow, { ...opened, cached: null, cachedValues: null }, learned);
  if (probabilities === null || distributionFault(probabilities, opened.candidates) !== null) return null;
  return { propensities: drawModel(opened, probabilities).propensities, unknown: 0 };
}

function probabilitiesOf(
  shadow: Exclude<Shadow, { kind: 'config' | 'weights' }>,
  opened: RouteOpened,
  learned: LearnedPolicy | null,
): readonly number[] | null {
  if (shadow.kind === 'group') {
    const thread = shadow.scored.get(opened.requestId)?.threads[0];
    return thread?.status === 'SUCCESS' ? thread.probabilities : null;
  }
  if (shadow.kind === 'policy' && shadow.learned === null) return null;
  const [strategy, weights] =
    shadow.kind === 'policy' ? ([learnedStrategy, shadow.learned] as const) : ([shadow.strategy, learned] as const);
  const thread = judgeThread(strategy, opened, weights);
  return thread.status === 'SUCCESS' ? thread.probabilities : null;
}

function underConfig(config: RouterConfig, opened: RouteOpened, base: RouterConfig, learned: LearnedPolicy | null) {
  const found = decideUnder(opened, base, config, learned);
  if (found.kind === 'refused') return null;
  const shares = new Map(found.decision.candidates.map(({ model, propensity }) => [model, propensity]));
  const known = opened.candidates.map(({ model, eligible }) => (eligible ? (shares.get(model) ?? 0) : 0));
  const total = known.reduce((sum, share) => sum + share, 0);
  if (!(total > 0)) return { propensities: opened.candidates.map(() => 0), unknown: 1 };
  return { propensities: known.map((share) => share / total), unknown: Math.max(0, 1 - total) };
}
