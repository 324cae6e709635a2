import { judge } from '../../../../lab/studies/quality/figures';
import { type Path, paths, play } from '../../../../lab/studies/quality/play';
import { cold, joinsLater, type Protocol, priceChange, withPrices } from '../../../../lab/studies/quality/protocol';
import type { Workload } from '../../../../lab/workloads/workload';
import { nineRows } from './nine-rows';

/** The nine rows over and over, two numbers for their text; `c`, whose cost is unknown, is no candidate. */
function manyRows(rows: number): Workload {
  const nine = nineRows();
  const row = (index: number) => {
    const recorded = nine.row(index % nine.rows);
    const outcomes = new Map([...recorded.outcomes].map(([model, outcome]) => [model, model === 'c' ? null : outcome]));
    return { ...recorded, id: `many-${index}`, prompt: null, features: [Math.sin(index), Math.cos(index)], outcomes };
  };
  return { ...nine, rows, row };
}

const playOn = async (protocol: Protocol, path: Path) => {
  const seen: number[] = [];
  const choices = await play(protocol, path, (done, total) => seen.push(done, total));
  expect(seen.slice(-2)).toEqual([protocol.workload.rows, protocol.workload.rows]);
  return choices;
};

test.each(paths)('the %s chooses a candidate for every judged row, and learns which is better', async (path) => {
  const workload = manyRows(150);
  const choices = await playOn(cold('learns', workload, 1), path);
  expect(choices).toHaveLength(150);
  expect(judge(workload, choices, 100).router.shares[0]).toBeGreaterThan(0.8);
});

test.each(paths)(
  'on the %s warm rows are shown and not judged, and a frozen router has learned from them',
  async (path) => {
    const protocol: Protocol = {
      ...cold('frozen', manyRows(140), 1),
      warmRows: 100,
      warm: 'full',
      feedback: 'none',
    };
    const choices = await playOn(protocol, path);
    expect(choices).toHaveLength(40);
    expect(judge(protocol.workload, choices).router.meanScore).toBeGreaterThan(0.7);
  },
);

test.each(paths)('the %s is told of a price change in mid-stream', async (path) => {
  const prices = { a: { input: 10, output: 10 }, b: { input: 1, output: 1 } };
  const workload = priceChange(withPrices(manyRows(240), prices), {
    model: 'a',
    input: 1,
    output: 1,
    costFactor: 0.1,
  });
  const choices = await playOn({ ...cold('price', workload, 1), budgetUsd: 1.5 }, path);
  const shareOfA = (from: number, to: number) => judge(workload, choices, from, to).router.shares[0]!;
  expect(shareOfA(50, 80)).toBeLessThan(0.3);
  expect(shareOfA(90, 160)).toBeGreaterThan(0.7);
});

test.each(paths)('on the %s a newcomer is chosen only from where it joins, little at first', async (path) => {
  const workload = joinsLater(manyRows(150), 'a');
  const choices = await playOn(cold('newcomer', workload, 1), path);
  expect(choices.slice(0, 50)).toEqual(new Array(50).fill('b'));
  const after = choices.slice(50, 80).filter((model) => model === 'a').length;
  expect(after).toBeGreaterThan(0);
  expect(after).toBeLessThan(20);
});

test.each(paths)('on the %s nothing is learned while outcomes are under way', async (path) => {
  const shareOfA = async (requestsLater: number | null): Promise<number> => {
    const workload = manyRows(90);
    const choices = await playOn({ ...cold('delayed', workload, 1), feedbackAfter: () => requestsLater }, path);
    return judge(workload, choices, 40).router.shares[0]!;
  };
  expect(await shareOfA(0)).toBeGreaterThan(0.8);
  expect(await shareOfA(90)).toBeLessThan(0.75);
  expect(await shareOfA(null)).toBeLessThan(0.75);
});

test('both paths play the Q-network alone', async () => {
  for (const path of paths) {
    const choices = await playOn({ ...cold('dqn', manyRows(60), 1), pipeline: 'dqn' }, path);
    expect(choices).toHaveLength(60);
  }
});
