/**
 * A decision as a pure function of the opened event and of the threads' scores. Collapse decides with it, and a replay
 * recomputes with it: whatever it returns must come out the same for ever.
 */
import { policyOfValues } from '../../learning/value/kept-values';
import type {
  BudgetGrant,
  Candidate,
  DecidedCandidate,
  DecidedThread,
  RouteDecided,
  RouteOpened,
  ThreadScore,
} from '../../topics/generated/messages';
import { topics } from '../../topics/topics';
import { indexOfLargest } from '../judge/distribution';
import { deadThread, judgeAsked, judgedThread, maxErrorLength } from '../judge/judge-thread';
import { judgementFault } from '../judge/judgement-fault';
import { expectedUtilities } from '../judge/strategies/expectations';
import { learnedStrategy } from '../judge/strategies/strategies';
import { decidedCandidate } from '../open/copy-candidate';
import { isHit } from '../open/is-hit';
import { applyGrants } from './apply-grants';
import { calibrateConfidence, isCurve } from './calibrate-confidence';
import type { Collapsed } from './collapse/collapsed';
import { collapses, knownCollapse } from './collapse/collapses';
import { degrade } from './degrade';
import { type Draw, drawModel } from './draw';
import { explainDecision } from './explain-decision';
import { restrictToSet } from './good-set';
import { orderFallbacks } from './order-fallbacks';
import { spreadOverDeployments } from './spread';

/** The reproducible part of a decision; the rest says when and where it was made. */
export type RecomputedDecision = Omit<RouteDecided, 'stagesMs' | 'positions' | 'decidedAtMs'>;

/**
 * `scores` in any order; threads nobody asked for are ignored, asked ones without a score are TIMEOUT. Throws when no candidate is
 * eligible.
 */
export function recomputeDecision(
  opened: RouteOpened,
  scores: readonly ThreadScore[],
  grants: readonly BudgetGrant[] = [],
): RecomputedDecision {
  const asked = opened.cached
    ? [cachedThread(opened)]
    : askedThreads(opened, isHit(opened) ? judgeByCache(opened) : scores);
  const hit = asked.some((thread) => isOfCache(opened, thread));
  const { degradedTo, standIns } = hit ? { degradedTo: 'NONE' as const, standIns: [] } : degrade(opened, asked);
  const threads = [...asked, ...standIns];
  const successes = threads.filter((thread) => thread.status === 'SUCCESS');
  const collapse = knownCollapse(opened.collapse);
  // One thread leaves nothing to collapse: a cached distribution and a stand-in must come out as they are.
  const way = (hit && opened.cached) || standIns.length === 1 ? 'FIRST_SUCCESS' : collapse;
  const collapsed = collapses[way](opened, successes);
  // The threads have judged all candidates: what a budget bars is known only after they were asked.
  const payable = applyGrants(opened, grants);
  const { goodSet, probabilities } = restrictToSet(
    payable,
    successes,
    spreadOverDeployments(payable, collapsed.probabilities),
  );
  const draw = drawModel(payable, probabilities);
  const { model, provider } = payable.candidates[draw.chosen]!;
  const { confidenceCurve } = opened.tuning;
  const rawConfidence = clamp(collapsed.confidence * draw.masked[draw.chosen]!);
  return {
    requestId: opened.requestId,
    decisionId: opened.requestId,
    sessionId: opened.sessionId,
    tenantId: opened.tenantId,
    routingKey: opened.routingKey,
    model,
    provider,
    fallbacks: orderFallbacks(payable.candidates, collapsed.utilities, draw.chosen),
    confidence: calibrateConfidence(confidenceCurve, rawConfidence),
    rawConfidence: isCurve(confidenceCurve) ? rawConfidence : null,
    propensity: draw.propensities[draw.chosen]!,
    candidates: decidedCandidates(payable.candidates, collapsed, draw),
    strategy: collapsed.leadingStrategy,
    versions: versionsOf(opened),
    seed: opened.seed,
    explorationFloor: opened.explorationFloor,
    contentHash: opened.contentHash,
    budgets: [...grants],
    exposures: opened.exposures,
    tenantSettings: opened.tenantSettings,
    collapse,
    threads: decidedThreads(opened, threads, successes, collapsed),
    reasoning: explainDecision({ opened, collapsed, draw, threads, standIns, hit, collapse, degradedTo, goodSet }),
    cacheHit: hit,
    degradedTo,
    goodSet,
  };
}

