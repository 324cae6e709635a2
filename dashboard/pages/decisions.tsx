/** Decisions as they are made, newest first. Only the rows in sight are in the page, however many there are. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Json } from '../api';
import { clock, ms, number, percent, usd, words } from '../format';
import { useLive } from '../live';
import { Card, Nothing } from '../parts';

const rowHeight = 36;
const margin = 12;

const columns = ['Time', 'Decision', 'Model', 'Strategy', 'Probability', 'Expected cost', 'Took', 'Outcome', 'Quality'];

export function DecisionsPage() {
  const { decisions, outcomes, missed, isCaughtUp } = useLive();
  const [text, setText] = useState('');
  const [model, setModel] = useState('');
  const [strategy, setStrategy] = useState('');
  const [isHeld, setHeld] = useState<readonly Json[] | null>(null);
  const all = isHeld ?? decisions;
  const count = all.length;
  const choices = useMemo(
    () => ({
      models: [...new Set(all.map((decision) => decision.model as string))].sort(),
      strategies: [...new Set(all.map((decision) => decision.strategy as string))].sort(),
    }),
    [all, count],
  );
  const rows = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    const shown = all.filter(
      (decision) =>
        (model === '' || decision.model === model) &&
        (strategy === '' || decision.strategy === strategy) &&
        (wanted === '' ||
          [decision.decisionId, decision.sessionId, decision.tenant, decision.provider].some((value) =>
            value?.toLowerCase().includes(wanted),
          )),
    );
    return shown.reverse();
  }, [all, count, text, model, strategy]);
  return (
    <Card title={`${number(rows.length)} of the newest ${number(count)}`} wide>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          Search
          <input
            type="search"
            placeholder="id, session, tenant or provider"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <label>
          Model
          <select value={model} onChange={(event) => setModel(event.currentTarget.value)}>
            <option value="">all</option>
            {choices.models.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          Strategy
          <select value={strategy} onChange={(event) => setStrategy(event.currentTarget.value)}>
            <option value="">all</option>
            {choices.strategies.map((name) => (
              <option key={name} value={name}>
                {words(name)}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          aria-pressed={isHeld !== null}
          onClick={() => setHeld(isHeld === null ? [...decisions] : null)}
        >
          {isHeld === null ? 'Pause' : 'Go on'}
        </button>
      </form>
      {missed > 0 && <p class="note">{number(missed)} events were too many to be shown here; the log has them all.</p>}
      {rows.length === 0 ? (
        <Nothing>
          {count > 0 ? (
            'None of them fits the filters.'
          ) : isCaughtUp ? (
            <>
              No decisions yet. <a href="#/try">Try it</a> makes one.
            </>
          ) : (
            'Reading the newest …'
          )}
        </Nothing>
      ) : (
        <VirtualRows rows={rows} outcomes={outcomes} />
      )}
    </Card>
  );
}

function VirtualRows({
  rows,
  outcomes,
}: {
  readonly rows: readonly Json[];
  readonly outcomes: ReadonlyMap<string, Json>;
}) {
  const place = useRef<HTMLElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const resized = new ResizeObserver(() => setHeight(element.clientHeight));
    resized.observe(element);
    return () => resized.disconnect();
  }, []);
  const first = Math.max(0, Math.floor(top / rowHeight) - margin);
  const last = Math.min(rows.length, Math.ceil((top + height) / rowHeight) + margin);
  return (
    <section
      ref={place}
      class="scroll rows"
      aria-label="Decisions"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
    >
      <table aria-rowcount={rows.length}>
        <thead>
          <tr>
            {columns.map((name) => (
              <th scope="col" key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {first > 0 && (
            <tr class="gap">
              <td colSpan={columns.length} style={{ height: `${first * rowHeight}px` }} />
            </tr>
          )}
          {rows.slice(first, last).map((decision) => (
            <Row key={decision.decisionId} decision={decision} outcome={outcomes.get(decision.decisionId)} />
          ))}
          {last < rows.length && (
            <tr class="gap">
              <td colSpan={columns.length} style={{ height: `${(rows.length - last) * rowHeight}px` }} />
            </tr>
          )}
        </tbody>
      </table>
    </section>
  );
}

function Row({ decision, outcome }: { readonly decision: Json; readonly outcome: Json }) {
  const { decisionId, atMs, model, strategy, propensity, expectedCostUsd, totalMs, degradedTo, cacheHit } = decision;
  return (
    <tr>
      <td>{clock(atMs)}</td>
      <td class="id">
        <a href={`#/decisions/${encodeURIComponent(decisionId)}`}>{decisionId}</a>
      </td>
      <td title={model}>
        {model}
        {degradedTo !== 'NONE' && <span class="badge warn">{words(degradedTo)}</span>}
        {cacheHit && <span class="badge">cached</span>}
      </td>
      <td>{words(strategy)}</td>
      <td class="figure">{percent(propensity, 1)}</td>
      <td class="figure">{usd(expectedCostUsd)}</td>
      <td class="figure">{ms(totalMs)}</td>
      <td>
        {outcome ? (
          <span class={`badge ${outcome.status === 'SUCCESS' ? 'good' : 'bad'}`}>{words(outcome.status)}</span>
        ) : (
          ''
        )}
      </td>
      <td class="figure">{outcome ? number(outcome.quality, 2) : ''}</td>
    </tr>
  );
}
