/**
 * Every metric of the engine: name, type, labels and what it means. An unknown name or label does not type-check, and
 * the reference in the docs is printed from here. Values are in the unit the name ends with (seconds, bytes, usd).
 */

export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly doc: string;
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
}

const secondsBuckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];
const countBuckets = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

const counter = <const L extends readonly string[]>(labels: L, doc: string) =>
  ({ type: 'counter', labels, doc }) as const;
const gauge = <const L extends readonly string[]>(labels: L, doc: string) => ({ type: 'gauge', labels, doc }) as const;
const histogram = <const L extends readonly string[]>(
  labels: L,
  doc: string,
  buckets: readonly number[] = secondsBuckets,
) => ({ type: 'histogram', labels, doc, buckets }) as const;

export const metricDefinitions = {
  // The runtime: one set per service.
  quantum_router_records_in_total: counter(['service', 'topic'], 'Records read from an input.'),
  quantum_router_records_out_total: counter(['service', 'topic'], 'Records written to an output.'),
  quantum_router_dead_letters_total: counter(
    ['service', 'topic'],
    'Records that could not be handled, by input topic.',
  ),
  quantum_router_dead_letter_alarm: gauge(
    ['service'],
    '1 while more dead letters come than the limit allows (100 and half of all records within a minute), else 0.',
  ),
  quantum_router_put_aside_total: counter(
    ['service', 'step'],
    'Records and rows that made a step throw (decode, look-up, decide, process, timer, row) and were put aside: a bug.',
  ),
  quantum_router_drops_total: counter(['service', 'reason'], 'Records a decision had nothing to do for.'),
  quantum_router_duplicates_total: counter(
    ['service', 'topic'],
    'Outputs not written because their id had been written before.',
  ),
  quantum_router_forwarded_total: counter(
    ['service', 'topic'],
    'Misplaced records sent on to the partition of their key.',
  ),
  quantum_router_retries_total: counter(['service', 'operation'], 'Transient failures that were tried again.'),
  quantum_router_unhandled_errors_total: counter(
    ['kind'],
    'Errors that nothing in the process waited for: a rejection (the process goes on) or an exception (it ends and is started anew).',
  ),
  quantum_router_restarts_total: counter(['service'], 'Restarts of a service after an unknown error.'),
  quantum_router_remember_failures_total: counter(['service'], 'Entries for the key-value store that were given up.'),
  quantum_router_view_undecodable_total: counter(
    ['service', 'topic'],
    'Records of a table (a view, a changelog) that are none of ours and were passed over.',
  ),
  quantum_router_batch_records: histogram(['service'], 'Records per batch.', countBuckets),
  quantum_router_decide_seconds: histogram(['service'], 'Time to decode and decide one batch.'),
  quantum_router_lookup_seconds: histogram(['service', 'topic'], 'Time of the bulk look-ups of one batch.'),
  quantum_router_write_seconds: histogram(['service'], 'Time until the outputs of one batch were durable.'),
  quantum_router_restore_seconds: histogram(['service'], 'Time from assignment of a partition to its first poll.'),
  quantum_router_input_delay_seconds: gauge(
    ['service', 'topic'],
    'Age of the newest record of the last batch when it was read.',
  ),
  quantum_router_table_rows: gauge(['service', 'partition'], "Rows of the service's table in one task."),
  quantum_router_closed_early_total: counter(
    ['service'],
    'Rows handed to their timer before their time, because the table was full.',
  ),
  quantum_router_partitions_owned: gauge(['service'], 'Partitions this process owns.'),
  quantum_router_service_ready: gauge(['service'], '1 once every owned partition is restored, else 0.'),

  // Kafka.
  quantum_router_consumer_lag_records: gauge(
    ['service', 'topic', 'partition'],
    'Records of an owned partition that were not handed out yet, as of the last fetch.',
  ),
  quantum_router_partitions_kept_total: counter(
    ['service'],
    'Partitions that stayed with their task through a rebalance, so that nothing of them was restored.',
  ),
  quantum_router_rebalances_total: counter(['service'], 'Assignments of partitions by the consumer group.'),
  quantum_router_rebalance_seconds: histogram(['service'], 'Time to join the group and be assigned partitions.'),
  quantum_router_kafka_send_records: histogram([], 'Records per produce request.', countBuckets),
  quantum_router_kafka_send_seconds: histogram([], 'Time until the records of a produce request were acknowledged.'),
  quantum_router_kafka_transaction_seconds: histogram(
    ['service'],
    'Time until a transaction was committed, where delivery is exactly once.',
  ),
  quantum_router_kafka_unreadable_records_total: counter(
    ['topic'],
    'Records put aside because their batch cannot be read: damaged, or of an unknown codec. The log names their offsets.',
  ),
  quantum_router_kafka_skipped_records_total: counter(
    ['topic', 'cause'],
    'Offsets that nobody has read: retention was faster, the log is shorter than it was, or Kafka gives nothing of them (gap).',
  ),
  quantum_router_kafka_partitions_outside: gauge(
    ['topic'],
    'Partitions beyond the number agreed (PARTITIONS); their records are forwarded.',
  ),

  // Routing.
  quantum_router_requests_opened_total: counter(['task_type'], 'Requests opened by intake.'),
  quantum_router_decisions_total: counter(
    ['model', 'strategy', 'degradation', 'cache'],
    'Decisions, by chosen model, leading strategy, degradation step and cache (hit or miss).',
  ),
  quantum_router_decision_stage_seconds: histogram(['stage'], 'Time a decision spent in one stage.'),
  quantum_router_decision_complete_total: counter(
    ['complete'],
    'Decisions that had all their threads (true) or met the deadline (false).',
  ),
  quantum_router_threads_total: counter(['strategy', 'status'], 'Strategy threads, by how they ended.'),
  quantum_router_cache_lookups_total: counter(
    ['result'],
    'Routing-cache look-ups, by result (hit; check: a hit that is judged anew to compare; miss; weights, demands, expired: what was found rests on others than now, or is too old; invalid; error).',
  ),
  quantum_router_cache_checks_total: counter(
    ['result'],
    'Hits of the routing cache that were judged anew all the same, by result (right; wrong: another distribution, by more than .02 of utility).',
  ),
  quantum_router_breaker_transitions_total: counter(
    ['name', 'to'],
    'Changes of a circuit breaker, by model or provider and new state.',
  ),
  quantum_router_outcomes_total: counter(['model', 'status'], 'Outcomes, by model really used and how the call ended.'),
  quantum_router_spent_usd_total: counter(
    ['model', 'provider'],
    'Money spent on calls as their outcomes tell it, each call once; outcomes without a cost are not in it.',
  ),
  quantum_router_experiments_stopped_total: counter(['experiment'], 'Experiments that a guardrail stopped.'),
  quantum_router_budget_refusals_total: counter(
    ['budget', 'code'],
    'Requests that a budget did not allow, by budget and why (budget_exhausted, budget_approval_needed, budget_unknown).',
  ),
  quantum_router_budget_grants_total: counter(
    ['budget', 'verdict', 'level'],
    'Answers of budgets to requests, by verdict and by how far the budget was spent (OK, SOFT, LIMIT).',
  ),
  quantum_router_provider_probes_total: counter(
    ['provider', 'status'],
    'Calls of our own to providers that are half open, by how they ended; NOT_CALLED: there is no key, or too many calls are under way.',
  ),
  quantum_router_provider_probes_cost_usd_total: counter(['provider'], 'What they cost, in USD, where it is known.'),
  quantum_router_budget_paced_total: counter(
    ['budget'],
    'Answers of a budget to requests that got cheaper models, since the account was ahead of its pace.',
  ),
  quantum_router_budget_spent_usd_total: counter(['budget'], 'Reported costs that were charged to a budget, in USD.'),
  quantum_router_budget_beyond_reserved_usd_total: counter(
    ['budget'],
    'Of these, what calls cost more than was reserved for them: a limit may be overspent by so much.',
  ),
  quantum_router_budget_unreported_total: counter(
    ['budget'],
    'Decisions whose reservation was released since nothing was reported in time.',
  ),
  quantum_router_implausible_figures_total: counter(
    ['figure'],
    'Reported figures that were capped before anything was learned from them: costUsd, latencyMs, firstTokenMs, retryAfterMs and the counts of tokens.',
  ),

  // Learning.
  quantum_router_learning_events_total: counter(['kind'], "Learning events folded into the learner's state."),
  quantum_router_training_loss: gauge([], 'Loss of the last gradient step.'),
  quantum_router_learning_lag_events: gauge([], 'Learning events in the log that are not folded in.'),
  quantum_router_learning_lag_seconds: gauge(
    [],
    'Age of the oldest learning event that is not folded in; 0 when there is none.',
  ),
  quantum_router_learning_pace: gauge(
    ['of'],
    'Share of the gradient steps and of the rewards that are learned from, as the log says; below 1 more comes than can be learned.',
  ),
  quantum_router_learning_skipped_total: counter(
    [],
    'Learning events that made the fold fail and were put aside for good: an alarm.',
  ),
  quantum_router_learning_log_breaks_total: counter(
    ['kind'],
    'Times the learner did not find its log as it had left it: expired (retention was faster), shorter, other (made anew): an alarm.',
  ),
  quantum_router_learning_lost_events_total: counter(
    [],
    'Learning events that were gone before they were folded in, as far as is known.',
  ),
  quantum_router_learning_rewards: gauge(
    [],
    'Rewards folded in, as the newest tuning says; 0 while no feedback has come.',
  ),
  quantum_router_learning_alarm: gauge(
    ['alarm'],
    '1 while an alarm of the learner lasts: values-outside-range, error-trend, gradient-norm, refused, repaired, behind (the log).',
  ),
  quantum_router_learning_figure: gauge(
    ['figure'],
    'What the newest policy says of its making, as in weights.published: errors of prediction, step and churn on the probe set, share of values out of range, gradient norm, judgements passed over, refusals, repairs.',
  ),
  quantum_router_learning_converged: gauge(
    [],
    '1 while policies hardly change, errors are flat and the fold is not behind the log, else 0. From evidence, not from time.',
  ),
  quantum_router_training_batch_seconds: histogram([], 'Time to fold one batch of learning events.'),
  quantum_router_weights_published_total: counter(['kind'], 'Weights published, by kind (policy, basis, tuning).'),
  quantum_router_weights_in_force_total: counter(
    ['reason'],
    'Weights that came into force, by why (FIRST, INCREMENT, PROMOTION, ROLLBACK).',
  ),
  quantum_router_weights_held: gauge(
    [],
    '1 while newer weights are kept back: a candidate is on trial, somebody has gone back, or the log is folded again; else 0.',
  ),
  quantum_router_weights_rejected_total: counter(
    [],
    'Policies that failed validation and were not published: an alarm.',
  ),
  quantum_router_weights_loads_total: counter(
    ['result'],
    'Weights fetched for serving, by result (loaded, missing, invalid).',
  ),

  // Alerts.
  quantum_router_alerts_ringing: gauge(['rule'], 'Alerts of a rule that ring now, silenced ones too.'),
  quantum_router_alert_webhooks_total: counter(
    ['webhook', 'result'],
    'Deliveries to webhooks, every attempt, by result (delivered, failed, given-up, queue-full, not-configured).',
  ),
  quantum_router_vitals_failures_total: counter([], 'Reports of this process to alerts that could not be written.'),

  // The process and its edges.
  quantum_router_key_value_seconds: histogram(
    ['operation'],
    'Time of a call of the shared key-value store (get, put, delete, increment, keys), failed ones too.',
  ),
  quantum_router_key_value_errors_total: counter(['operation'], 'Calls of the shared key-value store that failed.'),
  quantum_router_key_value_connected: gauge([], '1 while the shared key-value store answers, else 0.'),
  quantum_router_http_requests_total: counter(['method', 'route', 'status'], 'HTTP requests answered.'),
  quantum_router_http_request_seconds: histogram(['method', 'route'], 'Time to answer an HTTP request.'),
  quantum_router_decisions_since_feedback: gauge(
    [],
    'Decisions of this gateway since rewards last came; before the first reward, all that the log had at its start, too.',
  ),
  quantum_router_http_refused_total: counter(
    ['reason'],
    'Requests refused for who asks: no-credential, bad-credential, forbidden, rate-limited.',
  ),
  quantum_router_rate_limits_local_total: counter(
    [],
    'Requests counted in this process alone since the shared buckets could not be reached.',
  ),
  quantum_router_tls_reload_failures_total: counter(
    [],
    'Changed certificate or key files that could not be taken over.',
  ),
  quantum_router_http_waiting: gauge([], 'HTTP requests that wait for their decision.'),
  quantum_router_calls_total: counter(
    ['provider', 'status'],
    'Calls of models made by the gateway, every attempt, by status (SUCCESS, FAILURE, TIMEOUT, RATE_LIMITED, CANCELLED).',
  ),
  quantum_router_call_seconds: histogram(['provider'], 'Time of a call of a model, to the last word of its answer.'),
  quantum_router_call_first_token_seconds: histogram(['provider'], 'Time of a streaming call to its first token.'),
  quantum_router_call_tokens_total: counter(
    ['provider', 'kind'],
    'Tokens as providers count them, by kind (input, cached-input within it, output, reasoning within it).',
  ),
  quantum_router_call_overhead_seconds: histogram(
    ['api'],
    'Time that a call took before its answer began, without the time spent waiting for providers.',
  ),
  quantum_router_calls_degraded_total: counter(
    ['reason'],
    'Calls made in the configured order, without a decision, by why (not-ready, overloaded, no-decision, log-unavailable).',
  ),
  quantum_router_call_reports_lost_total: counter(
    ['reason'],
    'Outcomes of calls that could not be reported, by why (no-decision, refused, log, too-many, stopped).',
  ),
  quantum_router_token_counts_total: counter(
    ['by'],
    'Conversations whose tokens were asked for, by who has counted them (provider, estimate).',
  ),
  quantum_router_calls_untold: gauge(
    [],
    'Calls that were made without a decision and wait until the engine can be told of them.',
  ),
  quantum_router_judged_answers_total: counter(
    ['judge', 'result'],
    'Answers that a judge was to grade, by what came of it (graded, failed, unreadable, over-budget, too-many).',
  ),
  quantum_router_judged_pairs_total: counter(
    ['judge', 'better'],
    'Answers graded beside that of another model, by which one the judge found better (served, other, none).',
  ),
  quantum_router_judge_cost_usd_total: counter(['judge'], 'What judging has cost, the calls of other models included.'),
  quantum_router_judge_trust: gauge(
    ['judge'],
    'How much of the distance from what was expected a grade is believed, 0..1: by its agreement with explicit feedback.',
  ),
  quantum_router_responses_remembered_total: counter(
    ['result'],
    'Responses and conversations whose provider was to be written to the log, by what came of it (written, failed, too-many).',
  ),
  quantum_router_answers_kept_total: counter(
    ['result'],
    'Answers that were to be kept, by what came of it (kept, no-key, too-many, failed).',
  ),
  quantum_router_answer_checks_total: counter(
    ['check', 'result'],
    'Mechanical checks of answers that were reported, by the check and what it says (holds, fails).',
  ),
  quantum_router_next_turns_total: counter(
    ['kind'],
    'What users did next in a conversation (repeated, corrected, rephrased, thanked, moved-on).',
  ),
  quantum_router_other_model_answered_total: counter(
    ['model'],
    'Calls that another model answered than the one that was asked, by the one that was asked.',
  ),
  quantum_router_http_dropped_connections_total: counter(
    [],
    'Connections closed at once because the gateway had as many as it may have.',
  ),
  quantum_router_http_body_bytes: gauge([], 'Bytes of request bodies held now.'),
  quantum_router_event_loop_delay_seconds: gauge(
    ['percentile'],
    'Delay of the event loop since the last scrape, by percentile (50, 95, 99).',
  ),
} as const satisfies Readonly<Record<string, MetricDefinition>>;

type Definitions = typeof metricDefinitions;
export type MetricName = keyof Definitions;
type NameOfType<T extends MetricDefinition['type']> = {
  [N in MetricName]: Definitions[N]['type'] extends T ? N : never;
}[MetricName];
export type CounterName = NameOfType<'counter'>;
export type GaugeName = NameOfType<'gauge'>;
export type HistogramName = NameOfType<'histogram'>;
/** Exactly the labels of one metric. */
export type LabelsOf<N extends MetricName> = Readonly<Record<Definitions[N]['labels'][number], string>>;
