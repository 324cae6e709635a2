/**
 * Looks up what the weights say of texts like those of a batch. An entry is used where text and demands are near, the weights have
 * not learned much since and its time has not run out.
 */
import type { RouterConfig } from '../../config/router-config';
import { encodeDemands } from '../../learning/features/context';
import { float32Of, int8Of } from '../../learning/features/encode';
import type { KeyValue } from '../../ports/key-value';
import { seededRandom } from '../../random/seeded';
import type { CachedValues, RouteOpened, WeightsPublished } from '../../topics/generated/messages';
import { type CacheEntry, cacheKeys, readEntry } from './routing-cache';
import { areNear, normOf } from './sketch-hash';

/** Hand-made features are logarithms of counts, and shares: two marks where there was none are 1.1. */
const mostHandDistance = 1.2;
/** What is demanded of a request is within -1 .. 1. How models do at the moment is in prices, health and drifts, which are never old. */
const mostDemandDistance = 0.1;

export interface Look {
  /** As prepared; it belongs to no session. */
  readonly route: Pick<
    RouteOpened,
    | 'requestId'
    | 'encoderVersion'
    | 'sketch'
    | 'handFeatures'
    | 'callerFeatures'
    | 'taskType'
    | 'candidates'
    | 'limits'
    | 'preference'
    | 'policySha256'
    | 'basisSha256'
  >;
  readonly config: RouterConfig;
  readonly weights: WeightsPublished;
  readonly nowMs: number;
}

/** What became of a look-up. `check`: a hit that is judged anew all the same; `invalid`: something was there that is no entry. */
export const lookUpResults = ['hit', 'check', 'miss', 'weights', 'demands', 'expired', 'invalid', 'error'] as const;
export type LookUpResult = (typeof lookUpResults)[number];

export interface Found {
  /** Where what the weights say of this request is to be kept, if they are asked. */
  readonly key: string;
  readonly values: CachedValues | null;
  readonly result: LookUpResult;
}

/** One result per request, in order. Never rejects: a store that is gone is an error for all. */
export type LookUpValues = (looks: readonly Look[]) => Promise<Found[]>;

export function createLookUp(keyValue: KeyValue): LookUpValues {
  return async (looks) => {
    const keys = looks.map(({ route, weights, config }) => cacheKeys(route, weights.lineage, config));
    const asked = [...new Set(keys.flat())];
    let stored: readonly (Buffer | null)[];
    try {
      stored = await keyValue.getMany(asked);
    } catch {
      return keys.map(([key]) => ({ key: key!, values: null, result: 'error' }));
    }
    const byKey = new Map(asked.map((key, i) => [key, stored[i] ?? null]));
    return looks.map((look, i) => choose(look, keys[i]!, byKey));
  };
}

function choose(look: Look, keys: readonly string[], byKey: ReadonlyMap<string, Buffer | null>): Found {
  let key = keys[0]!;
  let result: LookUpResult = 'miss';
  const isNear = nearTo(look);
  for (const at of keys) {
    const bytes = byKey.get(at);
    if (!bytes) continue;
    const entry = readEntry(bytes);
    if (entry !== null && !isNear(entry)) continue;
    const use = entry === null ? 'invalid' : useOf(entry, look);
    if (entry !== null && use === 'hit') {
      const isCheck = seededRandom(look.route.requestId, 'cache check').next() < look.config.cache.checkShare;
      const values = { ...entry.values, cachedAtMs: entry.cachedAtMs, isCheck };
      return { key: at, values, result: isCheck ? 'check' : 'hit' };
    }
    // What is judged now takes the place of what is of no use any more.
    key = at;
    result = use;
  }
  return { key, values: null, result };
}

/** Says of an entry whether its text is nearly that of the request. */
function nearTo({ route, config }: Look): (entry: CacheEntry) => boolean {
  const own = int8Of(route.sketch);
  const ownHand = float32Of(route.handFeatures);
  const ownNorm = normOf(own);
  return ({ sketch, hand, norm }) =>
    // The hand-made features tell most other texts after a few numbers.
    areWithin(hand, ownHand, mostHandDistance) && areNear(own, sketch, ownNorm * norm, config.cache.similarity);
}

/** Whether what it rests on still holds. */
function useOf(entry: CacheEntry, { route, weights, nowMs }: Look): LookUpResult {
  if (nowMs >= entry.untilMs) return 'expired';
  if (!isUpToDate(entry, route, weights)) return 'weights';
  const { demands } = entry;
  return demands !== null && areWithin(demands, encodeDemands(route), mostDemandDistance) ? 'hit' : 'demands';
}

/** Weights that have learned a little more say nearly the same; those that were fitted anew, or that somebody went back to, do not. */
function isUpToDate(
  { values, basisSha256, untilRewards }: CacheEntry,
  route: Look['route'],
  weights: WeightsPublished,
) {
  const { learnedRewards, models } = weights;
  if (!areEqual(values.models, models)) return false;
  if (values.policySha256 === route.policySha256) return true;
  return basisSha256 === route.basisSha256 && learnedRewards >= values.learnedRewards && learnedRewards < untilRewards;
}

function areWithin(one: Float32Array, other: Float32Array, most: number): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (!(Math.abs(one[i]! - other[i]!) <= most)) return false;
  return true;
}

function areEqual(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((value, i) => value === other[i]);
}
