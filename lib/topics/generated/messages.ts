// Generated from schemas/*.avsc by `make generate`. Do not edit.

/** What a key allows. */
export interface AccessKey {
  /** For people. */
  name: string;
  /** SHA-256 of the key; the key itself is nowhere. */
  hash: Buffer;
  /** What it may do. */
  role: AccessRole;
  /** Whose it is; null: of the installation. */
  tenantId: string | null;
  /** Models it may use; null: all. */
  models: string[] | null;
  /** Presets it may name, auto among them; null: all. */
  presets: string[] | null;
  /** Paths it may ask, of those its role allows; null: all. */
  routes: string[] | null;
  /** Sources its feedback may name, the first where it names none. */
  sources: string[];
  /** Requests a minute; null: no limit. */
  requestsPerMinute: number | null;
  /** Requests at once; null: those of a minute. */
  burst: number | null;
  /** The key in whose place it was made. */
  replaces: string | null;
}

/** Something that happened to a key of a caller, written once and never changed: its end can be put earlier, and not be taken back. Key: keyId/change. */
export interface AccessKeyChange {
  /** What the key is called in public; part of the key itself. */
  keyId: string;
  /** CREATED: made. REPLACED: another one was made in its place. REVOKED: over at once. */
  change: KeyChange;
  /** When. */
  atMs: number;
  /** Who did it. */
  by: string;
  /** From then on the key is not taken any more, as far as this change says; null where it says nothing. */
  endsAtMs: number | null;
  /** Of CREATED alone. */
  key: AccessKey | null;
}

export type AccessRole = 'caller' | 'viewer' | 'operator' | 'admin';

/** Something that needs a person, and what became of it. Key: alertId. */
export interface Alert {
  /** Of this time that it rang. */
  alertId: string;
  /** Rule of the configuration, such as errorRate. */
  rule: string;
  /** What it is about: a provider, a model, a budget account, a service; empty for the engine as a whole. */
  subject: string;
  /** As the rule said when it rang. */
  severity: AlertSeverity;
  /** What became of it. */
  state: AlertRinging;
  /** One sentence for a person. */
  summary: string;
  /** Newest figure. */
  value: number;
  /** From which figure on it rings. */
  threshold: number;
  /** When it began to ring. */
  raisedAtMs: number;
  /** When it stopped; null while it rings. */
  resolvedAtMs: number | null;
  /** Nobody is told before; null where it is not silenced. */
  silencedUntilMs: number | null;
  /** Whether webhooks are to be told of this record. */
  notify: boolean;
  /** When this was written. */
  changedAtMs: number;
}

/** A figure that a rule goes on from. */
export interface AlertReading {
  /** What of. */
  name: string;
  /** When. */
  atMs: number;
  /** As the rule reads them. */
  values: number[];
}

/** RAISED: it rings. RESOLVED: it has stopped. */
export type AlertRinging = 'RAISED' | 'RESOLVED';

/** What alerts remember of one rule. Key: rule. */
export interface AlertRuleState {
  /** Its name. */
  rule: string;
  /** Bounded; those that are fine are not there. */
  subjects: AlertSubject[];
  /** Bounded. */
  readings: AlertReading[];
  /** Newest alerts that have stopped, oldest first: those beyond a number are deleted. */
  resolved: string[];
}

/** How much it matters. */
export type AlertSeverity = 'warning' | 'critical';

/** Nobody wants to be told of some alerts for a while. Key: silenceId. */
export interface AlertSilence {
  /** Of this silence. */
  silenceId: string;
  /** Alerts of this rule; empty for all. */
  rule: string;
  /** Alerts about this; empty for all. */
  subject: string;
  /** Who wants it. */
  author: string;
  /** Why. */
  reason: string;
  /** When it was made. */
  createdAtMs: number;
  /** When it ends. */
  untilMs: number;
}

/** Something that is, or is about to be, wrong. */
export interface AlertSubject {
  /** What it is about. */
  subject: string;
  /** Since when it is wrong. */
  sinceMs: number;
  /** When there last was a figure for it. */
  knownAtMs: number;
  /** What was last said of it; null while it is not wrong for long enough. */
  alert: Alert | null;
  /** Whether webhooks were told that it rings. */
  isTold: boolean;
}

/** Sums of one window over everything with one value of a dimension. All are sums, so cells are added to merge them. */
export interface AnalyticsCell {
  /** Decisions; by task, requests opened. */
  decisions: number;
  /** Decisions below the top of the degradation ladder. */
  degraded: number;
  /** Decisions from the routing cache. */
  cacheHits: number;
  /** Decisions in which every candidate but one had nothing more than its share of the exploration floor. */
  floored: number;
  /** Expected cost of the chosen models, in USD. */
  expectedCostUsd: number;
  /** Time from request to decision, in milliseconds. */
  decisionMs: number;
  /** Calls of models. */
  calls: number;
  /** Calls that ended in FAILURE, TIMEOUT or RATE_LIMITED. */
  errors: number;
  /** Calls with a known cost. */
  costed: number;
  /** What they cost, in USD. */
  costUsd: number;
  /** Successful calls with a known latency. */
  timed: number;
  /** Their latency, in milliseconds. */
  latencyMs: number;
  /** Tokens read. */
  inputTokens: number;
  /** Tokens written. */
  outputTokens: number;
  /** Decisions whose answer was judged. */
  judged: number;
  /** Their quality, 0..1 each. */
  quality: number;
  /** What they were worth under the preference of each request, in units of utility. */
  utility: number;
  /** Reports of calls that came too late for any of the other figures; in the cell of everything alone. */
  late: number;
}

/** Cells with their keys, in the order they first came: a record that adds to some copies neither the keys nor the other cells. */
export interface AnalyticsCells {
  /** Dimension and value, separated by a line feed; see lib/analytics/window.ts. */
  keys: string[];
  /** One for each key. */
  values: AnalyticsCell[];
}

/** Histograms with their keys, in the order they first came. */
export interface AnalyticsSketches {
  /** Models. */
  keys: string[];
  /** One for each key. */
  values: Sketch[];
}

/** What happened in one window of time, as far as one partition has seen it. Windows of several partitions and of several spans are merged by adding. */
export interface AnalyticsWindow {
  /** Beginning of the window, milliseconds since the epoch. */
  startMs: number;
  /** Length of the window, in milliseconds. */
  spanMs: number;
  /** Sums by dimension and value. */
  cells: AnalyticsCells;
  /** Time from request to decision, in milliseconds. */
  decisionMs: Sketch;
  /** Latency of successful calls, in milliseconds, by model. */
  latencyMs: AnalyticsSketches;
  /** When it last changed. */
  updatedAtMs: number;
  /** When its figures were last told to alerts; 0: not yet, -1: they are too old for them, or of a release that told nothing. */
  toldAtMs: number;
}

/** What an arm had of a metric, and how it goes with the covariate. */
export interface ArmFigures {
  /** Of the metric. */
  value: Moments;
  /** Of the covariate. */
  covariate: Moments;
  /** Sum of products of their distances from their means. */
  products: number;
}

/** One arm. */
export interface ArmState {
  /** Its name. */
  name: string;
  /** Units that were exposed. */
  units: number;
  /** Mean quality; null before the first. */
  quality: number | null;
  /** Mean cost, in USD; null before the first. */
  costUsd: number | null;
  /** Mean latency, in milliseconds; null before the first. */
  latencyMs: number | null;
  /** Mean share of failed calls; null before the first. */
  failure: number | null;
}

/** Somebody changed something: who, what, before, after. Key: auditId. */
export interface AuditRecord {
  /** Of this record. */
  auditId: string;
  /** When. */
  atMs: number;
  /** A key, a person, a file, a command; as sure as the way it came by. */
  who: string;
  /** What was done, such as config.apply, weights.promote, keys.create. */
  action: string;
  /** To what: a version, a hash, a key. */
  target: string;
  /** As JSON: what was there, as far as it is different; null for nothing. */
  before: string | null;
  /** As JSON: what is there, as far as it is different; null for nothing. */
  after: string | null;
  /** What came of it, for a person. */
  note: string;
}

/** reward-feedback's state of one decision that waits for outcomes. */
export interface AwaitedOutcome {
  /** The decision. */
  decisionId: string;
  /** Null until seen, and null again once both are folded into `event`. */
  opened: RouteOpened | null;
  /** Null until seen, and null again once both are folded into `event`. */
  decided: RouteDecided | null;
  /** All reports taken of each attempt, at most 32: waiting while `event` is null, used after that (for duplicates, further reports and revisions). */
  outcomes: RouteOutcome[];
  /** When first seen. */
  firstSeenMs: number;
  /** Whether a learning event with a quality was emitted. */
  rewarded: boolean;
  /** An encoded LearningEvent of kind CLOSED with all that opened and decided say: a fifth of their size in memory, and all that an outcome needs. */
  event: Buffer | null;
  /** Provider of each of the event's models. */
  providers: string[];
  /** Expected latency of each of the event's models, in milliseconds: how much of a reported one can be believed. */
  expectedLatenciesMs: number[];
  /** Budget accounts that pay for the calls. */
  accounts: string[];
  /** Experiments that the request takes part in. */
  exposures: Exposure[];
  /** What the decision predicted of each candidate's quality, in the order of the event's models. */
  predictedQualities: number[];
}

