/** Every topic of the engine: name, key, schema, partitions, how long it keeps records. The only place that says so. */
import { keyOfRecent } from '../analytics/recent';
import { keyOfWindow } from '../analytics/window';
import { type AnyTopic, stream, table } from './define-topic';
import type * as m from './generated/messages';
import {
  awaitedOutcomePacking,
  eventPacking,
  openedPacking,
  pendingRoutePacking,
  scoredPacking,
} from './packed/packings';

const dayMs = 24 * 3_600_000;

export const topics = {
  routeRequested: stream<m.RouteRequested>('route.requested', {
    schema: 'RouteRequested',
    key: (r) => r.sessionId ?? r.requestId,
    partitions: 'requestPath',
    retentionMs: dayMs,
    doc: 'requests to be routed; the only topic with prompt text, hence the shortest retention',
  }),
  routeOpened: stream<m.RouteOpened>('route.opened', {
    schema: 'RouteOpened',
    packing: openedPacking,
    key: (o) => o.routingKey,
    partitions: 'requestPath',
    doc: 'requests with the world pinned: candidates, prices, health, versions, features',
  }),
  strategyScored: stream<m.StrategyScored>('strategy.scored', {
    schema: 'StrategyScored',
    packing: scoredPacking,
    key: (s) => s.routingKey,
    partitions: 'requestPath',
    doc: 'what each group of strategy threads thinks',
  }),
  routeDecided: stream<m.RouteDecided>('route.decided', {
    schema: 'RouteDecided',
    key: (d) => d.routingKey,
    partitions: 'requestPath',
    doc: 'decisions; the first record per requestId is the truth',
  }),
  routeOutcome: stream<m.RouteOutcome>('route.outcome', {
    schema: 'RouteOutcome',
    key: (o) => o.routingKey ?? o.decisionId,
    partitions: 'requestPath',
    doc: 'what happened when a model was called',
  }),
  keptAnswers: stream<m.KeptAnswer>('answers.kept', {
    schema: 'KeptAnswer',
    key: (a) => a.routingKey,
    partitions: 'requestPath',
    retentionMs: 30 * dayMs,
    doc: 'answers of models, encrypted, where the configuration has them kept',
  }),
  keptResponses: stream<m.KeptResponse>('responses.kept', {
    schema: 'KeptResponse',
    key: (r) => r.id,
    partitions: 'requestPath',
    retentionMs: 30 * dayMs,
    doc: 'which provider keeps which response or conversation, and whose it is',
  }),
  followedResponses: table<m.BackgroundResponse>('responses.followed', {
    schema: 'BackgroundResponse',
    key: (r) => r.id,
    partitions: 'one',
    doc: 'responses that providers make in the background, until it is known what came of them',
  }),
  routeOutcomeLate: stream<m.LateOutcome>('route.outcome.late', {
    schema: 'LateOutcome',
    key: (o) => o.outcome.decisionId,
    partitions: 'requestPath',
    retentionMs: 30 * dayMs,
    doc: 'outcomes that came after their decision was closed',
  }),
  learningEvents: stream<m.LearningEvent>('learning.events', {
    schema: 'LearningEvent',
    packing: eventPacking,
    key: (e) => e.decisionId,
    partitions: 'one',
    retentionMs: 90 * dayMs,
    doc: 'the one log all learning folds over; a weights version is an offset in it',
  }),
  modelObserved: stream<m.ModelObserved>('model.observed', {
    schema: 'ModelObserved',
    key: (o) => o.provider,
    partitions: 'requestPath',
    doc: 'every call of every model, keyed by provider',
  }),
  modelProfile: table<m.ModelProfile>('model.profile', {
    schema: 'ModelProfile',
    key: (p) => p.model,
    partitions: 'one',
    doc: 'quality, latency, error rate, cost and breaker per model',
  }),
  weightsPublished: table<m.WeightsPublished>('weights.published', {
    schema: 'WeightsPublished',
    key: () => 'current',
    partitions: 'one',
    keepsRows: true,
    doc: 'pointer to the learned weights in force',
  }),
  weightsVersions: table<m.WeightsVersion>('weights.versions', {
    schema: 'WeightsVersion',
    key: (v) => v.weights.policySha256,
    partitions: 'one',
    doc: 'every policy that was made, with its lineage and what became of it',
  }),
  weightsCommands: stream<m.WeightsCommand>('weights.commands', {
    schema: 'WeightsCommand',
    key: (c) => c.commandId,
    partitions: 'one',
    retentionMs: 90 * dayMs,
    doc: 'promotions and rollbacks that somebody asked for',
  }),
  weightsAnswers: stream<m.WeightsAnswer>('weights.answers', {
    schema: 'WeightsAnswer',
    key: (a) => a.commandId,
    partitions: 'one',
    retentionMs: 90 * dayMs,
    doc: 'what became of the commands',
  }),
  weightsBlobs: table<m.WeightsChunk>('weights.blobs', {
    schema: 'WeightsChunk',
    key: (c) => `${c.sha256}/${c.index}`,
    partitions: 'one',
    doc: 'immutable blobs (basis, policy, checkpoints) by hash, in chunks',
  }),
  tuning: table<m.Tuning>('tuning', {
    schema: 'Tuning',
    key: () => 'current',
    partitions: 'one',
    keepsRows: true,
    doc: 'small, fast-changing output of the learner',
  }),
  schemas: table<m.SchemaVersion>('schemas', {
    schema: 'SchemaVersion',
    key: (s) => String(s.id),
    partitions: 'one',
    keepsRows: true,
    doc: 'schema versions, so that a process can read what a newer one writes',
  }),
  config: table<m.ConfigApplied>('config', {
    schema: 'ConfigApplied',
    key: () => 'current',
    partitions: 'one',
    keepsRows: true,
    doc: 'the configuration in force',
  }),
  accessKeys: table<m.AccessKeyChange>('access.keys', {
    schema: 'AccessKeyChange',
    // A change has a row of its own, so that of two at once neither undoes the other.
    key: (c) => `${c.keyId}/${c.change}`,
    partitions: 'one',
    keepsRows: true,
    doc: 'keys of callers, hashed, and what became of them',
  }),
  audit: stream<m.AuditRecord>('audit', {
    schema: 'AuditRecord',
    key: (a) => a.auditId,
    partitions: 'one',
    retentionMs: 365 * dayMs,
    doc: 'who changed what: configuration, weights, keys',
  }),
  // Each version is a row of its own, and none is ever replaced.
  configHistory: table<m.ConfigVersion>('config.history', {
    schema: 'ConfigVersion',
    key: (c) => String(c.version),
    partitions: 'one',
    keepsRows: true,
    doc: 'every configuration that was in force, with its author, time and reason',
  }),
  trainerCheckpoint: table<m.TrainerCheckpoint>('trainer.checkpoint', {
    schema: 'TrainerCheckpoint',
    key: () => 'current',
    partitions: 'one',
    keepsRows: true,
    doc: "pointer to the learner's own state",
  }),
  sessions: table<m.Session>('route-intake.sessions', {
    schema: 'Session',
    key: (s) => s.sessionId,
    partitions: 'requestPath',
    doc: "changelog of route-intake's sessions",
  }),
  pendingRoutes: table<m.PendingRoute>('route-collapse.pending', {
    schema: 'PendingRoute',
    packing: pendingRoutePacking,
    key: (p) => p.requestId,
    partitions: 'requestPath',
    doc: "changelog of route-collapse's pending routes",
  }),
  routeRefused: stream<m.RouteRefused>('route.refused', {
    schema: 'RouteRefused',
    key: (r) => r.routingKey,
    partitions: 'requestPath',
    doc: 'requests that a budget does not allow; they have no decision',
  }),
  budgetEvents: stream<m.BudgetEvent>('budget.events', {
    schema: 'BudgetEvent',
    key: (e) => e.account,
    partitions: 'requestPath',
    doc: 'what is asked of budget accounts, decided on and spent, keyed by account',
  }),
  budgetGrants: stream<m.BudgetGrant>('budget.grants', {
    schema: 'BudgetGrant',
    key: (g) => g.routingKey,
    partitions: 'requestPath',
    doc: 'what budgets answer to requests',
  }),
  budgetAccounts: table<m.BudgetAccount>('budgets.accounts', {
    schema: 'BudgetAccount',
    key: (a) => a.account,
    partitions: 'requestPath',
    doc: "changelog of the budgets' accounts",
  }),
  budgetStates: table<m.BudgetState>('budget.states', {
    schema: 'BudgetState',
    key: (s) => s.account,
    partitions: 'one',
    doc: 'how budget accounts stand, for who looks',
  }),
  experimentObserved: stream<m.ExperimentObserved>('experiment.observed', {
    schema: 'ExperimentObserved',
    key: (o) => o.exposure.experiment,
    partitions: 'requestPath',
    doc: 'exposures of experiments and what came of them, keyed by experiment',
  }),
  experimentTallies: table<m.ExperimentTally>('experiments.tallies', {
    schema: 'ExperimentTally',
    key: (t) => t.experiment,
    partitions: 'requestPath',
    doc: "changelog of the experiments' figures",
  }),
  experimentStates: table<m.ExperimentState>('experiment.states', {
    schema: 'ExperimentState',
    key: (s) => s.experiment,
    partitions: 'one',
    doc: 'how experiments stand, for who looks; intake goes by their roll-out',
  }),
  awaitedOutcomes: table<m.AwaitedOutcome>('reward-feedback.awaited', {
    schema: 'AwaitedOutcome',
    packing: awaitedOutcomePacking,
    key: (a) => a.decisionId,
    partitions: 'requestPath',
    doc: "changelog of reward-feedback's decisions that wait for outcomes",
  }),
  providerProfiles: table<m.ProviderProfiles>('model-profiler.providers', {
    schema: 'ProviderProfiles',
    key: (p) => p.provider,
    partitions: 'requestPath',
    doc: "changelog of model-profiler's providers",
  }),
  analyticsWindows: table<m.AnalyticsWindow>('analytics.windows', {
    schema: 'AnalyticsWindow',
    key: keyOfWindow,
    partitions: 'requestPath',
    doc: 'changelog of analytics: sums of decisions and calls by minute, hour and day',
  }),
  analyticsRewards: table<m.AnalyticsWindow>('analytics.rewards', {
    schema: 'AnalyticsWindow',
    key: keyOfWindow,
    partitions: 'one',
    doc: 'changelog of analytics: what answers were worth, by minute, hour and day',
  }),
  analyticsRecent: table<m.RecentWindow>('analytics.recent', {
    schema: 'RecentWindow',
    key: keyOfRecent,
    partitions: 'one',
    doc: 'sums of decisions and calls of the last hour and day, for alerts',
  }),
  analyticsRecentRewards: table<m.RecentWindow>('analytics.recent.rewards', {
    schema: 'RecentWindow',
    key: keyOfRecent,
    partitions: 'one',
    doc: 'what answers of the last hour and day were worth, for alerts',
  }),
  engineVitals: stream<m.EngineVitals>('engine.vitals', {
    schema: 'EngineVitals',
    key: (v) => v.process,
    partitions: 'one',
    retentionMs: 2 * dayMs,
    doc: 'how each process of the engine is, every few seconds; the clock of alerts',
  }),
  alerts: table<m.Alert>('alerts', {
    schema: 'Alert',
    key: (a) => a.alertId,
    partitions: 'one',
    doc: 'alerts that ring, and the newest that have stopped',
  }),
  alertRules: table<m.AlertRuleState>('alerts.rules', {
    schema: 'AlertRuleState',
    key: (r) => r.rule,
    partitions: 'one',
    doc: 'changelog of alerts: what is remembered of each rule',
  }),
  alertSilences: table<m.AlertSilence>('alerts.silences', {
    schema: 'AlertSilence',
    key: (s) => s.silenceId,
    partitions: 'one',
    doc: 'alerts that nobody wants to be told of for a while',
  }),
} as const;

/** Dead letters of one topic. They carry the original record, so they keep its partitions and access rules. */
export function deadLetterTopicName(topic: string): string {
  return `${topic}.dlq`;
}

/** The dead letters of a stream, for who reads them. The runtime makes those of every input by itself. */
export function deadLettersOf(topic: Pick<AnyTopic, 'name' | 'partitions' | 'retentionMs' | 'maxRecordBytes'>) {
  const { partitions, retentionMs, maxRecordBytes } = topic;
  return stream<m.DeadLetter>(deadLetterTopicName(topic.name), {
    schema: 'DeadLetter',
    key: (letter) => letter.key ?? '',
    partitions,
    retentionMs,
    maxRecordBytes,
    doc: `records of ${topic.name} that could not be handled`,
  });
}
