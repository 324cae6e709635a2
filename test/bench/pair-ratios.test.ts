import { figuresOf, pairRatios, readRatioBar } from '../../bench/pair-ratios';

const figures = (values: Record<string, number>) =>
  new Map(Object.entries(values).map(([name, value]) => [name, { value, unit: 'ms' }]));

test('figures are the JSON lines with a name and a value', () => {
  const output = 'starting\n{"name":"a","value":1,"unit":"ms"}\n{"level":"warn"}\n{"name":"a","value":2,"unit":"ms"}\n';
  expect(figuresOf(output)).toEqual(figures({ a: 2 }));
});

test('ratios are taken pair by pair, so that a machine that changes its speed between pairs changes nothing', () => {
  const pairs = [
    { ours: figures({ a: 20, ours: 1 }), reference: figures({ a: 10, theirs: 1 }) },
    { ours: figures({ a: 200 }), reference: figures({ a: 100 }) },
    { ours: figures({ a: 30 }), reference: figures({ a: 10, zero: 0 }) },
  ];
  expect(pairRatios(pairs)).toEqual([
    { name: 'a', unit: 'ms', median: 2, min: 2, max: 3, ours: 30, reference: 10, pairs: 3 },
  ]);
});

test('nothing is divided by zero', () => {
  expect(pairRatios([{ ours: figures({ failed: 0 }), reference: figures({ failed: 0 }) }])).toEqual([]);
});

test('a bar names a figure and how many times the reference it must be', () => {
  expect(readRatioBar('inProcess.saturation>=3')).toEqual({ name: 'inProcess.saturation', relation: '>=', bar: 3 });
  expect(() => readRatioBar('saturation>3')).toThrow('saturation>3');
});