/** A response that its provider makes in the background, until it is known what came of it. Key: id. Deleted then. */
export interface BackgroundResponse {
  /** The provider's name for it. */
  id: string;
  /** The decision that the call was made by. */
  decisionId: string;
  /** The key of that decision in its topic. */
  routingKey: string;
  /** The model that answers. */
  model: string;
  /** When it was passed on. */
  startedAtMs: number;
}

/** A three-state circuit breaker. */
export interface Breaker {
  /** State. */
  health: Health;
  /** Decayed failures in a row. */
  failures: number;
  /** When it last changed. */
  changedAtMs: number;
  /** Openings in a row, for the back-off. */
  openings: number;
  /** When an OPEN breaker becomes HALF_OPEN. */
  probeAtMs: number | null;
  /** Successful probes while HALF_OPEN. */
  probesSucceeded: number;
  /** Its newest changes, the oldest first; at most 12. */
  changes: BreakerChange[];
}

/** A state that a breaker came into. */
export interface BreakerChange {
  /** State. */
  health: Health;
  /** Since when, milliseconds since the epoch. */
  atMs: number;
}

/** What one account has spent and reserved. Key: account. */
export interface BudgetAccount {
  /** The account. */
  account: string;
  /** What it allows, as the newest request says. */
  terms: BudgetTerms;
  /** Beginning of the period it counts. */
  periodStartMs: number;
  /** Reported costs of the period, in USD. */
  spentUsd: number;
  /** Reported tokens of the period. */
  spentTokens: number;
  /** Decisions of the period. */
  spentCalls: number;
  /** Of spentUsd, what calls cost more than was reserved for them. */
  beyondUsd: number;
  /** Requests of the period that were refused. */
  refusals: number;
  /** Decisions of the period whose reservation was released since nothing was reported in time. */
  unreported: number;
  /** Open reservations, the oldest first. */
  reservations: BudgetReservation[];
  /** Written by earlier releases: reports that were counted, as hashes like those of requests. */
  settled: string[];
  /** As last found. */
  level: BudgetLevel;
  /** When it last changed. */
  lastEventMs: number;
  /** When its state was last published. */
  publishedAtMs: number;
  /** Whether that state is still true. */
  isPublished: boolean;
  /** Newest reports that were counted: twelve bytes each of SHA-256 over their ids. */
  reports: Buffer;
  /** Newest requests that were refused, likewise: who asks again is counted once. */
  refused: Buffer;
}

/** What an account is told. Key: account, so that each has one writer. */
export interface BudgetEvent {
  /** The account. */
  account: string;
  /** The request. */
  requestId: string;
  /** What it says. */
  kind: BudgetEventKind;
  /** Key of the request, to which the answer goes. */
  routingKey: string;
  /** With ASKED: what the budget allows. */
  terms: BudgetTerms | null;
  /** With ASKED: expected cost of the cheapest candidate. */
  cheapestUsd: number;
  /** With ASKED: expected cost of the dearest candidate. */
  dearestUsd: number;
  /** With TAKEN: expected cost of the decided model. With SPENT: what the call cost; null where nobody knows, and the reservation counts. */
  usd: number | null;
  /** With SPENT: tokens of the call; null where nobody knows. */
  tokens: number | null;
  /** With SPENT: the report, so that it counts once. */
  reportId: string;
  /** When, milliseconds since the epoch. */
  atMs: number;
}

/** ASKED: may it be spent? TAKEN: a model was decided on. SPENT: a call was reported. RELEASED: nothing will be spent. */
export type BudgetEventKind = 'ASKED' | 'TAKEN' | 'SPENT' | 'RELEASED';

/** What one budget answers to one request. Key: the routingKey of the request. */
export interface BudgetGrant {
  /** The account. */
  account: string;
  /** The budget. */
  budget: string;
  /** The request. */
  requestId: string;
  /** Its key. */
  routingKey: string;
  /** GRANTED: any model up to grantedUsd. CHEAPEST: the cheapest one only. REFUSED: none. ASK: none until somebody agrees. */
  verdict: BudgetVerdict;
  /** How far the budget is spent, reservations counted. */
  state: BudgetLevel;
  /** Reserved for the request, in USD: no dearer model may be chosen. Null where no amount limits it. */
  grantedUsd: number | null;
  /** For people; empty where nothing is refused. */
  reason: string;
  /** When the period ends, where the request was refused; null where the limit is for good. */
  retryAtMs: number | null;
  /** Utility that a USD cost the request beside its preference, since the account is ahead of its pace; 0: it is not, or is not paced. */
  pricePerUsd: number;
}

/** How far a budget is spent. */
export type BudgetLevel = 'OK' | 'SOFT' | 'LIMIT';

/** What a request may still cost. */
export interface BudgetReservation {
  /** 16 hexadecimal digits of SHA-256 over the request's id: a row must have a largest size. */
  request: string;
  /** Reserved, in USD. */
  usd: number;
  /** Reserved tokens. */
  tokens: number;
  /** As it was granted. */
  grantedUsd: number | null;
  /** As it was granted. */
  verdict: BudgetVerdict;
  /** Whether the decision is known to be made; it then counts among spentCalls. */
  taken: boolean;
  /** When it is released. */
  expiresAtMs: number;
}

/** How an account stands, for who wants to see it. Key: account. */
export interface BudgetState {
  /** Name of the budget, a slash, and the owner. */
  account: string;
  /** Name of the budget. */
  budget: string;
  /** tenant, user or session. */
  scope: string;
  /** The tenant, user or session. */
  owner: string;
  /** OK; SOFT: nearly spent; LIMIT: spent, or too little left for the last request. */
  level: BudgetLevel;
  /** In USD; null for no limit. */
  limitUsd: number | null;
  /** In tokens; null for no limit. */
  limitTokens: number | null;
  /** In decisions; null for no limit. */
  limitCalls: number | null;
  /** Reported costs of the period, in USD. */
  spentUsd: number;
  /** Reported tokens of the period. */
  spentTokens: number;
  /** Decisions of the period. */
  spentCalls: number;
  /** Reserved for decisions whose calls were not reported yet, in USD. */
  reservedUsd: number;
  /** Likewise, in tokens. */
  reservedTokens: number;
  /** Requests that have a grant and no decision yet. */
  reservedCalls: number;
  /** Of spentUsd, what calls cost more than was reserved for them: so much a limit may be overspent by. */
  beyondReservedUsd: number;
  /** Requests of the period that were refused. */
  refusals: number;
  /** Decisions of the period whose reservation was released since nothing was reported in time. */
  unreported: number;
  /** Beginning of the period; 0 where it has none. */
  periodStartMs: number;
  /** End of the period; null where it has none. */
  periodEndMs: number | null;
  /** When this was true, milliseconds since the epoch. */
  updatedAtMs: number;
}

/** What one budget allows one request, as configured when it was opened. */
export interface BudgetTerms {
  /** Whose money it is: name of the budget, a slash, and the tenant, user or session. */
  account: string;
  /** Name of the budget in the configuration. */
  budget: string;
  /** tenant, user or session. */
  scope: string;
  /** The tenant, user or session. */
  owner: string;
  /** Hard limit of a period, in USD; null for none. */
  limitUsd: number | null;
  /** Hard limit of a period, in tokens read and written; null for none. */
  limitTokens: number | null;
  /** Hard limit of a period, in decisions; null for none. */
  limitCalls: number | null;
  /** Share of a limit from which the budget counts as nearly spent; 0..1. */
  softShare: number;
  /** What happens from there on: warn or cheapest. */
  atSoft: string;
  /** What happens at the hard limit: refuse, cheapest or ask; approved where the caller has agreed to spend more. */
  atLimit: string;
  /** Beginning of the period, milliseconds since the epoch; 0 where it has none. */
  periodStartMs: number;
  /** End of the period; null where the limit is for good. */
  periodEndMs: number | null;
  /** A reservation is released this long after it was made when nothing is reported. */
  holdMs: number;
  /** Tokens that the request is expected to take. */
  tokens: number;
  /** Utility that a USD costs the request beside its preference, since the account is ahead of its pace; it is part of the request's preference. 0: it is not, or is not paced. */
  pricePerUsd: number;
}

/** What a budget allows a request. */
export type BudgetVerdict = 'GRANTED' | 'CHEAPEST' | 'REFUSED' | 'ASK';

/** A routing-cache entry: what collapse made of the threads for an equal request before. */
export interface CachedDistribution {
  /** Models in the order of probabilities. */
  models: string[];
  /** Collapsed distribution before limits, health and exploration. */
  probabilities: number[];
  /** Predicted quality per model. */
  qualities: number[];
  /** Leading strategy. */
  strategy: string;
  /** How sure the threads were; 0..1. */
  confidence: number;
  /** When it was written, milliseconds since the epoch. */
  cachedAtMs: number;
}

