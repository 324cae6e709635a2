/** One decision opened up: who judged what, what was drawn with which probability, what came of it, and what would have been otherwise. */
import { useState } from 'preact/hooks';
import { LeftOut, useMay } from '../access';
import { ask, type Json } from '../api';
import { colourOf } from '../chart';
import { dateTime, ms, none, number, percent, short, usd, words } from '../format';
import { usePolled } from '../hooks';
import { Bar, Card, Nothing, NumberField, Table, Trouble } from '../parts';

const ofOutcomes = 'GET /v1/decisions/{id}/outcomes';
const recompute = 'POST /v1/decisions/{id}/recompute';
const refreshMs = 5_000;

export function DecisionPage({ id }: { readonly id: string }) {
  const path = `v1/decisions/${encodeURIComponent(id)}`;
  const { data: decision, error } = usePolled(path, 0);
  const mayCompute = useMay(recompute);
  const outcomes = usePolled(useMay(ofOutcomes) ? `${path}/outcomes` : null, refreshMs);
  const trace = usePolled(useMay('GET /v1/decisions/{id}/trace') ? `${path}/trace` : null, 0);
  if (!decision)
    return (
      <>
        <p>
          <a href="#/decisions">← All decisions</a>
        </p>
        <Trouble error={error} />
        {error === null && <Nothing>Looking for it …</Nothing>}
      </>
    );
  const { stagesMs, versions } = decision;
  return (
    <>
      <p>
        <a href="#/decisions">← All decisions</a>
      </p>
      <Card title={`${decision.decisionId} → ${decision.model}`} wide>
        <p>{decision.reasoning}</p>
        <dl class="facts">
          <dt>Decided</dt>
          <dd>{dateTime(decision.decidedAtMs)}</dd>
          <dt>Drawn with probability</dt>
          <dd>{percent(decision.propensity, 2)}</dd>
          <dt>Confidence</dt>
          <dd>
            {percent(decision.confidence)}
            {decision.rawConfidence !== null && `, calibrated; ${percent(decision.rawConfidence)} by the threads alone`}
          </dd>
          {decision.goodSet && (
            <>
              <dt>Good enough with {percent(decision.goodSet.coverage)}</dt>
              <dd>
                {decision.goodSet.models.join(', ')}
                {decision.goodSet.taken !== null && `; the ${decision.goodSet.taken} of them was taken`}
              </dd>
            </>
          )}
          <dt>Exploration floor</dt>
          <dd>{percent(decision.explorationFloor, 1)}</dd>
          <dt>Led by</dt>
          <dd>
            {words(decision.strategy)}, by {words(decision.collapse)} collapse
          </dd>
          <dt>Fallbacks</dt>
          <dd>{decision.fallbacks.map(({ model }: Json) => model).join(', ') || 'none'}</dd>
          <dt>Degraded</dt>
          <dd>{decision.degradedTo === 'NONE' ? 'no' : words(decision.degradedTo)}</dd>
          <dt>From the cache</dt>
          <dd>{decision.cacheHit ? 'yes' : 'no'}</dd>
          <dt>Session, tenant</dt>
          <dd>
            {decision.sessionId ?? none}, {decision.tenantId ?? none}
          </dd>
          <dt>Experiments</dt>
          <dd>{decision.exposures.map(({ experiment, arm }: Json) => `${experiment}: ${arm}`).join(', ') || 'none'}</dd>
          <dt>Budgets</dt>
          <dd>
            {decision.budgets
              .map(
                ({ account, verdict, grantedUsd }: Json) =>
                  `${account}: ${words(verdict)}${grantedUsd === null ? '' : ` ${usd(grantedUsd)}`}`,
              )
              .join(', ') || 'none'}
          </dd>
          {decision.tenantSettings.length > 0 && (
            <>
              <dt>Settings of its tenant</dt>
              <dd>{decision.tenantSettings.join(', ')}</dd>
            </>
          )}
          <dt>Weights, configuration</dt>
          <dd>
            <code>{short(versions.policySha256)}</code>, version {versions.config}
          </dd>
          {trace.data?.traceId && (
            <>
              <dt>Trace</dt>
              <dd>
                {trace.data.url ? (
                  <a href={trace.data.url} target="_blank" rel="noreferrer">
                    <code>{trace.data.traceId}</code>
                  </a>
                ) : (
                  <code>{trace.data.traceId}</code>
                )}
              </dd>
            </>
          )}
          <dt>Seed</dt>
          <dd>
            <code>{decision.seed}</code>
          </dd>
        </dl>
      </Card>
      <div class="grid">
        <Card title="Candidates" wide>
          <Table
            label="Candidates"
            head={['Model', 'Probability', 'Utility', 'Quality', 'Cost', 'Latency', 'Shut out by']}
          >
            {decision.candidates.map((candidate: Json) => (
              <tr key={candidate.model} class={candidate.model === decision.model ? 'chosen' : ''}>
                <th scope="row">{candidate.model}</th>
                <td class="figure">
                  <Bar share={candidate.propensity} />
                  {percent(candidate.propensity, 1)}
                </td>
                <td class="figure">{number(candidate.utility, 3)}</td>
                <td class="figure">{number(candidate.predictedQuality, 3)}</td>
                <td class="figure">{usd(candidate.expectedCostUsd)}</td>
                <td class="figure">{ms(candidate.expectedLatencyMs)}</td>
                <td class={candidate.ineligibleReason ? 'sentence' : ''}>{candidate.ineligibleReason ?? ''}</td>
              </tr>
            ))}
          </Table>
        </Card>
        <Card title="Threads" note="What each strategy thought before collapse made one distribution of them.">
          <Table label="Threads" head={['Strategy', 'Status', 'Choice', 'Score', 'Weight', 'Time']}>
            {decision.threads.map((thread: Json) => (
              <tr key={thread.strategy}>
                <th scope="row">{words(thread.strategy)}</th>
                <td>
                  <span class={`badge ${thread.status === 'SUCCESS' ? 'good' : 'bad'}`}>{words(thread.status)}</span>{' '}
                  {thread.error}
                </td>
                <td>{thread.choice ?? none}</td>
                <td class="figure">{number(thread.score, 3)}</td>
                <td class="figure">{percent(thread.weight)}</td>
                <td class="figure">{ms(thread.durationMs)}</td>
              </tr>
            ))}
          </Table>
          <ThreadDistributions decision={decision} />
        </Card>
        <div class="column">
          <Card title="Time">
            <Stages stagesMs={stagesMs} />
          </Card>
          <Card title="Outcome">
            <Trouble error={outcomes.error} />
            <LeftOut operation={ofOutcomes} what="What was reported of it" />
            {outcomes.data?.outcomes.length ? (
              <Table label="Outcomes" head={['Model', 'Attempt', 'Status', 'Quality', 'Cost', 'Latency', 'Judged by']}>
                {outcomes.data.outcomes.map((outcome: Json) => (
                  <tr key={`${outcome.attempt}/${outcome.revision}`}>
                    <th scope="row">{outcome.model}</th>
                    <td class="figure">{outcome.attempt}</td>
                    <td>{words(outcome.status)}</td>
                    <td class="figure">{number(outcome.quality, 2)}</td>
                    <td class="figure">{usd(outcome.costUsd)}</td>
                    <td class="figure">{ms(outcome.latencyMs)}</td>
                    <td>{outcome.source}</td>
                  </tr>
                ))}
              </Table>
            ) : (
              outcomes.data && <Nothing>Nothing was reported of it yet.</Nothing>
            )}
          </Card>
        </div>
        {mayCompute ? (
          <WhatIf path={path} decision={decision} />
        ) : (
          <Card title="What if" wide>
            <LeftOut operation={recompute} what="Deciding it again" />
          </Card>
        )}
      </div>
    </>
  );
}

