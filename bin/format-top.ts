/** The live view of `quantum-router top` as lines: all of it where there is room, the most important first where there is not. */
import { signed } from '../lib/figures/figures';
import { cutText, padText, widthOf } from '../lib/terminal/fit-text';
import type { Paint, Tone } from '../lib/terminal/paint';
import type { LiveData, ModelOverview, Overview, Worth } from './drive/gateway-overview';

export interface TopState {
  readonly url: string;
  readonly overview: Overview;
  /** Null until it is known. */
  readonly worth: Worth | null;
  /** Null where nothing is followed: a single look. */
  readonly live: {
    /** How the connection stands, in a word. */
    readonly connection: string;
    readonly decisionsPerSecond: number;
    /** Newest first. */
    readonly decisions: readonly LiveData[];
    /** Newest report by decision. */
    readonly outcomes: ReadonlyMap<string, LiveData>;
    /** Events that were too many to be told. */
    readonly missed: number;
  } | null;
  /** Why the newest look has no answer; null when it has. */
  readonly trouble: string | null;
  readonly nowMs: number;
}

export interface TopSize {
  readonly columns: number;
  /** Infinity where nobody sits before it. */
  readonly rows: number;
}

const none = '–';
const gap = '  ';

/** At most `rows` lines, none wider than `columns`. */
export function formatTop(state: TopState, { columns, rows }: TopSize, paint: Paint): string[] {
  const head = headLines(state, columns, paint);
  const footer = state.live ? [paint('faint', cutText('q leaves', columns))] : [];
  const { models } = state.overview;
  const room = Math.max(0, rows - head.length - footer.length);
  // A blank line and the titles before each table.
  const modelRows = Math.min(
    models.length,
    state.live ? Math.max(1, Math.floor(room / 2) - 2) : Number.POSITIVE_INFINITY,
  );
  const tables = [...modelTable(models, modelRows, columns, paint)];
  if (state.live) tables.push(...decisionTable(state.live, room - tables.length - 2, columns, paint));
  const shown = [...head, ...tables.slice(0, room)];
  return [...shown, ...footer].slice(0, rows);
}

function headLines(state: TopState, columns: number, paint: Paint): string[] {
  const { overview, worth, live, trouble, url } = state;
  const { figures } = overview;
  const time = clock(state.nowMs);
  const readiness = overview.isReady
    ? 'ready'
    : `not ready: waits for ${overview.waitingFor.join(', ') || 'something'}`;
  const place = [url, readiness, live?.connection ?? ''].filter((part) => part !== '').join(gap);
  const first = padText(place, Math.max(1, columns - widthOf(time) - gap.length)) + gap + time;
  const facts: [string, string[]][] = [
    [
      'decisions',
      [
        ...(live ? [`${live.decisionsPerSecond.toFixed(live.decisionsPerSecond < 10 ? 1 : 0)}/s`] : []),
        `${whole(figures['decisions'] ?? 0)} in the last hour`,
        `p50 ${milliseconds(figures['decisionMsP50'])}`,
        `p95 ${milliseconds(figures['decisionMsP95'])}`,
        `degraded ${percent(figures['degradedShare'])}`,
      ],
    ],
    [
      'worth',
      [
        `utility ${figure(figures['utility'])}`,
        `quality ${figure(figures['quality'])}`,
        ...(worth?.quality == null ? [] : [`quality ${signed(worth.quality, 3)} on static rules`]),
        ...(worth?.savedUsd == null ? [] : [`saves ${usd(worth.savedUsd)} a request`]),
      ],
    ],
    [
      'calls',
      [
        `${whole(figures['calls'] ?? 0)} reported`,
        `errors ${percent(figures['errorRate'])}`,
        `spent ${usd(figures['costUsd'])}`,
      ],
    ],
    [
      'learning',
      [
        `${whole(overview.rewards)} rewards`,
        `${whole(overview.decisionsSinceFeedback)} decisions since the last one`,
        ...(live && live.missed > 0 ? [`${whole(live.missed)} events not shown`] : []),
      ],
    ],
  ];
  const lines = [paint(overview.isReady ? 'strong' : 'warn', cutText(first, columns))];
  for (const [name, parts] of facts) {
    const label = padText(name, Math.min(columns, 11));
    lines.push(paint('faint', label) + joined(parts, columns - widthOf(label)));
  }
  if (trouble !== null) lines.push(paint('bad', cutText(trouble, columns)));
  else if (overview.note !== null) lines.push(paint('warn', cutText(overview.note, columns)));
  return lines;
}

/** As many parts as fit; the first one is cut rather than left out. */
function joined(parts: readonly string[], columns: number): string {
  let line = cutText(parts[0] ?? '', columns);
  for (const part of parts.slice(1)) {
    if (widthOf(line) + gap.length + widthOf(part) > columns) break;
    line += gap + part;
  }
  return line;
}

interface Column<T> {
  readonly title: string;
  readonly width: number;
  readonly side?: 'left' | 'right';
  readonly of: (row: T) => string;
  readonly tone?: (row: T) => Tone | null;
}