/** What the weights said of a text that is nearly the same, a little while ago. */
export interface CachedValues {
  /** Models the weights knew, in the order of values. */
  models: string[];
  /** float32, little-endian; for each model 14: mean quality, cost factor, least and most share, quality by each of ten heads. */
  values: Buffer;
  /** False for the Q-network alone. */
  hasLinear: boolean;
  /** Mean quality of all rewards. */
  rewardMean: number;
  /** Policy whose values they are. */
  policySha256: string;
  /** Rewards it had learned from. */
  learnedRewards: number;
  /** When they were computed, milliseconds since the epoch. */
  cachedAtMs: number;
  /** True: the request is judged anew all the same, to compare. */
  isCheck: boolean;
}

/** A model that may serve the request, with everything small and changing pinned by value. */
export interface Candidate {
  /** Model name, unique in the config. */
  model: string;
  /** Who serves it. */
  provider: string;
  /** Whether limits, capabilities and health allow it. */
  eligible: boolean;
  /** Why not, for people. */
  ineligibleReason: string | null;
  /** The worse of the model's and the provider's breaker. */
  health: Health;
  /** Expected cost of one answer at the price in force, in USD. */
  expectedCostUsd: number;
  /** Expected latency of one answer, in milliseconds. */
  expectedLatencyMs: number;
  /** Profile quality for the task type, shrunk towards the model's mean; 0..1. */
  expectedQuality: number;
  /** Recent share of failed calls; 0..1. */
  errorRate: number;
  /** Decayed number of observations behind expectedQuality. */
  observations: number;
  /** Cost of a nominal request (750 tokens in, 250 out) at the catalogue price in force, in USD; 1 where no price is known. Learned costs are kept relative to it. */
  priceFactor: number;
  /** What the configuration declares; null from before it was pinned. */
  declared: Declared | null;
  /** Latency that one call in twenty exceeds, in milliseconds: what a latency limit is held against. Null where too few calls were timed, or the mean is to be. */
  p95LatencyMs: number | null;
  /** What ineligibleReason says, for programs; of one that was let in for want of a better one, too. Null where nothing bars it, and from before it was pinned. */
  bar: PinnedBar | null;
}

/** Candidates as columns. Each column has a number for every candidate, in config order. */
export interface CandidateTable {
  /** Names of the models, each ended by a line feed. */
  models: string;
  /** Who serves each, likewise. */
  providers: string;
  /** A byte for each, from the lowest bit: 1 eligible; 2 health (0 CLOSED, 1 HALF_OPEN, 2 OPEN); 1 has declared; 1 has a cost ratio; 1 has a drift offset; 1 has a reason; 1 has a p95LatencyMs. */
  flags: Buffer;
  /** ineligibleReason of those that have one, in order. */
  reasons: string[];
  /** bar of those that have a reason, in the same order; empty from before it was pinned. */
  bars: (PinnedBar | null)[];
  /** Columns of float64, little-endian, one behind the other; behind them the numbers of columns that have one number alone. */
  numbers: Buffer;
  /** A byte a column: below 128 its place among the columns of numbers, from 128 on its place among the single numbers, 255 for an empty one. The columns are expectedCostUsd, expectedLatencyMs, expectedQuality, errorRate, observations, priceFactor; quality, costUsd, latencyMs of declared; p95LatencyMs; the tuning's costRatios and driftOffsets, which are left out of the tuning then. 0 where there is none. */
  places: Buffer;
}

/** How much of its traffic a model or provider takes, as its answers have shown. */
export interface Capacity {
  /** Share of the requests that may use it, 0..1, as of changedAtMs; it grows from there by itself. */
  share: number;
  /** When the share was set; milliseconds since the epoch. */
  changedAtMs: number;
  /** It has asked to be left alone until then; 0 where it has not. */
  restUntilMs: number;
  /** Calls a minute, over the last quarter of a minute or so before measuredAtMs. */
  callsPerMinute: number;
  /** Those of them that were refused for their rate. */
  refusedPerMinute: number;
  /** Tokens read and written a minute, likewise. */
  tokensPerMinute: number;
  /** Calls under way at once, likewise: from what their latencies add up to. */
  concurrent: number;
  /** When the newest of these calls ended. */
  measuredAtMs: number;
  /** Share of the last twenty calls or so that were refused for their rate, 0..1. */
  refusedLately: number;
}

/** One arm against the control, in one metric. */
export interface Comparison {
  /** The arm. */
  arm: number;
  /** The metric. */
  metric: string;
  /** The difference. */
  effect: Effect;
}

/** How complex a request is, each 0..1 in steps of a thousandth. See lib/routing/open/complexity.ts. */
export interface Complexity {
  /** All parts together. */
  value: number;
  /** Lines, indentation, brackets, long sentences. */
  structure: number;
  /** Marks of program text. */
  code: number;
  /** Operators, formulas. */
  mathematics: number;
  /** Several scripts side by side. */
  languages: number;
  /** Enumerations, further questions, choices. */
  parts: number;
  /** Tokens of the whole prompt. */
  context: number;
  /** Calls and answers of tools, attachments, required capabilities. */
  tools: number;
  /** Turns of the conversation, requests of the session. */
  history: number;
  /** How an agent is getting on: failures in a row, the same ones again, stalls, a compacted past, a poor last answer. */
  trajectory: number;
  /** Whether a program asks for a title, a summary or the like of a conversation; value is a quarter then. */
  housekeeping: boolean;
}

/** A validated configuration. Key: 'current'. */
export interface ConfigApplied {
  /** Growing by one. */
  version: number;
  /** The configuration as JSON. */
  json: string;
  /** When. */
  appliedAtMs: number;
  /** Who put it in force: a file, an address over HTTP, a command. Empty in records of older releases. */
  appliedBy: string;
  /** SHA-256 (hex) of the configuration that a file last put in force, as JSON; changes from elsewhere carry it on, so that a restart with the same file is known to bring nothing new. */
  fileSha256: string | null;
}

/** A configuration that was in force. Key: version. */
export interface ConfigVersion {
  /** Its number. */
  version: number;
  /** The configuration as JSON. */
  json: string;
  /** When, milliseconds since the epoch. */
  appliedAtMs: number;
  /** Who put it in force: a file, an address over HTTP, a command. */
  appliedBy: string;
  /** Why, in the words of who did it; empty where nobody said. */
  reason: string;
}

/** A record that could not be handled. The original record follows the access rules of its topic. */
export interface DeadLetter {
  /** Original topic. */
  topic: string;
  /** Original partition. */
  partition: number;
  /** Original offset. */
  offset: number;
  /** Consumer group that gave up. */
  group: string;
  /** Why. */
  reason: string;
  /** Path of the offending field. */
  field: string | null;
  /** Original key. */
  key: string | null;
  /** Original bytes; null when too large. */
  value: Buffer | null;
  /** Hash of the original bytes when too large. */
  valueSha256: string | null;
  /** Original size. */
  valueBytes: number;
  /** When. */
  failedAtMs: number;
}

/** Exponentially decayed means. */
export interface DecayedStats {
  /** Decayed number of calls. */
  weight: number;
  /** Share of failed calls; 0..1. */
  errorRate: number;
  /** Mean quality of judged calls; 0..1. */
  quality: number;
  /** Decayed number of judged calls. */
  qualityWeight: number;
  /** Mean latency of successful calls, in milliseconds. */
  latencyMs: number;
  /** Decayed number of timed calls. */
  latencyWeight: number;
  /** Mean cost, in USD. */
  costUsd: number;
  /** Decayed number of costed calls. */
  costWeight: number;
  /** Mean tokens written. */
  outputTokens: number;
  /** Decayed number of calls with known output. */
  outputTokensWeight: number;
  /** Up to when the weights have faded with time; 0 before the first call. Milliseconds since the epoch. */
  agedAtMs: number;
  /** Share of calls that timed out; 0..1. They are among errorRate. */
  timeoutRate: number;
  /** Share of calls that were refused for their rate; 0..1. They are among errorRate. */
  rateLimitedRate: number;
  /** Mean tokens read. */
  inputTokens: number;
  /** Decayed number of calls with known input. */
  inputTokensWeight: number;
  /** What a million tokens, read and written, have really cost, in USD. */
  costPerMillionTokensUsd: number;
  /** Decayed number of tokens behind it. */
  costedTokens: number;
  /** By how much answers were better than predicted; -1..1. */
  qualityBias: number;
  /** Mean square of the difference. */
  qualityError2: number;
  /** Decayed number of judged calls with a prediction. */
  calibrationWeight: number;
  /** Latencies of successful calls; null before the first. */
  latencies: LatencySketch | null;
}

