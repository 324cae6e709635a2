/** What is known of each model: price, health, and experience per task. */
import type { Json } from '../api';
import { dateTime, ms, number, percent, usd } from '../format';
import { usePolled } from '../hooks';
import { Card, Health, Nothing, Table, Trouble } from '../parts';

const refreshMs = 5_000;
/** Calls after which a model is no newcomer: what was declared of it weighs less than what was seen by then. */
const newcomerCalls = 20;

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
      <Card title="Last hour" wide>
        <Table
          label="Models"
          head={['Model', 'Provider', 'Health', 'Calls', 'Errors', 'Quality', 'Latency p50', 'p95', 'Spent']}
        >
          {models.map(({ config, health, profile }) => {
            const seen = measured.get(config.name);
            return (
              <tr key={config.name}>
                <th scope="row">
                  {config.name} {(profile?.overall.weight ?? 0) < newcomerCalls && <span class="badge">newcomer</span>}
                </th>
                <td>{config.provider}</td>
                <td>
                  <Health state={health} />
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
      </div>
    </>
  );
}

function ModelCard({ model: { config, expected, profile } }: { readonly model: Json }) {
  const { price } = config;
  const tasks = Object.entries<Json>(profile?.tasks ?? {}).sort(([, a], [, b]) => b.weight - a.weight);
  return (
    <Card title={config.name} note={config.capabilities.length > 0 ? `Can do ${config.capabilities.join(', ')}.` : ''}>
      <dl class="facts">
        <dt>Price of a million tokens, in and out</dt>
        <dd>
          {usd(price.inputPerMillionUsd)}, {usd(price.outputPerMillionUsd)}
          {price.perRequestUsd > 0 && ` and ${usd(price.perRequestUsd)} a call`}
        </dd>
        <dt>Declared quality, and what is believed now</dt>
        <dd>
          {number(config.expectedQuality, 2)}, {number(expected.quality, 3)}
        </dd>
        {profile && profile.breaker.changedAtMs > 0 && (
          <>
            <dt>Breaker last changed</dt>
            <dd>
              {dateTime(profile.breaker.changedAtMs)}
              {profile.breaker.openings > 0 && `, ${profile.breaker.openings} openings in a row`}
            </dd>
          </>
        )}
      </dl>
      {tasks.length === 0 ? (
        <Nothing>No outcome was reported yet.</Nothing>
      ) : (
        <Table label={`Tasks of ${config.name}`} head={['Task', 'Calls', 'Quality', 'Errors', 'Latency', 'Cost']}>
          {tasks.map(([task, stats]) => (
            <tr key={task}>
              <th scope="row">{task}</th>
              <td class="figure">{number(stats.weight)}</td>
              <td class="figure">{stats.qualityWeight > 0 ? number(stats.quality, 3) : '–'}</td>
              <td class="figure">{percent(stats.errorRate, 1)}</td>
              <td class="figure">{stats.latencyWeight > 0 ? ms(stats.latencyMs) : '–'}</td>
              <td class="figure">{stats.costWeight > 0 ? usd(stats.costUsd) : '–'}</td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}
