/** Boards for Grafana: what somebody wants to see of the engine, by question. Written as JSON by generate.ts. */
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueJustifyMode,
  BigValueTextMode,
  type Dashboard,
  GraphDrawStyle,
  type GraphFieldConfig,
  LegendDisplayMode,
  type Panel,
  PercentChangeColorMode,
  SortOrder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizOrientation,
} from '@grafana/schema';
import type { Options as StatOptions } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type { Options as TimeSeriesOptions } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
import { buckets, countOf, increaseOf, orNone, quantileOf, rateOf, series } from './series';

/** Units as Grafana names them. */
type Unit = 'short' | 's' | 'reqps' | 'percentunit' | 'currencyUSD' | 'bytes' | 'none';

interface Query {
  readonly expr: string;
  /** Name in the legend; `{{label}}` stands for a label's value. */
  readonly legend: string;
}

export interface BoardPanel {
  readonly title: string;
  /** What it means, in a sentence. */
  readonly says: string;
  readonly kind: 'timeseries' | 'stat';
  readonly unit: Unit;
  readonly queries: readonly Query[];
  readonly isStacked?: boolean;
}

export interface Board {
  /** Name of its file, and part of its address in Grafana. */
  readonly name: string;
  readonly title: string;
  readonly panels: readonly BoardPanel[];
}

const chart = (title: string, unit: Unit, says: string, queries: readonly Query[], isStacked = false): BoardPanel => ({
  title,
  says,
  kind: 'timeseries',
  unit,
  queries,
  isStacked,
});

const stat = (title: string, unit: Unit, says: string, expr: string): BoardPanel => ({
  ...{ title, says, kind: 'stat', unit },
  queries: [{ expr, legend: title }],
});

const q = (expr: string, legend: string): Query => ({ expr, legend });

const decisions = 'quantum_router_decisions_total';
const stages = 'quantum_router_decision_stage_seconds';
const calls = 'quantum_router_calls_total';

const quantiles = (of: string): Query[] =>
  [0.5, 0.95, 0.99].map((share) => q(quantileOf(share, of), `p${Math.round(100 * share)}`));

