/** What is learned, which weights are in force and why, and what other policies would have done. */
import { useMemo, useState } from 'preact/hooks';
import { LeftOut, useMay } from '../access';
import { ask, type Json } from '../api';
import { Chart } from '../chart';
import { dateTime, duration, none, number, percent, short, usd, words, wordsOfName } from '../format';
import { usePolled } from '../hooks';
import { Bar, Card, Interval, Nothing, Table, Trouble } from '../parts';

const refreshMs = 10_000;
const judgeMs = 60_000;
const shownVersions = 20;
/** Versions that the curve of the errors is drawn of. */
const curveVersions = 300;

export function LearningPage() {
  const ready = usePolled('ready', refreshMs);
  const weights = usePolled('v1/weights', refreshMs);
  const curve = usePolled('v1/analytics?step=1m&metrics=judged,quality,utility', refreshMs);
  const judged = usePolled('v1/analytics/counterfactuals?previous=true', judgeMs);
  const study = usePolled('v1/learning/policy', judgeMs);
  const learning = ready.data?.learning;
  const rows: Json[] = curve.data?.rows ?? [];
  const shown = useMemo(
    () => ({
      times: rows.map(({ startMs }) => startMs / 1_000),
      series: ['quality', 'utility'].map((name) => ({ name, values: rows.map(({ values }) => values[name]) })),
    }),
    [curve.data],
  );
  const newest: Json = weights.data?.versions[0];
  const errors = useMemo(() => errorsOf(weights.data?.versions ?? []), [weights.data]);
  return (
    <>
      <Trouble error={weights.error ?? ready.error} />
      <div class="grid">
        <Card title="Worth of answers" wide>
          <Chart
            label="Mean per minute of judged answers"
            times={shown.times}
            series={shown.series}
            format={twoDigits}
            isAwaited={curve.data === null}
          />
        </Card>
        <Card title="Error of prediction" wide>
          <Chart
            label="Mean square error of predicted quality on new judgements, by version: of the newest judgements, and of many"
            times={errors.times}
            series={errors.series}
            format={threeDigits}
            isAwaited={weights.data === null}
          />
        </Card>
        <div class="column">
          <Card title="State">
            <dl class="facts">
              <dt>Rewards learned</dt>
              <dd>{number(learning?.rewards)}</dd>
              <dt>Decisions since the last feedback</dt>
              <dd>{number(learning?.decisionsSinceFeedback)}</dd>
              <dt>Behind the log</dt>
              <dd>
                {weights.data?.learning
                  ? `${weights.data.learning.lagMs > 0 ? duration(weights.data.learning.lagMs) : 'not at all'}, ${dateTime(weights.data.learning.atMs)}`
                  : 'not known: no process has said so within a minute'}
                {weights.data?.learning?.weightsHeld && <span class="badge warn">newer weights are held back</span>}
              </dd>
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
          <Trust version={newest} />
        </div>
        <Drift version={newest} />
        <PartsCard study={study.data} error={study.error} />
        <ClustersCard study={study.data} />
        <Card
          title="Other policies"
          note="What each would have scored and cost on the traffic of the last day, off-policy, with intervals of 95 %. The previous policy is what a rollback goes back to."
          wide
        >
          <Trouble error={judged.error} />
          {judged.data?.policies.length ? (
            <Table label="Other policies" head={['Policy', 'Quality', 'Utility', 'Cost a request']}>
              {judged.data.policies.map(({ policy, refused, quality, utility, costUsd }: Json) => (
                <tr key={policy}>
                  <th scope="row">{policy}</th>
                  {refused !== null ? (
                    <td colSpan={3} class="note sentence">
                      cannot be told: {refused}
                    </td>
                  ) : (
                    <>
                      <td class="figure">
                        <Interval of={quality} format={threeDigits} />
                      </td>
                      <td class="figure">
                        <Interval of={utility} format={threeDigits} />
                      </td>
                      <td class="figure">
                        <Interval of={costUsd} format={usd} />
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
        <Card title="Lineage" note={lineageNote(weights.data?.versions.length ?? 0)} wide>
          {weights.data?.versions.length ? (
            <Table
              label="Versions of the weights"
              head={['Policy', 'From', 'Lineage', 'State', 'Since', 'Rewards', 'Why', 'Evidence']}
            >
              {weights.data.versions.slice(0, shownVersions).map((version: Json) => {
                const { policySha256 } = version.weights;
                return (
                  <tr key={policySha256} class={policySha256 === weights.data.inForce ? 'chosen' : ''}>
                    <th scope="row">
                      <code>{short(policySha256)}</code>
                    </th>
                    <td>
                      <code>{short(version.weights.parentSha256)}</code>
                    </td>
                    <td>
                      <code>{short(version.weights.lineage)}</code>
                    </td>
                    <td>{words(version.state)}</td>
                    <td class="figure">{dateTime(version.changedAtMs)}</td>
                    <td class="figure">{number(version.tuning?.learnedRewards)}</td>
                    <td class="sentence">{version.why || words(version.weights.reason)}</td>
                    <td class="sentence">{evidenceOf(version)}</td>
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

function lineageNote(versions: number): string {
  return versions > shownVersions ? `The newest ${shownVersions} of ${number(versions)} versions.` : 'All versions.';
}

const twoDigits = (value: number): string => number(value, 2);
const threeDigits = (value: number): string => number(value, 3);

/** What the gate or the guard found, and what leaving judgements out has changed. */
function evidenceOf({ evidence, forgot }: Json): string {
  const figures = Object.entries<number>(evidence).map(
    ([name, value]) => `${wordsOfName(name)} ${number(value, Number.isInteger(value) ? 0 : 3)}`,
  );
  if (forgot) figures.push(`${number(forgot.judgements)} judgements left out`);
  return figures.join(', ') || none;
}

/** The curve of learning, oldest version first. */
function errorsOf(versions: readonly Json[]) {
  const made = versions
    .slice(0, curveVersions)
    // Before anything was judged there is no error, not one of 0.
    .filter(({ weights }) => weights.metrics.errorSlow > 0)
    .reverse();
  return {
    times: made.map(({ weights }) => weights.publishedAtMs / 1_000),
    series: [
      { name: 'newest judgements', values: made.map(({ weights }) => weights.metrics.errorFast as number) },
      { name: 'many judgements', values: made.map(({ weights }) => weights.metrics.errorSlow as number) },
    ],
  };
}

/** Whom the collapse believes, from experience. */
function Trust({ version }: { readonly version: Json }) {
  const tuning = version?.tuning;
  const weights = Object.entries<number>(tuning?.strategyWeights ?? {}).sort(([, a], [, b]) => b - a);
  return (
    <Card title="Trust in strategies" note="How much each has to say in a combined decision, all tasks together.">
      {weights.length === 0 ? (
        <Nothing>It comes with the first weights.</Nothing>
      ) : (
        <Table label="Trust in strategies" head={['Strategy', 'Share']}>
          {weights.map(([name, share]) => (
            <tr key={name}>
              <th scope="row">{words(name)}</th>
              <td class="figure">
                <Bar share={share} />
                {percent(share, 1)}
              </td>
            </tr>
          ))}
        </Table>
      )}
      {tuning && (
        <p class="note">
          Inside the learned strategy the network has {percent(tuning.neuralWeight)} to say, the linear part the rest.
        </p>
      )}
    </Card>
  );
}

/** Which alarms last, and how far each model has moved away from what was learned of it. */
function Drift({ version }: { readonly version: Json }) {
  const alarms = Object.entries<number>(version?.weights.metrics ?? {}).filter(([name]) => name.startsWith('alarm.'));
  const offsets = Object.entries<number>(version?.tuning?.driftOffsets ?? {}).sort(
    ([, a], [, b]) => Math.abs(b) - Math.abs(a),
  );
  return (
    <Card
      title="Drift"
      note="Alarms of the newest version, and by how much each model is better or worse than was learned."
    >
      {alarms.length === 0 ? (
        <Nothing>Nothing is known before the first weights.</Nothing>
      ) : (
        <p>
          {alarms.map(([name, value]) => (
            <span key={name} class={value > 0 ? 'badge bad' : 'badge good'}>
              {name.slice('alarm.'.length).replaceAll('-', ' ')}: {value > 0 ? 'rings' : 'fine'}
            </span>
          ))}
        </p>
      )}
      {offsets.length > 0 && (
        <Table label="Drift" head={['Model', 'Quality moved by']}>
          {offsets.map(([model, offset]) => (
            <tr key={model}>
              <th scope="row">{model}</th>
              <td class="figure">
                {offset < 0 ? '−' : '+'}
                {number(Math.abs(offset), 3)}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}

const partWords: Readonly<Record<string, string>> = {
  wording: 'what the text says',
  shape: 'what the text looks like',
  vector: "the caller's vector",
  task: 'type of task',
  availability: 'which models can be called',
  history: 'recent errors, latency and cost',
  limits: 'limits of the request',
  preference: 'preference of the request',
  session: 'its session',
};

function whyNothing(study: Json): string {
  if (!study) return 'Working it out …';
  if (study.policySha256 === null) return 'It comes with the first weights.';
  return study.requests === 0
    ? 'No request in the last day.'
    : `In none of the newest ${number(study.requests)} requests have learned weights a say.`;
}

/** Which parts of what it sees the live policy needs for its choices. */
function PartsCard({ study, error }: { readonly study: Json; readonly error: string | null }) {
  return (
    <Card
      title="What the policy goes by"
      note="The newest requests are decided again by the policy in force, each part of what it sees taken for the average in turn; the draw stays the same. Utility lost is by its own reckoning. Two parts that say the same stand in for one another."
      wide
    >
      <Trouble error={error} />
      {!study?.judged ? (
        error === null && <Nothing>{whyNothing(study)}</Nothing>
      ) : (
        <>
          <Table
            label="What the policy goes by"
            head={['Without', 'Another model', 'Probability moved', 'Utility lost a request']}
          >
            {study.parts.map(({ part, changed, moved, utilityLost }: Json) => (
              <tr key={part}>
                <th scope="row">{partWords[part] ?? part}</th>
                <td class="figure">
                  <Bar share={changed} />
                  {percent(changed, 1)}
                </td>
                <td class="figure">{percent(moved, 1)}</td>
                <td class="figure">{signed(utilityLost)}</td>
              </tr>
            ))}
          </Table>
          <p class="note">
            Of {number(study.judged)} requests, {dateTime(study.atMs)}, with the weights{' '}
            <code>{short(study.policySha256)}</code>.
          </p>
        </>
      )}
    </Card>
  );
}

/** Kinds of requests as the policy tells them apart: by figures and the shape of texts, never by what they say. */
function ClustersCard({ study }: { readonly study: Json }) {
  return (
    <Card
      title="Kinds of requests"
      note="Clusters of the policy in force, most frequent first. Nothing is shown of what texts say."
      wide
    >
      {!study?.clusters.length ? (
        <Nothing>{whyNothing(study)}</Nothing>
      ) : (
        <Table
          label="Kinds of requests"
          head={['Kind', 'Share', 'Tasks', 'Texts', 'Tokens', 'Complexity', 'Would get']}
        >
          {study.clusters.map(
            ({ cluster, requests, tasks, models, promptTokens, complexity, shape }: Json, _: number, all: Json[]) => (
              <tr key={cluster}>
                <th scope="row">{cluster + 1}</th>
                <td class="figure">
                  {percent(requests / all.reduce((sum: number, one: Json) => sum + one.requests, 0))}
                </td>
                <td class="sentence">{sharesInWords(tasks)}</td>
                <td class="sentence">{shape.join(', ') || (requests < 5 ? 'too few to say' : 'like most')}</td>
                <td class="figure">{number(promptTokens)}</td>
                <td class="figure">{number(complexity, 2)}</td>
                <td class="sentence">{sharesInWords(models)}</td>
              </tr>
            ),
          )}
        </Table>
      )}
    </Card>
  );
}

function sharesInWords(shares: readonly Json[]): string {
  // What would be 0 % is not worth a word.
  const told = shares.filter(({ share }) => share >= 0.005);
  return told.map(({ name, share }: Json) => `${name} ${percent(share).replace(' ', '\u00a0')}`).join(', ');
}

function signed(value: number): string {
  const text = number(Math.abs(value), 4);
  return value < 0 && Number(text) > 0 ? `−${text}` : text;
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
  const orders = [
    { name: 'promote', label: 'Promote the candidate', style: '', isAllowed: useMay('POST /v1/weights/promote') },
    { name: 'rollback', label: 'Roll back', style: 'quiet', isAllowed: useMay('POST /v1/weights/rollback') },
  ] as const;
  return (
    <>
      <p class="buttons">
        {orders.map(
          ({ name, label, style, isAllowed }) =>
            isAllowed && (
              <button key={name} type="button" class={style} onClick={command(name)}>
                {label}
              </button>
            ),
        )}
      </p>
      <LeftOut operation="POST /v1/weights/promote" what="Promoting the candidate" />
      <LeftOut operation="POST /v1/weights/rollback" what="Rolling back" />
      <Trouble error={error} />
      {answer && <p role="status">{answer}</p>}
    </>
  );
}
