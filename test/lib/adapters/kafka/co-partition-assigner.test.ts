import fc from 'fast-check';
import { assignCoPartitions, type GroupMemberClaim } from '../../../../lib/adapters/kafka/co-partition-assigner';

const fresh = (...ids: string[]): GroupMemberClaim[] => ids.map((memberId) => ({ memberId, owned: [] }));
const claimsOf = (assigned: ReadonlyMap<string, readonly number[]>): GroupMemberClaim[] =>
  [...assigned].map(([memberId, owned]) => ({ memberId, owned }));
const spread = (counts: readonly number[]): number => Math.max(...counts) - Math.min(...counts);

const counts = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 });
const members = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 5 }).chain((ids) =>
  fc.tuple(
    ...ids.map((memberId) =>
      // Whatever members claim, of this generation or of none.
      fc.record({ memberId: fc.constant(memberId), owned: fc.uniqueArray(fc.integer({ min: -1, max: 14 })) }),
    ),
  ),
);

describe('co-partitioned assignment', () => {
  test('every number to exactly one member, evenly, over all topics and over those of each size', () => {
    fc.assert(
      fc.property(members, counts, (claims, partitionCounts) => {
        const assigned = assignCoPartitions(claims, partitionCounts);
        const owned = [...assigned.values()];
        const most = Math.max(...partitionCounts);
        expect([...assigned.keys()].sort()).toEqual(claims.map(({ memberId }) => memberId).sort());
        expect(owned.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: most }, (_, p) => p));
        expect(spread(owned.map(({ length }) => length))).toBeLessThanOrEqual(1);
        for (const bound of partitionCounts) {
          expect(spread(owned.map((numbers) => numbers.filter((p) => p < bound).length))).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test('the order of the members does not matter', () => {
    fc.assert(
      fc.property(members, counts, (claims, partitionCounts) => {
        const one = assignCoPartitions(claims, partitionCounts);
        const other = assignCoPartitions([...claims].reverse(), partitionCounts);
        expect(new Map([...other].sort())).toEqual(new Map([...one].sort()));
      }),
    );
  });

  test('nothing moves when nothing has changed', () => {
    fc.assert(
      fc.property(members, counts, (claims, partitionCounts) => {
        const before = assignCoPartitions(claims, partitionCounts);
        expect(assignCoPartitions(claimsOf(before), partitionCounts)).toEqual(before);
      }),
    );
  });

  test('who comes takes only its share; who leaves disturbs nobody', () => {
    const one = assignCoPartitions(fresh('a'), [8]);
    const two = assignCoPartitions([...claimsOf(one), ...fresh('b')], [8]);
    expect(two).toEqual(
      new Map([
        ['a', [0, 1, 2, 3]],
        ['b', [4, 5, 6, 7]],
      ]),
    );
    const three = assignCoPartitions([...claimsOf(two), ...fresh('c')], [8]);
    const moved = [...two].flatMap(([id, owned]) => owned.filter((p) => !three.get(id)!.includes(p)));
    expect(moved).toHaveLength(2);
    const back = assignCoPartitions(
      claimsOf(three).filter(({ memberId }) => memberId !== 'c'),
      [8],
    );
    for (const [id, owned] of three) if (id !== 'c') expect(back.get(id)).toEqual(expect.arrayContaining(owned));
  });

  test('with uneven topics nobody gets all the heavy numbers', () => {
    // Number 0 and 1 exist in both topics, 2 to 5 in one.
    const assigned = assignCoPartitions(fresh('a', 'b'), [6, 2]);
    expect([...assigned.values()].map((owned) => owned.filter((p) => p < 2).length)).toEqual([1, 1]);
  });

  test('more members than numbers: some stand by', () => {
    const assigned = assignCoPartitions(fresh('a', 'b', 'c'), [2, 2]);
    expect([...assigned.values()].map(({ length }) => length).sort()).toEqual([0, 1, 1]);
  });
});