export const boards: readonly Board[] = [
  {
    name: 'routing',
    title: 'Quantum Router: routing',
    panels: [
      stat('Decisions', 'reqps', 'Decisions a second.', rateOf(series(decisions))),
      stat(
        'Time to decide, p95',
        's',
        'From request to decision.',
        quantileOf(0.95, buckets(stages, { stage: 'total' })),
      ),
      stat(
        'Degraded',
        'percentunit',
        'Share of decisions below the top of the degradation ladder.',
        `${orNone(rateOf(series(decisions, { degradation: '!=NONE' })))} / ${rateOf(series(decisions))}`,
      ),
      stat(
        'Threads missing',
        'percentunit',
        'Share of decisions without all their threads.',
        `${orNone(rateOf(series('quantum_router_decision_complete_total', { complete: 'false' })))} / ${rateOf(series('quantum_router_decision_complete_total'))}`,
      ),
      chart(
        'Decisions by model',
        'reqps',
        'Which models are chosen.',
        [q(rateOf(series(decisions), ['model']), '{{model}}')],
        true,
      ),
      chart('Time to decide', 's', 'From request to decision.', quantiles(buckets(stages, { stage: 'total' }))),
      chart('Time by stage, p95', 's', 'Where the time of a decision goes.', [
        q(quantileOf(0.95, buckets(stages), ['stage']), '{{stage}}'),
      ]),
      chart(
        'Leading strategy',
        'reqps',
        'Which strategy led the decision.',
        [q(rateOf(series(decisions), ['strategy']), '{{strategy}}')],
        true,
      ),
      chart('Degradation', 'reqps', 'Decisions by step of the degradation ladder.', [
        q(rateOf(series(decisions, { degradation: '!=NONE' }), ['degradation']), '{{degradation}}'),
      ]),
      chart('Threads', 'reqps', 'How strategy threads end.', [
        q(rateOf(series('quantum_router_threads_total'), ['strategy', 'status']), '{{strategy}} {{status}}'),
      ]),
      chart(
        'Routing cache',
        'reqps',
        'Look-ups of the routing cache.',
        [q(rateOf(series('quantum_router_cache_lookups_total'), ['result']), '{{result}}')],
        true,
      ),
      chart(
        'Requests opened',
        'reqps',
        'By the task that intake takes them for.',
        [q(rateOf(series('quantum_router_requests_opened_total'), ['task_type']), '{{task_type}}')],
        true,
      ),
      chart(
        'HTTP requests',
        'reqps',
        'Answered by gateways, by status.',
        [q(rateOf(series('quantum_router_http_requests_total'), ['status']), '{{status}}')],
        true,
      ),
      chart('HTTP time, p95', 's', 'Time to answer, by route.', [
        q(quantileOf(0.95, buckets('quantum_router_http_request_seconds'), ['route']), '{{route}}'),
      ]),
    ],
  },
  {
    name: 'models',
    title: 'Quantum Router: models, calls and money',
    panels: [
      stat('Calls', 'reqps', 'Calls of models a second, every attempt.', rateOf(series(calls))),
      stat(
        'Spent in the last hour',
        'currencyUSD',
        'As outcomes tell it.',
        increaseOf(series('quantum_router_spent_usd_total'), '1h'),
      ),
      stat(
        'Calls that failed',
        'percentunit',
        'Share of all attempts.',
        `${orNone(rateOf(series(calls, { status: '!=SUCCESS' })))} / ${rateOf(series(calls))}`,
      ),
      stat(
        'Overhead, p95',
        's',
        'What a call takes longer than the provider.',
        quantileOf(0.95, buckets('quantum_router_call_overhead_seconds')),
      ),
      chart(
        'Calls by provider',
        'reqps',
        'Every attempt.',
        [q(rateOf(series(calls), ['provider']), '{{provider}}')],
        true,
      ),
      chart('Failures by provider', 'reqps', 'Attempts that gave no answer.', [
        q(rateOf(series(calls, { status: '!=SUCCESS' }), ['provider', 'status']), '{{provider}} {{status}}'),
      ]),
      chart('Time of a call, p95', 's', 'To the last word of its answer.', [
        q(quantileOf(0.95, buckets('quantum_router_call_seconds'), ['provider']), '{{provider}}'),
      ]),
      chart('Time to the first token, p95', 's', 'Of streaming calls.', [
        q(quantileOf(0.95, buckets('quantum_router_call_first_token_seconds'), ['provider']), '{{provider}}'),
      ]),
      chart('Tokens', 'short', 'A second, as providers count them.', [
        q(rateOf(series('quantum_router_call_tokens_total'), ['provider', 'kind']), '{{provider}} {{kind}}'),
      ]),
      chart(
        'Spending by model',
        'currencyUSD',
        'USD an hour at this pace.',
        [q(`3600 * ${rateOf(series('quantum_router_spent_usd_total'), ['model'])}`, '{{model}}')],
        true,
      ),
      chart('Outcomes', 'reqps', 'What came of calls, as it was reported.', [
        q(rateOf(series('quantum_router_outcomes_total'), ['model', 'status']), '{{model}} {{status}}'),
      ]),
      chart('Breakers', 'short', 'Changes of circuit breakers within ten minutes.', [
        q(increaseOf(series('quantum_router_breaker_transitions_total'), '10m', ['name', 'to']), '{{name}} {{to}}'),
      ]),
      chart('Budgets charged', 'currencyUSD', 'USD an hour at this pace.', [
        q(`3600 * ${rateOf(series('quantum_router_budget_spent_usd_total'), ['budget'])}`, '{{budget}}'),
      ]),
      chart('Budgets refuse', 'reqps', 'Requests that a budget did not allow.', [
        q(rateOf(series('quantum_router_budget_refusals_total'), ['budget', 'code']), '{{budget}} {{code}}'),
      ]),
    ],
  },
  {
    name: 'learning',
    title: 'Quantum Router: learning',
    panels: [
      stat(
        'Behind the log',
        's',
        'Age of the oldest event that is not learned.',
        `max(${series('quantum_router_learning_lag_seconds')})`,
      ),
      stat(
        'Rewards learned',
        'short',
        'As the newest tuning says.',
        `max(${series('quantum_router_learning_rewards')})`,
      ),
      stat(
        'Converged',
        'none',
        '1 while policies hardly change and errors are flat.',
        `max(${series('quantum_router_learning_converged')})`,
      ),
      stat(
        'Weights held',
        'none',
        '1 while newer weights are kept back.',
        `max(${series('quantum_router_weights_held')})`,
      ),
      chart(
        'Events learned',
        'reqps',
        'By kind.',
        [q(rateOf(series('quantum_router_learning_events_total'), ['kind']), '{{kind}}')],
        true,
      ),
      chart('Behind the log', 's', 'Age of the oldest event that is not learned.', [
        q(`max(${series('quantum_router_learning_lag_seconds')})`, 'seconds'),
      ]),
      chart('Events waiting', 'short', 'In the log, not learned.', [
        q(`max(${series('quantum_router_learning_lag_events')})`, 'events'),
      ]),
      chart('Pace', 'percentunit', 'Share of steps and rewards that are learned from.', [
        q(`max by (of) (${series('quantum_router_learning_pace')})`, '{{of}}'),
      ]),
      chart('Alarms of the learner', 'none', '1 while one lasts.', [
        q(`max by (alarm) (${series('quantum_router_learning_alarm')})`, '{{alarm}}'),
      ]),
      chart('Figures of the newest policy', 'short', 'As in weights.published.', [
        q(`max by (figure) (${series('quantum_router_learning_figure')})`, '{{figure}}'),
      ]),
      chart('Loss', 'short', 'Of the last gradient step.', [
        q(`max(${series('quantum_router_training_loss')})`, 'loss'),
      ]),
      chart('Weights', 'short', 'Published, come into force, rejected, within an hour.', [
        q(increaseOf(series('quantum_router_weights_published_total'), '1h', ['kind']), 'published {{kind}}'),
        q(increaseOf(series('quantum_router_weights_in_force_total'), '1h', ['reason']), 'in force {{reason}}'),
        q(increaseOf(series('quantum_router_weights_rejected_total'), '1h'), 'rejected'),
      ]),
      chart('Decisions since feedback', 'short', 'None coming is worth a look.', [
        q(`max(${series('quantum_router_decisions_since_feedback')})`, 'decisions'),
      ]),
      chart('Time of a batch, p95', 's', 'To fold learning events.', [
        q(quantileOf(0.95, buckets('quantum_router_training_batch_seconds')), 'batch'),
      ]),
    ],
  },
  {
    name: 'services',
    title: 'Quantum Router: services and the log',
    panels: [
      stat(
        'Services ready',
        'short',
        'Of those that say anything.',
        `sum(max by (service) (${series('quantum_router_service_ready')}))`,
      ),
      stat(
        'Dead letters in an hour',
        'short',
        'Records that could not be handled.',
        orNone(increaseOf(series('quantum_router_dead_letters_total'), '1h')),
      ),
      stat(
        'Restarts in an hour',
        'short',
        'Of services, after an unknown error.',
        orNone(increaseOf(series('quantum_router_restarts_total'), '1h')),
      ),
      stat(
        'Event loop, p99',
        's',
        'The latest of all processes.',
        `max(${series('quantum_router_event_loop_delay_seconds', { percentile: '99' })})`,
      ),
      chart('Records in', 'reqps', 'Read by each service.', [
        q(rateOf(series('quantum_router_records_in_total'), ['service']), '{{service}}'),
      ]),
      chart('Age of what is read', 's', 'How far a service is behind.', [
        q(`max by (service, topic) (${series('quantum_router_input_delay_seconds')})`, '{{service}} {{topic}}'),
      ]),
      chart('Records waiting (Kafka)', 'short', 'Not handed out yet.', [
        q(`sum by (service) (${series('quantum_router_consumer_lag_records')})`, '{{service}}'),
      ]),
      chart('Batches', 'reqps', 'A second.', [
        q(rateOf(countOf('quantum_router_batch_records'), ['service']), '{{service}}'),
      ]),
      chart('Time to decide a batch, p95', 's', 'Decoding and deciding.', [
        q(quantileOf(0.95, buckets('quantum_router_decide_seconds'), ['service']), '{{service}}'),
      ]),
      chart('Time to write, p95', 's', 'Until the outputs of a batch were durable.', [
        q(quantileOf(0.95, buckets('quantum_router_write_seconds'), ['service']), '{{service}}'),
      ]),
      chart('Dead letters', 'short', 'Within ten minutes.', [
        q(
          increaseOf(series('quantum_router_dead_letters_total'), '10m', ['service', 'topic']),
          '{{service}} {{topic}}',
        ),
      ]),
      chart('Retries', 'reqps', 'Transient failures that were tried again.', [
        q(rateOf(series('quantum_router_retries_total'), ['service', 'operation']), '{{service}} {{operation}}'),
      ]),
      chart('Rows of tables', 'short', 'In memory.', [
        q(`sum by (service) (${series('quantum_router_table_rows')})`, '{{service}}'),
      ]),
      chart('Key-value store, p95', 's', 'Time of a call.', [
        q(quantileOf(0.95, buckets('quantum_router_key_value_seconds'), ['operation']), '{{operation}}'),
      ]),
      chart('Partitions move', 'short', 'Assignments within ten minutes.', [
        q(increaseOf(series('quantum_router_rebalances_total'), '10m', ['service']), '{{service}}'),
      ]),
      chart('Event loop', 's', 'Delay, 99th percentile.', [
        q(
          `max by (job, instance) (${series('quantum_router_event_loop_delay_seconds', { percentile: '99' })})`,
          '{{instance}}',
        ),
      ]),
    ],
  },
];

