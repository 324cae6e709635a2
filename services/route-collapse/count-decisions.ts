/** Counts decisions that are written: what was chosen and how, how the threads ended, and where the time went. */
import type { Metrics } from '../../lib/telemetry/metrics';
import type { RouteDecided, StagesMs } from '../../lib/topics/generated/messages';

export function createDecisionCounter(metrics: Metrics): (decided: RouteDecided) => void {
  // Labels are bound once per combination: binding costs more than counting.
  const decisions = newBranch();
  const threadEnds = newBranch();
  const complete = metrics.counter('quantum_router_decision_complete_total', { complete: 'true' });
  const incomplete = metrics.counter('quantum_router_decision_complete_total', { complete: 'false' });
  const stages = stageNames.map(
    (stage) => [stage, metrics.histogram('quantum_router_decision_stage_seconds', { stage })] as const,
  );

  const countThread = (strategy: string, status: string): void => {
    const at = branchOf(branchOf(threadEnds, strategy), status);
    at.count ??= metrics.counter('quantum_router_threads_total', { strategy, status });
    at.count();
  };

  return ({ model, strategy, degradedTo, cacheHit, threads, stagesMs }: RouteDecided): void => {
    const cache = cacheHit ? 'hit' : 'miss';
    const at = branchOf(branchOf(branchOf(branchOf(decisions, model), strategy), degradedTo), cache);
    at.count ??= metrics.counter('quantum_router_decisions_total', { model, strategy, degradation: degradedTo, cache });
    at.count();
    let inTime = true;
    for (const thread of threads) {
      inTime &&= thread.status !== 'TIMEOUT';
      // The thread of a cache hit ran for an earlier request, and was counted then.
      if (!cacheHit) countThread(thread.strategy, thread.status);
    }
    (inTime ? complete : incomplete)();
    for (const [stage, observe] of stages) observe(stagesMs[stage] / 1_000);
  };
}

/** Counters by the values of their labels, a level for each: a key made of all of them would be a new text for every decision. */
interface Branch {
  readonly branches: Map<string, Branch>;
  count: ((by?: number) => void) | null;
}

function newBranch(): Branch {
  return { branches: new Map(), count: null };
}

function branchOf({ branches }: Branch, value: string): Branch {
  let branch = branches.get(value);
  if (!branch) {
    branch = newBranch();
    branches.set(value, branch);
  }
  return branch;
}

const stageNames: readonly (keyof StagesMs)[] = ['queued', 'intake', 'strategies', 'collapse', 'total'];