/** Every thread's distribution beside the one that was drawn from. */
function ThreadDistributions({ decision }: { readonly decision: Json }) {
  const rows: { name: string; probabilities: number[] }[] = [
    ...decision.threads
      .filter(({ probabilities }: Json) => probabilities.length > 0)
      .map(({ strategy, probabilities }: Json) => ({ name: words(strategy), probabilities })),
    { name: 'drawn from', probabilities: decision.candidates.map(({ propensity }: Json) => propensity) },
  ];
  return (
    <>
      <h3>Distributions</h3>
      <ul class="distributions">
        {rows.map(({ name, probabilities }) => (
          <li key={name}>
            <span>{name}</span>
            <span
              class="stack"
              role="img"
              aria-label={probabilities
                .map((share, i) => `${decision.candidates[i]?.model} ${percent(share)}`)
                .join(', ')}
            >
              {probabilities.map((share, i) => (
                <span
                  key={decision.candidates[i]?.model ?? i}
                  style={{ width: `${share * 100}%`, background: colourOf(i) }}
                  title={`${decision.candidates[i]?.model}: ${percent(share, 1)}`}
                />
              ))}
            </span>
          </li>
        ))}
      </ul>
      <ul class="legend">
        {decision.candidates.map(({ model }: Json, i: number) => (
          <li key={model}>
            <span class="dot" style={{ background: colourOf(i) }} />
            {model}
          </li>
        ))}
      </ul>
    </>
  );
}

const stageNames = [
  ['queued', 'waited for intake'],
  ['intake', 'opened'],
  ['strategies', 'judged'],
  ['collapse', 'collapsed'],
] as const;

