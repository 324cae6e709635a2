/** What is worth waking somebody for, or looking at: the rules of Prometheus and the table in the docs are made from here. */
import { buckets, increaseOf, quantileOf, rateOf, series } from './series';

export interface Alarm {
  /** As Prometheus names it. */
  readonly name: string;
  /** In words, for tables and annotations. */
  readonly says: string;
  readonly expr: string;
  /** How long it has to hold, such as 1m; null rings at once. */
  readonly holdsFor: string | null;
  /** `page`: people notice, or data are lost; `ticket`: somebody should look in working hours. */
  readonly severity: 'page' | 'ticket';
}

const alarm = (
  name: string,
  says: string,
  expr: string,
  severity: Alarm['severity'] = 'ticket',
  holdsFor: string | null = null,
): Alarm => ({ name: `QuantumRouter${name}`, says, expr, holdsFor, severity });

const decisions = 'quantum_router_decisions_total';
const routes = { route: '/v1/route' };
const failed = { status: '=~FAILURE|TIMEOUT|RATE_LIMITED' };

export const alarms: readonly Alarm[] = [
  alarm('Down', 'a process does not answer', 'up{job="quantum-router"} == 0', 'page', '2m'),
  alarm(
    'DecisionsSlow',
    'decisions are slow',
    `${quantileOf(0.95, buckets('quantum_router_decision_stage_seconds', { stage: 'total' }))} > 0.1`,
    'ticket',
    '5m',
  ),
  alarm(
    'ThreadsMissing',
    'decisions without all their threads',
    `${rateOf(series('quantum_router_decision_complete_total', { complete: 'false' }))} / ${rateOf(series('quantum_router_decision_complete_total'))} > 0.01`,
    'ticket',
    '5m',
  ),
  alarm(
    'Degraded',
    'routing is degraded',
    `${rateOf(series(decisions, { degradation: '!=NONE' }))} / ${rateOf(series(decisions))} > 0.05`,
    'page',
    '5m',
  ),
  alarm(
    'RequestsUnanswered',
    'requests get no answer in time',
    `${rateOf(series('quantum_router_http_requests_total', { ...routes, status: '=~5..' }))} / ${rateOf(series('quantum_router_http_requests_total', routes))} > 0.001`,
    'page',
    '5m',
  ),
  alarm(
    'CallsFail',
    'calls of a provider fail',
    `${rateOf(series('quantum_router_calls_total', failed), ['provider'])} / ${rateOf(series('quantum_router_calls_total'), ['provider'])} > 0.2`,
    'page',
    '5m',
  ),
  alarm(
    'CallsUndecided',
    'calls are made in the configured order, without a decision',
    `${increaseOf(series('quantum_router_calls_degraded_total'), '10m', ['reason'])} > 0`,
  ),
  alarm(
    'ServiceBehind',
    'a service falls behind',
    `max by (service, topic) (${series('quantum_router_input_delay_seconds')}) > 5`,
    'ticket',
    '2m',
  ),
  alarm(
    'ServiceNotCatchingUp',
    'a service does not catch up',
    `sum by (service) (${series('quantum_router_consumer_lag_records')}) > 1000 and sum by (service) (deriv(${series('quantum_router_consumer_lag_records')}[5m])) > 0`,
    'page',
    '5m',
  ),
  alarm(
    'PartitionsMoving',
    'partitions keep moving',
    `${increaseOf(series('quantum_router_rebalances_total'), '10m', ['service'])} > 5`,
  ),
  alarm('RedisAway', 'Redis is away', `min(${series('quantum_router_key_value_connected')}) == 0`, 'ticket', '1m'),
  alarm(
    'ServiceDown',
    'a service is down or restoring',
    `max by (service) (${series('quantum_router_service_ready')}) == 0`,
    'page',
    '1m',
  ),
  alarm(
    'ServiceCrashing',
    'a service keeps crashing',
    `${increaseOf(series('quantum_router_restarts_total'), '10m', ['service'])} > 2`,
    'page',
  ),
  alarm(
    'DeadLetters',
    'dead letters',
    `${increaseOf(series('quantum_router_dead_letters_total'), '10m', ['service', 'topic'])} > 0`,
  ),
  alarm(
    'StepsThrow',
    'a record makes a step throw: a bug',
    `${increaseOf(series('quantum_router_put_aside_total'), '10m', ['service', 'step'])} > 0`,
  ),
  alarm(
    'ForeignRecords',
    'foreign records in tables',
    `${increaseOf(series('quantum_router_view_undecodable_total'), '10m', ['service', 'topic'])} > 0`,
  ),
  alarm(
    'WeightsInvalid',
    'weights fail validation',
    `${increaseOf(series('quantum_router_weights_rejected_total'), '1h')} > 0`,
  ),
  alarm(
    'WeightsHeld',
    'newer weights are held back',
    `min_over_time(${series('quantum_router_weights_held')}[24h]) > 0`,
  ),
  alarm(
    'LearnerIll',
    'the learner finds itself ill, or behind',
    `${series('quantum_router_learning_alarm')} > 0`,
    'ticket',
    '5m',
  ),
  alarm(
    'LearningBehind',
    'learning falls behind the log',
    `max(${series('quantum_router_learning_lag_seconds')}) > 10`,
    'ticket',
    '5m',
  ),
  alarm(
    'LearningSlowed',
    'more comes than can be learned',
    `max_over_time(${series('quantum_router_learning_pace')}[15m]) < 1`,
  ),
  alarm(
    'LearningSkipped',
    'a learning event was put aside',
    `${increaseOf(series('quantum_router_learning_skipped_total'), '1h')} > 0`,
  ),
  alarm(
    'LearningLogBroken',
    'the learner did not find its log as it had left it',
    `${increaseOf(series('quantum_router_learning_log_breaks_total'), '1h', ['kind'])} > 0`,
    'page',
  ),
  alarm('NoFeedback', 'no feedback comes', `max(${series('quantum_router_decisions_since_feedback')}) > 1000`),
  alarm(
    'WeightsMissing',
    'weights cannot be loaded where served',
    `${increaseOf(series('quantum_router_weights_loads_total', { result: '!=loaded' }), '10m')} > 0`,
  ),
  alarm(
    'OutcomesStopped',
    'outcomes stopped coming',
    `${rateOf(series(decisions), [], '30m')} > 0 unless ${rateOf(series('quantum_router_outcomes_total'), [], '30m')} > 0`,
    'ticket',
    '10m',
  ),
  alarm(
    'LearningStopped',
    'nothing is learned any more',
    `${rateOf(series('quantum_router_outcomes_total'), [], '30m')} > 0 unless ${rateOf(series('quantum_router_learning_events_total'), [], '30m')} > 0`,
    'ticket',
    '10m',
  ),
  alarm(
    'BreakerOpened',
    "a provider's breaker opened",
    `${increaseOf(series('quantum_router_breaker_transitions_total', { to: 'OPEN' }), '10m', ['name'])} > 0`,
  ),
  alarm(
    'OneModel',
    'nearly everything goes to one model',
    `max(${rateOf(series(decisions), ['model'], '1h')}) / ${rateOf(series(decisions), [], '1h')} > 0.98`,
    'ticket',
    '1h',
  ),
  alarm(
    'BudgetRefuses',
    'a budget refuses requests',
    `${increaseOf(series('quantum_router_budget_refusals_total'), '10m', ['budget', 'code'])} > 0`,
  ),
  alarm(
    'BudgetOverspent',
    'calls cost more than was reserved for them',
    `${increaseOf(series('quantum_router_budget_beyond_reserved_usd_total'), '1h', ['budget'])} / ${increaseOf(series('quantum_router_budget_spent_usd_total'), '1h', ['budget'])} > 0.1`,
  ),
  alarm(
    'OutcomesLost',
    'outcomes of calls could not be reported',
    `${increaseOf(series('quantum_router_call_reports_lost_total'), '10m', ['reason'])} > 0`,
  ),
  alarm(
    'FeedbackClosedEarly',
    'feedback is closed before its time',
    `${increaseOf(series('quantum_router_closed_early_total'), '10m', ['service'])} > 0`,
  ),
  alarm(
    'EventLoopLate',
    'the event loop is late',
    `${series('quantum_router_event_loop_delay_seconds', { percentile: '99' })} > 0.1`,
    'ticket',
    '5m',
  ),
  alarm(
    'CertificateStale',
    'a changed certificate could not be taken over',
    `${increaseOf(series('quantum_router_tls_reload_failures_total'), '1h')} > 0`,
  ),
];