/** The first column takes what the others leave; from the end, columns are left out where it would get too little. */
function table<T>(columns: readonly Column<T>[], rows: readonly T[], total: number, paint: Paint): string[] {
  const [first, ...others] = columns;
  const leastFirst = first!.width;
  while (others.length > 0 && leastFirst + others.reduce((sum, { width }) => sum + width + gap.length, 0) > total)
    others.pop();
  const rest = others.reduce((sum, { width }) => sum + width + gap.length, 0);
  const all = [{ ...first!, width: Math.max(1, total - rest) }, ...others];
  const line = (cell: (column: Column<T>) => string, tone: (column: Column<T>) => Tone | null): string =>
    all.map((column) => paint(tone(column), padText(cell(column), column.width, column.side))).join(gap);
  return [
    line(
      ({ title }) => title,
      () => 'faint',
    ),
    ...rows.map((row) =>
      line(
        (column) => column.of(row),
        (column) => column.tone?.(row) ?? null,
      ),
    ),
  ];
}

function modelTable(models: readonly ModelOverview[], rows: number, total: number, paint: Paint): string[] {
  const decisions = (model: ModelOverview): number => model.figures['decisions'] ?? 0;
  const sum = models.reduce((all, model) => all + decisions(model), 0);
  const most = [...models].sort((a, b) => decisions(b) - decisions(a)).slice(0, rows);
  const columns: Column<ModelOverview>[] = [
    { title: 'model', width: 14, of: ({ name }) => name },
    { title: 'share', width: 6, side: 'right', of: (model) => percent(sum > 0 ? decisions(model) / sum : 0) },
    { title: 'health', width: 7, of: ({ health }) => healthWord(health), tone: ({ health }) => healthTone(health) },
    { title: 'quality', width: 7, side: 'right', of: ({ figures }) => figure(figures['quality']) },
    { title: 'errors', width: 6, side: 'right', of: ({ figures }) => percent(figures['errorRate']) },
    { title: 'p50', width: 8, side: 'right', of: ({ figures }) => milliseconds(figures['latencyMsP50']) },
    { title: 'a call', width: 9, side: 'right', of: ({ figures }) => usd(figures['costPerCallUsd']) },
  ];
  return models.length === 0 ? [] : ['', ...table(columns, most, total, paint)];
}

function decisionTable(live: NonNullable<TopState['live']>, rows: number, total: number, paint: Paint): string[] {
  if (rows < 1) return [];
  const outcome = ({ decisionId }: LiveData): LiveData | undefined => live.outcomes.get(String(decisionId));
  const columns: Column<LiveData>[] = [
    { title: 'decision', width: 14, of: ({ decisionId }) => String(decisionId) },
    { title: 'at', width: 8, of: ({ atMs }) => clock(Number(atMs)) },
    { title: 'model', width: 18, of: ({ model }) => String(model) },
    { title: 'took', width: 8, side: 'right', of: ({ totalMs }) => milliseconds(totalMs as number) },
    { title: 'chance', width: 6, side: 'right', of: ({ propensity }) => percent(propensity as number) },
    {
      title: 'outcome',
      width: 13,
      of: (decision) => {
        const known = outcome(decision);
        if (!known) return '';
        const quality = typeof known['quality'] === 'number' ? ` ${figure(known['quality'])}` : '';
        return `${String(known['status']).toLowerCase()}${quality}`;
      },
      tone: (decision) => (outcome(decision)?.['status'] === 'SUCCESS' ? 'good' : 'bad'),
    },
  ];
  return ['', ...table(columns, live.decisions.slice(0, rows), total, paint)];
}

function healthWord(health: string): string {
  return health === 'CLOSED' ? 'healthy' : health === 'OPEN' ? 'out' : 'probing';
}

function healthTone(health: string): Tone {
  return health === 'CLOSED' ? 'good' : health === 'OPEN' ? 'bad' : 'warn';
}

type Known = number | null | undefined;

const isKnown = (value: Known): value is number => typeof value === 'number' && Number.isFinite(value);

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function figure(value: Known): string {
  return isKnown(value) ? value.toFixed(3) : none;
}

function percent(share: Known): string {
  if (!isKnown(share)) return none;
  const value = 100 * share;
  return `${value.toFixed(value > 0 && value < 9.95 ? 1 : 0)} %`;
}

/** Small times have as many digits as tell them apart. */
function milliseconds(value: Known): string {
  if (!isKnown(value)) return none;
  if (value >= 10_000) return `${(value / 1_000).toFixed(1)} s`;
  // Times of decisions are whole milliseconds: nothing took no time.
  if (value === 0) return '< 1 ms';
  if (value > 0 && value < 1) return `${Math.max(1, Math.round(1_000 * value))} µs`;
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

function usd(value: Known): string {
  if (!isKnown(value)) return none;
  const amount = Math.abs(value);
  const digits = amount >= 1 || amount === 0 ? 2 : Math.min(6, 2 - Math.floor(Math.log10(amount)));
  return `${value < 0 ? '-' : ''}$${amount.toFixed(digits)}`;
}

function clock(atMs: number): string {
  // Beyond what a date can be, as anybody may have written it.
  return Math.abs(atMs) <= 8.64e15 ? new Date(atMs).toTimeString().slice(0, 8) : none;
}
