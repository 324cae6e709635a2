/** A chart over time. It follows the width of its place and the colours of the page; its figures are in a table for who cannot see it. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { clock } from './format';

export interface Series {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

/** Told apart by those who do not see all colours, on light and on dark ground. */
export const seriesColours = 10;
export const colourOf = (index: number): string => `var(--series-${(index % seriesColours) + 1})`;

const height = 200;
/** At most an hour is shown. */
const shownSeconds = 3_600;
/** Shown of an engine that has just started, so that its first minutes are no bar at the edge. */
const leastShownSeconds = 600;
const marginSeconds = 30;
/** Of one point alone neither a line nor the width of a bar follows: a step before it, where nothing was, makes it two. */
const stepSeconds = 60;

function shownFrom(first: number, last: number): number {
  return Math.max(last - shownSeconds, Math.min(first, last - leastShownSeconds) - marginSeconds);
}

/** Steps between the ticks of an axis of counts: there is nothing between one and two. */
const wholeSteps = Array.from({ length: 12 }, (_, i) => [1, 2, 5].map((digit) => digit * 10 ** i)).flat();

/** A step's worth, beside the one before it. */
const bars = uPlot.paths.bars?.({ size: [0.8, 24] });

function cssColour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function Chart(props: {
  readonly label: string;
  /** Seconds since the epoch. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  readonly isStacked?: boolean;
  readonly isCount?: boolean;
  /** Whether the first answer has not come yet. */
  readonly isAwaited?: boolean;
}) {
  const { label, times, series, format, isStacked = false, isCount = false, isAwaited = false } = props;
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<{ plot: uPlot; shape: string } | null>(null);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const draw = (): void => {
      const rows = isStacked ? stacked(series) : series.map(({ values }) => values);
      const data =
        times.length === 1
          ? [[times[0]! - stepSeconds, times[0]!], ...rows.map((row) => [null, ...row])]
          : [times as number[], ...rows];
      const shape = JSON.stringify([series.map(({ name }) => name), isStacked, cssColour('--text')]);
      if (drawn.current?.shape === shape) {
        drawn.current.plot.setData(data as uPlot.AlignedData);
        return;
      }
      drawn.current?.plot.destroy();
      drawn.current = {
        shape,
        plot: new uPlot(
          optionsOf(element.clientWidth, series, { format, isStacked, isCount }),
          data as uPlot.AlignedData,
          element,
        ),
      };
    };
    draw();
    const resized = new ResizeObserver(() => {
      const { plot } = drawn.current ?? {};
      if (plot && plot.width !== element.clientWidth) plot.setSize({ width: element.clientWidth, height });
    });
    resized.observe(element);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', draw);
    return () => {
      resized.disconnect();
      dark.removeEventListener('change', draw);
    };
  }, [times, series, format, isStacked, isCount]);
  useEffect(
    () => () => {
      drawn.current?.plot.destroy();
      drawn.current = null;
    },
    [],
  );
  // Minutes in which nothing was judged, say, are no chart.
  const isEmpty = times.length === 0 || series.every(({ values }) => values.every((value) => (value ?? null) === null));
  return (
    <figure class="chart">
      <figcaption>{label}</figcaption>
      <div ref={place} class={isEmpty ? 'plot empty' : 'plot'} aria-hidden="true" />
      {isEmpty && <p class="nothing">{isAwaited ? 'Asking the gateway …' : 'Nothing yet in this time.'}</p>}
      {series.length > 1 && !isEmpty && (
        <ul class="legend">
          {series.map(({ name }, i) => (
            <li key={name}>
              <span class="dot" style={{ background: colourOf(i) }} />
              {name}
            </li>
          ))}
        </ul>
      )}
      {!isEmpty && (
        <table class="unseen">
          <caption>{label}, newest</caption>
          <tbody>
            {series.map(({ name, values }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{values.at(-1) === null || values.at(-1) === undefined ? 'none' : format(values.at(-1)!)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </figure>
  );
}

/** Each series on top of those behind it, the first one highest: it is drawn first, and the others over it. */
function stacked(series: readonly Series[]): (number | null)[][] {
  const below: number[] = [];
  return [...series]
    .reverse()
    .map(({ values }) =>
      values.map((value, i) => {
        below[i] = (below[i] ?? 0) + (value ?? 0);
        return below[i];
      }),
    )
    .reverse();
}

function optionsOf(
  width: number,
  series: readonly Series[],
  {
    format,
    isStacked,
    isCount,
  }: { readonly format: (value: number) => string; readonly isStacked: boolean; readonly isCount: boolean },
): uPlot.Options {
  const text = cssColour('--muted');
  const grid = { stroke: cssColour('--line'), width: 1 };
  const axis = { stroke: text, grid, ticks: { show: false }, font: '12px system-ui, sans-serif' };
  const hours: uPlot.Axis.Values = (_plot, ticks) => ticks.map((at) => clock(at * 1_000).slice(0, 5));
  return {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: {
      x: { range: (_plot, first, last) => [shownFrom(first, last), last + marginSeconds] },
      y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] },
    },
    axes: [
      { ...axis, size: 28, values: hours },
      {
        ...axis,
        size: 62,
        values: (_plot, ticks) => ticks.map((tick) => format(tick)),
        ...(isCount && { incrs: wholeSteps }),
      },
    ],
    series: [
      {},
      ...series.map(({ name }, i) => {
        const stroke = cssColour(`--series-${(i % seriesColours) + 1}`);
        return {
          label: name,
          stroke,
          width: isStacked ? 1 : 2,
          ...(isStacked && { fill: stroke }),
          points: { show: !isStacked, size: 5, fill: stroke },
          spanGaps: !isStacked,
          ...(isStacked && bars && { paths: bars }),
        };
      }),
    ],
  };
}
