/**
 * Line charts as SVG text: the same chart gives the same bytes. One or more plots under one title share the x axis; lines
 * are named at their right end, where they can be told apart without a legend. Readable on light and dark pages: the picture brings its own background.
 */

export interface Series {
  readonly label: string;
  readonly color: string;
  /** SVG dash pattern; null: a solid line. */
  readonly dash: string | null;
  /** Pixels. */
  readonly width: number;
  /** x and y, by growing x. */
  readonly points: readonly (readonly [number, number])[];
  /** x, lowest and highest y; empty: no band. */
  readonly band: readonly (readonly [number, number, number])[];
  /** False: the y axis need not reach it; its label then says where it is. */
  readonly stretchesAxis: boolean;
}

export interface Plot {
  readonly yLabel: string;
  readonly series: readonly Series[];
  /** Writes a value of the y axis, at the precision of an axis or of a result. */
  readonly format: (value: number, exact: boolean) => string;
  /** Ends of the y axis; null: what the series need. */
  readonly range: readonly [number, number] | null;
  /** A horizontal line to measure by. */
  readonly level: { readonly y: number; readonly label: string } | null;
}

export interface Chart {
  readonly title: string;
  readonly subtitle: string;
  readonly xLabel: string;
  readonly xMax: number;
  readonly plots: readonly Plot[];
  /** Vertical lines. */
  readonly changes: readonly { readonly x: number; readonly label: string }[];
}

// Pixels.
const width = 760;
const left = 66;
const right = 178;
const top = 62;
const plotHeight = 270;
const gap = 40;
const bottom = 52;
const labelGap = 15;
const leader = 12;
/** The first points of a running mean are mostly luck: the y axis need not reach those before this share of the x axis. */
const settledShare = 0.1;

const ink = '#24292f';
const faint = '#57606a';
const grid = '#e6e8eb';
const background = '#ffffff';
const font = 'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"';
const plotWidth = width - left - right;

