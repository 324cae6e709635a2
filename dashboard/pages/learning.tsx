/** What is learned, which weights are in force and why, and what other policies would have done. */
import { useMemo, useState } from 'preact/hooks';
import { ask, type Json } from '../api';
import { Chart } from '../chart';
import { dateTime, none, number, short, usd, words } from '../format';
import { usePolled } from '../hooks';
import { Card, Nothing, Table, Trouble } from '../parts';

const refreshMs = 10_000;
const judgeMs = 60_000;
const shownVersions = 50;

export function LearningPage() {
  const ready = usePolled('ready', refreshMs);
  const weights = usePolled('v1/weights', refreshMs);
  const curve = usePolled('v1/analytics?step=1m&metrics=judged,quality,utility', refreshMs);
  const judged = usePolled('v1/analytics/counterfactuals', judgeMs);
  const learning = ready.data?.learning;
  const rows: Json[] = curve.data?.rows ?? [];
  const shown = useMemo(
    () => ({
      times: rows.map(({ startMs }) => startMs / 1_000),
      series: ['quality', 'utility'].map((name) => ({ name, values: rows.map(({ values }) => values[name]) })),
    }),
    [curve.data],
  );
  return (
    <>
      <Trouble error={weights.error ?? ready.error} />
      <div class="grid">
        <Card title="Worth of answers" wide>
          <Chart
            label="Mean per minute of judged answers"
            times={shown.times}
            series={shown.series}
            format={(value) => number(value, 2)}
          />
        </Card>
        <Card title="State">
          <dl class="facts">
            <dt>Rewards learned</dt>
            <dd>{number(learning?.rewards)}</dd>
            <dt>Decisions since the last feedback</dt>
            <dd>{number(learning?.decisionsSinceFeedback)}</dd>
            <dt>Weights in force</dt>
            <dd>
              <code>{short(weights.data?.inForce)}</code>
            </dd>
            {learning?.note && (
              <>
                <dt>Note</dt>
                <dd>{learning.note}</dd>
              </>
            )}
          </dl>
          <Commands again={weights.again} />
        </Card>
        <Card
          title="Other policies"
          note="What each would have scored and cost on the traffic of the last day, off-policy, with intervals of 95 %."
        >
          <Trouble error={judged.error} />
          {judged.data?.policies.length ? (
            <Table label="Other policies" head={['Policy', 'Quality', 'Cost a request']}>
              {judged.data.policies.map(({ policy, refused, quality, costUsd }: Json) => (
                <tr key={policy}>
                  <th scope="row">{policy}</th>
                  {refused !== null ? (
                    <td colSpan={2} class="note">
                      cannot be told: {refused}
                    </td>
                  ) : (
                    <>
                      <td class="figure">
                        {number(quality.value, 3)}{' '}
                        <small>
                          {number(quality.low, 3)} … {number(quality.high, 3)}
                        </small>
                      </td>
                      <td class="figure">
                        {usd(costUsd.value)}{' '}
                        <small>
                          {usd(costUsd.low)} … {usd(costUsd.high)}
                        </small>
                      </td>
                    </>
                  )}
                </tr>
              ))}
            </Table>
          ) : (
            <Nothing>{judged.data ? 'No judged decisions yet.' : 'Working it out …'}</Nothing>
          )}
        </Card>
        <Card title="Lineage" wide>
          {weights.data?.versions.length ? (
            <Table label="Versions of the weights" head={['Policy', 'State', 'Since', 'Rewards', 'Why']}>
              {weights.data.versions.slice(0, shownVersions).map((version: Json) => {
                const { policySha256 } = version.weights;
                return (
                  <tr key={policySha256} class={policySha256 === weights.data.inForce ? 'chosen' : ''}>
                    <th scope="row">
                      <code>{short(policySha256)}</code>
                    </th>
                    <td>{words(version.state)}</td>
                    <td>{dateTime(version.changedAtMs)}</td>
                    <td class="figure">{number(version.tuning?.learnedRewards)}</td>
                    <td>{version.why || none}</td>
                  </tr>
                );
              })}
            </Table>
          ) : (
            <Nothing>No weights have been published yet: they come with the first rewards.</Nothing>
          )}
        </Card>
      </div>
    </>
  );
}

/** Two orders that the trainer may refuse, with its reason. */
function Commands({ again }: { readonly again: () => void }) {
  const [answer, setAnswer] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  const command = (name: 'promote' | 'rollback') => async (): Promise<void> => {
    if (!confirm(name === 'promote' ? 'Put the newest candidate in force?' : 'Go back to the weights before these?'))
      return;
    try {
      const said = await ask(`v1/weights/${name}`, { method: 'POST', body: { requestedBy: 'dashboard' } });
      setAnswer(said.why);
      setError(null);
      again();
    } catch (failed) {
      setAnswer(null);
      setError((failed as Error).message);
    }
  };
  return (
    <>
      <p class="buttons">
        <button type="button" onClick={command('promote')}>
          Promote the candidate
        </button>
        <button type="button" class="quiet" onClick={command('rollback')}>
          Roll back
        </button>
      </p>
      <Trouble error={error} />
      {answer && <p role="status">{answer}</p>}
    </>
  );
}
