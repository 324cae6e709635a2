/** Rules and boards speak of metrics that there are, with labels that these have; Prometheus itself understands them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { infraFile } from '../../../infra/infra-file';
import { alarms } from '../../../infra/monitoring/alarms';
import { boards, dashboardOf } from '../../../infra/monitoring/boards';
import { monitoringFiles } from '../../../infra/monitoring/generate';
import { promtoolIsThere } from '../../../infra/tools';
import { type MetricDefinition, metricDefinitions } from '../../../lib/telemetry/metric-names';
import { createMetrics } from '../../../lib/telemetry/metrics';

const definitions = new Map(Object.entries<MetricDefinition>(metricDefinitions));

/** Labels that Prometheus adds to whatever it asks. */
const addedLabels = ['job', 'instance'];

/** What is wrong with the metrics and labels of an expression. */
function faultsOf(expr: string): string[] {
  const faults: string[] = [];
  const used = new Set<string>();
  for (const [whole, name = '', selector = ''] of expr.matchAll(/\b(quantum_router_\w+)(?:\{([^}]*)\})?/g)) {
    const base = definitions.has(name) ? name : name.replace(/_(bucket|count|sum)$/, '');
    const definition = definitions.get(base);
    const isPart = base !== name;
    if (!definition || isPart !== (definition.type === 'histogram')) {
      faults.push(`${whole}: there is no such series`);
      continue;
    }
    const labels = [...definition.labels, ...(name.endsWith('_bucket') ? ['le'] : [])];
    for (const label of labels) used.add(label);
    for (const [, label = ''] of selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g))
      if (!labels.includes(label)) faults.push(`${name} has no label ${label}`);
  }
  for (const [, by = ''] of expr.matchAll(/\bby \(([^)]*)\)/g))
    for (const label of by.split(', '))
      if (!used.has(label) && !addedLabels.includes(label)) faults.push(`nothing in ${expr} has the label ${label}`);
  return faults;
}

/** As they lie in the repository: what people take is looked at, not what would be generated. */
const ruleFile = parse(readFileSync(infraFile('prometheus/alarms.yaml'), 'utf8')) as {
  groups: { rules: { alert: string; expr: string }[] }[];
};
const ruleExpressions = ruleFile.groups.flatMap(({ rules }) => rules.map(({ expr }) => expr));
const boardFiles = [...monitoringFiles().keys()].filter((file) => file.endsWith('.json'));
const boardExpressions = boardFiles.flatMap((file) => {
  const { panels } = JSON.parse(readFileSync(infraFile(file), 'utf8')) as { panels: { targets: { expr: string }[] }[] };
  return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
});

test('rules and boards name metrics that exist, and labels that these have', () => {
  expect(ruleExpressions.length).toBeGreaterThan(30);
  expect(boardExpressions.length).toBeGreaterThan(50);
  expect([...ruleExpressions, ...boardExpressions].flatMap(faultsOf)).toEqual([]);
});

test('a metric or a label that does not exist is found', () => {
  expect(faultsOf('rate(quantum_router_gone_total[5m])')).toHaveLength(1);
  expect(faultsOf('quantum_router_decisions_total_bucket')).toHaveLength(1);
  expect(faultsOf('quantum_router_decide_seconds')).toHaveLength(1);
  expect(faultsOf('quantum_router_decisions_total{modell="x"}')).toHaveLength(1);
  expect(faultsOf('sum by (provider) (quantum_router_decisions_total)')).toHaveLength(1);
});

test('what lies there is what would be generated', () => {
  for (const [file, content] of monitoringFiles())
    expect([file, readFileSync(infraFile(file), 'utf8')]).toEqual([file, content]);
});

test('every metric that means an alarm has one', () => {
  const meant = [...definitions].filter(([, { doc }]) => /: an alarm\.|: a bug\./.test(doc)).map(([name]) => name);
  expect(meant.length).toBeGreaterThan(2);
  for (const name of meant) expect([name, ruleExpressions.some((expr) => expr.includes(name))]).toEqual([name, true]);
});

test('names are unique, and panels do not lie on each other', () => {
  expect(new Set(alarms.map(({ name }) => name)).size).toBe(alarms.length);
  expect(new Set(boards.map(({ name }) => name)).size).toBe(boards.length);
  for (const board of boards) {
    const { panels = [] } = dashboardOf(board);
    const taken = new Set<string>();
    for (const panel of panels) {
      const { x, y, w, h } = (panel as { gridPos: { x: number; y: number; w: number; h: number } }).gridPos;
      expect(x + w).toBeLessThanOrEqual(24);
      for (let column = x; column < x + w; column++)
        for (let row = y; row < y + h; row++) {
          expect(taken.has(`${column} ${row}`)).toBe(false);
          taken.add(`${column} ${row}`);
        }
    }
  }
});

