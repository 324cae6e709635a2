import {
  cold,
  folds,
  inOrder,
  joinsLater,
  middleThird,
  part,
  priceChange,
  qualityDrop,
  randomOrder,
  withPrices,
} from '../../../../lab/studies/quality/protocol';
import type { Workload } from '../../../../lab/workloads/workload';
import { nineRows } from './nine-rows';

const scoreAt = (workload: Workload, index: number, model: string) => workload.row(index).outcomes.get(model)?.score;

test('folds hold every row out exactly once and never train on what they hold out', () => {
  const cuts = folds(11, 5, 1);
  expect(cuts.map(({ heldOut }) => heldOut.length).sort()).toEqual([2, 2, 2, 2, 3]);
  expect(cuts.flatMap(({ heldOut }) => heldOut).sort((a, b) => a - b)).toEqual(Array.from({ length: 11 }, (_, i) => i));
  for (const { train, heldOut } of cuts) {
    expect(new Set([...train, ...heldOut]).size).toBe(11);
    expect(train).toHaveLength(11 - heldOut.length);
  }
  expect(folds(11, 5, 1)).toEqual(cuts);
  expect(folds(11, 5, 2)).not.toEqual(cuts);
});

test('an order is a permutation that seed and label decide', () => {
  const order = randomOrder(50, 1, 'a');
  expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  expect(randomOrder(50, 1, 'a')).toEqual(order);
  expect(randomOrder(50, 1, 'b')).not.toEqual(order);
});

test('rows are played in the order asked for, and only those', () => {
  const workload = inOrder(nineRows(), [4, 0]);
  expect([workload.rows, workload.row(0).id, workload.row(1).id]).toEqual([2, 'row-4', 'row-0']);
  expect(cold('x', workload, 3)).toMatchObject({ warmRows: 0, feedback: 'chosen', budgetUsd: null, pipeline: 'full' });
});

test('a part keeps the order, and the whole when it is small enough', () => {
  const ids = part(nineRows(), 4);
  const indices = Array.from({ length: ids.rows }, (_, i) => Number(ids.row(i).id.slice(4)));
  expect(indices).toHaveLength(4);
  expect(indices).toEqual([...indices].sort((a, b) => a - b));
  expect(part(nineRows(), 9).rows).toBe(9);
});

test('a quality drop is silent, in the middle third, of one model', () => {
  const workload = qualityDrop(nineRows(), { model: 'a', scoreFactor: 0.5 });
  expect([2, 3, 5, 6].map((index) => scoreAt(workload, index, 'a'))).toEqual([0.8, 0.4, 0.4, 0.8]);
  expect(scoreAt(workload, 4, 'b')).toBe(0.4);
  expect(workload.events).toEqual([]);
});

test('a price change is announced at both ends of the middle third, and calls cost accordingly', () => {
  const priced = withPrices(nineRows(), { a: { input: 2, output: 8 } });
  const workload = priceChange(priced, { model: 'a', input: 1, output: 1, costFactor: 0.2 });
  const old = { inputPerMillionUsd: 2, outputPerMillionUsd: 8, perRequestUsd: 0 };
  expect(workload.models.map(({ price }) => price)).toEqual([
    old,
    ...nineRows()
      .models.slice(1)
      .map(({ price }) => price),
  ]);
  expect(workload.events).toEqual([
    {
      kind: 'priceChanged',
      atIndex: 3,
      model: 'a',
      price: { inputPerMillionUsd: 1, outputPerMillionUsd: 1, perRequestUsd: 0 },
    },
    { kind: 'priceChanged', atIndex: 6, model: 'a', price: old },
  ]);
  expect([2, 3, 5, 6].map((index) => workload.row(index).outcomes.get('a')?.costUsd)).toEqual([10, 2, 2, 10]);
  expect(workload.row(4).outcomes.get('b')?.costUsd).toBe(1);
});

test('an unknown cost stays unknown, and a model that was not measured stays so', () => {
  const workload = priceChange(nineRows(), { model: 'c', input: 1, output: 1, costFactor: 0.2 });
  expect(workload.row(3).outcomes.get('c')?.costUsd).toBeNull();
  expect(workload.row(4).outcomes.get('c')).toBeNull();
});

test('a newcomer is announced at the beginning of the middle third', () => {
  const workload = joinsLater(nineRows(), 'b');
  expect(workload.events).toEqual([{ kind: 'modelJoined', atIndex: 3, model: 'b' }]);
  expect(workload.models.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
});

test('thirds cover all rows', () => {
  expect(middleThird(9)).toEqual({ from: 3, to: 6 });
  expect(middleThird(1785)).toEqual({ from: 595, to: 1190 });
});

test('a model that is not there is named', () => {
  expect(() => qualityDrop(nineRows(), { model: 'z', scoreFactor: 1 })).toThrow('nine has no model z');
  expect(() => joinsLater(nineRows(), 'z')).toThrow('nine has no model z');
  expect(() => withPrices(nineRows(), { z: { input: 1, output: 1 } })).toThrow('nine has no model z');
});