/** What was known of one candidate. */
export interface DecidedCandidate {
  /** Model. */
  model: string;
  /** Provider. */
  provider: string;
  /** Whether it could be drawn. */
  eligible: boolean;
  /** Why not. */
  ineligibleReason: string | null;
  /** Exact probability with which it was drawn. */
  propensity: number;
  /** Predicted quality, 0..1. */
  predictedQuality: number;
  /** Predicted utility. */
  utility: number;
  /** Expected cost, in USD. */
  expectedCostUsd: number;
  /** Expected latency, in milliseconds. */
  expectedLatencyMs: number;
}

/** One thread as collapse used it. */
export interface DecidedThread {
  /** Strategy. */
  strategy: string;
  /** TIMEOUT when nothing had come by the deadline. */
  status: ThreadStatus;
  /** Its most probable model. */
  choice: string | null;
  /** Its utility for that model. */
  score: number | null;
  /** Its share in the collapsed distribution; 0..1. */
  weight: number;
  /** Its distribution, in the order of candidates. */
  probabilities: number[];
  /** Time spent, in milliseconds. */
  durationMs: number;
  /** Why it failed. */
  error: string | null;
  /** Weights used. */
  policySha256: string | null;
}

/** What the configuration says of a model, whatever was observed since. */
export interface Declared {
  /** Of its answers to this task type; 0..1. */
  quality: number;
  /** Of one answer of the declared length at the price in force, in USD. */
  costUsd: number;
  /** Of one answer, in milliseconds. */
  latencyMs: number;
}

/** How far down the ladder this decision was made. Decisions other than NONE are no evidence for off-policy estimates. */
export type Degradation = 'NONE' | 'LAST_GOOD_WEIGHTS' | 'STATIC_STRATEGIES' | 'CHEAPEST_HEALTHY';

/** Candidates that are the same model, served by several. */
export interface Deployments {
  /** Names of the candidates. */
  models: string[];
  /** Their shares of what the model is drawn with, relative to one another, in the order of models. */
  weights: number[];
}

/** One arm less the control, in one metric. */
export interface Difference {
  /** The arm. */
  arm: string;
  /** The metric. */
  metric: string;
  /** Units behind it. */
  units: number;
  /** The difference; null while too little was seen. */
  difference: number | null;
  /** Lower end of its interval, which holds at any time. */
  lower: number | null;
  /** Upper end. */
  upper: number | null;
  /** Of no difference; holds at any time. */
  pValue: number;
}

/** The disk of an embedded store. */
export interface DiskVitals {
  /** Free for this user. */
  freeBytes: number;
  /** Taken by the store. */
  usedBytes: number;
}

/** The difference an arm makes, as lib/experiments/effect.ts keeps it. */
export interface Effect {
  /** The control. */
  control: ArmFigures;
  /** The arm. */
  treated: ArmFigures;
  /** A number per unit, whose mean is the difference. */
  scores: Moments;
  /** Largest log likelihood ratio against no difference so far. */
  evidence: number;
}

/** How one process of the engine is. It comes every few seconds, so it is also the clock that alerts go by. */
export interface EngineVitals {
  /** Name of the process, unique while it lives. */
  process: string;
  /** When, milliseconds since the epoch. */
  atMs: number;
  /** Stages that it runs. */
  services: ServiceVitals[];
  /** Age of the oldest learning event that its trainer has not folded in; 0 without one. */
  learningLagMs: number;
  /** Whether its trainer keeps newer weights back. */
  weightsHeld: boolean;
  /** Null where the log is elsewhere. */
  disk: DiskVitals | null;
}

/** Mean quality expected of a model over these decisions. */
export interface ExpectedQualities {
  /** Its name. */
  model: string;
  /** By the policy it is compared with, 0..1. */
  before: number;
  /** By this one, 0..1. */
  after: number;
}

/** What an experiment is told of one of its requests. Key: experiment. */
export interface ExperimentObserved {
  /** The experiment, the arm, and what was known before. */
  exposure: Exposure;
  /** The decision. */
  decisionId: string;
  /** True: the decision was made. False: its call was reported. */
  isExposure: boolean;
  /** Of the answer, 0..1; null where it is not known, or was told before. */
  quality: number | null;
  /** Likewise, in USD. */
  costUsd: number | null;
  /** Likewise, in milliseconds. */
  latencyMs: number | null;
  /** 1 for a call that failed, 0 for one that did not; null where it was told before. */
  failure: number | null;
  /** When, milliseconds since the epoch. */
  atMs: number;
}

/** How an experiment stands. Key: experiment. */
export interface ExperimentState {
  /** Its name. */
  experiment: string;
  /** Hash of its definition. */
  definition: string;
  /** Why a guardrail stopped it; null while it runs. */
  stopped: string | null;
  /** Share of its units that take part now; 0 once it is stopped. */
  rollout: number;
  /** In their order; the first is the control. */
  arms: ArmState[];
  /** Every arm but the control. */
  differences: Difference[];
  /** Of units arriving in the arms as they were assigned; below .001 something loses units. */
  ratioPValue: number;
  /** When first seen. */
  startedAtMs: number;
  /** When this was true. */
  updatedAtMs: number;
}

/** What was seen of one experiment. Key: experiment. */
export interface ExperimentTally {
  /** Its name. */
  experiment: string;
  /** Hash of its definition. */
  definition: string;
  /** Why it was stopped by a guardrail; null while it runs. */
  stopped: string | null;
  /** Units per arm. */
  counts: number[];
  /** Log Bayes factor against the intended shares. */
  ratioFactor: number;
  /** The largest so far. */
  ratioLargest: number;
  /** Arms against the control. */
  comparisons: Comparison[];
  /** Bloom filter of units that have counted, where a unit has many requests; else empty. */
  seen: Buffer;
  /** Step of the roll-out. */
  rampStep: number;
  /** Units of the smallest arm when it began. */
  rampUnits: number;
  /** When first seen. */
  startedAtMs: number;
  /** When last. */
  updatedAtMs: number;
  /** When its state was last published. */
  publishedAtMs: number;
  /** Whether that is still all. */
  isPublished: boolean;
  /** Share of the units that its step let in; null where an earlier release has written the row. */
  rampShare: number | null;
}

/** An experiment that the request takes part in, and what was known of it before it was assigned. */
export interface Exposure {
  /** Its name. */
  experiment: string;
  /** Hash of its definition: figures of another one are of another experiment. */
  definition: string;
  /** Name of the arm. */
  arm: string;
  /** Its place among the arms; 0 is the control. */
  armIndex: number;
  /** 16 hexadecimal digits of SHA-256 over what was assigned: the request, its session, tenant or user. */
  unit: string;
  /** Mean over the eligible candidates, whatever the arm; 0..1. */
  expectedQuality: number;
  /** Likewise, in USD. */
  expectedCostUsd: number;
  /** Likewise, in milliseconds. */
  expectedLatencyMs: number;
}

/** A model to try next. */
export interface Fallback {
  /** Model. */
  model: string;
  /** Provider. */
  provider: string;
}

/** What leaving judgements out has changed, against the policy that was in force then. */
export interface ForgottenJudgements {
  /** How many were left out. */
  judgements: number;
  /** The policy it is compared with. */
  policySha256: string;
  /** The newest decisions that both were asked about. */
  decisions: number;
  /** By model, in no order. */
  models: ExpectedQualities[];
}

/** The set of risk: the models among which an answer is that is good enough. */
export interface GoodSet {
  /** Stated probability that a model whose answer is as good as the best candidate's is expected to be is in the set. */
  coverage: number;
  /** The models of the set, in config order. */
  models: string[];
  /** The rule that decided in place of the draw by the strategies: cheapest or safe; null where none did. */
  taken: string | null;
}

/** Circuit breaker state. HALF_OPEN lets a small share of requests probe. */
export type Health = 'CLOSED' | 'HALF_OPEN' | 'OPEN';

/** How much a conversation holds beside text: counts of content parts and of tool calls. */
export interface Holds {
  /** Images. */
  images: number;
  /** Pieces of sound. */
  audio: number;
  /** Files and documents. */
  files: number;
  /** Calls of tools by the assistant. */
  toolCalls: number;
  /** Answers of tools. */
  toolResults: number;
  /** Parts of a kind that is not known here. */
  other: number;
}

/** An answer of a model, sealed: only who has the key that is named can read it. Key: routingKey. */
export interface KeptAnswer {
  /** Of the decision that it answers. */
  decisionId: string;
  /** Of the decision. */
  routingKey: string;
  /** Whose it is; null for nobody's. */
  tenantId: string | null;
  /** The model that answered. */
  model: string;
  /** When it was sealed. */
  keptAtMs: number;
  /** Nobody is shown it from then on. */
  expiresAtMs: number;
  /** Which key of the configuration it was sealed with. */
  keyId: string;
  /** 12 bytes of AES-256-GCM, of this answer alone. */
  nonce: Buffer;
  /** The answer as JSON, encrypted, and behind it the 16 bytes that prove it. All other fields but nonce are proven, too. */
  sealed: Buffer;
}

