import { figuresOf } from '../../bench/pair-ratios';
import { engineFigures, peerFigures } from '../../bench/peer-figures';

const printedByUs = [
  { name: 'rate100.latencyP95', value: 20, unit: 'ms' },
  { name: 'rate300.withFeedback.latencyP95', value: 99, unit: 'ms' },
  { name: 'saturation', value: 900, unit: 'decisions/s' },
  { name: 'saturation.cpuPer1000.kafka', value: 0.5, unit: 's' },
  { name: 'saturation.cpuPer1000.load', value: 0.2, unit: 's' },
  { name: 'saturation.cpuPer1000.route-intake', value: 0.3, unit: 's' },
  { name: 'saturation.cpuPer1000.route-collapse', value: 0.2, unit: 's' },
  { name: 'saturation.cpuPer1000.total', value: 1.2, unit: 's' },
];

test('decisions per core count the engine alone, not its broker and its load', () => {
  const figures = engineFigures(figuresOf(printedByUs.map((line) => JSON.stringify(line)).join('\n')));
  expect(figures.get('saturation.perCore')!.value).toBeCloseTo(2_000);
  expect([...figures.keys()]).toEqual(['rate100.latencyP95', 'saturation', 'saturation.perCore']);
});

test('the peer prints minimum, median and maximum of other names', () => {
  const line = {
    config: 'alo',
    rate100: { reps: 1, p95: [1, 32, 60] },
    inflight256: { dps: [1, 800, 900], cpu_peer: [100, 160, 200] },
  };
  const figures = peerFigures(`warming up\n{"config":"hop-java","rate100":{"p95":[1,2,3]}}\n${JSON.stringify(line)}\n`);
  expect(figures.get('rate100.latencyP95')).toEqual({ value: 32, unit: 'ms' });
  expect(figures.get('saturation.perCore')!.value).toBeCloseTo(500);
  expect(() => peerFigures('{"config":"other"}')).toThrow('"alo"');
});
