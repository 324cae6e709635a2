import {
  admitJudgement,
  compareJudgement,
  createInfluence,
  type Influence,
  isComparable,
  restoredInfluence,
  type SavedInfluence,
  savedInfluence,
} from '../../../../lib/learning/guard/influence';
import { seededRandom } from '../../../../lib/random/seeded';

/** Judgements of sources in given proportions, of one of two models. Returns how many of each source were admitted. */
function play(
  influence: Influence,
  count: number,
  shares: Readonly<Record<string, number>>,
  modelOf: (source: string, random: () => number) => string = (_, random) => (random() < 0.5 ? 'a' : 'b'),
): Record<string, { came: number; admitted: number }> {
  const random = seededRandom(3, 'influence', influence.judgements);
  const total = Object.values(shares).reduce((sum, share) => sum + share, 0);
  const counts: Record<string, { came: number; admitted: number }> = {};
  for (let i = 0; i < count; i++) {
    let left = random.next() * total;
    const source = Object.keys(shares).find((name) => {
      left -= shares[name]!;
      return left < 0;
    })!;
    counts[source] ??= { came: 0, admitted: 0 };
    counts[source].came++;
    const model = modelOf(source, () => random.next());
    if (admitJudgement(influence, source, model)) counts[source].admitted++;
  }
  return counts;
}

const shareOf = (counts: ReturnType<typeof play>, source: string): number =>
  counts[source]!.admitted / Object.values(counts).reduce((sum, { admitted }) => sum + admitted, 0);

test('a single source is never limited', () => {
  const influence = createInfluence();
  const { only } = play(influence, 20_000, { only: 1 });
  expect(only!.admitted).toBe(20_000);
  expect(influence.passedOver).toBe(0);
});

test('several sources that keep to their usual shares are not limited', () => {
  const influence = createInfluence();
  play(influence, 20_000, { a: 5, b: 3, c: 1, d: 1 });
  expect(influence.passedOver).toBeLessThan(20);
});

test.each([
  ['one model', () => 'a'],
  ['both models', undefined],
] as const)(
  'a flood of a new source, twenty times all others, stays a tenth of what is learned of %s',
  (_, modelOf) => {
    const influence = createInfluence();
    play(influence, 3_000, { editors: 1, users: 1 });
    const counts = play(influence, 10_000, { editors: 1, users: 1, flooder: 40 }, (source, random) =>
      source === 'flooder' && modelOf ? modelOf() : random() < 0.5 ? 'a' : 'b',
    );
    expect(counts['editors']!.admitted).toBe(counts['editors']!.came);
    expect(counts['users']!.admitted).toBe(counts['users']!.came);
    // What it may say grows with what the others say: a tenth of all that is remembered of a model.
    expect(counts['flooder']!.admitted).toBeLessThan(500);
    expect(influence.passedOver).toBe(counts['flooder']!.came - counts['flooder']!.admitted);
  },
);

test('many names gain nothing: new sources are limited together', () => {
  const influence = createInfluence();
  play(influence, 3_000, { editors: 1, users: 1 });
  const names = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`name-${i}`, 0.2]));
  const counts = play(influence, 10_000, { editors: 1, users: 1, ...names });
  const admitted = Object.keys(names).reduce((sum, name) => sum + (counts[name]?.admitted ?? 0), 0);
  expect(admitted).toBeLessThan(500);
  expect(counts['editors']!.admitted).toBe(counts['editors']!.came);
  expect(Object.keys(influence.sources).length).toBeLessThanOrEqual(64);
});

test('an established source may double its share, not more', () => {
  const influence = createInfluence();
  play(influence, 8_000, { a: 4, b: 4, c: 2 });
  const flood = play(influence, 1_500, { a: 4, b: 4, c: 80 });
  expect(flood['c']!.came).toBeGreaterThan(1_200);
  // Twice a fifth of what is remembered, then it has to wait for the others.
  expect(flood['c']!.admitted).toBeLessThan(600);
});

test('a new source that goes on becomes an established one', () => {
  const influence = createInfluence();
  play(influence, 3_000, { old: 1 });
  const first = play(influence, 2_000, { old: 1, new: 1 });
  expect(shareOf(first, 'new')).toBeLessThan(0.25);
  play(influence, 20_000, { old: 1, new: 1 });
  const later = play(influence, 2_000, { old: 1, new: 1 });
  expect(shareOf(later, 'new')).toBeGreaterThan(0.45);
});

