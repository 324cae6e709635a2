/** Counts decisions where they are made: what was chosen and how, how the threads ended, and where the time went. */
import { countRefusal } from '../../lib/budgets/count-refusal';
import type { Result } from '../../lib/stream/define-service';
import type { Metrics } from '../../lib/telemetry/metrics';
import type { PendingRoute, RouteDecided, RouteRefused, StagesMs } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';

/** Counts the decision in a result, if there is one, and returns the result. */
export function createDecisionCounter(metrics: Metrics): (result: Result<PendingRoute>) => Result<PendingRoute> {
  // Labels are bound once per combination: binding costs more than counting.
  const counters = new Map<string, (by?: number) => void>();
  const counterOf = (key: string, bind: () => (by?: number) => void): ((by?: number) => void) => {
    let counter = counters.get(key);
    if (!counter) {
      counter = bind();
      counters.set(key, counter);
    }
    return counter;
  };
  const complete = metrics.counter('quantum_router_decision_complete_total', { complete: 'true' });
  const incomplete = metrics.counter('quantum_router_decision_complete_total', { complete: 'false' });
  const stages = stageNames.map(
    (stage) => [stage, metrics.histogram('quantum_router_decision_stage_seconds', { stage })] as const,
  );

  const countThread = (strategy: string, status: string): void =>
    counterOf(`${strategy} ${status}`, () => metrics.counter('quantum_router_threads_total', { strategy, status }))();

  const countDecision = ({ model, strategy, degradedTo, cacheHit, threads, stagesMs }: RouteDecided): void => {
    const cache = cacheHit ? 'hit' : 'miss';
    const labels = { model, strategy, degradation: degradedTo, cache };
    counterOf(`${model} ${strategy} ${degradedTo} ${cache}`, () =>
      metrics.counter('quantum_router_decisions_total', labels),
    )();
    let inTime = true;
    for (const thread of threads) {
      inTime &&= thread.status !== 'TIMEOUT';
      // The thread of a cache hit ran for an earlier request, and was counted then.
      if (!cacheHit) countThread(thread.strategy, thread.status);
    }
    (inTime ? complete : incomplete)();
    for (const [stage, observe] of stages) observe(stagesMs[stage] / 1_000);
  };

  return (result) => {
    if (result.kind !== 'done') return result;
    for (const { topic, value } of result.emit ?? []) {
      if (topic.name === topics.routeDecided.name) countDecision(value as RouteDecided);
      else if (topic.name === topics.routeRefused.name) countRefusal(metrics, value as RouteRefused);
    }
    return result;
  };
}

const stageNames: readonly (keyof StagesMs)[] = ['queued', 'intake', 'strategies', 'collapse', 'total'];
