/** Settings that are compared on live traffic, and who judges it without influence. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { LeftOut, useMay } from '../access';
import { ask, type Json } from '../api';
import { dateTime, ms, none, number, percent, usd, words } from '../format';
import { usePolled } from '../hooks';
import { Card, Interval, Nothing, Table, Trouble } from '../parts';

const orderExperiments = 'POST /v1/experiments';
const orderShadows = 'POST /v1/shadows';
const refreshMs = 5_000;
const judgeMs = 60_000;
/** Below it, units of one arm are lost on their way. */
const badRatio = 0.001;

const metricFormats: Readonly<Record<string, (value: number) => string>> = {
  quality: (value) => number(value, 3),
  costUsd: usd,
  latencyMs: (value) => (value < 0 ? `−${ms(-value)}` : ms(value)),
  failure: (value) => percent(value, 2),
};
const metricNames: Readonly<Record<string, string>> = {
  quality: 'Quality',
  costUsd: 'Cost a call',
  latencyMs: 'Latency',
  failure: 'Failures',
};

export function ExperimentsPage() {
  const { data, error, again } = usePolled('v1/experiments', refreshMs);
  const shadows = usePolled('v1/shadows', judgeMs);
  const mayOrderShadows = useMay(orderShadows);
  const [fault, setFault] = useState<string | null>(null);
  const send = async (path: string, question: string, body: Json): Promise<void> => {
    if (!confirm(question)) return;
    try {
      await ask(path, { method: 'POST', body });
      setFault(null);
    } catch (failed) {
      setFault((failed as Error).message);
    }
    again();
    shadows.again();
  };
  return (
    <>
      <Trouble error={fault ?? error ?? shadows.error} />
      {!data && !error && <Nothing>Asking the gateway …</Nothing>}
      {data?.experiments.length === 0 && (
        <Card title="No experiment runs" wide>
          <p>
            An experiment gives a part of the traffic other settings, and says with intervals that hold at any time what
            that is worth. <code>quantum-router experiments start</code> begins one, and so does the section{' '}
            <code>experiments</code> of the <a href="#/configuration">configuration</a>.
          </p>
        </Card>
      )}
      {data?.experiments.map((one: Json) => (
        <ExperimentCard
          key={one.experiment.name}
          one={one}
          onSend={(question, body) => send('v1/experiments', question, body)}
        />
      ))}
      <Card
        title="Shadows"
        note="They judge the same traffic and have no influence: what their choices would have been worth over the last day, off-policy, with intervals of 95 %."
        wide
      >
        {!shadows.data ? (
          shadows.error === null && <Nothing>Working it out …</Nothing>
        ) : shadows.data.shadows.length === 0 ? (
          <Nothing>
            There is none. <code>quantum-router shadows start</code> begins one.
          </Nothing>
        ) : (
          <Table
            label="Shadows"
            head={[
              ...['Who', 'What', 'Quality', 'Cost a request', 'Router gains', 'Router saves'],
              ...(mayOrderShadows ? ['Orders'] : []),
            ]}
          >
            <WorthRow name="router" what="what was decided" worth={shadows.data.router} />
            {shadows.data.shadows.map(({ shadow, worth }: Json) => (
              <WorthRow key={shadow.name} name={shadow.name} what={whatOf(shadow)} worth={worth}>
                {mayOrderShadows && (
                  <button
                    type="button"
                    class="quiet"
                    onClick={() =>
                      send('v1/shadows', `Stop the shadow ${shadow.name}?`, { action: 'stop', name: shadow.name })
                    }
                  >
                    Stop<span class="unseen"> {shadow.name}</span>
                  </button>
                )}
              </WorthRow>
            ))}
          </Table>
        )}
        {shadows.data?.shadows.length > 0 && <LeftOut operation={orderShadows} what="Stopping a shadow" />}
      </Card>
    </>
  );
}

function whatOf({ strategy, policy, config, group }: Json): string {
  if (strategy) return words(strategy);
  if (policy) return `weights ${policy.policySha256.slice(0, 10)}`;
  return config ? 'a configuration' : `the program ${group}`;
}