/** What a provider keeps of a call, and for whom it was passed on: nobody else is given it. Key: id. */
export interface KeptResponse {
  /** The provider's name for it: a response, or the conversation that it belongs to. */
  id: string;
  /** Whose it is; null for nobody's. */
  tenantId: string | null;
  /** The model that answered. */
  model: string;
  /** The provider that has it, by its name in the configuration. */
  provider: string;
  /** When it was passed on. */
  passedOnAtMs: number;
}

export type KeyChange = 'CREATED' | 'REPLACED' | 'REVOKED';

/** An outcome whose decision was no longer waited for; counts at retraining. */
export interface LateOutcome {
  /** The outcome. */
  outcome: RouteOutcome;
  /** Why it was late. */
  reason: string;
  /** When it was seen. */
  receivedAtMs: number;
}

/** A histogram of times with logarithmic buckets (lib/routing/open/latency-sketch.ts). */
export interface LatencySketch {
  /** Which bucket comes first. */
  firstKey: number;
  /** Decayed counts of neighbouring buckets, float32 little-endian. */
  bins: Buffer;
}

/** One step of the learner's fold. One partition; a weights version is an offset in this topic. */
export interface LearningEvent {
  /** Unique: decision, attempt and revision. */
  eventId: string;
  /** What it is. */
  kind: LearningKind;
  /** The decision, or the row of recorded data. */
  decisionId: string;
  /** Session, if any. */
  sessionId: string | null;
  /** Version of the feature encoder. */
  encoderVersion: string;
  /** As in the opened request. */
  sketch: Buffer;
  /** As in the opened request. */
  sketchScale: number;
  /** As in the opened request. */
  handFeatures: Buffer;
  /** As in the opened request. */
  callerFeatures: Buffer | null;
  /** As in the opened request. */
  contextFeatures: Buffer;
  /** Task type. */
  taskType: string;
  /** Candidates, in config order. */
  models: string[];
  /** Which of them could be drawn. */
  eligible: boolean[];
  /** With what probability each was drawn; empty for FULL. */
  propensities: number[];
  /** Pinned expected cost of each, in USD. */
  expectedCostsUsd: number[];
  /** Pinned price factor of each. */
  priceFactors: number[];
  /** The model that was called; null for FULL. */
  model: string | null;
  /** Its quality, 0 for a failed call; null when nobody judged. */
  quality: number | null;
  /** Its cost, in USD. */
  costUsd: number | null;
  /** Its latency, in milliseconds. */
  latencyMs: number | null;
  /** FULL: quality of each model. */
  fullQualities: (number | null)[];
  /** FULL: cost of each model, in USD. */
  fullCostsUsd: (number | null)[];
  /** Preference of the request. */
  preference: Preference;
  /** Probability each successful strategy gave to the called model. */
  strategyPropensities: Record<string, number>;
  /** Made below the top of the degradation ladder: no evidence for off-policy estimates. */
  degraded: boolean;
  /** A better judgement may still come. */
  provisional: boolean;
  /** Who judged, as the outcome says; limits how much one source can move in a short time. */
  source: string;
  /** Corrects lower revisions of the same decision. */
  revision: number;
  /** The event of this decision that this one takes the place of; null in its first. A decision is counted once: of a later event only the difference counts. */
  replaces: ReplacedOutcome | null;
  /** Weights the decision was made with. */
  policySha256: string | null;
  /** When the request was opened. */
  openedAtMs: number;
  /** When the outcome happened. */
  occurredAtMs: number;
  /** What exploration is held against; null where no declared beliefs differ. */
  safe: SafeChoice | null;
  /** Tenant of the request, if any; for reports only. */
  tenantId: string | null;
  /** Leading strategy of the decision; null in rows of recorded data and from before it was kept. */
  strategy: string | null;
  /** Written by the trainer when more comes than it can learn: such an event is no decision, and everything else in it is empty. Null in every other. */
  pace: LearningPace | null;
  /** What the decision stated; null from before it was recorded. */
  stated: Stated | null;
  /** Arms that the request takes part in, each as its experiment, a slash and its name; for reports only. */
  arms: string[];
}

/** EXPERIENCE: the decided model's outcome. FULL: every model's outcome is known (recorded data). CLOSED: no feedback came. */
export type LearningKind = 'EXPERIENCE' | 'FULL' | 'CLOSED';

/** How much of what comes after it the fold learns from. */
export interface LearningPace {
  /** Gradient steps, as a share of those the schedule brings; 0..1. */
  steps: number;
  /** Share of the judged calls that are learned from, 0..1; all of them are accounted for. */
  rewards: number;
}

/** Hard limits; a candidate outside them is not eligible. */
export interface Limits {
  /** Highest expected cost of one answer, in USD. */
  maxCostUsd: number | null;
  /** Highest cost of the whole session so far and this answer, in USD; needs a sessionId. What was reported counts, and what is expected where nothing was reported yet. */
  maxSessionCostUsd: number | null;
  /** Highest expected latency of one answer, in milliseconds. */
  maxLatencyMs: number | null;
  /** Only these models; empty allows all. */
  allowedModels: string[];
  /** None of these models. */
  deniedModels: string[];
  /** Only these providers; empty allows all. */
  allowedProviders: string[];
  /** None of these providers. */
  deniedProviders: string[];
}

/** One turn of a conversation. */
export interface Message {
  /** Who speaks: system, developer, user, assistant, tool or function. */
  role: string;
  /** What was said, as text; empty for a turn without text. */
  content: string;
}

/** One call of one model, for the profiler. Key: provider, so that one task owns a provider's breaker. */
export interface ModelObserved {
  /** Unique: decision, attempt and revision. */
  observationId: string;
  /** Model. */
  model: string;
  /** Provider. */
  provider: string;
  /** Task type. */
  taskType: string;
  /** How the call ended. */
  status: OutcomeStatus;
  /** Quality, 0..1. */
  quality: number | null;
  /** Latency, in milliseconds. */
  latencyMs: number | null;
  /** Cost, in USD. */
  costUsd: number | null;
  /** Tokens read. */
  inputTokens: number | null;
  /** Tokens written. */
  outputTokens: number | null;
  /** When, milliseconds since the epoch. */
  observedAtMs: number;
  /** 0: a call. Higher: a correction of that call, not another one; only what it adds is given (quality, or cost and latency not known before). */
  revision: number;
  /** The quality an earlier revision reported, to be taken back; null when none had. */
  replacedQuality: number | null;
  /** Where the call was refused for its rate: how long the provider wants to be left alone, in milliseconds; null when it did not say. */
  retryAfterMs: number | null;
  /** Time to the first token of a stream, in milliseconds; null when unknown. */
  firstTokenMs: number | null;
  /** What the decision predicted of its quality, 0..1; null when it is not known. */
  predictedQuality: number | null;
  /** When its request was opened, milliseconds since the epoch by the router's own clock: the call is not older, whatever its caller's clock and latency say. Null when there was no request. */
  openedAtMs: number | null;
}

/** What experience says of one model. Key: model. */
export interface ModelProfile {
  /** Model. */
  model: string;
  /** Provider. */
  provider: string;
  /** Over all tasks. */
  overall: DecayedStats;
  /** Per task type. */
  tasks: Record<string, DecayedStats>;
  /** The model's breaker. */
  breaker: Breaker;
  /** Its provider's breaker. */
  providerBreaker: Breaker;
  /** When. */
  updatedAtMs: number;
  /** The model's; null before it was measured. */
  capacity: Capacity | null;
  /** Its provider's, over all of its models; null before it was measured. */
  providerCapacity: Capacity | null;
  /** Times to the first token, over all tasks; null before the first. */
  firstTokens: LatencySketch | null;
  /** Version of the model as configured when the newest call was seen; null where none is. */
  declaredVersion: string | null;
  /** Its price likewise, as JSON; null from before it was kept. */
  declaredPrice: string | null;
}

/** Mean and variance of a stream. */
export interface Moments {
  /** Values. */
  count: number;
  /** Their mean. */
  mean: number;
  /** Sum of squared distances from it. */
  squares: number;
}

/** How the call of the model ended. */
export type OutcomeStatus = 'SUCCESS' | 'FAILURE' | 'TIMEOUT' | 'RATE_LIMITED' | 'CANCELLED';

/** route-collapse's state of one request: in superposition. */
export interface PendingRoute {
  /** The request. */
  requestId: string;
  /** Null while only scores have come. */
  opened: RouteOpened | null;
  /** Scores so far. */
  scored: StrategyScored[];
  /** Collapse's own clock when it first saw anything of this request. */
  firstSeenMs: number;
  /** Offsets of what has come, by topic or topic/group. */
  positions: Record<string, number>;
  /** When the last score came, on collapse's clock. */
  lastScoredAtMs: number;
  /** What the budgets have answered so far. */
  grants: BudgetGrant[];
  /** How often the budgets have been asked. */
  asks: number;
}

