/** What rings, what has stopped, and what is silenced, with the rules behind it. */
import { useState } from 'preact/hooks';
import { LeftOut, useMay } from '../access';
import { ask, type Json } from '../api';
import { bytes, dateTime, duration, number, wordsOfName } from '../format';
import { usePolled } from '../hooks';
import { Card, Dialog, Nothing, OrderButtons, Table, Trouble, WhyField } from '../parts';

const silence = 'POST /v1/alerts/silences';
const refreshMs = 5_000;
const hourMs = 3_600_000;
const durations = [1, 4, 24, 24 * 7];

export function AlertsPage() {
  const { data, error, again } = usePolled('v1/alerts', refreshMs);
  const maySilence = useMay(silence);
  const [fault, setFault] = useState<string | null>(null);
  const [silencing, setSilencing] = useState<Json>(null);
  const open = (alert: Json): void => {
    setFault(null);
    setSilencing(alert);
  };
  const send = async (body: Json): Promise<boolean> => {
    try {
      await ask('v1/alerts/silences', { method: 'POST', body });
      setFault(null);
      again();
      return true;
    } catch (failed) {
      setFault((failed as Error).message);
      return false;
    }
  };
  if (!data) return <Trouble error={error} />;
  return (
    <>
      <Trouble error={error ?? (silencing ? null : fault)} />
      <Card title="Ringing" wide>
        {data.ringing.length === 0 ? (
          <Nothing>Nothing rings.</Nothing>
        ) : (
          <Table label="Ringing" head={['Severity', 'Rule', 'Of', 'What', 'Since', 'Silence']}>
            {data.ringing.map((alert: Json) => (
              <tr key={alert.alertId}>
                <td>
                  <span class={alert.severity === 'critical' ? 'badge bad' : 'badge warn'}>{alert.severity}</span>
                </td>
                <th scope="row">{alert.rule}</th>
                <td>{alert.subject}</td>
                <td class="sentence">{alert.summary}</td>
                <td>{dateTime(alert.raisedAtMs)}</td>
                <td>
                  {alert.silencedUntilMs !== null
                    ? `until ${dateTime(alert.silencedUntilMs)}`
                    : maySilence && (
                        <button type="button" class="quiet" onClick={() => open(alert)}>
                          Silence<span class="unseen"> {`${alert.rule} ${alert.subject}`}</span>
                        </button>
                      )}
                </td>
              </tr>
            ))}
          </Table>
        )}
        <LeftOut operation={silence} what="Silencing" />
      </Card>
      {silencing && (
        <SilenceForm
          key={silencing.alertId}
          alert={silencing}
          fault={fault}
          onSend={async (body) => {
            if (await send(body)) setSilencing(null);
          }}
          onClose={() => {
            setSilencing(null);
            setFault(null);
          }}
        />
      )}
      {data.silences.length > 0 && (
        <Card title="Silences" note="Silenced alerts ring on here, and nobody is told." wide>
          <Table label="Silences" head={['Rule', 'Of', 'Author', 'Reason', 'Until', ...(maySilence ? ['End'] : [])]}>
            {data.silences.map(({ silenceId, rule, subject, author, reason, untilMs }: Json) => (
              <tr key={silenceId}>
                <th scope="row">{rule || 'all'}</th>
                <td>{subject || 'all'}</td>
                <td>{author}</td>
                <td class="sentence">{reason}</td>
                <td>{dateTime(untilMs)}</td>
                {maySilence && (
                  <td>
                    <button type="button" class="quiet" onClick={() => send({ action: 'end', silenceId })}>
                      End<span class="unseen"> the silence of {rule || 'all'}</span>
                    </button>
                  </td>
                )}
              </tr>
            ))}
          </Table>
        </Card>
      )}
      <Card title="Has stopped" wide>
        {data.resolved.length === 0 ? (
          <Nothing>Nothing has rung yet.</Nothing>
        ) : (
          <Table label="Has stopped" head={['Rule', 'Of', 'What', 'Since', 'Until']}>
            {data.resolved.map((alert: Json) => (
              <tr key={alert.alertId}>
                <th scope="row">{alert.rule}</th>
                <td>{alert.subject}</td>
                <td class="sentence">{alert.summary}</td>
                <td>{dateTime(alert.raisedAtMs)}</td>
                <td>{dateTime(alert.resolvedAtMs)}</td>
              </tr>
            ))}
          </Table>
        )}
      </Card>
      <Card title="Rules" note="As configured; the configuration changes them, under alerts.rules." wide>
        <Table label="Rules" head={['Rule', 'Severity', 'Wrong for', 'Limits']}>
          {Object.entries<Json>(data.rules).map(([rule, { enabled, severity, forMs, ...rest }]) => (
            <tr key={rule}>
              <th scope="row">{rule}</th>
              <td>{enabled ? severity : 'off'}</td>
              <td class="figure">{forMs === 0 ? 'at once' : duration(forMs)}</td>
              <td class="sentence">
                {Object.entries(rest)
                  .map(([name, value]) => settingOf(name, value))
                  .join(', ')}
              </td>
            </tr>
          ))}
        </Table>
      </Card>
    </>
  );
}

function SilenceForm(props: {
  readonly alert: Json;
  /** Why it was not silenced when it was sent last. */
  readonly fault: string | null;
  readonly onSend: (body: Json) => Promise<void>;
  readonly onClose: () => void;
}) {
  const { alert, fault, onSend, onClose } = props;
  const [isSending, setSending] = useState(false);
  const [reason, setReason] = useState('');
  const [hours, setHours] = useState(durations[0]!);
  return (
    <Dialog title={`Silence ${alert.rule} ${alert.subject}`.trim()} onClose={onClose}>
      {(close) => (
        <form
          onSubmit={async (event) => {
            event.preventDefault();
            if (isSending) return;
            setSending(true);
            const { rule, subject } = alert;
            const of = { rule, subject: subject === '' ? null : subject };
            await onSend({ action: 'start', ...of, durationMs: hours * hourMs, reason });
            setSending(false);
          }}
        >
          <Trouble error={fault} />
          <WhyField value={reason} onValue={setReason} required />
          <label>
            How long
            <select value={hours} onChange={(event) => setHours(Number(event.currentTarget.value))}>
              {durations.map((of) => (
                <option key={of} value={of}>
                  {of < 24 ? `${of} h` : `${of / 24} d`}
                </option>
              ))}
            </select>
          </label>
          <OrderButtons order="Silence it" onLeave={close} isSending={isSending} />
        </form>
      )}
    </Dialog>
  );
}

/** A setting of a rule with its unit, which the end of its name says. */
function settingOf(name: string, value: Json): string {
  if (typeof value !== 'number') return `${wordsOfName(name)} ${value}`;
  if (/Ms$/.test(name)) return `${wordsOfName(name.slice(0, -2))} ${duration(value)}`;
  if (/Bytes/.test(name)) return `${wordsOfName(name.replace('Bytes', ''))} ${bytes(value)}`;
  if (/Burn$/.test(name)) return `${wordsOfName(name)} ${value} ×`;
  return `${wordsOfName(name)} ${number(value, Number.isInteger(value) ? 0 : 2)}`;
}
