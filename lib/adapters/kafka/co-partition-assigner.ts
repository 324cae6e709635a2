/**
 * Which member of a group owns which partition numbers. A number is given out as a whole, over all topics, so that joins
 * find both sides at one member. Balanced, and everybody keeps what fits: a rebalance moves as little as it can.
 */

export interface GroupMemberClaim {
  readonly memberId: string;
  /** What it owned in the generation before; nothing for a new member. */
  readonly owned: readonly number[];
}

/**
 * Partition numbers by member id. `partitionCounts` are those of the group's topics. Numbers that the same topics have
 * are spread evenly, to within one per member, and the totals too.
 */
export function assignCoPartitions(
  members: readonly GroupMemberClaim[],
  partitionCounts: readonly number[],
): Map<string, number[]> {
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const assigned = new Map<string, number[]>(sorted.map(({ memberId }) => [memberId, []]));
  const claims = claimsOf(sorted);
  for (const tier of tiersOf(partitionCounts)) assignTier(tier, assigned, claims);
  return assigned;
}

/** Who claims a number. Of two that do, the first in order: one of them is a zombie or was reassigned. */
function claimsOf(members: readonly GroupMemberClaim[]): Map<number, string> {
  const claims = new Map<number, string>();
  for (const { memberId, owned } of members) {
    for (const partition of owned) if (!claims.has(partition)) claims.set(partition, memberId);
  }
  return claims;
}

/** Numbers that exist in the same topics weigh the same: with topics of 4, 4 and 1 partitions, [0] and [1, 2, 3]. */
function tiersOf(partitionCounts: readonly number[]): number[][] {
  const bounds = [...new Set(partitionCounts)].sort((a, b) => a - b);
  return bounds.map((bound, i) => {
    const first = bounds[i - 1] ?? 0;
    return Array.from({ length: bound - first }, (_, k) => first + k);
  });
}

function assignTier(
  tier: readonly number[],
  assigned: Map<string, number[]>,
  claims: ReadonlyMap<number, string>,
): void {
  const kept = new Map<string, number[]>([...assigned.keys()].map((memberId) => [memberId, []]));
  for (const partition of tier) {
    const owner = claims.get(partition);
    if (owner !== undefined) kept.get(owner)!.push(partition);
  }
  const share = Math.floor(tier.length / assigned.size);
  // Those with the fewest so far take one more; among equals, those that would otherwise have to give one up.
  const extras = [...assigned]
    .sort(
      ([a, hasA], [b, hasB]) =>
        hasA.length - hasB.length || kept.get(b)!.length - kept.get(a)!.length || (a < b ? -1 : 1),
    )
    .slice(0, tier.length % assigned.size);
  const takesExtra = new Set(extras.map(([memberId]) => memberId));
  const free = new Set(tier);
  const quotas = [...assigned].map(([memberId, has]) => {
    const quota = share + (takesExtra.has(memberId) ? 1 : 0);
    const keeps = kept.get(memberId)!.slice(0, quota);
    for (const partition of keeps) free.delete(partition);
    has.push(...keeps);
    return { has, open: quota - keeps.length };
  });
  const rest = free.values();
  for (const { has, open } of quotas) {
    for (let i = 0; i < open; i++) has.push(rest.next().value as number);
    has.sort((a, b) => a - b);
  }
}