/** Why a candidate may not serve, for programs. */
export interface PinnedBar {
  /** What of the request or the world bars it: the path of the request's field, or health, capacity, contextTokens, complexity. */
  field: string;
  /** How it bars it: denied, notAllowed, embedsOnly, tooDear, tooSlow, slowTail, lacking, tooLong, tooComplex, overspent, waiting, open, returning, limited, resting. */
  kind: string;
  /** What it lacks, where it lacks one. */
  capability: string | null;
  /** Share of the requests that it takes now, where its capacity is why; 0..1. */
  share: number | null;
}

/** How much quality, cost and latency matter to this request, relative to one another; each 0 or more, not all 0. */
export interface Preference {
  /** Weight of answer quality. */
  quality: number;
  /** Weight of cost. */
  cost: number;
  /** Weight of latency. */
  latency: number;
}

/** model-profiler's state: one provider, its breaker and its models. Key: provider. */
export interface ProviderProfiles {
  /** Provider. */
  provider: string;
  /** The provider's breaker. */
  breaker: Breaker;
  /** Profiles by model. */
  models: Record<string, ModelProfile>;
  /** The provider's, over all of its models. */
  capacity: Capacity | null;
}

/** Why weights came into force. FIRST: there were none. INCREMENT: the lineage learned more. PROMOTION: a new lineage passed the gate, or somebody said so. ROLLBACK: somebody, or an alarm, went back. */
export type PublishReason = 'FIRST' | 'INCREMENT' | 'PROMOTION' | 'ROLLBACK';

/** Figures of one window that alerts look at, as one partition of analytics has them now. Key: partition, span and beginning. */
export interface RecentWindow {
  /** Whose figures they are; those of all partitions are added. */
  partition: number;
  /** Beginning of the window, milliseconds since the epoch. */
  startMs: number;
  /** Length of the window, in milliseconds. */
  spanMs: number;
  /** As in AnalyticsWindow; of everything, of models and of providers. */
  cells: Record<string, AnalyticsCell>;
}

/** What an earlier event of the same decision said. */
export interface ReplacedOutcome {
  /** Its quality; null when nobody had judged. */
  quality: number | null;
  /** Its cost, in USD; null when unknown. */
  costUsd: number | null;
}

/** The decision: use this model, these are the fallbacks, this is why, and with what probability. The first record per requestId in a partition is the truth. */
export interface RouteDecided {
  /** The request. */
  requestId: string;
  /** Id of the decision; equal to requestId, since a request has one decision. */
  decisionId: string;
  /** Session, if any. */
  sessionId: string | null;
  /** Tenant, if any. */
  tenantId: string | null;
  /** Echo this as the key of the outcome. */
  routingKey: string;
  /** The model to use. */
  model: string;
  /** Who serves it. */
  provider: string;
  /** In order, other providers first. */
  fallbacks: Fallback[];
  /** Probability that the answer is good enough: at least as good as the best candidate is expected to be; 0..1. Calibrated on judged decisions; until there are some, how sure the threads are. */
  confidence: number;
  /** Exact probability with which the model was drawn. */
  propensity: number;
  /** All candidates, in config order; propensities sum to 1. */
  candidates: DecidedCandidate[];
  /** Leading strategy. */
  strategy: string;
  /** How the threads were made one. */
  collapse: string;
  /** Exactly the threads used, in declared order. */
  threads: DecidedThread[];
  /** Why, for a person to read. */
  reasoning: string;
  /** Versions in force. */
  versions: Versions;
  /** Seed the draw was made with. */
  seed: number;
  /** Exploration floor in force, before a budget lowered the share of dear candidates. Propensities are exact either way. */
  explorationFloor: number;
  /** Whether the distribution came from the routing cache. */
  cacheHit: boolean;
  /** Degradation step. */
  degradedTo: Degradation;
  /** Time per stage. */
  stagesMs: StagesMs;
  /** Offsets of the opened and scored records used, by topic (or topic/group). */
  positions: Record<string, number>;
  /** When, milliseconds since the epoch. */
  decidedAtMs: number;
  /** Tells a repeated request from another one with the same id: 16 hexadecimal digits of SHA-256 over the id and everything asked; null from before there was one. */
  contentHash: string | null;
  /** What the budgets of the request granted it; empty where it is under none. */
  budgets: BudgetGrant[];
  /** The set of risk; null where none can be stated yet, where none is asked for, and where the learned strategy did not judge. */
  goodSet: GoodSet | null;
  /** Experiments that the request takes part in. */
  exposures: Exposure[];
  /** Settings that are other ones for its tenant, and that it is routed by. */
  tenantSettings: string[];
  /** Confidence before it was calibrated: what calibration learns from. Null where it was not calibrated. */
  rawConfidence: number | null;
}

/** The world as intake read it, pinned: strategies and collapse are pure functions of this and of immutable weights. Holds no prompt text. */
export interface RouteOpened {
  /** The request; also the id of its decision. */
  requestId: string;
  /** Session, if any. */
  sessionId: string | null;
  /** Tenant, if any. */
  tenantId: string | null;
  /** sessionId, else requestId: the key of every record on the request path. */
  routingKey: string;
  /** Which gateway waits. */
  replyTo: string | null;
  /** When intake handled it, milliseconds since the epoch. */
  openedAtMs: number;
  /** When the producer made the request. */
  requestedAtMs: number;
  /** Version of the feature encoder. */
  encoderVersion: string;
  /** Count sketch of the text: 1,024 int8; empty when the caller gave features. */
  sketch: Buffer;
  /** Multiply the int8 sketch by this to get unit norm. */
  sketchScale: number;
  /** 40 hand-made features, float32 little-endian; empty when the caller gave features. */
  handFeatures: Buffer;
  /** The caller's own vector, float32 little-endian. */
  callerFeatures: Buffer | null;
  /** Circumstances as float32, little-endian: availability, history, limits, preference, session. See lib/learning/context.ts. */
  contextFeatures: Buffer;
  /** Hinted or inferred task type. */
  taskType: string;
  /** Estimated or given context size in tokens. */
  promptTokens: number;
  /** Every configured model, in config order. */
  candidates: Candidate[];
  /** Resolved preference. */
  preference: Preference;
  /** Hard limits. */
  limits: Limits;
  /** Strategies asked, in declared order. */
  strategies: string[];
  /** Consumer groups whose scores collapse waits for. */
  strategyGroups: string[];
  /** Collapse to apply. */
  collapse: string;
  /** How long collapse waits, from when it first sees this record. */
  threadTimeoutMs: number;
  /** Least total probability spread over eligible candidates; 0..1. A budget lowers the share of dear ones. */
  explorationFloor: number;
  /** Average spending allowed, in USD per request; null: no budget. */
  budgetUsdPerRequest: number | null;
  /** Learned policy weights in force; null before the first. */
  policySha256: string | null;
  /** Learned basis (projection, clusters) the policy belongs to. */
  basisSha256: string | null;
  /** Learner's tuning in force, by value. */
  tuning: Tuning;
  /** Config in force. */
  configVersion: number;
  /** Scales of the utility function. */
  utilityScale: UtilityScale;
  /** Offset of this request and of each table as intake had read it, by topic. */
  positions: Record<string, number>;
  /** Seed of everything random about this request; below 2^53. */
  seed: number;
  /** Where the routing cache keeps what the weights say of texts like this one; empty where it keeps nothing of it. */
  cacheFingerprint: string;
  /** Cached distribution: the only thread, when present. Written by earlier releases only. */
  cached: CachedDistribution | null;
  /** Spent in this session so far, in USD. */
  sessionSpentUsd: number;
  /** Requests of this session so far. */
  sessionRequests: number;
  /** Quality of the session's last judged answer, 0..1; null when none was. */
  sessionLastQuality: number | null;
  /** Time intake spent on this request, in milliseconds. */
  intakeMs: number;
  /** What the conversation holds beside text; null when it is text alone. */
  holds: Holds | null;
  /** Tells a repeated request from another one with the same id: 16 hexadecimal digits of SHA-256 over the id and everything asked; null from before there was one. */
  contentHash: string | null;
  /** Observations of a model on this task type that outweigh what is declared of it. */
  priorObservations: number;
  /** Budgets that the decision needs a reservation of, each from the owner of its account; none for most requests. */
  budgets: BudgetTerms[];
  /** The configuration's rule for sets of risk; null where none is stated. */
  sets: SetRule | null;
  /** Rewards per candidate that must have been learned before learned weights are asked; 8 before it was recorded. */
  rewardsPerModel: number;
  /** Experiments that the request takes part in. */
  exposures: Exposure[];
  /** Settings that are other ones for its tenant, and that it is routed by. */
  tenantSettings: string[];
  /** When the newest profile that intake had read was written: so old is what is known of health and capacity. Null where there was none. */
  profilesAtMs: number | null;
  /** What is drawn for a model of several deployments is spread over them. */
  deployments: Deployments[];
  /** What leaving the model of the session would cost; null where nothing is known to be warm. */
  warmCache: WarmCache | null;
  /** Groups of programs of somebody else's that judge it without influence. They know no columns, so it is written as lists. */
  shadowGroups: string[];
  /** How complex the request is; null where its text is not known. */
  complexity: Complexity | null;
  /** True: candidates and threads that tie in a collapse share its probability, and the draw decides. False: the first one gets it, as in earlier releases. */
  tiesShare: boolean;
  /** Judged by these instead of the pinned weights, all strategies by collapse itself; null where the weights are asked. */
  cachedValues: CachedValues | null;
}

