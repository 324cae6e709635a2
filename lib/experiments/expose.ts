/** Which experiments a request takes part in, and the settings it is routed by there. */

import type { ArmSettings, ExperimentConfig, RouterConfig } from '../config/router-config';
import { hashId } from '../hash-id';
import type { ExperimentState, RouteRequested } from '../topics/generated/messages';
import { userKey } from '../topics/user-key';
import { assign } from './assign';
import { shareAt } from './ramp';

/** An arm that a request is in. */
export interface Assigned {
  readonly experiment: ExperimentConfig;
  readonly definition: string;
  readonly armIndex: number;
  readonly unit: string;
}

type Asking = Pick<
  RouteRequested,
  'requestId' | 'sessionId' | 'tenantId' | 'userId' | 'strategies' | 'collapse' | 'preference'
>;

const none: readonly Assigned[] = [];

/**
 * `explorationFloor`: of its tenant; null: that of the configuration. `stateOf`: how far an experiment has grown, and whether a
 * guardrail has stopped it.
 */
export function assignmentsOf(
  { experiments }: Pick<RouterConfig, 'experiments'>,
  request: Asking,
  explorationFloor: number | null,
  stateOf: (experiment: string) => ExperimentState | undefined,
): readonly Assigned[] {
  if (experiments.length === 0) return none;
  return experiments.flatMap((experiment) => {
    const unit = unitOf(experiment, request);
    // What a request says itself counts more than any arm, so it could not tell the arms apart.
    if (unit === null || saysItself(experiment, request, explorationFloor)) return [];
    const definition = definitionOf(experiment);
    const armIndex = assign({ ...experiment, rollout: rolloutOf(experiment, definition, stateOf) }, unit);
    return armIndex === null ? [] : [{ experiment, definition, armIndex, unit: hashId(unit) }];
  });
}

/** The configuration that a request is routed by; `policy` where an arm pins weights. No two arms of a request set the same. */
export function configUnder(
  config: RouterConfig,
  assigned: readonly Assigned[],
): { readonly config: RouterConfig; readonly policy: ArmSettings['policy'] } {
  if (assigned.length === 0) return { config, policy: undefined };
  const set: ArmSettings = Object.assign(
    {},
    ...assigned.map(({ experiment, armIndex }) => experiment.arms[armIndex]!.set),
  );
  return { config: withSettings(config, set), policy: set.policy };
}

/** Everything but the weights, which are no part of a configuration. */
export function withSettings(config: RouterConfig, set: ArmSettings): RouterConfig {
  return {
    ...config,
    strategies: set.strategies ?? config.strategies,
    collapse: set.collapse ?? config.collapse,
    explorationFloor: set.explorationFloor ?? config.explorationFloor,
    preference: set.preference ?? config.preference,
  };
}

/** 16 hexadecimal digits over what makes its figures comparable: who is in which arm, and what the arms do. */
export function definitionOf({ name, unit, layer, from, to, arms }: ExperimentConfig): string {
  return hashId(JSON.stringify([name, unit, layer, from, to, arms]));
}

/** Share of its units that take part: from its own first step on, as far as it has come, and never more than a step of the ramp as it is now. */
export function rolloutOf(
  experiment: ExperimentConfig,
  definition: string,
  stateOf: (experiment: string) => ExperimentState | undefined,
): number {
  const { name, ramp } = experiment;
  const state = stateOf(name);
  if (state?.definition !== definition) return shareAt(ramp, { step: 0, unitsBefore: 0 });
  // A ramp that was changed counts at once, also where nothing is observed that would move it.
  const reached = ramp.steps.findLast((step) => step <= state.rollout) ?? ramp.steps[0]!;
  return Math.min(state.rollout, reached);
}

function unitOf({ unit }: ExperimentConfig, { requestId, sessionId, tenantId, userId }: Asking): string | null {
  switch (unit) {
    case 'request':
      return requestId;
    case 'session':
      return sessionId;
    case 'tenant':
      return tenantId;
    case 'user':
      return userId === null ? null : userKey(tenantId, userId);
  }
}

function saysItself(
  { arms }: ExperimentConfig,
  { strategies, collapse, preference }: Asking,
  explorationFloor: number | null,
): boolean {
  const sets = (field: keyof ArmSettings): boolean => arms.some(({ set }) => set[field] !== undefined);
  return (
    (strategies.length > 0 && sets('strategies')) ||
    (collapse !== null && sets('collapse')) ||
    (preference !== null && sets('preference')) ||
    (explorationFloor !== null && sets('explorationFloor'))
  );
}
