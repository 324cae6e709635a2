/** What is known of each model: price, health, and experience per task. */
import type { Json } from '../api';
import { dateTime, ms, none, number, percent, usd } from '../format';
import { usePolled } from '../hooks';
import { Card, Health, Nothing, Table, Trouble } from '../parts';

const refreshMs = 5_000;
/** Calls after which a model is no newcomer: what was declared of it weighs less than what was seen by then. */
const newcomerCalls = 20;
const maxHealthChanges = 50;

export function ModelsPage() {
  const { data, error } = usePolled('v1/models', refreshMs);
  const day = usePolled(
    'v1/analytics?by=model&metrics=calls,errorRate,costUsd,latencyMsP50,latencyMsP95,quality',
    refreshMs,
  );
  const measured = new Map<string, Json>((day.data?.rows ?? []).map(({ of, values }: Json) => [of.model, values]));
  const models: Json[] = data?.models ?? [];
  return (
    <>
      <Trouble error={error ?? day.error} />
      {!data && !error && <Nothing>Asking the gateway …</Nothing>}
      <Card title="Last hour" wide>
        <Table
          label="Models"
          head={['Model', 'Provider', 'Health', 'Calls', 'Errors', 'Quality', 'Latency p50', 'p95', 'Spent']}
        >
          {models.map(({ config, health, admission, profile }) => {
            const seen = measured.get(config.name);
            return (
              <tr key={config.name}>
                <th scope="row">
                  {config.name} {(profile?.overall.weight ?? 0) < newcomerCalls && <span class="badge">newcomer</span>}
                </th>
                <td>{config.provider}</td>
                <td>
                  <Health state={health} /> {admission && <Admission admission={admission} />}
                </td>
                <td class="figure">{number(seen?.calls ?? 0)}</td>
                <td class="figure">{percent(seen?.errorRate, 1)}</td>
                <td class="figure">{number(seen?.quality, 3)}</td>
                <td class="figure">{ms(seen?.latencyMsP50)}</td>
                <td class="figure">{ms(seen?.latencyMsP95)}</td>
                <td class="figure">{usd(seen?.costUsd ?? 0)}</td>
              </tr>
            );
          })}
        </Table>
      </Card>
      <div class="grid">
        {models.map((model) => (
          <ModelCard key={model.config.name} model={model} />
        ))}
        <HealthHistory models={models} />
      </div>
    </>
  );
}

const admissionWords: Readonly<Record<string, string>> = {
  waiting: 'probed by',
  returning: 'returning with',
  limited: 'at its rate limit:',
  resting: 'asked to rest:',
};

/** Why only some requests may use a model now. */
function Admission({ admission: { kind, share } }: { readonly admission: Json }) {
  return (
    <span class="badge warn">
      {admissionWords[kind] ?? kind} {percent(share, share < 0.1 ? 1 : 0)} of requests
    </span>
  );
}

interface HealthChange {
  readonly of: string;
  readonly isProvider: boolean;
  readonly health: string;
  readonly atMs: number;
}

/** Of models, and of providers, which every model of theirs knows. */
function changesOf(models: readonly Json[]): HealthChange[] {
  const providers = new Map<string, Json>();
  const changes: HealthChange[] = [];
  for (const { config, profile } of models) {
    if (!profile) continue;
    for (const change of profile.breaker.changes) changes.push({ of: config.name, isProvider: false, ...change });
    const known = providers.get(config.provider);
    if (!known || known.changedAtMs < profile.providerBreaker.changedAtMs)
      providers.set(config.provider, profile.providerBreaker);
  }
  for (const [provider, breaker] of providers)
    for (const change of breaker.changes) changes.push({ of: provider, isProvider: true, ...change });
  return changes.sort((a, b) => b.atMs - a.atMs).slice(0, maxHealthChanges);
}

function HealthHistory({ models }: { readonly models: readonly Json[] }) {
  const changes = changesOf(models);
  return (
    <Card title="Changes of health" note="The newest of each breaker, newest first." wide>
      {changes.length === 0 ? (
        <Nothing>No breaker has opened yet.</Nothing>
      ) : (
        <Table label="Changes of health" head={['When', 'Model or provider', 'Became']}>
          {changes.map(({ of, isProvider, health, atMs }) => (
            <tr key={`${isProvider}/${of}/${atMs}/${health}`}>
              <td class="figure">{dateTime(atMs)}</td>
              <th scope="row">
                {of} {isProvider && <span class="badge">provider</span>}
              </th>
              <td>
                <Health state={health} />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}

function ModelCard({ model: { config, expected, calibration, profile } }: { readonly model: Json }) {
  const { price } = config;
  const tasks = Object.entries<Json>(profile?.tasks ?? {}).sort(([, a], [, b]) => b.weight - a.weight);
  return (
    <Card title={config.name} note={config.capabilities.length > 0 ? `Can do ${config.capabilities.join(', ')}.` : ''}>
      <dl class="facts">
        <dt>Price of 1M tokens, in and out</dt>
        <dd>
          {usd(price.inputPerMillionUsd)}, {usd(price.outputPerMillionUsd)}
          {price.perRequestUsd > 0 && ` and ${usd(price.perRequestUsd)} a call`}
        </dd>
        <dt>Quality declared, and believed now</dt>
        <dd>
          {number(config.expectedQuality, 2)}, {number(expected.quality, 3)}
        </dd>
        <dt>Latency believed, and its 95 %</dt>
        <dd>
          {ms(expected.latencyMs)}, {expected.p95LatencyMs === null ? 'too few were timed' : ms(expected.p95LatencyMs)}
        </dd>
        <dt>Calibration of quality</dt>
        <dd>
          {calibration === null
            ? 'no answer was judged yet'
            : `${calibration.bias < 0 ? '−' : '+'}${number(Math.abs(calibration.bias), 3)} on what was predicted, ±${number(calibration.error, 3)}, of ${number(calibration.judged)} judged`}
        </dd>
        {profile && profile.breaker.changes.length > 0 && (
          <>
            <dt>Breaker last changed</dt>
            <dd>
              {dateTime(profile.breaker.changedAtMs)}
              {profile.breaker.openings > 0 &&
                `, opened ${profile.breaker.openings === 1 ? 'once' : `${profile.breaker.openings} times in a row`}`}
            </dd>
          </>
        )}
      </dl>
      {tasks.length === 0 ? (
        <Nothing>No outcome was reported yet.</Nothing>
      ) : (
        <Table
          label={`Tasks of ${config.name}`}
          head={['Task', 'Calls', 'Quality', 'Errors', 'Latency', 'p95', 'Cost']}
        >
          {tasks.map(([task, stats]) => (
            <tr key={task}>
              <th scope="row">{task}</th>
              <td class="figure">{number(stats.weight)}</td>
              <td class="figure">{stats.qualityWeight > 0 ? number(stats.quality, 3) : none}</td>
              <td class="figure">{percent(stats.errorRate, 1)}</td>
              <td class="figure">{stats.latencyWeight > 0 ? ms(stats.latencyMs) : none}</td>
              <td class="figure">{ms(stats.latencies?.p95)}</td>
              <td class="figure">{stats.costWeight > 0 ? usd(stats.costUsd) : none}</td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}
