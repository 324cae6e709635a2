/**
 * One budget account as a fold over its events: a request reserves what its decision may cost, the decision takes it, the
 * reported call settles it, time releases it. Whoever folds is the only writer of the account, so what is reserved and
 * spent together is never more than the limit, however many requests ask at once. Pure; time is that of the events.
 */
import { short } from '../figures/figures';
import { hashId } from '../hash-id';
import type {
  BudgetAccount,
  BudgetEvent,
  BudgetGrant,
  BudgetLevel,
  BudgetReservation,
  BudgetState,
  BudgetTerms,
} from '../topics/generated/messages';
import { isAmong, noHashes, withHash } from './recent-hashes';

/**
 * Open reservations of one account. With more, the oldest is charged at what was reserved: a row must fit into a record,
 * and to release it early would let the account be overspent.
 */
export const maxOpenReservations = 4_000;
/** Reports that are recognised when they come again: after a crash, where a write was under way. A busier account may see more. */
const maxReports = 1_024;
/** Refused requests that are counted once however often they ask: they do so within seconds. */
const maxRefused = 256;
/**
 * Near its end a request may reserve this share of what is left, and the cheapest model always: so those that ask at the
 * same moment are not refused for what the one before them reserves for some milliseconds.
 */
const shareOfTheRest = 1 / 8;
/** An account without periods is forgotten so long after its last event where its owners come and go. */
const sessionMemoryMs = 24 * 3_600_000;
/** Clocks of machines differ by less, and requests are on their way for less; a time further back is that of a clock that was set back. */
const clocksDifferMs = 3_600_000;
/** Whoever looks at an account sees it at most so much late. */
const publishEveryMs = 1_000;

export interface Asked {
  readonly account: BudgetAccount;
  /** Null where nothing can be said yet: what stands in the way is granted and not decided, which takes milliseconds. */
  readonly grant: BudgetGrant | null;
}

/** Answers a request. Asked again while the reservation is open, it gets the same answer. */
export function reserve(before: BudgetAccount | undefined, event: BudgetEvent, terms: BudgetTerms): Asked {
  const account = onTerms(before ?? newAccount(terms), terms, event.atMs);
  const request = hashId(event.requestId);
  const open = account.reservations.find((reservation) => reservation.request === request);
  if (open) {
    const { verdict, grantedUsd } = open;
    return { account, grant: { ...answer(account, event), verdict, grantedUsd, reason: '', retryAtMs: null } };
  }
  const left = leftOf(account);
  const { tokens } = terms;
  const cheapestUsd = amount(event.cheapestUsd);
  const dearestUsd = Math.max(cheapestUsd, amount(event.dearestUsd));
  const fits = isEnough(left, cheapestUsd, tokens);
  if (!fits && isEnough(leftOf(account, 'taken'), cheapestUsd, tokens)) return { account, grant: null };
  if (!fits && (terms.atLimit === 'refuse' || terms.atLimit === 'ask')) {
    const refused = { ...withRefusal(account, event.requestId), level: 'LIMIT' as const };
    return {
      account: changed(refused, event.atMs),
      grant: {
        ...answer(refused, event),
        verdict: terms.atLimit === 'ask' ? 'ASK' : 'REFUSED',
        grantedUsd: null,
        reason: whyNot(terms, left, cheapestUsd),
        retryAtMs: terms.periodEndMs,
      },
    };
  }
  const isSoft = usedShare(terms, left) >= terms.softShare;
  const cheapestOnly = (!fits && terms.atLimit === 'cheapest') || (isSoft && terms.atSoft === 'cheapest');
  const allowedUsd = fits ? Math.min(dearestUsd, Math.max(cheapestUsd, left.usd * shareOfTheRest)) : dearestUsd;
  const usd = cheapestOnly ? cheapestUsd : allowedUsd;
  const verdict = cheapestOnly ? 'CHEAPEST' : 'GRANTED';
  const grantedUsd = terms.limitUsd === null || !fits ? null : usd;
  const reservation: BudgetReservation = {
    request,
    usd,
    tokens,
    grantedUsd,
    verdict,
    taken: false,
    expiresAtMs: event.atMs + terms.holdMs,
  };
  const reserved = withRoom({ ...account, reservations: [...account.reservations, reservation] });
  const level: BudgetLevel = !fits ? 'LIMIT' : usedShare(terms, leftOf(reserved)) >= terms.softShare ? 'SOFT' : 'OK';
  return {
    account: changed({ ...reserved, level }, event.atMs),
    grant: { ...answer({ ...reserved, level }, event), verdict, grantedUsd, reason: '', retryAtMs: null },
  };
}

