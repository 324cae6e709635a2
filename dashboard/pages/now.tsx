/** What the engine does now, what it costs, and what it is worth against doing without it. */
import { useMemo } from 'preact/hooks';
import type { Json } from '../api';
import { Chart, colourOf, type Series, seriesColours } from '../chart';
import { ms, none, number, percent, usd } from '../format';
import { usePolled } from '../hooks';
import { Bar, Card, Health, Nothing, Table, Tile, Trouble } from '../parts';

const refreshMs = 3_000;
const judgeMs = 60_000;
const shownModels = seriesColours - 1;

export function NowPage() {
  const totals = usePolled(
    'v1/analytics?metrics=decisions,decisionMsP50,decisionMsP95,costUsd,quality,utility,errorRate,degradedShare,calls',
    refreshMs,
  );
  const byModel = usePolled('v1/analytics?step=1m&by=model&metrics=decisions,costUsd,quality', refreshMs);
  const perMinute = usePolled('v1/analytics?step=1m&metrics=decisions,quality,costUsd', refreshMs);
  const models = usePolled('v1/models', refreshMs);
  const ready = usePolled('ready', refreshMs);
  const alerts = usePolled('v1/alerts', refreshMs);
  const judged = usePolled('v1/analytics/counterfactuals', judgeMs);
  const values = totals.data?.rows[0]?.values;
  const isEmpty = totals.data !== null && !values?.decisions;
  const newest = perMinute.data?.rows.at(-1);
  const minutes = useMemo(() => minutesOf(perMinute.data), [perMinute.data]);
  const shares = useMemo(() => sharesOf(byModel.data), [byModel.data]);
  return (
    <>
      <Trouble error={totals.error} />
      {isEmpty && (
        <Card title="No decision in the last hour" wide>
          <p>
            Send a request to <code>v1/route</code> or to any of the doors that client libraries know, or{' '}
            <a href="#/try">try one here</a>.
          </p>
        </Card>
      )}
      <dl class="tiles">
        <Tile
          label="Decisions"
          value={number(values?.decisions ?? (isEmpty ? 0 : null))}
          note={newest ? `${number(newest.values.decisions)} this minute` : 'in the last hour'}
        />
        <Tile
          label="Time to decide"
          value={ms(values?.decisionMsP50)}
          note={`95 % within ${ms(values?.decisionMsP95)}`}
        />
        <Tile label="Quality" value={number(values?.quality, 3)} note="mean of judged answers" />
        <Tile label="Utility" value={number(values?.utility, 3)} note="quality less cost and time" />
        <Tile label="Spent" value={usd(values?.costUsd)} note={`${number(values?.calls)} calls reported`} />
        <Tile
          label="Errors"
          value={percent(values?.errorRate, 1)}
          note={`${percent(values?.degradedShare, 1)} decided degraded`}
          {...(values?.errorRate > 0.1 && { tone: 'bad' as const })}
        />
        <AlertsTile data={alerts.data} />
      </dl>
      <div class="grid">
        <Card title="Decisions per minute, by model" wide>
          <Chart label="Decisions per minute" times={shares.times} series={shares.series} format={number} isStacked />
        </Card>
        <Card title="Quality">
          <Chart label="Mean quality per minute" times={minutes.times} series={minutes.quality} format={twoDigits} />
        </Card>
        <Card title="Spending">
          <Chart label="USD per minute" times={minutes.times} series={minutes.costUsd} format={usd} />
        </Card>
        <div class="column">
          <WorthCard judged={judged.data} error={judged.error} />
          <LearningCard ready={ready.data} />
        </div>
        <Card title="Models">
          <Trouble error={models.error} />
          <Table label="Models" head={['Model', 'Share', 'Health', 'Expected cost']}>
            {(models.data?.models ?? []).map(({ config, health, expected }: Json) => {
              const share = shares.share.get(config.name) ?? 0;
              return (
                <tr key={config.name}>
                  <th scope="row">{config.name}</th>
                  <td class="figure">
                    <Bar share={share} colour={shares.colour.get(config.name) ?? 'var(--muted)'} />
                    {percent(share)}
                  </td>
                  <td>
                    <Health state={health} />
                  </td>
                  <td class="figure">{usd(expected.costUsd)}</td>
                </tr>
              );
            })}
          </Table>
        </Card>
      </div>
    </>
  );
}

