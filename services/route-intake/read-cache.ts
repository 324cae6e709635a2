/** Which requests of a batch may be judged by cached values, and what the routing cache has for them. */
import { isColdStart } from '../../lib/learning/fold/cold-start';
import type { KeyValue } from '../../lib/ports/key-value';
import { isKnown } from '../../lib/routing/judge/judge-thread';
import { learnedStrategy } from '../../lib/routing/judge/strategies/strategies';
import { createLookUp, type Look, type LookUpResult, lookUpResults } from '../../lib/routing/open/look-up-values';
import type { Metrics } from '../../lib/telemetry/metrics';
import type { Looked } from './open';

/** Adds to each request where its values are kept, and what was found. */
export type ReadCache = (prepared: readonly Looked[]) => Promise<readonly Looked[]>;

export function createReadCache(keyValue: KeyValue, metrics: Metrics): ReadCache {
  const lookUp = createLookUp(keyValue);
  const counters = new Map(
    lookUpResults.map((result) => [result, metrics.counter('quantum_router_cache_lookups_total', { result })]),
  );
  const count = (result: LookUpResult): void => counters.get(result)!();
  return async (prepared) => {
    const looks = prepared.map(lookOf);
    const asked = looks.filter((look) => look !== null);
    if (asked.length === 0) return prepared;
    const found = await lookUp(asked);
    let next = 0;
    return prepared.map((looked, i) => {
      if (looked?.kind !== 'prepared' || looks[i] === null) return looked;
      const { key, values, result } = found[next++]!;
      count(result);
      return { ...looked, route: { ...looked.route, cacheFingerprint: key }, cachedValues: values };
    });
  };
}

/**
 * Null where nothing can be gained or kept: nobody asks the weights or they have no say yet, an experiment has weights of its own, a
 * strategy is not ours to judge, the Q-network alone judges, which goes by circumstances as much as by the text, or it belongs to a
 * session, whose circumstances are not known yet.
 */
function lookOf(looked: Looked): Look | null {
  if (looked?.kind !== 'prepared') return null;
  const { route, world } = looked;
  const { config, weights, nowMs } = world;
  if (!weights || route.policySha256 !== weights.policySha256 || route.sessionId !== null) return null;
  if (config.learning.pipeline === 'dqn') return null;
  if (isColdStart(route) || !route.strategies.includes(learnedStrategy)) return null;
  if (!route.strategies.every(isKnown)) return null;
  return { route, config, weights, nowMs };
}