/** A model was decided on: the reservation shrinks to what it is expected to cost, and the decision counts as a call. */
export function take(before: BudgetAccount, event: BudgetEvent): BudgetAccount | null {
  const at = indexOf(before, event.requestId);
  const reservation = before.reservations[at];
  if (!reservation || reservation.taken) return null;
  const usd = Math.min(reservation.usd, event.usd === null ? reservation.usd : amount(event.usd));
  const reservations = before.reservations.with(at, { ...reservation, usd, taken: true });
  return changed({ ...before, reservations, spentCalls: before.spentCalls + 1 }, event.atMs);
}

/**
 * A call was reported. Null where that report has counted already. A further call of the same request adds its cost; a
 * correction adds the difference, which may be below 0.
 */
export function settle(before: BudgetAccount, event: BudgetEvent): BudgetAccount | null {
  if (isAmong(before.reports, event.reportId) || before.settled.includes(hashId(event.reportId))) return null;
  const account = atTime(before, event.atMs);
  const at = indexOf(account, event.requestId);
  const reservation = account.reservations[at];
  const usd = event.usd === null ? (reservation?.usd ?? 0) : difference(event.usd);
  const tokens = event.tokens === null ? (reservation?.tokens ?? 0) : difference(event.tokens);
  const beyondUsd = Math.max(0, usd - (reservation?.usd ?? 0));
  return changed(
    {
      ...account,
      reservations: reservation ? account.reservations.toSpliced(at, 1) : account.reservations,
      spentUsd: Math.max(0, account.spentUsd + usd),
      spentTokens: whole(account.spentTokens + tokens),
      spentCalls: account.spentCalls + (reservation && !reservation.taken ? 1 : 0),
      beyondUsd: account.beyondUsd + beyondUsd,
      settled: account.settled.slice(1),
      reports: withHash(account.reports, event.reportId, maxReports),
    },
    event.atMs,
  );
}

/** Nothing will be spent of a reservation that no decision has taken. */
export function release(before: BudgetAccount, event: BudgetEvent): BudgetAccount | null {
  const at = indexOf(before, event.requestId);
  if (at < 0 || before.reservations[at]!.taken) return null;
  return changed({ ...before, reservations: before.reservations.toSpliced(at, 1) }, event.atMs);
}

/** What time alone does: reservations run out, a period ends. The same account where nothing did. */
export function atTime(account: BudgetAccount, nowMs: number): BudgetAccount {
  return withoutExpired(inPeriod(notAhead(account, nowMs), nowMs), nowMs);
}

/** Whether nothing that it knows counts any more. */
export function isForgettable(account: BudgetAccount, nowMs: number): boolean {
  if (account.reservations.length > 0) return false;
  const { periodEndMs, scope } = account.terms;
  if (periodEndMs !== null) return nowMs >= periodEndMs;
  return scope === 'session' && nowMs >= account.lastEventMs + sessionMemoryMs;
}

/** When time next changes it, or somebody is to see it; null for never. */
export function dueAtMs(account: BudgetAccount): number | null {
  const { terms, reservations, isPublished } = account;
  const times = [
    reservations.length === 0 ? terms.periodEndMs : firstExpiryMs(reservations),
    terms.periodEndMs === null && terms.scope === 'session' ? account.lastEventMs + sessionMemoryMs : null,
    isPublished ? null : account.publishedAtMs + publishEveryMs,
  ].filter((time): time is number => typeof time === 'number');
  return times.length === 0 ? null : Math.min(...times);
}

/** Whether it is time to show how it stands: at once where its level has changed, else once a second. */
export function wantsPublishing(before: BudgetAccount | undefined, after: BudgetAccount, nowMs: number): boolean {
  if (after.isPublished) return false;
  return before?.level !== after.level || isDue(after.publishedAtMs, nowMs);
}

/** Also where the clock was set back since: else nothing would be shown until that time has come again. */
function isDue(publishedAtMs: number, nowMs: number): boolean {
  return nowMs >= publishedAtMs + publishEveryMs || nowMs < publishedAtMs;
}

export function stateOf(account: BudgetAccount, nowMs: number): BudgetState {
  const { terms } = account;
  const { usd, tokens, untaken } = reservedOf(account);
  return {
    account: account.account,
    budget: terms.budget,
    scope: terms.scope,
    owner: terms.owner,
    level: account.level,
    limitUsd: terms.limitUsd,
    limitTokens: terms.limitTokens,
    limitCalls: terms.limitCalls,
    spentUsd: account.spentUsd,
    spentTokens: account.spentTokens,
    spentCalls: account.spentCalls,
    reservedUsd: usd,
    reservedTokens: tokens,
    reservedCalls: untaken,
    beyondReservedUsd: account.beyondUsd,
    refusals: account.refusals,
    unreported: account.unreported,
    periodStartMs: account.periodStartMs,
    periodEndMs: terms.periodEndMs,
    updatedAtMs: nowMs,
  };
}