test('a gauge that nobody has set says nothing: a process without Redis does not ring for it', async () => {
  const metrics = createMetrics();
  expect(await metrics.text()).not.toMatch(/^quantum_router_key_value_connected /m);
  metrics.set('quantum_router_key_value_connected', {}, 0);
  expect(await metrics.text()).toMatch(/^quantum_router_key_value_connected 0$/m);
});

describe('compose', () => {
  const compose = parse(readFileSync(infraFile('compose.yaml'), 'utf8')) as {
    services: Record<string, { profiles?: string[]; volumes: string[]; environment?: Record<string, string> }>;
  };

  test('Kafka and Redis come up without the monitoring, which has its files in place', () => {
    const { prometheus, grafana } = compose.services;
    expect([prometheus?.profiles, grafana?.profiles]).toEqual([['monitoring'], ['monitoring']]);
    const provider = parse(readFileSync(infraFile('grafana/provisioning/dashboards/boards.yaml'), 'utf8')) as {
      providers: { options: { path: string } }[];
    };
    expect(grafana?.volumes).toContain(`./grafana/boards:${provider.providers[0]!.options.path}:ro`);
    const variables = readFileSync(infraFile('grafana/provisioning/datasources/prometheus.yaml'), 'utf8').match(
      /\$\{\w+\}/g,
    );
    expect(variables).toEqual(['PROMETHEUS_URL'].map((name) => `\${${name}}`));
    expect(grafana?.environment?.['PROMETHEUS_URL']).toMatch(/^http:/);
  });
});

// Said in the name, since a suite that is left out says nothing else.
const describeWithPromtool = promtoolIsThere() || process.env['CI'] ? describe : describe.skip;

