import { settingsOf, stream, type Topic, table } from '../../../lib/topics/define-topic';
import { schemaVersions } from '../../../lib/topics/generated/schemas';
import { deadLetterTopicName, topics } from '../../../lib/topics/topics';

const all = Object.values(topics);

test('names are unique, and none is a dead-letter name', () => {
  const names = all.map((topic) => topic.name);
  expect(new Set([...names, ...names.map(deadLetterTopicName)]).size).toBe(2 * names.length);
  expect(deadLetterTopicName('route.requested')).toBe('route.requested.dlq');
});

test.each(all.map((topic) => [topic.name, topic] as const))(
  '%s has a schema, a doc and settings that fit its kind',
  (_name, topic) => {
    expect(schemaVersions[topic.codec.schemaName]).toBeDefined();
    expect(topic.doc).toMatch(/\w/);
    const settings = settingsOf(topic, 4);
    expect(settings).toEqual({
      name: topic.name,
      partitions: topic.partitions === 'one' ? 1 : 4,
      cleanup: topic.kind === 'table' ? 'compact' : 'delete',
      retentionMs: topic.retentionMs,
      maxRecordBytes: topic.maxRecordBytes,
    });
    // Tables are kept for good; what only grows is cut by age.
    expect(settings.retentionMs === null).toBe(topic.kind === 'table');
  },
);

test('the whole request path is keyed by the session, or by the request without one', () => {
  const { routeRequested, routeOpened, strategyScored, routeDecided, routeOutcome } = topics;
  expect(routeRequested.keyOf({ requestId: 'r', sessionId: null } as never)).toBe('r');
  expect(routeRequested.keyOf({ requestId: 'r', sessionId: 's' } as never)).toBe('s');
  for (const topic of [routeOpened, strategyScored, routeDecided] as unknown as Topic<{ routingKey: string }>[]) {
    expect(topic.keyOf({ routingKey: 's' })).toBe('s');
    expect(topic.partitions).toBe('requestPath');
  }
  expect(routeOutcome.keyOf({ decisionId: 'r', routingKey: 's' } as never)).toBe('s');
  expect(routeOutcome.keyOf({ decisionId: 'r', routingKey: null } as never)).toBe('r');
});

test('keys of the other topics', () => {
  const keyOf = (topic: unknown, value: unknown): string => (topic as Topic<unknown>).keyOf(value);
  expect(keyOf(topics.routeOutcomeLate, { outcome: { decisionId: 'd' } })).toBe('d');
  expect(keyOf(topics.learningEvents, { decisionId: 'd' })).toBe('d');
  expect(keyOf(topics.modelObserved, { provider: 'p', model: 'm' })).toBe('p');
  expect(keyOf(topics.modelProfile, { provider: 'p', model: 'm' })).toBe('m');
  expect(keyOf(topics.weightsBlobs, { sha256: 'abc', index: 2 })).toBe('abc/2');
  expect(keyOf(topics.sessions, { sessionId: 's' })).toBe('s');
  expect(keyOf(topics.pendingRoutes, { requestId: 'r' })).toBe('r');
  expect(keyOf(topics.awaitedOutcomes, { decisionId: 'd' })).toBe('d');
  expect(keyOf(topics.providerProfiles, { provider: 'p' })).toBe('p');
  for (const topic of [topics.config, topics.tuning, topics.weightsPublished, topics.trainerCheckpoint]) {
    expect(keyOf(topic, {})).toBe('current');
  }
});

test('prompt text is kept shorter than anything derived from it', () => {
  const streams = all.filter((topic) => topic.kind === 'stream' && topic.name !== topics.routeRequested.name);
  for (const topic of streams) expect(topic.retentionMs).toBeGreaterThan(topics.routeRequested.retentionMs!);
});

test('a definition fills in defaults: a week for streams, for good for tables, 1 MB', () => {
  const options = { schema: 'TablePosition', key: () => 'k', partitions: 'one', doc: 'd' } as const;
  expect(stream('s', options)).toMatchObject({
    kind: 'stream',
    retentionMs: 7 * 24 * 3_600_000,
    maxRecordBytes: 1_000_000,
  });
  expect(table('t', options)).toMatchObject({ kind: 'table', retentionMs: null });
  expect(stream('s', { ...options, retentionMs: 5, maxRecordBytes: 9 })).toMatchObject({
    retentionMs: 5,
    maxRecordBytes: 9,
  });
});