/**
 * Why a request need not even ask: what is spent, reservations left out, leaves nothing for it. That only grows within a
 * period, so an old state is a true one. Null where it may ask.
 */
export function exhaustedReason(
  state: BudgetState | undefined,
  terms: BudgetTerms,
  cheapestUsd: number,
): string | null {
  if (!state || state.periodStartMs !== terms.periodStartMs) return null;
  if (terms.atLimit !== 'refuse' && terms.atLimit !== 'ask') return null;
  const left = leftBeside(terms, { usd: state.spentUsd, tokens: state.spentTokens, calls: state.spentCalls });
  if (isEnough(left, cheapestUsd, terms.tokens)) return null;
  return whyNot(terms, left, cheapestUsd);
}

/** Of a period that begins. */
const nothingSpent = {
  spentUsd: 0,
  spentTokens: 0,
  spentCalls: 0,
  beyondUsd: 0,
  refusals: 0,
  unreported: 0,
  level: 'OK',
} as const;

function newAccount(terms: BudgetTerms): BudgetAccount {
  return {
    account: terms.account,
    terms,
    periodStartMs: terms.periodStartMs,
    ...nothingSpent,
    reservations: [],
    settled: [],
    lastEventMs: 0,
    publishedAtMs: 0,
    isPublished: true,
    reports: noHashes,
    refused: noHashes,
  };
}

/** A request asks again where the answer is late, and is refused once all the same. */
function withRefusal(account: BudgetAccount, requestId: string): BudgetAccount {
  if (isAmong(account.refused, requestId)) return account;
  const refused = withHash(account.refused, requestId, maxRefused);
  return { ...account, refusals: account.refusals + 1, refused };
}

/** A new period starts with nothing spent; what is reserved is carried over. Requests of an older period do not turn it back. */
function inPeriod(account: BudgetAccount, nowMs: number): BudgetAccount {
  const { terms } = account;
  const startMs = terms.periodEndMs !== null && nowMs >= terms.periodEndMs ? terms.periodEndMs : terms.periodStartMs;
  if (startMs <= account.periodStartMs) return account;
  return changed(
    {
      ...account,
      periodStartMs: startMs,
      ...nothingSpent,
    },
    account.lastEventMs,
  );
}

/**
 * The terms of the newest request count, in the period of the account. A request that was opened in a period that is over does
 * not turn it back. Terms of another length do not begin one either where something may have been spent in theirs already:
 * while a length is changed, requests with the old and with the new one come in turns, and what is spent stays spent. Neither
 * does a clock that was set back.
 */
function onTerms(before: BudgetAccount, terms: BudgetTerms, nowMs: number): BudgetAccount {
  const account = atTime(before, nowMs);
  const { lastEventMs, periodStartMs } = account;
  const { periodStartMs: lastStartMs, periodEndMs: lastEndMs } = account.terms;
  const reachedMs = periodStartMs < nowMs + clocksDifferMs ? Math.max(periodStartMs, nowMs) : nowMs;
  const isOver = terms.periodEndMs !== null && terms.periodEndMs <= reachedMs;
  if (isOver) return { ...account, terms: { ...terms, periodStartMs: lastStartMs, periodEndMs: lastEndMs } };
  const startMs = terms.periodStartMs;
  const begins = startMs > lastEventMs || (lastEndMs !== null && startMs >= lastEndMs);
  return atTime({ ...account, terms, periodStartMs: begins ? Math.min(periodStartMs, startMs) : startMs }, nowMs);
}

/**
 * After a clock was set back: what it said before would keep reservations, and those who look at the account waiting, until that
 * time has come again.
 */
function notAhead(account: BudgetAccount, nowMs: number): BudgetAccount {
  const { lastEventMs, reservations, terms } = account;
  if (lastEventMs <= nowMs + clocksDifferMs) return account;
  const latestMs = nowMs + terms.holdMs;
  return {
    ...account,
    lastEventMs: nowMs,
    reservations: reservations.map((one) => (one.expiresAtMs > latestMs ? { ...one, expiresAtMs: latestMs } : one)),
  };
}

/** They need not be in order: `holdMs` may have been changed, and clocks differ. */
function firstExpiryMs(reservations: readonly BudgetReservation[]): number {
  return reservations.reduce((first, { expiresAtMs }) => Math.min(first, expiresAtMs), Number.POSITIVE_INFINITY);
}

function withoutExpired(account: BudgetAccount, nowMs: number): BudgetAccount {
  const { reservations } = account;
  if (firstExpiryMs(reservations) > nowMs) return account;
  const kept = reservations.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
  const unreported = reservations.filter(({ expiresAtMs, taken }) => expiresAtMs <= nowMs && taken).length;
  return changed({ ...account, reservations: kept, unreported: account.unreported + unreported }, account.lastEventMs);
}