/** What happened when a model was called. Key: the decision's routingKey. */
export interface RouteOutcome {
  /** The decision it belongs to. */
  decisionId: string;
  /** routingKey of the decision; decisionId when null. */
  routingKey: string | null;
  /** The model really called. */
  model: string;
  /** 1 for the decided model, 2 and up for fallbacks. */
  attempt: number;
  /** How the call ended. */
  status: OutcomeStatus;
  /** Time to the full answer, in milliseconds. */
  latencyMs: number | null;
  /** Tokens read. */
  inputTokens: number | null;
  /** Tokens written. */
  outputTokens: number | null;
  /** What it cost, in USD; null when unknown. */
  costUsd: number | null;
  /** How good the answer was, 0..1; null when nobody knows (never read as 0). */
  quality: number | null;
  /** Further parts such as userFeedback, each 0..1. */
  rewardParts: Record<string, number>;
  /** Who judged: user, judge, test, … */
  source: string;
  /** Whether a better judgement may still come. */
  provisional: boolean;
  /** 0 for the first report of this attempt; a higher one corrects a lower one. */
  revision: number;
  /** When the answer was complete, milliseconds since the epoch. */
  occurredAtMs: number;
  /** Time to the first token of a stream, in milliseconds; null for an answer in one piece, or when unknown. */
  firstTokenMs: number | null;
  /** Tokens read that the provider had in its cache; they are among inputTokens. */
  cachedInputTokens: number | null;
  /** Tokens written as reasoning; they are among outputTokens. */
  reasoningTokens: number | null;
  /** Why the answer ended, in the provider's own word: stop, length, tool_calls, … */
  finishReason: string | null;
  /** Where the call was refused for its rate: how long the provider wants to be left alone, in milliseconds; null when it did not say. */
  retryAfterMs: number | null;
}

/** A request that is not decided, since a budget does not allow it. Key: its routingKey. */
export interface RouteRefused {
  /** The request. */
  requestId: string;
  /** Its session. */
  sessionId: string | null;
  /** On whose behalf. */
  tenantId: string | null;
  /** Its key. */
  routingKey: string;
  /** The gateway that waits for it. */
  replyTo: string | null;
  /** budget_exhausted, budget_approval_needed, or budget_unknown where its owner did not answer in time. */
  code: string;
  /** The account that does not allow it. */
  account: string;
  /** For people. */
  reason: string;
  /** When the period of the budget ends; null where waiting does not help, or nobody knows. */
  retryAtMs: number | null;
  /** When, milliseconds since the epoch. */
  refusedAtMs: number;
  /** As in the decision. */
  contentHash: string | null;
}

/** A request to be routed: here is what is asked, these are my limits. Key: sessionId, else requestId. */
export interface RouteRequested {
  /** Unique id chosen by the producer; the first request with an id is the only one decided. */
  requestId: string;
  /** Requests of one session share a budget and are handled in order. */
  sessionId: string | null;
  /** On whose behalf; budgets may be per tenant. */
  tenantId: string | null;
  /** The prompt as plain text. Exactly one of prompt, messages and features is given. */
  prompt: string | null;
  /** The prompt as a conversation. */
  messages: Message[];
  /** What the conversation holds beside its text, which alone is routed by; null when it is text alone. */
  holds: Holds | null;
  /** The caller's own feature vector instead of text: float32, little-endian. */
  features: Buffer | null;
  /** What kind of task this is, if the caller knows; else it is inferred from the text. */
  taskHint: string | null;
  /** Capabilities a candidate must have, for instance vision or tools. */
  requiredCapabilities: string[];
  /** Size of the context in tokens; estimated from the text when null. */
  contextTokens: number | null;
  /** Expected length of the answer in tokens; learned per task when null. */
  expectedOutputTokens: number | null;
  /** Hard limits. */
  limits: Limits;
  /** Soft preference; the configured one when null. */
  preference: Preference | null;
  /** Strategies to ask, in order; the configured ones when empty. At most 8. */
  strategies: string[];
  /** How to make one decision of them; the configured way when null. */
  collapse: string | null;
  /** How long collapse waits for strategy threads, in milliseconds; the configured time-out when null. */
  threadTimeoutMs: number | null;
  /** Which gateway waits for the decision; copied to the decision's reply-to header. */
  replyTo: string | null;
  /** When the producer made the request, milliseconds since the epoch. */
  requestedAtMs: number;
  /** Which of the tenant's users; budgets may be per user. */
  userId: string | null;
  /** True: somebody has agreed to spend more than a budget whose limit asks for that. */
  budgetApproved: boolean | null;
}

/** The candidate that declared beliefs alone would have chosen. */
export interface SafeChoice {
  /** Its name. */
  model: string;
  /** What it was expected to be worth to this request when it was opened. */
  expectedUtility: number;
}

/** One version of one message type, shared by every process that knows it, so that others can read what it writes. Key: its id. */
export interface SchemaVersion {
  /** The schema id in front of each record. */
  id: number;
  /** Name of the message type. */
  name: string;
  /** The Avro schema as JSON. */
  json: string;
}

/** Lists of the threads as columns. */
export interface ScoreColumns {
  /** Length of every column. */
  candidates: number;
  /** Columns of float64, little-endian, one behind the other; behind them the numbers of columns that have one number alone. */
  numbers: Buffer;
  /** A byte a column: below 128 its place among the columns of numbers, from 128 on its place among the single numbers, 255 for an empty one. Each thread has three: probabilities, utilities, qualities. */
  places: Buffer;
}

/** One stage of it. */
export interface ServiceVitals {
  /** Its name. */
  service: string;
  /** Age of the newest record that it has read since the report before, or how long it has not been ready. */
  lagMs: number;
  /** Records that it has put aside since the process began. */
  deadLetters: number;
}

/** route-intake's state of one session. */
export interface Session {
  /** Session. */
  sessionId: string;
  /** Requests so far. */
  requests: number;
  /** Spending so far, in USD: reported costs, and expected ones where nothing was reported yet. */
  expectedSpentUsd: number;
  /** When last seen. */
  lastSeenMs: number;
  /** Quality of the last judged answer, 0..1. */
  lastQuality: number | null;
  /** Expected cost in USD of the newest requests without a reported cost, by decisionId. */
  awaited: Record<string, number>;
  /** Newest outcomes taken into account, as decisionId/attempt: a second report of the same attempt adds nothing. */
  reported: string[];
  /** The newest request. */
  lastRequestId: string | null;
  /** Tokens of its prompt. */
  lastPromptTokens: number;
  /** The model that has answered last, or was decided to. */
  warmModel: string | null;
  /** Tokens of the session that it has read or written. */
  warmTokens: number;
  /** When. */
  warmAtMs: number;
}

/** What is to be done with the set of risk. */
export interface SetRule {
  /** Nominal coverage: one of the keys of the tuning's setGaps. */
  coverage: number;
  /** draw: the set is only stated; cheapest: the cheapest of the set is taken; safe: the safe model is taken where the set is large. */
  choose: string;
  /** A set of more models than this is large. */
  mostModels: number;
  /** Taken where the set is large; null unless choose is safe. */
  safeModel: string | null;
}

/** A mergeable histogram with logarithmic buckets (DDSketch of relative accuracy .02): sketches of several windows are added bucket by bucket. */
export interface Sketch {
  /** Key of the first bucket. */
  firstKey: number;
  /** Values per bucket, from the first key on. */
  counts: number[];
  /** Values of 0. */
  zeros: number;
}

/** Where the time went, in milliseconds. */
export interface StagesMs {
  /** From request to intake. */
  queued: number;
  /** In intake. */
  intake: number;
  /** From intake to the last score. */
  strategies: number;
  /** From there to the decision. */
  collapse: number;
  /** From request to decision. */
  total: number;
}

/** What a decision said that its outcome can be held against. */
export interface Stated {
  /** How sure the threads were, before calibration; 0..1. */
  confidence: number;
  /** Predicted quality of its best eligible candidate; 0..1: an answer that reaches it is good enough. */
  bestQuality: number;
}

/** What one group of strategy threads thinks of one opened request. */
export interface StrategyScored {
  /** The request. */
  requestId: string;
  /** As in the opened request. */
  routingKey: string;
  /** Consumer group that scored. */
  group: string;
  /** Threads of this group, in declared order. */
  threads: ThreadScore[];
  /** When, milliseconds since the epoch. */
  scoredAtMs: number;
}

/** Input positions that a table's changelog reflects. Key: the reserved key of a changelog. */
export interface TablePosition {
  /** Next offset to read, by input topic. */
  positions: Record<string, number>;
}