test('where the established sources have fallen silent, whoever speaks is heard', () => {
  const influence = createInfluence();
  play(influence, 3_000, { old: 1 });
  const first = play(influence, 1_000, { new: 1 });
  expect(first['new']!.admitted).toBeLessThan(600);
  const then = play(influence, 1_000, { new: 1 });
  expect(then['new']!.admitted).toBe(1_000);
});

test('a model that only one established source calls is judged by it alone', () => {
  const influence = createInfluence();
  play(influence, 3_000, { a: 3, b: 1 });
  const own = play(influence, 1_000, { b: 1 }, () => 'own-of-b');
  expect(own['b']!.admitted).toBe(1_000);
});

describe('compared with what the policy in force expects', () => {
  /** Judgements of a model of which .8 is expected: mean quality per source, judged 0 or 1. */
  const compare = (influence: Influence, count: number, of: Readonly<Record<string, number>>, model = 'a'): void => {
    const random = seededRandom(9, 'compare', count);
    for (let i = 0; i < count; i++)
      for (const [source, mean] of Object.entries(of))
        compareJudgement(influence, source, model, { quality: random.next() < mean ? 1 : 0, expected: 0.8 });
  };
  const onA = (): string => 'a';

  test('only where there are several sources', () => {
    const influence = createInfluence();
    play(influence, 10, { one: 1 });
    expect(isComparable(influence, 'one')).toBe(false);
    expect(isComparable(influence, 'other')).toBe(true);
  });

  test('a source that says the opposite of all others is not heard, until it agrees again', () => {
    const influence = createInfluence();
    play(influence, 4_000, { a: 1, b: 1, c: 1, liar: 1 });
    compare(influence, 60, { a: 0.8, b: 0.8, c: 0.8, liar: 0.2 });
    expect(play(influence, 500, { a: 1, b: 1, c: 1, liar: 1 }, onA)['liar']!.admitted).toBe(0);
    // Of the other model nothing is known against it.
    expect(play(influence, 500, { a: 1, b: 1, c: 1, liar: 1 }, () => 'b')['liar']!.admitted).toBeGreaterThan(50);
    compare(influence, 100, { a: 0.8, b: 0.8, c: 0.8, liar: 0.8 });
    expect(play(influence, 500, { a: 1, b: 1, c: 1, liar: 1 }, onA)['liar']!.admitted).toBeGreaterThan(50);
  });

  test('an honest source is hardly ever taken for one, however noisy', () => {
    const influence = createInfluence();
    play(influence, 4_000, { a: 1, b: 1, noisy: 1 });
    compare(influence, 3_000, { a: 0.8, b: 0.8, noisy: 0.7 });
    expect(influence.sources.get('noisy')!.models.get('a')).toMatchObject({ compared: 3_000, contradicts: false });
  });

  test('it is believed when the others say so too: then it is the world that has changed', () => {
    const influence = createInfluence();
    play(influence, 4_000, { a: 1, b: 1, c: 1 });
    compare(influence, 60, { a: 0.2, b: 0.2, c: 0.2 });
    expect(play(influence, 1_000, { a: 1, b: 1, c: 1 }, onA)['c']!.admitted).toBeGreaterThan(250);
  });

  test('it is believed when it is most of all there is', () => {
    const influence = createInfluence();
    play(influence, 4_000, { most: 8, few: 2 });
    compare(influence, 60, { most: 0.2, few: 0.8 });
    const { most } = play(influence, 1_000, { most: 8, few: 2 }, onA);
    expect(most!.admitted).toBe(most!.came);
  });

  test('a new source has to show first that it does not contradict', () => {
    const influence = createInfluence();
    play(influence, 4_000, { a: 1, b: 1 });
    compare(influence, 60, { a: 0.8, b: 0.8 });
    const half = { a: 1, b: 1, new: 2 };
    expect(play(influence, 200, half, onA)['new']!.admitted).toBe(0);
    compare(influence, 20, { new: 0.8 });
    expect(play(influence, 200, half, onA)['new']!.admitted).toBeGreaterThan(5);
    compare(influence, 60, { new: 0.1 });
    expect(play(influence, 200, half, onA)['new']!.admitted).toBe(0);
  });
});

test('it is a function of its judgements alone, also through JSON', () => {
  const straight = createInfluence();
  play(straight, 1_000, { a: 1, b: 5 });
  const copy = restoredInfluence(JSON.parse(JSON.stringify(savedInfluence(straight))) as SavedInfluence);
  expect(play(copy, 1_000, { a: 1, b: 1, c: 9 })).toEqual(play(straight, 1_000, { a: 1, b: 1, c: 9 }));
  expect(copy).toEqual(straight);
});