function withRoom(account: BudgetAccount): BudgetAccount {
  const [oldest] = account.reservations;
  if (!oldest || account.reservations.length <= maxOpenReservations) return account;
  return {
    ...account,
    reservations: account.reservations.slice(1),
    spentUsd: account.spentUsd + oldest.usd,
    spentTokens: account.spentTokens + oldest.tokens,
    spentCalls: account.spentCalls + (oldest.taken ? 0 : 1),
  };
}

interface Amounts {
  readonly usd: number;
  readonly tokens: number;
  readonly calls: number;
}

/** Beside what is spent and reserved; `taken` leaves out reservations that no decision has taken. */
function leftOf(account: BudgetAccount, counting: 'all' | 'taken' = 'all'): Amounts {
  const { reservations } = account;
  const reserved = reservedOf(
    counting === 'all' ? account : { reservations: reservations.filter(({ taken }) => taken) },
  );
  return leftBeside(account.terms, {
    usd: account.spentUsd + reserved.usd,
    tokens: account.spentTokens + reserved.tokens,
    calls: account.spentCalls + reserved.untaken,
  });
}

function isEnough(left: Amounts, cheapestUsd: number, tokens: number): boolean {
  return left.usd > 0 && left.usd >= cheapestUsd && left.tokens >= tokens && left.calls >= 1;
}

function leftBeside({ limitUsd, limitTokens, limitCalls }: BudgetTerms, used: Amounts): Amounts {
  return {
    usd: (limitUsd ?? Number.POSITIVE_INFINITY) - used.usd,
    tokens: (limitTokens ?? Number.POSITIVE_INFINITY) - used.tokens,
    calls: (limitCalls ?? Number.POSITIVE_INFINITY) - used.calls,
  };
}

/** Summed anew each time: a sum that is carried along drifts. */
function reservedOf({ reservations }: Pick<BudgetAccount, 'reservations'>): {
  usd: number;
  tokens: number;
  untaken: number;
} {
  let usd = 0;
  let tokens = 0;
  let untaken = 0;
  for (let i = 0; i < reservations.length; i++) {
    const reservation = reservations[i]!;
    usd += reservation.usd;
    tokens += reservation.tokens;
    if (!reservation.taken) untaken++;
  }
  return { usd, tokens, untaken };
}

/** The largest used share of its limits; 0 without one. */
function usedShare({ limitUsd, limitTokens, limitCalls }: BudgetTerms, left: Amounts): number {
  const shareOf = (limit: number | null, rest: number): number =>
    limit === null ? 0 : limit <= 0 ? 1 : 1 - rest / limit;
  return Math.max(shareOf(limitUsd, left.usd), shareOf(limitTokens, left.tokens), shareOf(limitCalls, left.calls));
}

function whyNot(terms: BudgetTerms, left: Amounts, cheapestUsd: number): string {
  const of = `of the budget ${terms.budget} of ${terms.scope} ${terms.owner}`;
  if (left.calls < 1) return `no call is left ${of} (${terms.limitCalls})`;
  if (left.tokens < terms.tokens)
    return `${Math.max(0, left.tokens)} tokens are left ${of} (${terms.limitTokens}), and the request is expected to take ${terms.tokens}`;
  return `$${short(Math.max(0, left.usd))} is left ${of} ($${short(terms.limitUsd ?? 0)}), and the cheapest model is expected to cost $${short(cheapestUsd)}`;
}

function answer(account: BudgetAccount, { requestId, routingKey, terms }: BudgetEvent) {
  const pricePerUsd = terms?.pricePerUsd ?? 0;
  return {
    account: account.account,
    budget: account.terms.budget,
    requestId,
    routingKey,
    state: account.level,
    pricePerUsd,
  };
}

function indexOf(account: BudgetAccount, requestId: string): number {
  const request = hashId(requestId);
  return account.reservations.findIndex((reservation) => reservation.request === request);
}

function changed(account: BudgetAccount, atMs: number): BudgetAccount {
  return { ...account, lastEventMs: Math.max(account.lastEventMs, atMs), isPublished: false };
}

/** What somebody else's record says may be any number; an amount is one of at least 0 that sums can hold. */
function amount(usd: number): number {
  return usd > 0 ? Math.min(usd, 1e9) : 0;
}

function difference(of: number): number {
  return Number.isFinite(of) ? Math.max(-1e15, Math.min(of, 1e15)) : 0;
}

function whole(tokens: number): number {
  return tokens > 0 ? Math.min(Math.floor(tokens), 1e15) : 0;
}
