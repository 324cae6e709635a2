/**
 * Shares of the draws that models have whatever the heads think of them: newcomers are explored, but under a cap, since
 * nothing vouches for them; a model that has got worse is looked at now and then, since it may have recovered.
 */

/** Rewards a model that joined late gets in any case: so many calls are what trying it costs, however bad it is. */
const triedPulls = 8;
/** Rewards below which it is still capped: what eight say may be luck. */
const newcomerPulls = 24;
/** Most and least probability of a newcomer. */
const newcomerCap = 0.2;
const newcomerShare = 0.05;
/** Newcomers together never get more than this: the others are known. */
const mostNewcomers = 0.5;
/** Nor do the watched. */
const mostWatched = 0.25;
/** A guaranteed share may cost this share of the budget at most. */
const budgetShare = 0.05;

/** Least and most probability of a model, before the exploration floor. */
export interface Guarantee {
  readonly least: number;
  readonly most: number;
}

export const newcomer: Guarantee = { least: newcomerShare, most: newcomerCap };
/** A newcomer that was tried has what its heads vote for, and no more than the cap: none where none of them believes in it. */
const tried: Guarantee = { least: 0, most: newcomerCap };

/** By model; models without one are missing. */
export type Guarantees = ReadonlyMap<string, Guarantee>;

/** What a policy says of its models, arm by arm. */
export interface Standing {
  readonly models: readonly string[];
  /** Rewards seen per model. */
  readonly pulls: readonly number[];
  /** Whether a model came after the cold start. */
  readonly joinedLate: readonly boolean[];
  /** Least share of a model that has got worse; 0 for the others. */
  readonly watched: readonly number[];
}

export function guaranteesOf({ models, pulls, joinedLate, watched }: Standing): Guarantees {
  const guarantees = new Map<string, Guarantee>();
  models.forEach((model, arm) => {
    if (joinedLate[arm]! && pulls[arm]! < newcomerPulls)
      guarantees.set(model, pulls[arm]! < triedPulls ? newcomer : tried);
    else if (watched[arm]! > 0) guarantees.set(model, { least: watched[arm]!, most: 1 });
  });
  return guarantees;
}

/** One eligible candidate of a request. */
export interface Guaranteed {
  readonly guarantee: Guarantee | null;
  /** Expected; 0: unknown. */
  readonly costUsd: number;
}

/**
 * Changes `shares` (of the votes, sum 1, one per eligible candidate) so that guarantees hold; the others divide the rest as
 * they divided the votes. Newcomers among themselves are drawn alike.
 */
export function guarantee(shares: number[], candidates: readonly Guaranteed[], budgetUsd: number | null): void {
  const newcomers = candidates.filter((candidate) => candidate.guarantee && candidate.guarantee.most < 1).length;
  const watched = candidates.filter((candidate) => candidate.guarantee).length - newcomers;
  if (newcomers + watched === 0) return;
  if (newcomers === shares.length) {
    shares.fill(1 / newcomers);
    return;
  }
  let rest = 1;
  let votes = 0;
  const free: number[] = [];
  candidates.forEach(({ guarantee: own, costUsd }, i) => {
    const isNew = own !== null && own.most < 1;
    const bounds = own && {
      least: Math.min(own.least, 1 / shares.length, isNew ? 1 : mostWatched / watched, affordable(costUsd, budgetUsd)),
      most: isNew ? Math.min(own.most, mostNewcomers / newcomers) : 1,
    };
    if (bounds === null || (!isNew && shares[i]! >= bounds.least)) {
      free.push(i);
      votes += shares[i]!;
      return;
    }
    shares[i] = Math.min(bounds.most, Math.max(bounds.least, shares[i]!));
    rest -= shares[i]!;
  });
  if (free.length === 0) {
    for (let i = 0; i < shares.length; i++) shares[i] = shares[i]! / (1 - rest);
  }
  for (const i of free) shares[i] = votes > 0 ? (shares[i]! / votes) * rest : rest / free.length;
}

function affordable(costUsd: number, budgetUsd: number | null): number {
  return budgetUsd === null || costUsd <= 0 ? 1 : (budgetShare * budgetUsd) / costUsd;
}
