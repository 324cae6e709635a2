/** What the engine does now, what it costs, and what it is worth against doing without it. */
import { useMemo, useState } from 'preact/hooks';
import type { Json } from '../api';
import { Chart, colourOf, type Series, seriesColours } from '../chart';
import { duration, everyMinute, ms, number, percent, usd } from '../format';
import { usePolled } from '../hooks';
import { Bar, Card, Health, Interval, Nothing, NumberField, Table, Tile, Trouble } from '../parts';

const refreshMs = 3_000;
/** Processes say how learning is every 15 s. */
const weightsMs = 15_000;
const judgeMs = 60_000;
const minuteMs = 60_000;
const shownModels = seriesColours - 1;

export function NowPage() {
  const totals = usePolled(
    'v1/analytics?metrics=decisions,decisionMsP50,decisionMsP95,costUsd,quality,utility,errorRate,degradedShare,cacheHitShare,calls,lateOutcomes',
    refreshMs,
  );
  const byModel = usePolled('v1/analytics?step=1m&by=model&metrics=decisions,costUsd,quality', refreshMs);
  const perMinute = usePolled('v1/analytics?step=1m&metrics=decisions,quality,costUsd', refreshMs);
  const models = usePolled('v1/models', refreshMs);
  const ready = usePolled('ready', refreshMs);
  const weights = usePolled('v1/weights', weightsMs);
  const alerts = usePolled('v1/alerts', refreshMs);
  const [routerUsd, setRouterUsd] = useState('');
  const routerUsdPerDecision = Math.min(1e6, Math.max(0, Number(routerUsd))) / 1e6 || 0;
  const judged = usePolled(`v1/analytics/counterfactuals?routerUsdPerDecision=${routerUsdPerDecision}`, judgeMs);
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
          note={`last hour${newest ? `, ${perSecond(newest)}/s this minute` : ''}${values?.cacheHitShare > 0 ? `, ${percent(values.cacheHitShare)} from the cache` : ''}`}
        />
        <Tile
          label="Time to decide"
          value={ms(values?.decisionMsP50)}
          note={`95 % within ${ms(values?.decisionMsP95)}`}
        />
        <Tile label="Quality" value={number(values?.quality, 3)} note="mean of judged answers" />
        <Tile label="Utility" value={number(values?.utility, 3)} note="quality less cost and time" />
        <Tile
          label="Spent"
          value={usd(values?.costUsd)}
          note={`${number(values?.calls)} ${values?.calls === 1 ? 'call' : 'calls'} reported${values?.lateOutcomes > 0 ? `, ${number(values.lateOutcomes)} too late to count` : ''}`}
        />
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
          <Chart
            label="Decisions per minute"
            times={shares.times}
            series={shares.series}
            format={number}
            isStacked
            isCount
            isAwaited={byModel.data === null}
          />
        </Card>
        <Card title="Quality">
          <Chart
            label="Mean quality of judged answers per minute, 0 to 1"
            times={minutes.times}
            series={minutes.quality}
            format={twoDigits}
            isAwaited={perMinute.data === null}
          />
        </Card>
        <Card title="Spending">
          <Chart
            label="USD per minute"
            times={minutes.times}
            series={minutes.costUsd}
            format={usd}
            isAwaited={perMinute.data === null}
          />
        </Card>
        <WorthCard judged={judged.data} error={judged.error} routerUsd={routerUsd} onRouterUsd={setRouterUsd} />
        <LearningCard ready={ready.data} weights={weights.data} />
        <Card title="Models">
          <Trouble error={models.error} />
          {!models.data && !models.error && <Nothing>Asking the gateway …</Nothing>}
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
  const quiet = silenced > 0 ? `${silenced} silenced` : 'nothing rings';
  const note = data ? (told[0]?.summary ?? quiet) : 'asking';
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

/** Decisions a second in the minute that runs, or has just ended; minutes without any have no row. */
function perSecond({ startMs, values }: Json): string {
  const sinceStartMs = Date.now() - startMs;
  if (sinceStartMs > 2 * minuteMs) return '0';
  const seconds = Math.min(60, Math.max(1, sinceStartMs / 1_000));
  const rate = values.decisions / seconds;
  return number(rate, rate < 10 ? 1 : 0);
}

const twoDigits = (value: number): string => number(value, 2);

function minutesOf(data: Json): { times: number[]; quality: Series[]; costUsd: Series[] } {
  const rows = new Map<number, Json>((data?.rows ?? []).map(({ startMs, values }: Json) => [startMs, values]));
  const minutes = everyMinute([...rows.keys()], data?.toMs);
  const isAnyKnown = [...rows.values()].some(({ costUsd }) => costUsd !== null);
  const spentIn = (startMs: number): number | null =>
    rows.has(startMs) ? rows.get(startMs).costUsd : isAnyKnown ? 0 : null;
  return {
    times: minutes.map((startMs) => startMs / 1_000),
    quality: [{ name: 'quality', values: minutes.map((startMs) => rows.get(startMs)?.quality ?? null) }],
    costUsd: [{ name: 'USD', values: minutes.map(spentIn) }],
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
  // One that would be alone among the others is shown by its name.
  const rest = sorted.slice(shownModels).map(([model]) => model);
  const times = everyMinute([...byTime.keys()], data?.toMs);
  const countAt = (at: number, name: string): number => byTime.get(at)?.get(name) ?? 0;
  const series: Series[] = shown.map((name) => ({ name, values: times.map((at) => countAt(at, name)) }));
  if (rest.length > 0)
    series.push({
      name: rest.length === 1 ? rest[0]! : `${rest.length} others`,
      values: times.map((at) => rest.reduce((sum, name) => sum + countAt(at, name), 0)),
    });
  return {
    times: times.map((at) => at / 1_000),
    series,
    share: new Map(sorted.map(([model, count]) => [model, count / Math.max(1, total)])),
    colour: new Map(shown.map((model, i) => [model, colourOf(i)])),
  };
}

/** Against the best single model and the static rules, with what is not known said. */
function WorthCard(props: {
  readonly judged: Json;
  readonly error: string | null;
  /** What a million decisions cost whoever runs the router, as typed; empty: nothing is taken off. */
  readonly routerUsd: string;
  readonly onRouterUsd: (value: string) => void;
}) {
  const { judged, error, routerUsd, onRouterUsd } = props;
  const policies: Json[] = judged?.policies ?? [];
  const isShown = (policy: Json): boolean => policy.kind !== 'single-model' || policy.policy === judged.bestSingleModel;
  const shown = policies.filter(isShown);
  return (
    <Card
      title="What it is worth"
      note="Estimated from the decisions of the last day, with intervals of 95 %. Gains are in utility; savings are a request's, what the router costs taken off."
      wide
    >
      <Trouble error={error} />
      {shown.length === 0 ? (
        <Nothing>{judged ? 'No judged decisions yet: report outcomes to see this.' : 'Working it out …'}</Nothing>
      ) : (
        <Table
          label="What it is worth"
          head={['Policy', 'Utility', 'Quality', 'Cost a request', 'Router gains', 'Router saves']}
        >
          {shown.map(({ policy, kind, refused, utility, quality, costUsd, utilityGained, savedUsd }: Json) => (
            <tr key={policy}>
              <th scope="row">{kind === 'single-model' ? `always ${policy} (best single model)` : policy}</th>
              {refused !== null ? (
                <td colSpan={5} class="note sentence">
                  cannot be told: {refused}
                </td>
              ) : (
                <>
                  <td class="figure">
                    <Interval of={utility} format={twoDigits} />
                  </td>
                  <td class="figure">
                    <Interval of={quality} format={twoDigits} />
                  </td>
                  <td class="figure">
                    <Interval of={costUsd} format={usd} />
                  </td>
                  <td class="figure">
                    <Interval of={utilityGained} format={twoDigits} />
                  </td>
                  <td class="figure">
                    <Interval of={savedUsd} format={usd} />
                  </td>
                </>
              )}
            </tr>
          ))}
        </Table>
      )}
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <NumberField
          label="The router itself costs, USD a million decisions"
          hint="not counted"
          value={routerUsd}
          onValue={onRouterUsd}
        />
      </form>
    </Card>
  );
}

function LearningCard({ ready, weights }: { readonly ready: Json; readonly weights: Json }) {
  const learning = ready?.learning;
  const lagMs = weights?.learning?.lagMs;
  return (
    <Card title="Learning">
      {learning ? (
        <dl class="facts">
          <dt>Rewards learned</dt>
          <dd>{number(learning.rewards)}</dd>
          <dt>Behind the log</dt>
          <dd>{lagMs === undefined ? 'not known' : lagMs > 0 ? duration(lagMs) : 'not at all'}</dd>
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