describeWithPromtool('promtool (Debian: prometheus)', () => {
  const directory = mkdtempSync(join(tmpdir(), 'quantum-router-rules-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function promtool(...args: string[]): { status: number | null; output: string } {
    const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8', cwd: directory });
    return { status, output: stdout + stderr };
  }

  const passes = { status: 0, output: expect.any(String) };

  test('takes the rules and the configuration', () => {
    expect(promtool('check', 'rules', infraFile('prometheus/alarms.yaml'))).toEqual(passes);
    expect(promtool('check', 'config', infraFile('prometheus/prometheus.yaml'))).toEqual(passes);
  });

  test('understands every expression of the boards', () => {
    const rules = boardExpressions.map((expr, index) => ({
      record: `board:${index}`,
      expr,
      labels: { index: `${index}` },
    }));
    writeFileSync(join(directory, 'boards.yaml'), stringify({ groups: [{ name: 'boards', rules }] }));
    expect(promtool('check', 'rules', 'boards.yaml')).toEqual(passes);
    writeFileSync(
      join(directory, 'broken.yaml'),
      stringify({ groups: [{ name: 'b', rules: [{ record: 'x', expr: 'sum(' }] }] }),
    );
    expect(promtool('check', 'rules', 'broken.yaml').status).not.toBe(0);
  });

  /** A value a minute: that many before there is trouble, during it, and after it. */
  const minutes = { calm: 10, trouble: 45, over: 65 } as const;

  interface Case {
    readonly alarm: string;
    /** By series: what each minute adds to it (a counter) or where it stands (a gauge), calm, in trouble, and after. */
    readonly series: Readonly<Record<string, readonly [number, number, number]>>;
    readonly kind: 'counter' | 'gauge';
    readonly labels?: Readonly<Record<string, string>>;
  }

  const slow = (le: string): string => `quantum_router_decision_stage_seconds_bucket{stage="total",le="${le}"}`;
  const total = 'quantum_router_decisions_total';
  const cases: readonly Case[] = [
    {
      alarm: 'Down',
      kind: 'gauge',
      series: { 'up{job="quantum-router",instance="a"}': [1, 0, 1] },
      labels: { job: 'quantum-router', instance: 'a' },
    },
    {
      alarm: 'DecisionsSlow',
      kind: 'counter',
      series: { [slow('0.1')]: [60, 0, 60], [slow('0.5')]: [60, 60, 60], [slow('+Inf')]: [60, 60, 60] },
    },
    {
      alarm: 'Degraded',
      kind: 'counter',
      series: { [`${total}{degradation="NONE"}`]: [60, 50, 60], [`${total}{degradation="STATIC"}`]: [0, 10, 0] },
    },
    {
      alarm: 'RequestsUnanswered',
      kind: 'counter',
      series: {
        'quantum_router_http_requests_total{route="/v1/route",status="200"}': [60, 50, 60],
        'quantum_router_http_requests_total{route="/v1/route",status="504"}': [0, 10, 0],
      },
    },
    {
      alarm: 'CallsFail',
      kind: 'counter',
      labels: { provider: 'p' },
      series: {
        'quantum_router_calls_total{provider="p",status="SUCCESS"}': [60, 30, 60],
        'quantum_router_calls_total{provider="p",status="TIMEOUT"}': [0, 30, 0],
      },
    },
    {
      alarm: 'ServiceDown',
      kind: 'gauge',
      labels: { service: 's' },
      series: { 'quantum_router_service_ready{service="s"}': [1, 0, 1] },
    },
    {
      alarm: 'ServiceCrashing',
      kind: 'counter',
      labels: { service: 's' },
      series: { 'quantum_router_restarts_total{service="s"}': [0, 1, 0] },
    },
    {
      alarm: 'DeadLetters',
      kind: 'counter',
      labels: { service: 's', topic: 't' },
      series: { 'quantum_router_dead_letters_total{service="s",topic="t"}': [0, 1, 0] },
    },
    { alarm: 'RedisAway', kind: 'gauge', series: { quantum_router_key_value_connected: [1, 0, 1] } },
    { alarm: 'LearningBehind', kind: 'gauge', series: { quantum_router_learning_lag_seconds: [1, 30, 0] } },
    {
      alarm: 'LearningSlowed',
      kind: 'gauge',
      labels: { of: 'rewards' },
      series: { 'quantum_router_learning_pace{of="rewards"}': [1, 0.5, 1] },
    },
    { alarm: 'NoFeedback', kind: 'gauge', series: { quantum_router_decisions_since_feedback: [3, 2_000, 0] } },
    {
      alarm: 'BreakerOpened',
      kind: 'counter',
      labels: { name: 'm' },
      series: { 'quantum_router_breaker_transitions_total{name="m",to="OPEN"}': [0, 1, 0] },
    },
    {
      alarm: 'OutcomesStopped',
      kind: 'counter',
      series: { [`${total}{model="m"}`]: [60, 60, 60], 'quantum_router_outcomes_total{model="m"}': [60, 0, 60] },
    },
    {
      alarm: 'BudgetRefuses',
      kind: 'counter',
      labels: { budget: 'b', code: 'budget_exhausted' },
      series: { 'quantum_router_budget_refusals_total{budget="b",code="budget_exhausted"}': [0, 5, 0] },
    },
  ];

  function valuesOf(kind: Case['kind'], [calm, trouble, over]: readonly [number, number, number]): string {
    if (kind === 'gauge') return `${calm}x${minutes.calm} ${trouble}x${minutes.trouble} ${over}x${minutes.over}`;
    const [first, second] = [calm * minutes.calm, calm * minutes.calm + trouble * minutes.trouble];
    const run = (from: number, step: number, times: number): string => `${from}+${step}x${times - 1}`;
    return `${run(0, calm, minutes.calm)} ${run(first, trouble, minutes.trouble)} ${run(second, over, minutes.over)}`;
  }

  function ruleTestOf({ alarm, kind, series, labels = {} }: Case) {
    const { says, severity } = alarms.find(({ name }) => name === `QuantumRouter${alarm}`)!;
    const rings = [{ exp_labels: { severity, ...labels }, exp_annotations: { summary: says } }];
    const at = (minute: number, expected: readonly object[]) => ({
      eval_time: `${minute}m`,
      alertname: `QuantumRouter${alarm}`,
      exp_alerts: expected,
    });
    return {
      name: alarm,
      interval: '1m',
      input_series: Object.entries(series).map(([name, steps]) => ({ series: name, values: valuesOf(kind, steps) })),
      alert_rule_test: [at(9, []), at(53, rings), at(119, [])],
    };
  }

  test('each of these is silent while all is well, rings in trouble, and stops', () => {
    // Only the rules in question: each is evaluated for every minute of every case.
    const named = new Set(cases.map(({ alarm }) => `QuantumRouter${alarm}`));
    const rules = ruleFile.groups.flatMap((group) => group.rules).filter(({ alert }) => named.has(alert));
    writeFileSync(join(directory, 'rung.yaml'), stringify({ groups: [{ name: 'rung', rules }] }));
    const written = { rule_files: ['rung.yaml'], evaluation_interval: '1m', tests: cases.map(ruleTestOf) };
    writeFileSync(join(directory, 'rings.yaml'), stringify(written));
    expect(promtool('test', 'rules', 'rings.yaml')).toEqual(passes);
  });

  test('takes what the engine serves', async () => {
    const metrics = createMetrics();
    metrics.count('quantum_router_restarts_total', { service: 's' });
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: await metrics.text(),
      encoding: 'utf8',
    });
    expect([status, stdout + stderr]).toEqual([0, '']);
  });
});