function Stages({ stagesMs }: { readonly stagesMs: Json }) {
  const total = Math.max(stagesMs.total, 0.001);
  return (
    <Table label="Time per stage" head={['Stage', 'Share', 'Time']}>
      {stageNames.map(([stage, name], i) => (
        <tr key={stage}>
          <th scope="row">{name}</th>
          <td>
            <Bar share={stagesMs[stage] / total} colour={colourOf(i)} />
          </td>
          <td class="figure">{ms(stagesMs[stage])}</td>
        </tr>
      ))}
      <tr>
        <th scope="row">together</th>
        <td />
        <td class="figure">{ms(stagesMs.total)}</td>
      </tr>
    </Table>
  );
}

/** Those that were typed. */
function numbersIn(fields: Readonly<Record<string, string>>): Record<string, number> {
  const typed = Object.entries(fields).filter(([, value]) => value !== '');
  return Object.fromEntries(typed.map(([name, value]) => [name, Number(value)]));
}

/** The same request with something else wanted, decided again by the engine's own functions. */
function WhatIf({ path, decision }: { readonly path: string; readonly decision: Json }) {
  const [weights, setWeights] = useState({ quality: '', cost: '', latency: '' });
  const [maxCostUsd, setMaxCostUsd] = useState('');
  const [maxLatencyMs, setMaxLatencyMs] = useState('');
  const [model, setModel] = useState<string>(decision.model);
  const [factor, setFactor] = useState('1');
  const [answer, setAnswer] = useState<Json>(null);
  const [error, setError] = useState<string | null>(null);
  const compute = async (event: Event): Promise<void> => {
    event.preventDefault();
    // What is left out stays as it was.
    const limits = numbersIn({ maxCostUsd, maxLatencyMs });
    const preference = numbersIn(weights);
    try {
      const priceFactors = Number(factor) === 1 ? {} : { [model]: Number(factor) };
      setAnswer(await ask(`${path}/recompute`, { method: 'POST', body: { preference, limits, priceFactors } }));
      setError(null);
    } catch (failed) {
      setAnswer(null);
      setError((failed as Error).message);
    }
  };
  const before = new Map<string, number>(decision.candidates.map((one: Json) => [one.model, one.propensity]));
  return (
    <Card
      title="What if"
      note="The same request, seed and weights, decided again with something else wanted. Nothing is changed."
      wide
    >
      <form class="filters" onSubmit={compute}>
        {(['quality', 'cost', 'latency'] as const).map((part) => (
          <NumberField
            key={part}
            label={`Weight of ${part}`}
            hint="as it was"
            value={weights[part]}
            onValue={(value) => setWeights({ ...weights, [part]: value })}
          />
        ))}
        <NumberField label="Most cost, USD" hint="as it was" value={maxCostUsd} onValue={setMaxCostUsd} />
        <NumberField label="Most latency, ms" hint="as it was" value={maxLatencyMs} onValue={setMaxLatencyMs} />
        <label>
          Price of
          <select value={model} onChange={(event) => setModel(event.currentTarget.value)}>
            {decision.candidates.map((one: Json) => (
              <option key={one.model}>{one.model}</option>
            ))}
          </select>
        </label>
        <label>
          times
          <input
            type="number"
            min="0.000001"
            step="any"
            required
            value={factor}
            onInput={(event) => setFactor(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Decide again</button>
      </form>
      <Trouble error={error} />
      {answer && (
        <>
          <p role="status">
            The same draw would have chosen <strong>{answer.model}</strong>
            {answer.model === decision.model ? ', as it did.' : `, not ${decision.model}.`}
            {!answer.usesLearned &&
              decision.versions.policySha256 !== null &&
              ' The weights of then are gone, so the learned strategy has no say in this.'}
          </p>
          <Table
            label="What if"
            head={['Model', 'Probability then', 'Probability now', 'Utility', 'Cost', 'Shut out by']}
          >
            {answer.candidates.map((candidate: Json) => (
              <tr key={candidate.model} class={candidate.model === answer.model ? 'chosen' : ''}>
                <th scope="row">{candidate.model}</th>
                <td class="figure">{percent(before.get(candidate.model), 1)}</td>
                <td class="figure">
                  <Bar share={candidate.propensity} />
                  {percent(candidate.propensity, 1)}
                </td>
                <td class="figure">{number(candidate.utility, 3)}</td>
                <td class="figure">{usd(candidate.expectedCostUsd)}</td>
                <td class={candidate.ineligibleReason ? 'sentence' : ''}>{candidate.ineligibleReason ?? ''}</td>
              </tr>
            ))}
          </Table>
        </>
      )}
    </Card>
  );
}