function AlertsTile({ data }: { readonly data: Json }) {
  const told: Json[] = (data?.ringing ?? []).filter(({ silencedUntilMs }: Json) => silencedUntilMs === null);
  const silenced = (data?.ringing.length ?? 0) - told.length;
  const note = told[0]?.summary ?? (silenced > 0 ? `${silenced} silenced` : 'nothing rings');
  return (
    <Tile
      label="Alerts"
      value={number(data ? told.length : null)}
      note={note}
      href="#/alerts"
      {...(told.length > 0 && { tone: 'bad' as const })}
    />
  );
}

const twoDigits = (value: number): string => number(value, 2);

function minutesOf(data: Json): { times: number[]; quality: Series[]; costUsd: Series[] } {
  const rows: Json[] = data?.rows ?? [];
  const of = (metric: string): (number | null)[] => rows.map(({ values }) => values[metric]);
  return {
    times: rows.map(({ startMs }) => startMs / 1_000),
    quality: [{ name: 'quality', values: of('quality') }],
    costUsd: [{ name: 'USD', values: of('costUsd') }],
  };
}

/** The models that were chosen most, each with its own series; the others together. */
function sharesOf(data: Json) {
  const rows: Json[] = data?.rows ?? [];
  const sums = new Map<string, number>();
  const byTime = new Map<number, Map<string, number>>();
  for (const { startMs, of, values } of rows) {
    const count = values.decisions ?? 0;
    sums.set(of.model, (sums.get(of.model) ?? 0) + count);
    const at = byTime.get(startMs) ?? new Map<string, number>();
    byTime.set(startMs, at.set(of.model, count));
  }
  const sorted = [...sums].sort(([, a], [, b]) => b - a);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  const shown = sorted.slice(0, shownModels).map(([model]) => model);
  const rest = sorted.slice(shownModels).map(([model]) => model);
  const times = [...byTime.keys()].sort((a, b) => a - b);
  const series: Series[] = shown.map((name) => ({ name, values: times.map((at) => byTime.get(at)!.get(name) ?? 0) }));
  if (rest.length > 0)
    series.push({
      name: `${rest.length} others`,
      values: times.map((at) => rest.reduce((sum, name) => sum + (byTime.get(at)!.get(name) ?? 0), 0)),
    });
  return {
    times: times.map((at) => at / 1_000),
    series,
    share: new Map(sorted.map(([model, count]) => [model, count / Math.max(1, total)])),
    colour: new Map(shown.map((model, i) => [model, colourOf(i)])),
  };
}

/** Against the best single model and the static rules, with what is not known said. */
function WorthCard({ judged, error }: { readonly judged: Json; readonly error: string | null }) {
  const policies: Json[] = judged?.policies ?? [];
  const isShown = (policy: Json): boolean => policy.kind !== 'single-model' || policy.policy === judged.bestSingleModel;
  const shown = policies.filter(isShown);
  return (
    <Card title="What it is worth" note="Estimated from the decisions of the last day, with intervals of 95 %.">
      <Trouble error={error} />
      {shown.length === 0 ? (
        <Nothing>{judged ? 'No judged decisions yet: report outcomes to see this.' : 'Working it out …'}</Nothing>
      ) : (
        <Table label="What it is worth" head={['Policy', 'Quality', 'Cost a request', 'Router gains', 'Router saves']}>
          {shown.map(({ policy, kind, refused, quality, costUsd, qualityGained, savedUsd }: Json) => (
            <tr key={policy}>
              <th scope="row">{kind === 'single-model' ? `always ${policy} (best single model)` : policy}</th>
              {refused !== null ? (
                <td colSpan={4} class="note">
                  cannot be told: {refused}
                </td>
              ) : (
                <>
                  <td class="figure">{interval(quality, twoDigits)}</td>
                  <td class="figure">{interval(costUsd, usd)}</td>
                  <td class="figure">{interval(qualityGained, twoDigits)}</td>
                  <td class="figure">{interval(savedUsd, usd)}</td>
                </>
              )}
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}

function interval(of: Json, format: (value: number) => string) {
  if (!of) return none;
  return (
    <>
      {format(of.value)}{' '}
      <small>
        {format(of.low)} … {format(of.high)}
      </small>
    </>
  );
}

function LearningCard({ ready }: { readonly ready: Json }) {
  const learning = ready?.learning;
  return (
    <Card title="Learning">
      {learning ? (
        <dl class="facts">
          <dt>Rewards learned</dt>
          <dd>{number(learning.rewards)}</dd>
          <dt>Decisions since the last feedback</dt>
          <dd>{number(learning.decisionsSinceFeedback)}</dd>
          {learning.note && (
            <>
              <dt>Note</dt>
              <dd>{learning.note}</dd>
            </>
          )}
        </dl>
      ) : (
        <Nothing>Not known yet.</Nothing>
      )}
    </Card>
  );
}
