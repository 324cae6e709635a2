/**
 * What a policy goes by, from requests that have been: each is decided again by it as it is, and once for each part of what it
 * sees, that part being the mean of all requests. And what its clusters of requests are about. Exact, by the functions that decide;
 * what the answers would have been worth is not known to this, so losses are by the policy's own reckoning.
 */
import { describeShape } from '../learning/features/describe-shape';
import { recomputeDecision } from '../routing/decide/decide';
import { judgeAsked, judgeThread } from '../routing/judge/judge-thread';
import { learnedStrategy } from '../routing/judge/strategies/strategies';
import type { LearnedPolicy, PolicyStudy } from '../routing/judge/strategy';
import type { RouteOpened, ThreadScore, Tuning } from '../topics/generated/messages';

export interface PartEffect {
  readonly part: string;
  /** Share of the requests for which the same draw takes another model without it. */
  readonly changed: number;
  /** Mean share of the probability that moves to other models, 0..1. */
  readonly moved: number;
  /** Mean utility that draws lose without it, as the policy itself reckons. */
  readonly utilityLost: number;
}

export interface ClusterFacts {
  readonly cluster: number;
  readonly requests: number;
  /** Of its requests, most first; at most `shownOf`. */
  readonly tasks: readonly Share[];
  /** Of what its requests would draw now, likewise. */
  readonly models: readonly Share[];
  /** Mean size of the context, in tokens. */
  readonly promptTokens: number;
  /** Mean complexity, 0..1; null where none was told. */
  readonly complexity: number | null;
  /** What its texts look like beside others, in words; empty of too few. */
  readonly shape: readonly string[];
}

export interface Share {
  readonly name: string;
  readonly share: number;
}

export interface PolicyFindings {
  /** Requests that were looked at. */
  readonly requests: number;
  /** Of these, those that ask the learned strategy, which has something learned to say. */
  readonly judged: number;
  /** Most changed first. */
  readonly parts: readonly PartEffect[];
  /** Most requests first. */
  readonly clusters: readonly ClusterFacts[];
}

export interface StudyOptions {
  readonly requests: readonly RouteOpened[];
  readonly learned: LearnedPolicy;
  /** That of the same policy. */
  readonly study: PolicyStudy;
  /** What would be pinned in such a request now. */
  readonly tuningOf: (opened: RouteOpened) => Tuning;
  /** Called before every request: gives way to whoever else needs the thread. */
  readonly giveWay: () => Promise<void>;
}

const shownOf = 3;
/** Of fewer texts nothing is said but how many there are: their mean would be theirs alone. */
const leastDescribed = 5;

export async function studyPolicy({
  requests,
  learned,
  study,
  tuningOf,
  giveWay,
}: StudyOptions): Promise<PolicyFindings> {
  const { policySha256 } = learned;
  const effects = study.parts.map((part) => ({ part, changed: 0, moved: 0, utilityLost: 0 }));
  const clusters = new Map<number, ClusterSums>();
  let judged = 0;
  for (const was of requests) {
    // Each takes a millisecond or two: it is decided once for each part.
    await giveWay();
    if (!was.candidates.some(({ eligible }) => eligible)) continue;
    const opened: RouteOpened = { ...was, policySha256, tuning: tuningOf(was), cached: null, cachedValues: null };
    const threads = judgeAsked(opened, learned);
    const full = threads.find(({ strategy }) => strategy === learnedStrategy);
    if (full?.status !== 'SUCCESS' || full.coldStart) continue;
    judged++;
    const decided = recomputeDecision(opened, threads);
    for (const effect of effects) {
      const without = judgeThread(learnedStrategy, opened, {
        policySha256,
        judge: (asked) => study.judgeWithout(effect.part, asked),
      });
      const other = recomputeDecision(opened, replaced(threads, without));
      if (other.model !== decided.model) effect.changed++;
      decided.candidates.forEach(({ propensity }, i) => {
        const less = propensity - other.candidates[i]!.propensity;
        effect.moved += Math.max(0, less);
        effect.utilityLost += less * full.utilities[i]!;
      });
    }
    const place = study.placeOf(opened);
    if (place === null) continue;
    const sums = clusters.get(place.cluster) ?? noSums(place.shape.length);
    clusters.set(place.cluster, sums);
    add(sums, opened, decided.candidates, place.shape);
  }
  const per = Math.max(1, judged);
  return {
    requests: requests.length,
    judged,
    parts: effects
      .map(({ part, changed, moved, utilityLost }) => ({
        ...{ part, changed: changed / per, moved: moved / per, utilityLost: utilityLost / per },
      }))
      .sort((a, b) => b.changed - a.changed || b.moved - a.moved),
    clusters: [...clusters].map(([cluster, sums]) => factsOf(cluster, sums)).sort((a, b) => b.requests - a.requests),
  };
}

function replaced(threads: readonly ThreadScore[], by: ThreadScore): ThreadScore[] {
  return threads.map((thread) => (thread.strategy === by.strategy ? by : thread));
}

interface ClusterSums {
  requests: number;
  promptTokens: number;
  complexity: number;
  /** Requests of which it was told. */
  withComplexity: number;
  readonly tasks: Map<string, number>;
  readonly models: Map<string, number>;
  readonly shape: number[];
}

function noSums(shapeSize: number): ClusterSums {
  return {
    ...{ requests: 0, promptTokens: 0, complexity: 0, withComplexity: 0 },
    ...{ tasks: new Map(), models: new Map(), shape: new Array<number>(shapeSize).fill(0) },
  };
}

function add(
  sums: ClusterSums,
  { taskType, promptTokens, complexity }: RouteOpened,
  candidates: readonly { readonly model: string; readonly propensity: number }[],
  shape: readonly number[],
): void {
  sums.requests++;
  sums.promptTokens += promptTokens;
  if (complexity !== null) {
    sums.complexity += complexity.value;
    sums.withComplexity++;
  }
  sums.tasks.set(taskType, (sums.tasks.get(taskType) ?? 0) + 1);
  for (const { model, propensity } of candidates) sums.models.set(model, (sums.models.get(model) ?? 0) + propensity);
  shape.forEach((value, i) => {
    sums.shape[i] = sums.shape[i]! + value;
  });
}

function factsOf(cluster: number, sums: ClusterSums): ClusterFacts {
  const { requests, tasks, models, withComplexity } = sums;
  return {
    cluster,
    requests,
    tasks: sharesOf(tasks, requests),
    models: sharesOf(models, requests),
    promptTokens: sums.promptTokens / requests,
    complexity: withComplexity === 0 ? null : sums.complexity / withComplexity,
    shape: requests < leastDescribed ? [] : describeShape(sums.shape.map((sum) => sum / requests)),
  };
}

function sharesOf(counts: ReadonlyMap<string, number>, total: number): Share[] {
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, shownOf)
    .map(([name, count]) => ({ name, share: count / total }));
}
