/** Refusals are counted where they are written, by budget: its name is the operator's, the owner of an account anybody's. */
import type { Metrics } from '../telemetry/metrics';
import type { RouteRefused } from '../topics/generated/messages';
import { budgetOf } from './terms-of';

export function createRefusalCounter(metrics: Metrics): (refused: RouteRefused) => void {
  return ({ account, code }) =>
    metrics.count('quantum_router_budget_refusals_total', { budget: budgetOf(account), code });
}
