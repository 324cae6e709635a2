/** What a configuration would have decided on recent traffic: the newest opened requests, decided again under both. */
import type { RouterConfig } from '../config/router-config';
import type { RecomputedDecision } from '../routing/decide/decide';
import { decideUnder } from '../routing/decide/under-config';
import type { LearnedPolicy } from '../routing/judge/strategy';
import type { RouteOpened } from '../topics/generated/messages';
import { type OpenedRange, readOpened } from './read-opened';

export interface Side {
  /** Requests that nobody could have served. */
  readonly refused: number;
  /** Means over the requests that both sides decide; before each was drawn, so luck has no part. */
  readonly expectedCostUsd: number;
  readonly expectedQuality: number;
  /** Share of the draws by model. */
  readonly shares: ReadonlyMap<string, number>;
}

export interface ConfigReplay {
  /** Requests that were decided again. */
  readonly requests: number;
  /** Of these, decided by both sides. */
  readonly decided: number;
  /** The same draw would have chosen another model. */
  readonly changed: number;
  /** Requests whose learned weights are gone: they were judged without. */
  readonly withoutWeights: number;
  readonly before: Side;
  readonly after: Side;
}

export interface ReplayConfigOptions extends OpenedRange {
  /** What a request was opened under. */
  readonly configOf: (version: number) => RouterConfig;
  readonly before: RouterConfig;
  readonly after: RouterConfig;
  /** Null where there were none, or they are gone. */
  readonly weightsOf: (opened: RouteOpened) => Promise<LearnedPolicy | null>;
}

/** Requests between two times that others get the thread: some milliseconds of work. */
const atOnce = 8;

export async function replayConfig(options: ReplayConfigOptions): Promise<ConfigReplay> {
  const { configOf, before, after, weightsOf, giveWay } = options;
  const sums = { before: noSum(), after: noSum() };
  let [decidedByBoth, changed, withoutWeights] = [0, 0, 0];
  const requests = await readOpened(options);
  for (const [at, opened] of requests.entries()) {
    if (at % atOnce === 0) await giveWay();
    const learned = await weightsOf(opened);
    if (!learned && opened.policySha256 !== null) withoutWeights++;
    const base = configOf(opened.configVersion);
    const was = decideUnder(opened, base, before, learned);
    const is = before === after ? was : decideUnder(opened, base, after, learned);
    if (was.kind === 'refused') sums.before.refused++;
    if (is.kind === 'refused') sums.after.refused++;
    if (was.kind === 'refused' || is.kind === 'refused') continue;
    decidedByBoth++;
    if (was.decision.model !== is.decision.model) changed++;
    add(sums.before, was.decision);
    add(sums.after, is.decision);
  }
  return {
    requests: requests.length,
    decided: decidedByBoth,
    changed,
    withoutWeights,
    before: sideOf(sums.before, decidedByBoth),
    after: sideOf(sums.after, decidedByBoth),
  };
}

interface Sum {
  refused: number;
  costUsd: number;
  quality: number;
  readonly shares: Map<string, number>;
}

function noSum(): Sum {
  return { refused: 0, costUsd: 0, quality: 0, shares: new Map() };
}

function add(sum: Sum, { candidates }: RecomputedDecision): void {
  for (const { model, propensity, expectedCostUsd, predictedQuality } of candidates) {
    if (propensity === 0) continue;
    sum.costUsd += propensity * expectedCostUsd;
    sum.quality += propensity * predictedQuality;
    sum.shares.set(model, (sum.shares.get(model) ?? 0) + propensity);
  }
}

function sideOf({ refused, costUsd, quality, shares }: Sum, decided: number): Side {
  const per = Math.max(1, decided);
  return {
    refused,
    expectedCostUsd: costUsd / per,
    expectedQuality: quality / per,
    shares: new Map([...shares].map(([model, sum]) => [model, sum / per])),
  };
}