function decidedCandidates(candidates: readonly Candidate[], collapsed: Collapsed, draw: Draw): DecidedCandidate[] {
  const { propensities } = draw;
  const { qualities, utilities } = collapsed;
  return candidates.map((candidate, i) => decidedCandidate(candidate, propensities[i]!, qualities[i]!, utilities[i]!));
}

/** By what it was decided: state of health and capacity among it, and how old that was. */
function versionsOf(opened: RouteOpened): RouteDecided['versions'] {
  const { profilesAtMs, positions, openedAtMs } = opened;
  return {
    config: opened.configVersion,
    tuning: opened.tuning.version,
    policySha256: opened.policySha256,
    basisSha256: opened.basisSha256,
    encoder: opened.encoderVersion,
    profiles: profilesAtMs === null ? null : (positions[topics.modelProfile.name] ?? null),
    profilesAgeMs: profilesAtMs === null ? null : Math.max(0, openedAtMs - profilesAtMs),
  };
}

/** One thread per asked strategy, in declared order. */
function askedThreads(opened: RouteOpened, scores: readonly ThreadScore[]): ThreadScore[] {
  return opened.strategies.map((strategy) => {
    const score = scores.find((thread) => thread.strategy === strategy);
    if (!score) return deadThread(strategy, 'TIMEOUT', opened.threadTimeoutMs, null);
    const durationMs = Number.isFinite(score.durationMs) ? score.durationMs : 0;
    if (score.status !== 'SUCCESS')
      return deadThread(strategy, 'FAILED', durationMs, score.error?.slice(0, maxErrorLength) ?? null);
    const fault = judgementFault(opened, score);
    if (fault) return deadThread(strategy, 'FAILED', durationMs, fault);
    return durationMs === score.durationMs ? score : { ...score, durationMs };
  });
}

/** All strategies are pure functions of the opened event and take microseconds, but for what the weights say: here that is pinned. */
function judgeByCache(opened: RouteOpened): ThreadScore[] {
  return judgeAsked(opened, policyOfValues(opened.cachedValues!));
}

function isOfCache(opened: RouteOpened, { strategy, status }: ThreadScore): boolean {
  return isHit(opened) && status === 'SUCCESS' && (opened.cached !== null || strategy === learnedStrategy);
}

/** The cached distribution as the only thread, FAILED where it is none; its utilities follow from today's costs. */
function cachedThread(opened: RouteOpened): ThreadScore {
  const cached = opened.cached!;
  const at = opened.candidates.map((candidate) => cached.models.indexOf(candidate.model));
  const qualities = at.map((i) => cached.qualities[i] ?? 0);
  const judgement = {
    probabilities: at.map((i) => cached.probabilities[i] ?? 0),
    utilities: expectedUtilities(opened, qualities),
    qualities,
    confidence: cached.confidence,
    policySha256: opened.policySha256,
    coldStart: false,
  };
  const thread = judgedThread(cached.strategy, judgement, 0);
  const fault = judgementFault(opened, thread);
  return fault ? deadThread(cached.strategy, 'FAILED', 0, `cached: ${fault}`) : thread;
}

function decidedThreads(
  opened: RouteOpened,
  threads: readonly ThreadScore[],
  successes: readonly ThreadScore[],
  collapsed: Collapsed,
): DecidedThread[] {
  return threads.map((thread) => {
    const success = successes.indexOf(thread);
    const favourite = success >= 0 ? indexOfLargest(thread.probabilities) : -1;
    return {
      strategy: thread.strategy,
      status: thread.status,
      choice: opened.candidates[favourite]?.model ?? null,
      score: thread.utilities[favourite] ?? null,
      weight: collapsed.weights[success] ?? 0,
      probabilities: thread.probabilities,
      durationMs: thread.durationMs,
      error: thread.error,
      policySha256: thread.policySha256,
    };
  });
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}
