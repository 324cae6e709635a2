/** Routes a prompt without calling anybody. */
import { useState } from 'preact/hooks';
import { ask, type Json } from '../api';
import { ms, number, percent, usd } from '../format';
import { Bar, Card, NumberField, Table, Trouble } from '../parts';

export function TryItPage() {
  const [prompt, setPrompt] = useState('Write a haiku about Kafka.');
  const [task, setTask] = useState('');
  const [maxCostUsd, setMaxCostUsd] = useState('');
  const [decision, setDecision] = useState<Json>(null);
  const [error, setError] = useState<string | null>(null);
  const [isAsking, setAsking] = useState(false);
  const route = async (event: Event): Promise<void> => {
    event.preventDefault();
    setAsking(true);
    try {
      const body = {
        prompt,
        ...(task !== '' && { taskHint: task }),
        ...(maxCostUsd !== '' && { limits: { maxCostUsd: Number(maxCostUsd) } }),
      };
      setDecision(await ask('v1/route', { method: 'POST', body }));
      setError(null);
    } catch (failed) {
      setDecision(null);
      setError((failed as Error).message);
    }
    setAsking(false);
  };
  return (
    <>
      <Card
        title="Route a prompt"
        note="The engine decides which model should answer. No model is called, and the prompt is kept in the request topic alone."
        wide
      >
        <form onSubmit={route}>
          <label>
            Prompt
            <textarea rows={5} required value={prompt} onInput={(event) => setPrompt(event.currentTarget.value)} />
          </label>
          <div class="filters">
            <label>
              Task
              <input
                placeholder="inferred from the text"
                value={task}
                onInput={(event) => setTask(event.currentTarget.value)}
              />
            </label>
            <NumberField label="Most cost, USD" hint="no limit" value={maxCostUsd} onValue={setMaxCostUsd} />
            <button type="submit" disabled={isAsking}>
              {isAsking ? 'Deciding …' : 'Decide'}
            </button>
          </div>
        </form>
        <Trouble error={error} />
      </Card>
      {decision && (
        <Card title={`→ ${decision.model}`} wide>
          <p role="status">{decision.reasoning}</p>
          <Table label="Candidates" head={['Model', 'Probability', 'Utility', 'Quality', 'Cost', 'Shut out by']}>
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
                <td>{candidate.ineligibleReason ?? ''}</td>
              </tr>
            ))}
          </Table>
          <p>
            Decided in {ms(decision.stagesMs.total)}.{' '}
            <a href={`#/decisions/${encodeURIComponent(decision.decisionId)}`}>Open it up</a>
          </p>
        </Card>
      )}
    </>
  );
}