/** The chart as one SVG document, ending in a newline. Throws RangeError for a plot without points. */
export function lineChart(chart: Chart): string {
  const height = top + chart.plots.length * plotHeight + (chart.plots.length - 1) * gap + bottom;
  const plots = chart.plots.flatMap((plot, i) => drawPlot(chart, plot, i, top + i * (plotHeight + gap)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" ${font}>`,
    `<title>${escaped(chart.title)}</title>`,
    `<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8" fill="${background}" stroke="#d0d7de"/>`,
    text(20, 28, chart.title, { size: 16, weight: 600 }),
    text(20, 48, chart.subtitle, { color: faint }),
    ...plots,
    text(left + plotWidth / 2, height - 14, chart.xLabel, { color: faint, anchor: 'middle' }),
    '</svg>',
    '',
  ].join('\n');
}

function drawPlot(chart: Chart, plot: Plot, index: number, y0: number): string[] {
  const [low, high] = plot.range ?? rangeOf(plot, settledShare * chart.xMax);
  const ticks = niceTicks(low, high);
  const xOf = (x: number): number => left + (plotWidth * x) / chart.xMax;
  const yOf = (y: number): number => y0 + (plotHeight * (high - y)) / (high - low);
  const clip = `clip-${index}`;
  const horizontal = ticks.flatMap((tick) => [
    line(left, yOf(tick), left + plotWidth, yOf(tick), grid),
    text(left - 8, yOf(tick) + 4, plot.format(tick, false), { color: faint, anchor: 'end' }),
  ]);
  const vertical = niceTicks(0, chart.xMax).flatMap((tick) => [
    line(xOf(tick), y0 + plotHeight, xOf(tick), y0 + plotHeight + 5, faint),
    text(xOf(tick), y0 + plotHeight + 19, thousands(tick), { color: faint, anchor: 'middle' }),
  ]);
  const changes = chart.changes.flatMap(({ x, label }) => [
    line(xOf(x), y0, xOf(x), y0 + plotHeight, faint, '3 3'),
    ...(index === 0 ? [text(xOf(x) + 5, y0 + 13, label, { color: faint })] : []),
  ]);
  const bands = plot.series
    .filter(({ band }) => band.length > 0)
    .map(({ color, band }) => {
      const upper = band.map(([x, , most]) => point(xOf(x), yOf(most)));
      const lower = band.map(([x, least]) => point(xOf(x), yOf(least))).reverse();
      return `<polygon points="${[...upper, ...lower].join(' ')}" fill="${color}" fill-opacity=".13"/>`;
    });
  // The first series is the one the picture is about: on top.
  const lines = [...plot.series].reverse().map((series) => {
    const points = series.points.map(([x, y]) => point(xOf(x), yOf(y))).join(' ');
    const dash = series.dash === null ? '' : ` stroke-dasharray="${series.dash}"`;
    return `<polyline points="${points}" fill="none" stroke="${series.color}" stroke-width="${series.width}" stroke-linejoin="round"${dash}/>`;
  });
  return [
    `<clipPath id="${clip}"><rect x="${left}" y="${y0}" width="${plotWidth}" height="${plotHeight}"/></clipPath>`,
    ...horizontal,
    ...vertical,
    ...changes,
    `<g clip-path="url(#${clip})">`,
    ...bands,
    ...lines,
    '</g>',
    ...(plot.level === null ? [] : drawLevel(plot.level, yOf)),
    line(left, y0 + plotHeight, left + plotWidth, y0 + plotHeight, faint),
    `<text transform="translate(18 ${fixed(y0 + plotHeight / 2)}) rotate(-90)" font-size="12" fill="${faint}" text-anchor="middle">${escaped(plot.yLabel)}</text>`,
    ...drawLabels(plot, y0, yOf),
  ];
}

function drawLevel({ y, label }: { readonly y: number; readonly label: string }, yOf: (y: number) => number): string[] {
  return [line(left, yOf(y), left + plotWidth, yOf(y), ink), text(left + 6, yOf(y) - 5, label, { color: ink })];
}

/** Names and last values at the right, moved apart where they would overlap. */
function drawLabels(plot: Plot, y0: number, yOf: (y: number) => number): string[] {
  const labels = plot.series.map((series) => {
    const value = series.points.at(-1)![1];
    const wanted = yOf(value);
    const end = Math.max(y0, Math.min(y0 + plotHeight, wanted));
    const arrow = wanted < y0 ? ' ↑' : wanted > y0 + plotHeight ? ' ↓' : '';
    return { series, end, value: `${plot.format(value, true)}${arrow}` };
  });
  labels.sort((a, b) => a.end - b.end);
  const places = apart(
    labels.map(({ end }) => end),
    y0 + 4,
    y0 + plotHeight,
  );
  const x = left + plotWidth;
  return labels.flatMap(({ series, end, value }, i) => {
    const y = places[i]!;
    const weight = series.width > 2 ? 600 : 400;
    return [
      line(x + 2, end, x + leader, y, series.color),
      text(x + leader + 4, y + 4, `${series.label} ${value}`, { color: ink, weight }),
      `<rect x="${fixed(x + leader)}" y="${fixed(y - 5)}" width="2" height="10" fill="${series.color}"/>`,
    ];
  });
}

/** Growing places at least `labelGap` apart, near the wanted ones, within low and high as far as they fit. */
function apart(wanted: readonly number[], low: number, high: number): number[] {
  const places = [...wanted];
  for (let i = 0; i < places.length; i++) places[i] = Math.max(places[i]!, i === 0 ? low : places[i - 1]! + labelGap);
  for (let i = places.length - 1; i >= 0; i--) {
    places[i] = Math.min(places[i]!, i === places.length - 1 ? high : places[i + 1]! - labelGap);
  }
  return places;
}

/** Lowest and highest value that must be seen from an x on, with a little room. */
function rangeOf({ series }: Plot, from: number): [number, number] {
  const values = series
    .filter(({ stretchesAxis }) => stretchesAxis)
    .flatMap(({ points, band }) => [
      ...points.filter(([x]) => x >= from).map(([, y]) => y),
      ...band.filter(([x]) => x >= from).flatMap(([, least, most]) => [least, most]),
    ]);
  if (values.length === 0) throw new RangeError('a plot needs at least one series that stretches its axis');
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = 0.06 * (high - low) || 0.5;
  return [low - room, high + room];
}

/** Multiples of 1, 2 or 5 times a power of ten: four to eight of them. */
export function niceTicks(low: number, high: number): number[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((f) => f * power >= rough)!;
  const step = factor * power;
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++)
    ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

interface TextOptions {
  readonly size?: number;
  readonly weight?: number;
  readonly color?: string;
  readonly anchor?: 'start' | 'middle' | 'end';
}

function text(x: number, y: number, content: string, options: TextOptions = {}): string {
  const { size = 12, weight = 400, color = ink, anchor = 'start' } = options;
  return `<text x="${fixed(x)}" y="${fixed(y)}" font-size="${size}" font-weight="${weight}" fill="${color}" text-anchor="${anchor}">${escaped(content)}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, color: string, dash?: string): string {
  const dashed = dash === undefined ? '' : ` stroke-dasharray="${dash}"`;
  return `<line x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}" stroke="${color}"${dashed}/>`;
}

function point(x: number, y: number): string {
  return `${fixed(x)},${fixed(y)}`;
}

/** A tenth of a pixel is fine enough, and the same on every machine. */
function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function thousands(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

function escaped(content: string): string {
  return content.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
