/** The configuration in force; another one is checked, shown as a difference, and then put in force. */
import { useEffect, useState } from 'preact/hooks';
import { ApiError, ask, type Fault } from '../api';
import { dateTime } from '../format';
import { usePolled } from '../hooks';
import { Card, Trouble } from '../parts';

export function ConfigurationPage() {
  const { data, error, again } = usePolled('v1/config', 0);
  const [text, setText] = useState<string | null>(null);
  const [changes, setChanges] = useState<readonly string[] | null>(null);
  const [faults, setFaults] = useState<readonly Fault[]>([]);
  const [said, setSaid] = useState<string | null>(null);
  const inForce = data ? JSON.stringify(data.config, null, 2) : '';
  const shown = text ?? inForce;
  useEffect(() => setChanges(null), [shown]);

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
    const answer = (await send('v1/config/check', 'POST', (config) => config)) as { changes: string[] } | null;
    setChanges(answer?.changes ?? null);
  };
  const apply = async (): Promise<void> => {
    const { version } = data;
    const answer = (await send('v1/config', 'PUT', (config) => ({ version, config }))) as { version: number } | null;
    if (!answer) return;
    setSaid(`Version ${answer.version} is in force.`);
    setText(null);
    setChanges(null);
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
          <p class="buttons">
            <button type="button" onClick={check} disabled={text === null}>
              Check
            </button>
            <button type="button" onClick={apply} disabled={changes === null || changes.length === 0}>
              Put in force
            </button>
            <button type="button" class="quiet" onClick={() => setText(null)} disabled={text === null}>
              Discard
            </button>
          </p>
          {said && <p role="status">{said}</p>}
          {changes !== null && (
            <div role="status">
              <h3>{changes.length === 0 ? 'It is valid, and changes nothing.' : 'It is valid, and changes:'}</h3>
              <ul class="changes">
                {changes.map((line) => (
                  <li key={line}>
                    <code>{line}</code>
                  </li>
                ))}
              </ul>
            </div>
          )}
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
    </>
  );
}