const columns = 24;
const heights = { timeseries: 8, stat: 4 } as const;
const widths = { timeseries: 12, stat: 6 } as const;
/** The variable of a board that says which Prometheus is asked. */
const datasource = { type: 'prometheus', uid: '$datasource' };
/** Of the form of boards; newer Grafanas read older ones. */
const schemaVersion = 39;

/** As Grafana reads it. */
export function dashboardOf(board: Board): Dashboard {
  let x = 0;
  let y = 0;
  let rowHeight = 0;
  const panels = board.panels.map((panel, index): Panel => {
    const [w, h] = [widths[panel.kind], heights[panel.kind]];
    if (x + w > columns || (x > 0 && h !== rowHeight)) {
      x = 0;
      y += rowHeight;
    }
    rowHeight = h;
    const at = { x, y, w, h };
    x += w;
    return panelOf(panel, index + 1, at);
  });
  return {
    uid: `quantum-router-${board.name}`,
    title: board.title,
    tags: ['quantum-router'],
    schemaVersion,
    version: 1,
    editable: true,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    timezone: 'browser',
    annotations: { list: [] },
    templating: {
      list: [{ name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' }],
    },
    panels,
  };
}

function panelOf(
  { title, says, kind, unit, queries, isStacked }: BoardPanel,
  id: number,
  gridPos: NonNullable<Panel['gridPos']>,
): Panel {
  return {
    ...{ id, title, gridPos, datasource, type: kind, description: says },
    targets: queries.map(({ expr, legend }, index) => ({
      ...{ datasource, expr, legendFormat: legend, refId: String.fromCharCode(65 + index) },
    })),
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        ...(kind === 'timeseries' && { custom: { ...linesOf(isStacked === true) } }),
      },
      overrides: [],
    },
    options: { ...(kind === 'stat' ? statOptions : timeSeriesOptions) },
  };
}

// A panel takes any options; here they are of its own kind, so that the type check finds what Grafana would miss.
const statOptions: StatOptions = {
  reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
  orientation: VizOrientation.Auto,
  colorMode: BigValueColorMode.Value,
  graphMode: BigValueGraphMode.Area,
  justifyMode: BigValueJustifyMode.Auto,
  textMode: BigValueTextMode.Auto,
  percentChangeColorMode: PercentChangeColorMode.Standard,
  showPercentChange: false,
  wideLayout: true,
};
const timeSeriesOptions: TimeSeriesOptions = {
  legend: { displayMode: LegendDisplayMode.List, placement: 'bottom', calcs: [], showLegend: true },
  tooltip: { mode: TooltipDisplayMode.Multi, sort: SortOrder.Descending },
};

function linesOf(isStacked: boolean): GraphFieldConfig {
  return {
    drawStyle: GraphDrawStyle.Line,
    fillOpacity: isStacked ? 20 : 0,
    showPoints: VisibilityMode.Never,
    stacking: { mode: isStacked ? StackingMode.Normal : StackingMode.None, group: 'A' },
  };
}
