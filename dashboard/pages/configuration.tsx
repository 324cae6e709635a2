/**
 * The configuration in force; another one is checked, shown as a difference, tried on the traffic of the last hour, and then put in
 * force. Below it the versions before, and the way back.
 */
import { useEffect, useState } from 'preact/hooks';
import { LeftOut, useMay } from '../access';
import { ApiError, ask, type Fault, type Json } from '../api';
import { dateTime, number, percent, usd } from '../format';
import { usePolled } from '../hooks';
import { Card, Dialog, Nothing, OrderButtons, Table, Trouble, WhyField } from '../parts';

const change = 'PUT /v1/config';
const back = 'POST /v1/config/rollback';

export function ConfigurationPage() {
  const mayChange = useMay(change);
  const { data, error, again } = usePolled('v1/config', 0);
  const [text, setText] = useState<string | null>(null);
  const [changes, setChanges] = useState<readonly string[] | null>(null);
  const [restarts, setRestarts] = useState<readonly string[]>([]);
  const [faults, setFaults] = useState<readonly Fault[]>([]);
  const [said, setSaid] = useState<string | null>(null);
  const [reason, setReason] = useState('');
  const inForce = data ? JSON.stringify(data.config, null, 2) : '';
  const shown = text ?? inForce;
  const [replay, setReplay] = useState<Json>(null);
  const [isTrying, setTrying] = useState(false);
  useEffect(() => {
    setChanges(null);
    setReplay(null);
  }, [shown]);

  const send = async (path: string, method: string, bodyOf: (config: unknown) => unknown): Promise<unknown> => {
    setFaults([]);
    setSaid(null);
    try {
      return await ask(path, { method, body: bodyOf(JSON.parse(shown)) });
    } catch (failed) {
      const details = failed instanceof ApiError ? failed.details : [];
      setFaults(details.length > 0 ? details : [{ field: '', message: (failed as Error).message }]);
      return null;
    }
  };
  const check = async (): Promise<void> => {
    const answer = (await send('v1/config/check', 'POST', (config) => config)) as {
      changes: string[];
      needsRestart: string[];
    } | null;
    setChanges(answer?.changes ?? null);
    setRestarts(answer?.needsRestart ?? []);
  };
  const tryOut = async (): Promise<void> => {
    setTrying(true);
    setReplay(await send('v1/config/replay', 'POST', (config) => ({ config })));
    setTrying(false);
  };
  const apply = async (): Promise<void> => {
    const { version } = data;
    // Who puts it in force has been shown what needs a restart.
    const path = restarts.length > 0 ? 'v1/config?acceptRestart=true' : 'v1/config';
    const answer = (await send(path, 'PUT', (config) => ({ version, config, reason }))) as { version: number } | null;
    if (!answer) return;
    setSaid(`Version ${answer.version} is in force.`);
    setText(null);
    setChanges(null);
    setReason('');
    again();
  };
  return (
    <>
      <Trouble error={error} />
      {data && (
        <Card
          title={`Version ${data.version}`}
          note={`In force since ${dateTime(data.appliedAtMs)}. Change it, check it, and put it in force; addresses and keys of providers can be changed in the file alone.`}
          wide
        >
          <label>
            Configuration, JSON
            <textarea
              spellcheck={false}
              rows={26}
              value={shown}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          </label>
          {mayChange && text !== null && <WhyField value={reason} onValue={setReason} />}
          <p class="buttons">
            <button type="button" onClick={check} disabled={text === null}>
              Check
            </button>
            <button type="button" onClick={tryOut} disabled={text === null || isTrying}>
              {isTrying ? 'Trying it …' : 'Try it on the last hour'}
            </button>
            {mayChange && (
              <button type="button" onClick={apply} disabled={changes === null || changes.length === 0}>
                Put in force
              </button>
            )}
            <button type="button" class="quiet" onClick={() => setText(null)} disabled={text === null}>
              Discard
            </button>
          </p>
          <LeftOut operation={change} what="Putting a change in force" />
          {said && <p role="status">{said}</p>}
          {changes !== null && (
            <div role="status">
              <h3>{changes.length === 0 ? 'It is valid, and changes nothing.' : 'It is valid, and changes:'}</h3>
              {restarts.map((line) => (
                <p key={line}>{line}</p>
              ))}
              <ul class="changes">
                {changes.map((line) => (
                  <li key={line}>
                    <code>{line}</code>
                  </li>
                ))}
              </ul>
            </div>
          )}
          {replay !== null && <Replayed replay={replay} />}
          {faults.length > 0 && (
            <div class="trouble" role="alert">
              <ul>
                {faults.map(({ field, message }) => (
                  <li key={`${field} ${message}`}>
                    {field !== '' && <code>{field}</code>} {message}
                  </li>
                ))}
              </ul>
            </div>
          )}
        </Card>
      )}
      {data && (
        <History
          key={data.version}
          inForce={data.version}
          onBack={(version) => {
            setSaid(`Version ${version} is in force.`);
            setText(null);
            again();
          }}
        />
      )}
    </>
  );
}