/** One strategy on one request. It never draws. */
export interface ThreadScore {
  /** Strategy name. */
  strategy: string;
  /** SUCCESS or FAILED. */
  status: ThreadStatus;
  /** Distribution over the opened candidates, in their order; empty unless SUCCESS. */
  probabilities: number[];
  /** Expected utility per candidate; empty unless SUCCESS. */
  utilities: number[];
  /** Predicted quality per candidate, 0..1; empty unless SUCCESS. */
  qualities: number[];
  /** How sure the thread is of its utilities; 0..1. */
  confidence: number;
  /** Time spent, in milliseconds. */
  durationMs: number;
  /** Why it failed. */
  error: string | null;
  /** Weights used, by a learned strategy. */
  policySha256: string | null;
  /** Whether the learned strategy is still exploring uniformly. */
  coldStart: boolean;
}

/** Where a strategy thread ended. */
export type ThreadStatus = 'PENDING' | 'RUNNING' | 'SUCCESS' | 'FAILED' | 'TIMEOUT';

/** Pointer to the learner's own state. Key: 'current'. */
export interface TrainerCheckpoint {
  /** Checkpoint blob. */
  sha256: string;
  /** One past the last offset of learning.events folded in. */
  eventOffset: number;
  /** First offset whose rows the replay may still hold; rows are read again from the log. */
  replayFromOffset: number;
  /** Growing. */
  sequence: number;
  /** When. */
  savedAtMs: number;
  /** Events of learning.events that made the fold fail: every fold of the log passes them over. */
  skippedOffsets: number[];
}

/** Small, fast-changing output of the learner; pinned by value in every opened request. */
export interface Tuning {
  /** Sequence number, growing. */
  version: number;
  /** Rewards folded in so far. */
  learnedRewards: number;
  /** Budget price lambda: utility lost per USD spent. */
  costPricePerUsd: number;
  /** Running mean of cost divided by price factor, per model: expected cost = ratio * price factor now. */
  costRatios: Record<string, number>;
  /** Price factor that each cost ratio belongs to, 1 where no price was known: the ratio is then a cost in USD. Empty where it is pinned, since the ratios belong to today's factors there. */
  priceFactors: Record<string, number>;
  /** Quality offset per model from drift tracking. */
  driftOffsets: Record<string, number>;
  /** Share of the neural half in the value mixture; 0..1. */
  neuralWeight: number;
  /** How far COMBINED trusts each strategy; sums to 1. */
  strategyWeights: Record<string, number>;
  /** Offset of learning.events up to which this holds. */
  eventOffset: number;
  /** Utility one request may be expected to lose against the choice by declared beliefs; below 0 is nothing, null is no limit. */
  regretAllowance: number | null;
  /** Utility that all requests whose outcomes are not folded in may lose together against the choices by declared beliefs; below 0 is nothing, null is no limit or an earlier release. */
  regretLeft: number | null;
  /** Requests opened later are, on balance, not folded in yet, in milliseconds since the epoch; 0 where nothing is known. */
  countedToMs: number;
  /** Mean time from one folded request to the next, in milliseconds; 0 where nothing is known. */
  requestGapMs: number;
  /** How far below the best candidate's predicted quality a model may be and still belong to the set of risk, by nominal coverage: keys 0.8, 0.9 and 0.95. A coverage without an entry cannot be stated yet. */
  setGaps: Record<string, number>;
  /** How many times the trust in each strategy is what it was before experience, the learned one's being 1: by task type, and under the empty name for all tasks. Left out where it is pinned, since strategyWeights are those of the request's task type there. */
  strategyFactors: Record<string, Record<string, number>>;
  /** What the threads' confidence is worth, at the middle of each of as many equal steps of 0..1; empty while too little was judged. */
  confidenceCurve: number[];
}

/** What one unit of cost and latency weight means. */
export interface UtilityScale {
  /** Cost at which one unit of cost weight takes one unit of utility, in USD. */
  costUsd: number;
  /** Latency at which one unit of latency weight takes one unit of utility, in milliseconds. */
  latencyMs: number;
}

/** Everything large this decision depends on, by version. */
export interface Versions {
  /** Config version. */
  config: number;
  /** Tuning version. */
  tuning: number;
  /** Policy weights. */
  policySha256: string | null;
  /** Basis weights. */
  basisSha256: string | null;
  /** Feature encoder. */
  encoder: string;
  /** Offset up to which the profiles had been read: the version of what was known of health and capacity. */
  profiles: number | null;
  /** How long before the request was opened the newest of them was written, in milliseconds. */
  profilesAgeMs: number | null;
}

/** The model whose prompt cache holds the beginning of the session. */
export interface WarmCache {
  /** The candidate. */
  model: string;
  /** Tokens that it is expected to read from its cache. */
  tokens: number;
  /** What that saves, in USD. Its expectedCostUsd is lower by it. */
  savedUsd: number;
}

/** What the trainer did about a command. Key: commandId; a command that has an answer is never carried out again. */
export interface WeightsAnswer {
  /** The command. */
  commandId: string;
  /** Whether it was carried out. */
  status: WeightsAnswerStatus;
  /** For a person to read: what was done, or why not and what to do. */
  why: string;
  /** The policy it was about; null where none fits the command. */
  policySha256: string | null;
  /** Sequence the policy was published under; 0 when refused. */
  sequence: number;
  /** Figures of the gate, where it was asked. */
  evidence: Record<string, number>;
  /** When. */
  answeredAtMs: number;
}

/** DONE: the policy named is in force. REFUSED: nothing has changed. */
export type WeightsAnswerStatus = 'DONE' | 'REFUSED';

/** A piece of an immutable blob. Key: sha256/index. */
export interface WeightsChunk {
  /** Hash of the whole blob. */
  sha256: string;
  /** 0-based. */
  index: number;
  /** Number of chunks. */
  count: number;
  /** The piece. */
  bytes: Buffer;
}

/** Somebody wants other weights in force. The trainer answers in weights.answers. */
export interface WeightsCommand {
  /** Unique; a second command of the same id does nothing. */
  commandId: string;
  /** What is wanted. */
  kind: WeightsCommandKind;
  /** Which policy, by its hash or an unambiguous beginning of it; null: the newest candidate, or the policy in force before this one. */
  policySha256: string | null;
  /** PROMOTE without the gate's consent. */
  force: boolean;
  /** Who wants it; for the record. */
  requestedBy: string;
  /** When. */
  requestedAtMs: number;
}

/** PROMOTE: put a candidate in force, or go on publishing after a rollback. ROLLBACK: put an earlier policy in force and hold back newer ones until a promotion. */
export type WeightsCommandKind = 'PROMOTE' | 'ROLLBACK';

/** Pointer to a set of learned weights. Key: 'current'. A rollback is a new, higher sequence; readers ignore lower ones. */
export interface WeightsPublished {
  /** Growing. */
  sequence: number;
  /** Policy blob. */
  policySha256: string;
  /** Basis blob it belongs to. */
  basisSha256: string;
  /** Policy it was folded from. */
  parentSha256: string | null;
  /** Rewards folded in. */
  learnedRewards: number;
  /** First offset of learning.events folded in. */
  fromOffset: number;
  /** One past the last offset folded in. */
  toOffset: number;
  /** Encoder. */
  encoderVersion: string;
  /** Tensor backend that trained. */
  backend: string;
  /** Seed. */
  seed: number;
  /** What the weights are a function of besides the log: hash of seed, pipeline, encoder, backend; empty before it was recorded. */
  lineage: string;
  /** Why these weights came into force. */
  reason: PublishReason;
  /** Models it knows, in head order. */
  models: string[];
  /** Evidence: loss, error of both halves, … */
  metrics: Record<string, number>;
  /** When. */
  publishedAtMs: number;
}

/** PUBLISHED: in force once, or still. CANDIDATE: of a new lineage, waiting for evidence. REJECTED: a guard or the gate refused it. ROLLED_BACK: somebody, or an alarm, went back from it. */
export type WeightsState = 'PUBLISHED' | 'CANDIDATE' | 'REJECTED' | 'ROLLED_BACK';

/** One policy the trainer has made, and what became of it. Key: policySha256. */
export interface WeightsVersion {
  /** The policy with its lineage: log range, seed, encoder, backend, metrics. Its sequence is the last it was published under, 0 when it never was. */
  weights: WeightsPublished;
  /** What became of it. */
  state: WeightsState;
  /** For a person to read: what the guard, the gate or the alarm found. */
  why: string;
  /** Configuration it was made under. */
  configVersion: number;
  /** Figures of the gate or the guard: difference, low, high, effectiveSampleSize, … */
  evidence: Record<string, number>;
  /** The learner's tuning when it made the policy: neural weight and drift offsets belong to the weights, and come back with them. */
  tuning: Tuning | null;
  /** The learner's state it was written from, where one was kept; going back goes on from there. */
  checkpointSha256: string | null;
  /** Of a candidate that leaves judgements out: what that has changed. Null in every other. */
  forgot: ForgottenJudgements | null;
  /** When its state last changed. */
  changedAtMs: number;
}