function WorthRow(props: {
  readonly name: string;
  readonly what: string;
  readonly worth: Json;
  readonly children?: ComponentChildren;
}) {
  const { name, what, worth, children } = props;
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{what}</td>
      {!worth || worth.refused !== null ? (
        <td colSpan={4} class="note sentence">
          {worth ? `cannot be told: ${worth.refused}` : 'nothing is judged yet'}
        </td>
      ) : (
        <>
          <td class="figure">
            <Interval of={worth.quality} format={metricFormats['quality']!} />
          </td>
          <td class="figure">
            <Interval of={worth.costUsd} format={usd} />
          </td>
          <td class="figure">
            <Interval of={worth.qualityGained} format={metricFormats['quality']!} />
          </td>
          <td class="figure">
            <Interval of={worth.savedUsd} format={usd} />
          </td>
        </>
      )}
      {children && <td>{children}</td>}
    </tr>
  );
}

function ExperimentCard(props: {
  readonly one: Json;
  readonly onSend: (question: string, body: Json) => Promise<void>;
}) {
  const { one, onSend } = props;
  const { experiment, arms, differences } = one;
  const { name } = experiment;
  const mayOrder = useMay(orderExperiments);
  const settings = new Map<string, Json>(experiment.arms.map((arm: Json) => [arm.name, arm.set]));
  const isKnown = differences.some(({ difference }: Json) => difference !== null);
  return (
    <Card
      title={name}
      note={`Each ${experiment.unit} stays in one arm; ${percent(one.rollout)} take part${one.updatedAtMs === null ? '' : `; as of ${dateTime(one.updatedAtMs)}`}.`}
      wide
    >
      {one.stopped !== null && (
        <p class="trouble">A guardrail has stopped it, and everybody is back at the configuration: {one.stopped}</p>
      )}
      {one.ratioPValue < badRatio && (
        <p class="trouble">
          Units of one arm are lost on their way (p = {one.ratioPValue.toExponential(1)}): no other figure can be
          believed.
        </p>
      )}
      <Table
        label={`Arms of ${name}`}
        head={[
          ...['Arm', 'Sets', 'Units', 'Quality', 'Cost a call', 'Latency', 'Failures'],
          ...(mayOrder ? ['Orders'] : []),
        ]}
      >
        {arms.map((arm: Json) => (
          <tr key={arm.name}>
            <th scope="row">{arm.name}</th>
            <td class="sentence">
              <code>{describeSettings(settings.get(arm.name))}</code>
            </td>
            <td class="figure">{number(arm.units)}</td>
            <td class="figure">{number(arm.quality, 3)}</td>
            <td class="figure">{usd(arm.costUsd)}</td>
            <td class="figure">{ms(arm.latencyMs)}</td>
            <td class="figure">{percent(arm.failure, 2)}</td>
            {mayOrder && (
              <td>
                <button
                  type="button"
                  class="quiet"
                  onClick={() =>
                    onSend(`Give everybody the settings of ${arm.name}, and end ${name}?`, {
                      action: 'promote',
                      name,
                      arm: arm.name,
                    })
                  }
                >
                  Promote<span class="unseen"> {arm.name}</span>
                </button>
              </td>
            )}
          </tr>
        ))}
      </Table>
      <h3>Against {arms[0]?.name}</h3>
      {isKnown ? (
        <Table label={`Differences of ${name}`} head={['Arm', 'Metric', 'Difference', 'Units', 'p-value']}>
          {differences.map(({ arm, metric, units, difference, lower, upper, pValue }: Json) => (
            <tr key={`${arm}/${metric}`}>
              <th scope="row">{arm}</th>
              <td>{metricNames[metric] ?? metric}</td>
              <td class="figure">
                {difference === null ? (
                  none
                ) : (
                  <Interval
                    of={{ value: difference, low: lower, high: upper }}
                    format={metricFormats[metric] ?? ((value) => number(value, 3))}
                  />
                )}
              </td>
              <td class="figure">{number(units)}</td>
              <td class="figure">{number(pValue, 3)}</td>
            </tr>
          ))}
        </Table>
      ) : (
        <Nothing>Too few units were reported to say anything yet.</Nothing>
      )}
      <p class="note">
        Intervals of {percent(1 - experiment.alpha)} and p-values hold at any time, however often they are looked at.
      </p>
      {mayOrder && (
        <p class="buttons">
          <button
            type="button"
            class="quiet"
            onClick={() => onSend(`Stop ${name}? Everybody goes back to the configuration.`, { action: 'stop', name })}
          >
            Stop<span class="unseen"> {name}</span>
          </button>
        </p>
      )}
      <LeftOut operation={orderExperiments} what="Promoting an arm or stopping it" />
    </Card>
  );
}

function describeSettings(set: Json): string {
  const entries = Object.entries<Json>(set ?? {});
  if (entries.length === 0) return 'nothing';
  return entries.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(', ');
}
