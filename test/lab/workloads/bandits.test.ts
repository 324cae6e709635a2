import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  type BanditName,
  type BanditWorkload,
  banditRegretShare,
  banditWorkload,
} from '../../../lab/workloads/bandits';

const folder = mkdtempSync(join(tmpdir(), 'bandits-'));
afterAll(() => rmSync(folder, { recursive: true }));

const person = (age: number, occupation: string, income: string) =>
  `${age}, Private, 1, HS-grad, 9, Single, ${occupation}, Own-child, White, Male, 0, 0, 40, Norway, ${income}`;
const write = (name: string, lines: string[]) => writeFileSync(join(folder, name), gzipSync(`${lines.join('\n')}\n\n`));
write('shuttle.trn.gz', ['1 2 3 4 5 6 7 8 9 4', '9 8 7 6 5 4 3 2 1 1']);
write('adult.data.gz', [person(20, 'Sales', '<=50K'), person(40, 'Farming', '>50K'), person(30, '?', '>50K')]);
write('mushroom.csv.gz', ['l,1,2', 'p,x,s', 'e,y,s', 'p,z,s']);

const small = (name: BanditName, rows = 400) => banditWorkload(name, { folder, rows, seed: 1 });
const scoresAt = (bandit: BanditWorkload, index: number) =>
  [...bandit.row(index).outcomes.values()].map((o) => o!.score);

test('shuttle: nine numbers, reward 1 for the class', () => {
  const bandit = small('shuttle');
  expect(bandit.models.map((m) => m.name)).toEqual(['arm-1', 'arm-2', 'arm-3', 'arm-4', 'arm-5', 'arm-6', 'arm-7']);
  for (let i = 0; i < 20; i++) {
    const first = bandit.row(i).features![0] === 1;
    expect(bandit.row(i).features).toEqual(first ? [1, 2, 3, 4, 5, 6, 7, 8, 9] : [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(scoresAt(bandit, i)).toEqual(first ? [0, 0, 0, 1, 0, 0, 0] : [1, 0, 0, 0, 0, 0, 0]);
  }
});

test('adult: rows with ? dropped, occupation is the arm, numbers standardised, the rest one-hot', () => {
  const bandit = small('adult');
  const arms = bandit.models.map((m) => m.name);
  expect(arms).toHaveLength(14);
  expect(arms.slice(0, 3)).toEqual(['arm-Farming', 'arm-Sales', 'arm-idle-1']);
  const { features } = bandit.row(0);
  // 6 numbers, 7 constant categories, income of two values.
  expect(features).toHaveLength(6 + 7 + 2);
  const young = features![0] === -1;
  expect(features).toEqual([young ? -1 : 1, 1, 0, 1, 0, 1, 1, 1, 1, 0, 0, 0, 1, young ? 1 : 0, young ? 0 : 1]);
  expect(scoresAt(bandit, 0)).toEqual([...(young ? [0, 1] : [1, 0]), ...Array(12).fill(0)]);
});

test('adult by relationship: the next column is the arm, occupation is context, idle arms never pay', () => {
  const bandit = small('adult-relationship');
  expect(bandit.models.map((m) => m.name).slice(0, 2)).toEqual(['arm-Own-child', 'arm-idle-1']);
  expect(bandit.models).toHaveLength(14);
  expect(bandit.row(0).features).toHaveLength(6 + 6 + 2 + 2);
  expect(scoresAt(bandit, 0)).toEqual([1, ...Array(13).fill(0)]);
});

test('mushroom: scaled rewards, and poison kills half the time', () => {
  const bandit = small('mushroom', 2_000);
  let poisonous = 0;
  let survived = 0;
  for (let i = 0; i < 2_000; i++) {
    const [eat, pass] = scoresAt(bandit, i) as [number, number];
    expect(pass).toBe(35 / 40);
    if (bandit.row(i).features![1] === 1) {
      expect([eat, bandit.expectedScores(i)[0]]).toEqual([1, 1]);
      continue;
    }
    expect(bandit.expectedScores(i)[0]).toBe(0.5);
    poisonous++;
    survived += eat;
  }
  expect(poisonous / 2_000).toBeCloseTo(2 / 3, 1);
  expect(survived / poisonous).toBeCloseTo(0.5, 1);
});

test('wheel: the quadrant pays only outside the radius', () => {
  const bandit = small('wheel', 2_000);
  const paying = new Set<number>();
  let outside = 0;
  for (let i = 0; i < 2_000; i++) {
    const [x, y] = bandit.row(i).features as [number, number];
    const scores = scoresAt(bandit, i);
    const best = scores.indexOf(Math.max(...scores));
    expect(Math.hypot(x, y)).toBeLessThanOrEqual(1);
    if (Math.hypot(x, y) <= 0.5) {
      expect(bandit.expectedScores(i)).toEqual([1.2 / 51, 1 / 51, 1 / 51, 1 / 51, 1 / 51]);
      continue;
    }
    outside++;
    paying.add(best);
    expect(best).toBe(x > 0 ? (y > 0 ? 1 : 2) : y > 0 ? 3 : 4);
    expect(scores[best]).toBeCloseTo(50 / 51, 2);
  }
  expect(paying).toEqual(new Set([1, 2, 3, 4]));
  expect(outside / 2_000).toBeCloseTo(0.75, 1);
});

test('rows are drawn with replacement, the same for the same seed', () => {
  const rowsOf = (seed: number) => {
    const bandit = banditWorkload('wheel', { folder, rows: 5, seed });
    return Array.from({ length: 5 }, (_, i) => bandit.row(i));
  };
  expect(rowsOf(1)).toEqual(rowsOf(1));
  expect(rowsOf(1)).not.toEqual(rowsOf(2));
  expect(() => small('wheel', 5).row(5)).toThrow(RangeError);
  expect(() => small('wheel', 5).expectedScores(-1)).toThrow(RangeError);
});

test('regret is 0 for the best arms and 1 for uniform ones on average', () => {
  const bandit = small('shuttle', 700);
  const best = Array.from({ length: 700 }, (_, i) => bandit.expectedScores(i).indexOf(1));
  expect(banditRegretShare(bandit, best)).toBe(0);
  const inTurn = Array.from({ length: 700 }, (_, i) => i % 7);
  expect(banditRegretShare(bandit, inTurn)).toBeCloseTo(1, 1);
});

const real = join(process.env['QR_DATA'] ?? join(__dirname, '../../../../shared/data'), 'bandits');
const present = existsSync(real);
if (!present) process.stderr.write(`skipping tests on bandit data: ${real} is not there (set QR_DATA)\n`);

(present ? test : test.skip)('the real tables have their known shapes', () => {
  const shapes = (['shuttle', 'adult', 'adult-relationship', 'mushroom'] as const).map((name) => {
    const bandit = banditWorkload(name, { folder: real, rows: 2, seed: 1 });
    return [name, bandit.models.length, bandit.row(0).features!.length];
  });
  expect(shapes).toEqual([
    ['shuttle', 7, 9],
    ['adult', 14, 92],
    ['adult-relationship', 14, 100],
    ['mushroom', 2, 117],
  ]);
});
