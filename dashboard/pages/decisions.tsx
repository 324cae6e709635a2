/** Decisions as they are made, newest first. Only the rows in sight are in the page, however many there are. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Json } from '../api';
import { clock, ms, number, percent, usd, words } from '../format';
import { useLive } from '../live';
import { Card, Nothing } from '../parts';

const rowHeight = 36;
const margin = 12;

const columns = ['Time', 'Decision', 'Model', 'Strategy', 'Probability', 'Expected cost', 'Took', 'Outcome', 'Quality'];

/** What somebody was looking at, for when he comes back from one of the decisions. */
const left = { text: '', model: '', strategy: '', openedId: null as string | null };

/** Whoever goes elsewhere does not come back to it. */
window.addEventListener('hashchange', () => {
  const { hash } = window.location;
  if (left.openedId !== null && hash !== hashOf(left.openedId) && hash !== '#/decisions') left.openedId = null;
});

/** The row that somebody comes back to, once. */
interface WayBack {
  id: string | null;
}

function takeWayBack(): WayBack {
  const { openedId } = left;
  left.openedId = null;
  return { id: openedId };
}

/** The list as it was when it began to stand still, and how many decisions had come by then. */
interface Held {
  readonly decisions: readonly Json[];
  readonly taken: number;
}

export function DecisionsPage() {
  const { decisions, taken, outcomes, missed, isCaughtUp } = useLive();
  const [text, setText] = useState(left.text);
  const [model, setModel] = useState(left.model);
  const [strategy, setStrategy] = useState(left.strategy);
  const [isPaused, setPaused] = useState(false);
  const [isRead, setRead] = useState(false);
  /** Going back to the newest is a new list. */
  const [round, setRound] = useState(0);
  const [wayBack] = useState(takeWayBack);
  const held = useRef<Held | null>(null);
  // Nobody can read, click or tab through rows that move on under his eyes.
  if (!isPaused && !isRead) held.current = null;
  else held.current ??= { decisions: [...decisions], taken };
  const all = held.current?.decisions ?? decisions;
  const count = all.length;
  useEffect(() => {
    Object.assign(left, { text, model, strategy });
  }, [text, model, strategy]);
  const choices = useMemo(
    () => ({
      models: [...new Set(all.map((decision) => decision.model as string))].sort(),
      strategies: [...new Set(all.map((decision) => decision.strategy as string))].sort(),
    }),
    [all, count],
  );
  const wanted = text.trim().toLowerCase();
  const fits = (decision: Json): boolean =>
    (model === '' || decision.model === model) &&
    (strategy === '' || decision.strategy === strategy) &&
    (wanted === '' ||
      [decision.decisionId, decision.sessionId, decision.tenant, decision.provider].some((value) =>
        value?.toLowerCase().includes(wanted),
      ));
  const rows = useMemo(() => all.filter(fits).reverse(), [all, count, text, model, strategy]);
  const came = held.current === null ? 0 : taken - held.current.taken;
  const newer = came === 0 ? 0 : decisions.slice(-came).filter(fits).length;
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
        <button type="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
          {isPaused ? 'Go on' : 'Pause'}
        </button>
        <button
          type="button"
          class="quiet"
          // Not `disabled`: whoever leaves the rows for it would find it gone.
          aria-disabled={newer === 0}
          onClick={() => {
            if (newer === 0) return;
            setPaused(false);
            setRound(round + 1);
          }}
        >
          {newer === 0 ? 'Nothing newer' : `Show ${number(newer)} newer`}
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
        <VirtualRows key={round} rows={rows} outcomes={outcomes} wayBack={wayBack} onRead={setRead} />
      )}
    </Card>
  );
}

function VirtualRows({
  rows,
  outcomes,
  wayBack,
  onRead,
}: {
  readonly rows: readonly Json[];
  readonly outcomes: ReadonlyMap<string, Json>;
  readonly wayBack: WayBack;
  /** Says when somebody begins to go through them, by mouse, wheel, finger or keyboard, and when he has ended. */
  readonly onRead: (isRead: boolean) => void;
}) {
  const place = useRef<HTMLElement>(null);
  const [top, setTop] = useState(() => placeOf(rows, wayBack.id));
  const reading = useRef({ isScrolled: false, isPointedAt: false, isFocused: false });
  const read = (change: Partial<typeof reading.current>): void => {
    Object.assign(reading.current, change);
    onRead(Object.values(reading.current).some(Boolean));
  };
  useLayoutEffect(() => {
    const element = place.current;
    const { id } = wayBack;
    wayBack.id = null;
    if (!element || id === null) return;
    element.scrollTop = top;
    element.querySelector<HTMLElement>(`a[href="${CSS.escape(hashOf(id))}"]`)?.focus();
  }, []);
  useEffect(() => () => onRead(false), []);
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
      onScroll={({ currentTarget }) => {
        setTop(currentTarget.scrollTop);
        read({ isScrolled: currentTarget.scrollTop > 0 });
      }}
      onPointerEnter={() => read({ isPointedAt: true })}
      onPointerLeave={() => read({ isPointedAt: false })}
      onFocusIn={() => read({ isFocused: true })}
      // From one row to the next the keys stay in here.
      onFocusOut={({ currentTarget, relatedTarget }) =>
        read({ isFocused: currentTarget.contains(relatedTarget as Node | null) })
      }
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

function hashOf(decisionId: string): string {
  return `#/decisions/${encodeURIComponent(decisionId)}`;
}

/** How far down a row is, so that it is in the middle of what is seen; the top where there is none. */
function placeOf(rows: readonly Json[], decisionId: string | null): number {
  const index = decisionId === null ? -1 : rows.findIndex((decision) => decision.decisionId === decisionId);
  return index < 0 ? 0 : Math.max(0, (index - 5) * rowHeight);
}

function Row({ decision, outcome }: { readonly decision: Json; readonly outcome: Json }) {
  const { decisionId, atMs, model, strategy, propensity, expectedCostUsd, totalMs, degradedTo, cacheHit } = decision;
  return (
    <tr>
      <td>{clock(atMs)}</td>
      <td class="id">
        <a
          href={hashOf(decisionId)}
          onClick={({ ctrlKey, metaKey, shiftKey }) => {
            // In a window of its own the list stays where it is.
            if (!ctrlKey && !metaKey && !shiftKey) left.openedId = decisionId;
          }}
        >
          {decisionId}
        </a>
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