/** What the engine's own functions would have decided under it, on requests that it has decided. */
function Replayed({ replay: { requests, decided, changed, before, after } }: { readonly replay: Json }) {
  const models = [...new Set([...Object.keys(before.shares), ...Object.keys(after.shares)])];
  return (
    <div role="status">
      <h3>
        {requests === 0
          ? 'Nothing was decided in the last hour: there is nothing to try it on.'
          : `Of ${number(requests)} requests, ${number(changed)} would have got another model.`}
      </h3>
      {requests > 0 && (
        <Table label="Tried on the last hour" head={['', 'In force', 'With the change']}>
          <tr>
            <th scope="row">Refused</th>
            <td class="figure">{number(before.refused)}</td>
            <td class="figure">{number(after.refused)}</td>
          </tr>
          <tr>
            <th scope="row">Expected quality ({number(decided)} decided by both)</th>
            <td class="figure">{number(before.expectedQuality, 3)}</td>
            <td class="figure">{number(after.expectedQuality, 3)}</td>
          </tr>
          <tr>
            <th scope="row">Expected cost a request</th>
            <td class="figure">{usd(before.expectedCostUsd)}</td>
            <td class="figure">{usd(after.expectedCostUsd)}</td>
          </tr>
          {models.map((model) => (
            <tr key={model}>
              <th scope="row">Share of {model}</th>
              <td class="figure">{percent(before.shares[model] ?? 0, 1)}</td>
              <td class="figure">{percent(after.shares[model] ?? 0, 1)}</td>
            </tr>
          ))}
        </Table>
      )}
    </div>
  );
}

function History({ inForce, onBack }: { readonly inForce: number; readonly onBack: (version: number) => void }) {
  const mayGoBack = useMay(back);
  const { data, error } = usePolled('v1/config/history', 0);
  const [diff, setDiff] = useState<Json>(null);
  const [fault, setFault] = useState<string | null>(null);
  const attempt = async (what: () => Promise<void>): Promise<void> => {
    try {
      await what();
      setFault(null);
    } catch (failed) {
      setFault((failed as Error).message);
    }
  };
  const compare = (version: number) =>
    attempt(async () => setDiff(await ask(`v1/config/diff?from=${version}&to=${inForce}`)));
  const [backTo, setBackTo] = useState<number | null>(null);
  const [reason, setReason] = useState('');
  const leave = (): void => {
    setBackTo(null);
    setReason('');
  };
  const goBack = async (event: Event): Promise<void> => {
    event.preventDefault();
    const body = { version: backTo, reason };
    leave();
    await attempt(async () => onBack((await ask('v1/config/rollback', { method: 'POST', body })).inForce));
  };
  return (
    <Card title="History" note="Every version, with who put it in force and why; going back makes a new one." wide>
      <Trouble error={fault ?? error} />
      {!data && !error && <Nothing>Reading it …</Nothing>}
      {diff && (
        <div role="status">
          <h3>
            {diff.changes.length === 0
              ? `Version ${diff.from} says the same as the one in force.`
              : `From version ${diff.from} to the one in force:`}
          </h3>
          <ul class="changes">
            {diff.changes.map((line: string) => (
              <li key={line}>
                <code>{line}</code>
              </li>
            ))}
          </ul>
          {diff.omitted > 0 && <p class="note">{number(diff.omitted)} further changes.</p>}
        </div>
      )}
      {data && (
        <Table label="History" head={['Version', 'Since', 'By', 'Why', 'Compare', ...(mayGoBack ? ['Go back'] : [])]}>
          {data.versions.map(({ version, appliedAtMs, appliedBy, reason }: Json) => (
            <tr key={version} class={version === inForce ? 'chosen' : ''}>
              <th scope="row">{version}</th>
              <td class="figure">{dateTime(appliedAtMs)}</td>
              <td class="sentence">{appliedBy}</td>
              <td class="sentence">{reason || 'nothing was said'}</td>
              {version === inForce ? (
                <td colSpan={mayGoBack ? 2 : 1}>in force</td>
              ) : (
                <>
                  <td>
                    <button type="button" class="quiet" onClick={() => compare(version)}>
                      Compare<span class="unseen"> version {version} with the one in force</span>
                    </button>
                  </td>
                  {mayGoBack && (
                    <td>
                      <button type="button" class="quiet" onClick={() => setBackTo(version)}>
                        Go back<span class="unseen"> to version {version}</span>
                      </button>
                    </td>
                  )}
                </>
              )}
            </tr>
          ))}
        </Table>
      )}
      <LeftOut operation={back} what="Going back" />
      {backTo !== null && (
        <Dialog title={`Go back to version ${backTo}`} onClose={leave}>
          {(close) => (
            <form onSubmit={goBack}>
              <p>It is put in force again, as a new version.</p>
              <WhyField value={reason} onValue={setReason} />
              <OrderButtons order="Put it in force" onLeave={close} />
            </form>
          )}
        </Dialog>
      )}
    </Card>
  );
}
