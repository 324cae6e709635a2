import { type Chart, lineChart, niceTicks, type Plot, type Series } from '../../../../lab/studies/curves/line-chart';

const series = (change: Partial<Series> = {}): Series => ({
  label: 'router',
  color: '#0072b2',
  dash: null,
  width: 2.6,
  points: [
    [10, 0.4],
    [20, 0.6],
  ],
  band: [
    [10, 0.3, 0.5],
    [20, 0.55, 0.7],
  ],
  stretchesAxis: true,
  ...change,
});

const plot = (change: Partial<Plot> = {}): Plot => ({
  yLabel: 'score',
  series: [series()],
  format: (value, exact) => value.toFixed(exact ? 3 : 1),
  range: null,
  level: null,
  ...change,
});

const chart = (change: Partial<Chart> = {}): Chart => ({
  title: 'Models <a> & "b"',
  subtitle: 'two points',
  xLabel: 'requests',
  xMax: 20,
  plots: [plot()],
  changes: [],
  ...change,
});

/** Throws unless every element is closed in order and no bare angle bracket or ampersand is left. */
function checkWellFormed(svg: string): void {
  const open: string[] = [];
  const markup = /<(\/?)([a-zA-Z]+)((?: [a-zA-Z0-9-]+="[^"<]*")*)(\/?)>/g;
  const rest = svg.replace(markup, (_, closing: string, name: string, _attributes: string, empty: string) => {
    if (closing !== '') expect(open.pop()).toBe(name);
    else if (empty === '') open.push(name);
    return '';
  });
  expect(open).toEqual([]);
  expect(rest).not.toMatch(/[<>]|&(?!amp;|lt;|gt;|quot;)/);
}

const yOfLine = (svg: string): number[] =>
  [...svg.matchAll(/<polyline points="([^"]+)"/g)].map(([, points]) =>
    Number(points!.split(' ').at(-1)!.split(',')[1]),
  );

test('the same chart gives the same bytes, well-formed', () => {
  const full = chart({
    plots: [plot({ level: { y: 0.5, label: 'budget' } }), plot()],
    changes: [{ x: 7, label: 'drop' }],
  });
  const svg = lineChart(full);
  expect(lineChart({ ...full })).toBe(svg);
  checkWellFormed(svg);
  expect(svg).toContain('<title>Models &lt;a&gt; &amp; &quot;b&quot;</title>');
  expect(svg.match(/<polyline/g)).toHaveLength(2);
  expect(svg.match(/<polygon/g)).toHaveLength(2);
  // A change is drawn into every plot and named once.
  expect(svg.match(/>drop</g)).toHaveLength(1);
  expect(svg).toContain('>budget<');
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});

test('higher values stand higher, and the last one is written beside the line', () => {
  const low = series({ label: 'low', points: [[20, 0.2]], band: [] });
  const high = series({ label: 'high', points: [[20, 0.9]], band: [] });
  const svg = lineChart(chart({ plots: [plot({ series: [high, low] })] }));
  // The first series is drawn last, on top.
  const [lowY, highY] = yOfLine(svg);
  expect(highY!).toBeLessThan(lowY!);
  expect(svg).toContain('>high 0.900<');
  expect(svg).toContain('>low 0.200<');
});

test('a series that need not be seen does not stretch the axis; its label says where it is', () => {
  const far = (y: number) => series({ label: 'far', points: [[20, y]], band: [], stretchesAxis: false });
  const bare = lineChart(chart());
  const above = lineChart(chart({ plots: [plot({ series: [series(), far(9)] })] }));
  expect(yOfLine(above)[1]).toBe(yOfLine(bare)[0]);
  expect(above).toContain('>far 9.000 ↑<');
  expect(lineChart(chart({ plots: [plot({ series: [series(), far(-9)] })] }))).toContain('>far -9.000 ↓<');
  expect(() => lineChart(chart({ plots: [plot({ series: [far(1)] })] }))).toThrow(RangeError);
});

test('the luck of the first points does not stretch the axis', () => {
  const lucky = series({
    points: [
      [1, 9],
      [10, 0.4],
      [20, 0.6],
    ],
    band: [
      [1, 0, 12],
      [10, 0.3, 0.5],
      [20, 0.55, 0.7],
    ],
  });
  expect(yOfLine(lineChart(chart({ plots: [plot({ series: [lucky] })] })))).toEqual(yOfLine(lineChart(chart())));
});

test('a given range holds whatever the values are', () => {
  const svg = lineChart(chart({ plots: [plot({ range: [0, 2] })] }));
  expect(svg).toContain('>2.0<');
  expect(svg).toContain('>0.0<');
});

test('labels of lines that end together are moved apart, in their order', () => {
  const together = Array.from({ length: 6 }, (_, i) =>
    series({ label: `s${i}`, points: [[20, 0.5 + i / 1000]], band: [] }),
  );
  const svg = lineChart(chart({ plots: [plot({ series: [...together, series({ points: [[20, 0]], band: [] })] })] }));
  const places = together.map(({ label }) => Number(new RegExp(`y="([0-9.]+)"[^>]*>${label} `).exec(svg)![1]));
  for (let i = 1; i < places.length; i++) expect(places[i - 1]! - places[i]!).toBeGreaterThanOrEqual(14.9);
});

test.each([
  [0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
  [0.41, 0.63, [0.45, 0.5, 0.55, 0.6]],
  [0, 5608, [0, 2000, 4000]],
  [-3, 12, [0, 5, 10]],
])('ticks from %p to %p are round', (low, high, ticks) => {
  expect(niceTicks(low, high)).toEqual(ticks);
});
