/** What outlives restarts of a stage: an alarm that rings has to end some time, and records that were put aside stay so. */
import { createDeadLetterAlarm, type DeadLetterAlarm } from './dead-letters';
import type { Host } from './host';
import type { ServicePlan } from './service-plan';
import { createRememberer, type Rememberer } from './task/remember';
import { createSuspects, type Suspects } from './task/suspects';

export interface StageParts {
  readonly plan: ServicePlan;
  readonly rememberer: Rememberer;
  readonly suspects: Suspects;
  readonly alarm: DeadLetterAlarm;
}

export function partsOf(plan: ServicePlan, host: Host): StageParts {
  const service = plan.definition.group;
  const { limits, metrics, log, clock } = host;
  const alarm = createDeadLetterAlarm(limits.deadLetters, clock, (on, facts) => {
    metrics.set('quantum_router_dead_letter_alarm', { service }, on ? 1 : 0);
    if (!on) log.info('dead letters are few again', { service });
    else log.error('many records become dead letters: look at the .dlq topics', { service, ...facts });
  });
  const rememberer = createRememberer(host.keyValue, limits.maxRememberQueue, (entries, error, isFirst) => {
    metrics.count('quantum_router_remember_failures_total', { service }, entries);
    // Every one is counted; an outage is one line.
    if (!isFirst) return;
    log.warn('entries for the key-value store are given up', { service, entries, ...(error && { error }) });
  });
  return { plan, alarm, rememberer, suspects: createSuspects(limits.maxTriesAlone) };
}
