import { connect } from 'node:net';
import { stringify } from 'yaml';
import { replyToHeader } from '../../../lib/client/router-client';
import { defaultRouterConfig } from '../../../lib/config/parse-config';
import { TransientError } from '../../../lib/ports/broker';
import { addTime } from '../../../lib/routing/open/latency-sketch';
import { deadLetterOf } from '../../../lib/stream/dead-letters';
import { createMetrics } from '../../../lib/telemetry/metrics';
import type { Breaker, ModelProfile, RouteRequested } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { noStats } from '../../../services/model-profiler/observe';
import { decisionOf, startGateway, testConfig } from './start-gateway';

type Started = Awaited<ReturnType<typeof startGateway>>;

describe('a gateway', () => {
  let started: Started;
  beforeAll(async () => {
    started = await startGateway();
  });
  afterAll(() => started.stop());

  describe('POST /v1/route', () => {
    test('answers with the decision of the request it put on the topic', async () => {
      const { status, body } = await started.call('POST', '/v1/route', {
        requestId: 'full',
        sessionId: 's1',
        messages: [{ role: 'user', content: 'hello' }],
        limits: { maxCostUsd: 1, allowedModels: ['large'] },
        preference: { quality: 1, cost: 0.5, latency: 0 },
        strategies: ['BALANCED'],
        collapse: 'WEIGHTED',
      });
      expect(status).toBe(200);
      expect(body).toEqual({ ...decisionOf(started.requests()[0]!), routingKey: 's1' });
      expect(started.requests()[0]).toMatchObject({
        requestId: 'full',
        sessionId: 's1',
        replyTo: started.gateway.id,
        limits: { maxCostUsd: 1, maxLatencyMs: null, allowedModels: ['large'], deniedModels: [] },
        requestedAtMs: started.clock.nowMs(),
      });
    });

    test('makes up an id; the alias is the same', async () => {
      const { status, body } = await started.call('POST', '/v1/quantum/route', { prompt: 'hello' });
      expect(status).toBe(200);
      expect(body.requestId).toMatch(/^id-\d+$/);
    });

    test('a feature vector travels as float32', async () => {
      const { status } = await started.call('POST', '/v1/route', { requestId: 'vector', features: [0.5, -2, 1e-3] });
      expect(status).toBe(200);
      const bytes = started.requests().find((request) => request.requestId === 'vector')!.features!;
      expect([0, 4, 8].map((at) => bytes.readFloatLE(at))).toEqual([0.5, -2, Math.fround(1e-3)]);
    });

    test('the same id again gets the same decision and puts nothing on the topic', async () => {
      const first = await started.call('POST', '/v1/route', { requestId: 'again', prompt: 'a' });
      const before = started.requests().length;
      const second = await started.call('POST', '/v1/route', { requestId: 'again', prompt: 'a' });
      expect(second.body).toEqual(first.body);
      expect(started.requests()).toHaveLength(before);
    });

    test('the same id with other content is a conflict, decided or not', async () => {
      const first = { requestId: 'taken', prompt: 'a', limits: { maxCostUsd: 1 } };
      expect((await started.call('POST', '/v1/route', first)).status).toBe(200);
      const before = started.requests().length;
      for (const other of [
        { ...first, prompt: 'b' },
        { ...first, limits: { maxCostUsd: 0.5 } },
        { ...first, sessionId: 's' },
      ]) {
        const { status, body } = await started.call('POST', '/v1/route', other);
        expect([status, body.error.code, body.error.field]).toEqual([409, 'conflict', 'requestId']);
      }
      expect((await started.call('POST', '/v1/route', { ...first, requestedAtMs: 5 })).status).toBe(200);
      expect(started.requests()).toHaveLength(before);
    });

    test('a lone surrogate in a text becomes U+FFFD; the text is only looked at', async () => {
      const sent = '{"requestId": "odd", "prompt": "a\\ud800b"}';
      expect((await started.call('POST', '/v1/route', sent)).status).toBe(200);
      expect(started.requests().find(({ requestId }) => requestId === 'odd')?.prompt).toBe('a\ufffdb');
      expect((await started.call('POST', '/v1/route', { requestId: 'odd', prompt: 'a\ufffdb' })).status).toBe(200);
    });

    const long = 'x'.repeat(testConfig.limits.maxPromptBytes + 1);
    test.each<[string, unknown, string, RegExp | string]>([
      [
        'malformed JSON',
        '{"prompt": "a",}',
        'malformed_json',
        'not JSON at line 1, column 16: expected a field name in double quotes',
      ],
      ['an empty body', '', 'malformed_json', 'the body is empty; send a JSON object'],
      ['no object', '[]', 'invalid_field', 'body: must be an object, not a list'],
      ['an unknown field', { promt: 'a' }, 'invalid_field', 'promt: unknown field "promt"; did you mean "prompt"?'],
      [
        'an unknown field inside',
        { prompt: 'a', limits: { maxCost: 1 } },
        'invalid_field',
        'limits.maxCost: unknown field "maxCost"; did you mean "maxCostUsd"?',
      ],
      ['a field of the gateway', { prompt: 'a', replyTo: 'me' }, 'invalid_field', /^replyTo: unknown field/],
      ['a wrong type', { prompt: 7 }, 'invalid_field', 'prompt: must be a string, not 7'],
      [
        'a wrong type inside',
        { messages: [{ role: 'user', content: 1 }] },
        'invalid_field',
        'messages.0.content: must be a string, a list or null, not 1',
      ],
      [
        'an unknown role',
        { messages: [{ role: 'usr', content: 'a' }] },
        'invalid_field',
        'messages.0.role: must be one of system, developer, user, assistant, tool, function, not "usr"; did you mean "user"?',
      ],
      ['nothing to route', {}, 'invalid_field', /^prompt: one of prompt, messages and features/],
      ['two prompts', { prompt: 'a', features: [1] }, 'invalid_field', /^features: give only one/],
      [
        'a prompt over the limit',
        { prompt: long },
        'invalid_field',
        /^prompt: \d+ bytes are more than limits.maxPromptBytes/,
      ],
      [
        'an unknown model',
        { prompt: 'a', limits: { allowedModels: ['larg'] } },
        'invalid_field',
        /^limits.allowedModels.0: unknown model "larg".*"large"/,
      ],
      [
        'an unknown strategy',
        { prompt: 'a', strategies: ['BALANCD'] },
        'invalid_field',
        /^strategies.0: unknown strategy "BALANCD".*"BALANCED"/,
      ],
      ['an unknown collapse', { prompt: 'a', collapse: 'BEST' }, 'invalid_field', /^collapse: unknown collapse "BEST"/],
      [
        'a negative limit',
        { prompt: 'a', limits: { maxCostUsd: -1 } },
        'invalid_field',
        'limits.maxCostUsd: must be at least 0, not -1',
      ],
      [
        'NaN',
        '{"prompt": "a", "limits": {"maxLatencyMs": NaN}}',
        'malformed_json',
        /\(limits.maxLatencyMs\): NaN is not a number that JSON can carry/,
      ],
      [
        'a time no date can say',
        { prompt: 'a', requestedAtMs: 9_007_199_254_740_991 },
        'invalid_field',
        'requestedAtMs: must be at most 253402300799999, not 9007199254740991',
      ],
      [
        'a lone surrogate in an id',
        '{"requestId": "\\ud800", "prompt": "a"}',
        'invalid_field',
        /^requestId: has a lone surrogate/,
      ],
      [
        'a control character in an id',
        { sessionId: 'a\0', prompt: 'a' },
        'invalid_field',
        /^sessionId: has a control character/,
      ],
      [
        'a key given twice',
        '{"prompt": "a", "prompt": "b"}',
        'invalid_field',
        'prompt: is given twice; which of the two is meant?',
      ],
      ['NaN as null in a vector', { features: [1, null] }, 'invalid_field', 'features.1: must be a number, not null'],
      ['NaN as a string', { features: ['NaN'] }, 'invalid_field', 'features.0: must be a number, not "NaN"'],
      [
        'a number too large for JSON',
        '{"features": [1e999]}',
        'invalid_field',
        'features.0: 1e999 is too large; numbers go up to 1.797e308',
      ],
      ['a number too large for float32', { features: [1, 1e39] }, 'invalid_field', /^features.1: must be at most/],
      [
        'a preference of nothing',
        { prompt: 'a', preference: { quality: 0 } },
        'invalid_field',
        'preference: quality, cost and latency must not all be 0',
      ],
      [
        'a capability nobody has',
        { prompt: 'a', requiredCapabilities: ['sound'] },
        'no_eligible_candidate',
        /^requiredCapabilities: no eligible candidate: large \(requiredCapabilities: lacks sound\)/,
      ],
      [
        'a cost nobody keeps',
        { prompt: 'a', limits: { maxCostUsd: 0 } },
        'no_eligible_candidate',
        /^limits.maxCostUsd: no eligible candidate/,
      ],
      [
        'a context nobody takes',
        { prompt: 'a', contextTokens: 1_000_000 },
        'no_eligible_candidate',
        /^contextTokens: no eligible candidate/,
      ],
    ])(
      '%s is refused with the path of the field, and nothing lands on the topic',
      async (_name, sent, code, message) => {
        const before = started.requests().length;
        const { status, body } = await started.call('POST', '/v1/route', sent);
        expect(status).toBe(400);
        expect(body.error.code).toBe(code);
        if (typeof message === 'string') expect(body.error.message).toBe(message);
        else expect(body.error.message).toMatch(message);
        if (code === 'invalid_field') expect(body.error.message.startsWith(body.error.field || 'body')).toBe(true);
        expect(JSON.stringify(body)).not.toContain('xxx');
        expect(started.requests()).toHaveLength(before);
      },
    );

    test('several faults come together', async () => {
      const { body } = await started.call('POST', '/v1/route', { prompt: 1, threadTimeoutMs: 0 });
      expect(body.error.details).toEqual([
        { field: 'prompt', message: 'must be a string, not 1' },
        { field: 'threadTimeoutMs', message: 'must be at least 1, not 0' },
      ]);
    });

    test('a body over the limit is 413, another type is 415', async () => {
      const huge = await started.call('POST', '/v1/route', { prompt: 'x'.repeat(3_000_000) });
      expect([huge.status, huge.body.error.code]).toEqual([413, 'body_too_large']);
      expect(huge.body.error.message).not.toMatch(/max-call-bytes/);
      const form = await started.call('POST', '/v1/route', 'a=b', {
        'content-type': 'application/x-www-form-urlencoded',
      });
      expect([form.status, form.body.error.code]).toEqual([415, 'unsupported_media_type']);
    });

    test('bytes that are no HTTP get an answer too', async () => {
      const socket = connect(started.gateway.port, '127.0.0.1');
      socket.write('NOT HTTP\r\n\r\n');
      const chunks: Buffer[] = [];
      for await (const chunk of socket) chunks.push(chunk as Buffer);
      expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1.1 400/);
    });
  });

  describe('POST /v1/feedback', () => {
    test('fills in what the decision says, and is durable when it answers', async () => {
      await started.call('POST', '/v1/route', { requestId: 'fed', sessionId: 's-fed', prompt: 'a' });
      const { status, body } = await started.call('POST', '/v1/feedback', {
        decisionId: 'fed',
        quality: 0.8,
        costUsd: 0.01,
        latencyMs: 900,
        rewardParts: { userFeedback: 1 },
        source: 'user',
      });
      expect([status, body]).toEqual([202, { decisionId: 'fed', model: 'large', attempt: 1 }]);
      expect(started.outcomes().at(-1)).toEqual({
        decisionId: 'fed',
        routingKey: 's-fed',
        model: 'large',
        attempt: 1,
        status: 'SUCCESS',
        latencyMs: 900,
        inputTokens: null,
        outputTokens: null,
        costUsd: 0.01,
        quality: 0.8,
        firstTokenMs: null,
        cachedInputTokens: null,
        reasoningTokens: null,
        finishReason: null,
        retryAfterMs: null,
        rewardParts: { userFeedback: 1 },
        source: 'user',
        provisional: false,
        revision: 0,
        occurredAtMs: started.clock.nowMs(),
      });
      expect(started.broker.records(topics.routeOutcome.name).at(-1)?.key).toBe('s-fed');
    });

    test('a fallback is the attempt its place in the list says', async () => {
      await started.call('POST', '/v1/route', { requestId: 'fell', prompt: 'a' });
      const { body } = await started.call('POST', '/v1/feedback', { decisionId: 'fell', model: 'small', costUsd: 0 });
      expect(body).toEqual({ decisionId: 'fell', model: 'small', attempt: 2 });
    });

    test('of a decision that another gateway made: found in the log, once', async () => {
      const decision = { ...decisionOf({ requestId: 'elsewhere' } as never), sessionId: 'k', routingKey: 'k' };
      const producer = started.broker.producer('collapse');
      const value = topics.routeDecided.codec.encode(decision);
      await producer.send([{ topic: topics.routeDecided.name, key: 'k', value }]);
      const report = { decisionId: 'elsewhere', model: 'small', status: 'TIMEOUT' };
      expect((await started.call('POST', '/v1/feedback', report)).body).toMatchObject({ model: 'small', attempt: 2 });
      expect(started.outcomes().find(({ decisionId }) => decisionId === 'elsewhere')).toMatchObject({
        routingKey: 'k',
        status: 'TIMEOUT',
      });
    });

    test('of no decision is a 404 that names the field, with a routing key or without', async () => {
      for (const report of [
        { decisionId: 'nobody', quality: 1 },
        { decisionId: 'nobody', model: 'small', quality: 1 },
        { decisionId: 'nobody', routingKey: 'k', quality: 1 },
      ]) {
        const { status, body } = await started.call('POST', '/v1/feedback', report);
        expect([status, body.error.code, body.error.field]).toEqual([404, 'not_found', 'decisionId']);
      }
    });

    test('goes by the key of the decision, whatever key it names', async () => {
      await started.call('POST', '/v1/route', { requestId: 'keyed', sessionId: 's', prompt: 'a' });
      await started.call('POST', '/v1/feedback', { decisionId: 'keyed', routingKey: 'wrong', quality: 1 });
      expect(started.outcomes().find(({ decisionId }) => decisionId === 'keyed')).toMatchObject({ routingKey: 's' });
    });

    test('cost now, judgement later: both are taken, whatever came first, and told again they change nothing', async () => {
      await started.call('POST', '/v1/route', { requestId: 'parts', prompt: 'a' });
      const tell = async (said: object) =>
        (await started.call('POST', '/v1/feedback', { decisionId: 'parts', ...said })).status;
      const cost = { latencyMs: 900, costUsd: 0.01 };
      expect(await tell(cost)).toBe(202);
      expect(await tell({ quality: 0.8 })).toBe(202);
      expect(await tell({ ...cost, quality: 0.8 })).toBe(202);
    });

    test('a contradiction is a 409 that names the revision; a higher revision corrects', async () => {
      await started.call('POST', '/v1/route', { requestId: 'twice', prompt: 'a' });
      const tell = (said: object) => started.call('POST', '/v1/feedback', { decisionId: 'twice', ...said });
      await tell({ quality: 0.8 });
      const before = started.outcomes().length;
      const { status, body } = await tell({ quality: 0.3, costUsd: 1 });
      expect([status, body.error]).toEqual([
        409,
        {
          code: 'conflict',
          field: 'revision',
          message: 'revision: 0 of this attempt has said another quality; a correction needs a higher revision',
        },
      ]);
      expect(started.outcomes()).toHaveLength(before);
      expect((await tell({ quality: 0.3, revision: 1 })).status).toBe(202);
    });

    test('attempt 1 is of the decided model and no other', async () => {
      await started.call('POST', '/v1/route', { requestId: 'first', prompt: 'a' });
      const tell = (said: object) => started.call('POST', '/v1/feedback', { decisionId: 'first', quality: 1, ...said });
      for (const said of [{ model: 'small', attempt: 1 }, { attempt: 2 }]) {
        const { status, body } = await tell(said);
        expect([status, body.error.field]).toEqual([400, 'attempt']);
      }
      expect((await tell({})).status).toBe(202);
    });

    test('ids are as long in a report as in a request, whatever characters they have', async () => {
      const id = '😀'.repeat(200);
      const routed = await started.call('POST', '/v1/route', { requestId: id, prompt: 'a' });
      expect(routed.status).toBe(200);
      expect((await started.call('POST', '/v1/feedback', { decisionId: id, quality: 1 })).status).toBe(202);
      const parts = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`p${i}`, 1]));
      const many = await started.call('POST', '/v1/feedback', { decisionId: id, rewardParts: parts });
      expect([many.status, many.body.error.message]).toEqual([
        400,
        'rewardParts: must have at most 32 entries, not 33',
      ]);
    });

    test('a status left out is the one that was given before', async () => {
      await started.call('POST', '/v1/route', { requestId: 'late', prompt: 'a' });
      await started.call('POST', '/v1/feedback', { decisionId: 'late', status: 'TIMEOUT' });
      const { status } = await started.call('POST', '/v1/feedback', { decisionId: 'late', latencyMs: 30_000 });
      expect(status).toBe(202);
      const told = started.outcomes().filter(({ decisionId }) => decisionId === 'late');
      expect(told).toMatchObject([{ status: 'TIMEOUT' }, { status: 'TIMEOUT', latencyMs: 30_000 }]);
    });

    test.each<[string, unknown, string]>([
      ['no decision', { model: 'small' }, 'decisionId: is required'],
      [
        'nothing',
        { decisionId: 'fed', model: 'large', source: 'user' },
        'body: says nothing; give at least one of status, latencyMs, costUsd, quality, rewardParts or tokens',
      ],
      [
        'a model that was not decided',
        { decisionId: 'fed', model: 'smal', quality: 1 },
        'model: "smal" is neither the decided model nor one of the decision\'s fallbacks; did you mean "small"?',
      ],
      ['an unknown field', { decisionId: 'x', model: 'small', score: 1 }, 'score: unknown field "score"'],
      ['quality over 1', { decisionId: 'x', model: 'small', quality: 1.5 }, 'quality: must be at most 1, not 1.5'],
      ['a negative cost', { decisionId: 'x', model: 'small', costUsd: -1 }, 'costUsd: must be at least 0, not -1'],
      [
        'an unknown status',
        { decisionId: 'x', model: 'small', status: 'OK' },
        'status: must be one of SUCCESS, FAILURE, TIMEOUT, RATE_LIMITED, CANCELLED, not "OK"',
      ],
      [
        'a part over 1',
        { decisionId: 'x', model: 'small', rewardParts: { user: 2 } },
        'rewardParts.user: must be at most 1, not 2',
      ],
      ['attempt 0', { decisionId: 'x', model: 'small', attempt: 0 }, 'attempt: must be at least 1, not 0'],
      [
        'too many attempts',
        { decisionId: 'fed', model: 'small', attempt: 99, quality: 1 },
        'attempt: is 99; the decided model is attempt 1, at most 16',
      ],
    ])('%s is refused, and nothing lands on the topic', async (_name, sent, message) => {
      const before = started.outcomes().length;
      const { status, body } = await started.call('POST', '/v1/feedback', sent);
      expect([status, body.error.message]).toEqual([400, message]);
      expect(started.outcomes()).toHaveLength(before);
    });
  });

  test('GET /v1/decisions/:id gives a decision back, in any spelling of its id', async () => {
    const routed = await started.call('POST', '/v1/route', { requestId: 'ä/b c', prompt: 'a' });
    const found = await started.call('GET', `/v1/decisions/${encodeURIComponent('ä/b c')}`);
    expect(found.body).toEqual(routed.body);
    const missing = await started.call('GET', '/v1/decisions/nobody');
    expect([missing.status, missing.body.error.code]).toEqual([404, 'not_found']);
  });

  test('what does not exist is 404 with a hint', async () => {
    expect((await started.call('POST', '/v1/rout', {})).body.error.message).toBe(
      'there is no POST /v1/rout; did you mean "/v1/route"?',
    );
    expect(await started.call('GET', '/v1/decisions/%zz')).toMatchObject({
      status: 404,
      body: { error: { code: 'not_found', message: 'the path is no valid URL: percent-encode the id in it' } },
    });
  });

  test('a method that a path does not take is 405 with those it takes; OPTIONS says them', async () => {
    for (const method of ['GET', 'DELETE', 'PATCH', 'PUT', 'QUERY', 'PROPFIND']) {
      const { status, body, headers } = await started.call(method, '/v1/route');
      expect([status, headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
      expect(body.error).toMatchObject({ code: 'method_not_allowed', message: expect.stringContaining(method) });
    }
    const options = await started.call('OPTIONS', '/v1/config');
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, PUT, HEAD, OPTIONS']);
    expect((await started.call('DELETE', '/v1/decisions/x')).status).toBe(405);
    expect((await started.call('QUERY', '/nowhere')).status).toBe(404);
  });

  test('HEAD is GET without the body, and a slash at the end changes nothing', async () => {
    const { status, body, headers } = await started.call('HEAD', '/v1/models');
    expect([status, body, Number(headers.get('content-length')) > 0]).toEqual([200, '', true]);
    expect((await started.call('GET', '/v1/config/')).body).toEqual((await started.call('GET', '/v1/config')).body);
    expect((await started.call('POST', '/v1/route/', { prompt: 'a' })).status).toBe(200);
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('%s is an id like any other', async (word) => {
    const body = { requestId: word, sessionId: word, tenantId: word, taskHint: word, prompt: word };
    const routed = await started.call('POST', '/v1/route', body);
    expect([routed.status, routed.body.decisionId]).toEqual([200, word]);
    expect((await started.call('POST', '/v1/route', body)).body).toEqual(routed.body);
    expect((await started.call('GET', `/v1/decisions/${word}?routingKey=${word}`)).body).toEqual(routed.body);
    const fed = await started.call('POST', '/v1/feedback', { decisionId: word, rewardParts: { [`${word} `]: 1 } });
    expect(fed.status).toBe(202);
    expect((await started.call('GET', `/v1/weights/${word}`)).status).toBe(404);
    expect((await started.call('GET', `/v1/${word}`)).status).toBe(404);
    const refused = await started.call('POST', '/v1/route', `{"prompt": "a", "${word}": 1}`);
    expect([refused.status, refused.body.error.field]).toEqual([400, word]);
  });

  test('a conversation in the shape that client libraries send is routed by its text', async () => {
    const { status } = await started.call('POST', '/v1/route', {
      requestId: 'shaped',
      messages: [
        { role: 'developer', content: 'be brief' },
        {
          role: 'user',
          name: 'Ann',
          content: [
            { type: 'text', text: 'what is it?' },
            { type: 'image_url', image_url: { url: 'data:,' } },
          ],
        },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'c', content: '42' },
      ],
    });
    expect(status).toBe(200);
    expect(started.requests().find(({ requestId }) => requestId === 'shaped')).toMatchObject({
      messages: [
        { role: 'developer', content: 'be brief' },
        { role: 'user', content: 'what is it?' },
        { role: 'assistant', content: '' },
        { role: 'tool', content: '42' },
      ],
      holds: { images: 1, audio: 0, files: 0, toolCalls: 1, toolResults: 1, other: 0 },
    });
    const image = { role: 'user', content: [{ type: 'image_url', image_url: {} }] };
    expect((await started.call('POST', '/v1/route', { messages: [image] })).status).toBe(200);
    const nothing = await started.call('POST', '/v1/route', { messages: [{ role: 'assistant', content: null }] });
    expect([nothing.status, nothing.body.error.message]).toEqual([400, 'messages: must not be empty']);
  });

  test('/health, /ready and /metrics', async () => {
    expect((await started.call('GET', '/health')).body).toEqual({ status: 'ok' });
    const ready = await started.call('GET', '/ready');
    expect(ready.status).toBe(200);
    expect(ready.body).toMatchObject({ ready: true, waitingFor: [], learning: { rewards: 0, rewardsNeeded: 24 } });
    expect(ready.body.learning.note).toMatch(
      /^\d+ (?:report has|reports have) come, and none is learned yet: until 24 rewards are learned/,
    );
    const metrics = await started.call('GET', '/metrics');
    expect(metrics.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(metrics.body).toMatch(/quantum_router_http_requests_total\{method="GET",route="\/ready",status="200"\} 1/);
    expect(metrics.body).toMatch(/quantum_router_http_waiting 0/);
    expect(metrics.body).toMatch(/quantum_router_event_loop_delay_seconds\{percentile="99"\} \d/);
  });

  test('/openapi.json has every endpoint with its body, its answers and its errors', async () => {
    const { body } = await started.call('GET', '/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    const operations = Object.entries<Record<string, unknown>>(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(operations.sort()).toEqual([
      'delete /v1/responses/{id}',
      'get /',
      'get /dashboard/app.css',
      'get /dashboard/app.js',
      'get /health',
      'get /metrics',
      'get /openapi.json',
      'get /ready',
      'get /v1/alerts',
      'get /v1/analytics',
      'get /v1/analytics/counterfactuals',
      'get /v1/audit',
      'get /v1/budgets',
      'get /v1/config',
      'get /v1/config/diff',
      'get /v1/config/history',
      'get /v1/config/history/{version}',
      'get /v1/decisions/{id}',
      'get /v1/decisions/{id}/answer',
      'get /v1/decisions/{id}/outcomes',
      'get /v1/decisions/{id}/trace',
      'get /v1/experiments',
      'get /v1/experiments/{name}',
      'get /v1/keys',
      'get /v1/learning/policy',
      'get /v1/live',
      'get /v1/me',
      'get /v1/models',
      'get /v1/models/{id}',
      'get /v1/responses/{id}',
      'get /v1/responses/{id}/input_items',
      'get /v1/shadows',
      'get /v1/weights',
      'get /v1/weights/{policySha256}',
      'post /v1/alerts/silences',
      'post /v1/analytics',
      'post /v1/chat/completions',
      'post /v1/config/check',
      'post /v1/config/replay',
      'post /v1/config/rollback',
      'post /v1/decisions/{id}/recompute',
      'post /v1/embeddings',
      'post /v1/experiments',
      'post /v1/feedback',
      'post /v1/keys',
      'post /v1/keys/{id}/revoke',
      'post /v1/keys/{id}/rotate',
      'post /v1/messages',
      'post /v1/messages/count_tokens',
      'post /v1/quantum/route',
      'post /v1/responses',
      'post /v1/responses/{id}/cancel',
      'post /v1/route',
      'post /v1/shadows',
      'post /v1/weights/forget',
      'post /v1/weights/promote',
      'post /v1/weights/rollback',
      'put /v1/config',
    ]);
    const route = body.paths['/v1/route'].post;
    expect(Object.keys(route.responses)).toEqual([
      '200',
      '400',
      '401',
      '402',
      '403',
      '408',
      '409',
      '413',
      '415',
      '429',
      '431',
      '500',
      '503',
      '504',
    ]);
    expect(
      route.requestBody.content['application/json'].schema.properties.limits.properties.maxCostUsd.description,
    ).toBeTruthy();
    expect(body.components.schemas.RouteDecided.required).toEqual(Object.keys(decisionOf({ requestId: 'r' } as never)));
    const text = JSON.stringify(body);
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g))
      expect(body.components.schemas).toHaveProperty([name!]);
  });
});

describe('models and their health', () => {
  test('GET /v1/models shows configuration, experience, and the breaker as it is now', async () => {
    const started = await startGateway();
    const breaker = {
      health: 'CLOSED' as const,
      failures: 0,
      changedAtMs: 0,
      openings: 0,
      probeAtMs: null,
      probesSucceeded: 0,
      changes: [{ health: 'CLOSED' as const, atMs: 7 }],
    } satisfies Breaker;
    const stats = {
      ...noStats(),
      weight: 100,
      errorRate: 0.1,
      quality: 0.9,
      qualityWeight: 100,
      latencyMs: 500,
      latencyWeight: 100,
      costUsd: 0.02,
      costWeight: 100,
      outputTokens: 100,
      outputTokensWeight: 100,
      qualityBias: -0.05,
      qualityError2: 0.04,
      calibrationWeight: 60,
    };
    const profile: ModelProfile = {
      model: 'large',
      provider: 'north',
      overall: stats,
      tasks: {},
      breaker: { ...breaker, health: 'OPEN', changedAtMs: 1, probeAtMs: 4_000_000_000_000_000 },
      providerBreaker: breaker,
      capacity: {
        share: 0.25,
        changedAtMs: started.clock.nowMs(),
        restUntilMs: 0,
        callsPerMinute: 7,
        refusedPerMinute: 0,
        refusedLately: 0,
        tokensPerMinute: 0,
        concurrent: 0,
        measuredAtMs: 1,
      },
      providerCapacity: null,
      declaredVersion: null,
      declaredPrice: null,
      firstTokens: addTime(null, 80, 1),
      updatedAtMs: 1,
    };
    const producer = started.broker.producer('profiler');
    await producer.send([
      { topic: topics.modelProfile.name, key: 'large', value: topics.modelProfile.codec.encode(profile) },
    ]);
    await started.clock.settle();
    const near80 = expect.closeTo(80, -1);
    const times = { p50: near80, p95: near80, p99: near80 };
    const { body } = await started.call('GET', '/v1/models');
    expect(body.configVersion).toBe(1);
    expect(body.models.map((model: { health: string }) => model.health)).toEqual(['OPEN', 'CLOSED']);
    const legible = { ...profile, overall: { ...stats, latencies: null }, firstTokens: times };
    expect(body.models[0].profile).toEqual(legible);
    expect(body.models[0].expected.quality).toBeGreaterThan(body.models[1].expected.quality);
    expect(body.models[0].calibration).toEqual({ judged: 60, bias: -0.05, error: expect.closeTo(0.2, 9) });
    expect(body.models[1]).toMatchObject({
      config: { name: 'small' },
      calibration: null,
      profile: null,
      expected: { quality: 0.5, errorRate: 0 },
    });
    const { body: one } = await started.call('GET', '/v1/models/large');
    expect(one).toMatchObject({ id: 'large', object: 'model', owned_by: 'north', quantum_router: body.models[0] });
    expect(one.quantum_router.admission).toEqual({ share: expect.closeTo(0.25, 2), kind: 'limited' });
    expect((await started.call('GET', '/v1/models/auto')).body).toMatchObject({ id: 'auto', quantum_router: null });
    // Names may have slashes, and who asks by hand writes them as they are.
    for (const path of ['auto/best', 'auto%2Fbest', 'auto/best?x=a/b', 'auto/best/'])
      expect([path, (await started.call('GET', `/v1/models/${path}`)).body]).toMatchObject([path, { id: 'auto/best' }]);
    expect((await started.call('GET', '/v1/models/large/')).body).toMatchObject({ id: 'large' });
    expect((await started.call('GET', '/v1/models/no/such')).status).toBe(404);
    await started.stop();
  });
});

describe('/v1/config', () => {
  // YAML is parsed in a thread, which takes long to start on a busy machine.
  let started: Started;
  beforeEach(async () => {
    started = await startGateway();
  });
  afterEach(() => started.stop());
  const changed = { ...testConfig, seed: 9 };
  const put = async (body: unknown, headers: Record<string, string> = {}) => {
    const answer = started.call('PUT', '/v1/config?acceptRestart=true', body, headers);
    // The gateway waits on its clock until it has read the new version back.
    let answered = false;
    const watched = answer.finally(() => {
      answered = true;
    });
    while (!answered) await started.clock.advanceBy(5);
    return watched;
  };

  test('is read with its version and replaced by naming that version', async () => {
    const read = await started.call('GET', '/v1/config');
    expect(read.body).toEqual({ version: 1, appliedAtMs: started.clock.nowMs(), config: testConfig });
    expect(read.headers.get('etag')).toBe('"1"');
    const written = await put({ version: 1, config: changed });
    expect([written.status, written.body.version, written.body.config.seed]).toEqual([200, 2, 9]);
    expect((await started.call('GET', '/v1/config')).body.version).toBe(2);
  });

  test('takes JSON or YAML with the version in If-Match', async () => {
    expect((await put(changed, { 'if-match': '"1"' })).body.version).toBe(2);
    expect((await put(stringify(changed), { 'if-match': '2', 'content-type': 'application/yaml' })).body.version).toBe(
      3,
    );
  });

  test('a version that is no longer in force conflicts', async () => {
    await put({ version: 1, config: changed });
    const late = await put({ version: 1, config: testConfig });
    expect([late.status, late.body.error.code, late.body.error.field]).toEqual([409, 'version_conflict', 'version']);
    expect((await started.call('GET', '/v1/config')).body.config.seed).toBe(9);
  });

  test('faults come with their path, all of them, and nothing is applied', async () => {
    const wrapped = await put({ version: 1, config: { models: [{ name: 'a', provider: 1 }], seed: -1 } });
    expect(wrapped.status).toBe(400);
    expect(wrapped.body.error.details.map((fault: { field: string }) => fault.field)).toEqual([
      'config.models.0.provider',
      'config.seed',
    ]);
    const yaml = await put('models: []\nseed: x\n', { 'if-match': '1', 'content-type': 'application/yaml' });
    expect(yaml.body.error).toMatchObject({
      field: 'models',
      message: 'models: line 1, column 9: must be a list of at least 1',
    });
    expect((await put(changed)).status).toBe(428);
    expect((await put(changed, { 'if-match': 'abc' })).body.error.field).toBe('If-Match');
    expect((await started.call('GET', '/v1/config')).body.version).toBe(1);
  });
});

describe('when no decision comes', () => {
  test('a request that intake refuses is refused at once, with its reason', async () => {
    const started = await startGateway({ answer: () => [] });
    const answer = started.call('POST', '/v1/route', { prompt: 'a', sessionId: 's', limits: { maxSessionCostUsd: 1 } });
    await started.until(() => started.requests().length === 1);
    const [record] = started.broker.records(topics.routeRequested.name);
    const why = { group: 'route-intake', reason: 'nothing is left of $1', field: 'limits.maxSessionCostUsd' };
    const letter = deadLetterOf(record!, { ...why, failedAtMs: 1, maxRecordBytes: 1e6 });
    await started.broker.producer('intake').send([letter]);
    const { status, body } = await answer;
    expect(status).toBe(400);
    expect(body.error).toEqual({
      code: 'no_eligible_candidate',
      message: 'limits.maxSessionCostUsd: nothing is left of $1',
      field: 'limits.maxSessionCostUsd',
    });
    await started.stop();
  });

  test('504 without a model, after the thread time-out and the grace', async () => {
    const started = await startGateway({ answer: () => [], settings: { decisionGraceMs: 500 } });
    const answer = started.call('POST', '/v1/route', { requestId: 'lost', prompt: 'a', threadTimeoutMs: 100 });
    await started.until(() => started.requests().length === 1);
    await started.clock.advanceBy(700);
    const { status, body } = await answer;
    expect([status, body.error.code]).toEqual([504, 'decision_timeout']);
    expect(body).not.toHaveProperty('model');
    await started.stop();
  });

  test('a request decided before this gateway was born is found in the log', async () => {
    const started = await startGateway({ answer: () => [] });
    const given = { requestId: 'old', sessionId: null, tenantId: null };
    const decision = { ...decisionOf(given as never), contentHash: null };
    const producer = started.broker.producer('collapse');
    const write = (of: typeof decision) =>
      producer.send([
        { topic: topics.routeDecided.name, key: of.routingKey, value: topics.routeDecided.codec.encode(of) },
      ]);
    await write(decision);
    await write({ ...decision, model: 'small' });
    const answer = started.call('POST', '/v1/route', { requestId: 'old', prompt: 'a' });
    await started.until(() => started.requests().length === 1);
    await started.clock.advanceBy(3_000);
    const routed = await answer;
    expect([routed.status, routed.body.model]).toEqual([200, 'large']);
    // With a session the id says nothing about the partition: all are searched, unless the key is given.
    await write({ ...decision, requestId: 'mine', decisionId: 'mine', sessionId: 'abc', routingKey: 'abc' });
    expect((await started.call('GET', '/v1/decisions/mine')).body.sessionId).toBe('abc');
    expect((await started.call('GET', '/v1/decisions/mine?routingKey=abc')).status).toBe(200);
    // Its outcome needs no more than the id, either.
    const fed = await started.call('POST', '/v1/feedback', { decisionId: 'mine', quality: 0.5 });
    expect(fed).toMatchObject({ status: 202, body: { decisionId: 'mine', model: 'large', attempt: 1 } });
    expect(started.outcomes().at(-1)).toMatchObject({ routingKey: 'abc', model: 'large', quality: 0.5 });
    await started.stop();
  });

  test('another request with an id that was decided elsewhere, or is being decided, is a conflict', async () => {
    const started = await startGateway({ answer: () => [], settings: { decisionGraceMs: 500 } });
    const waiting = started.call('POST', '/v1/route', { requestId: 'r', prompt: 'a' });
    await started.until(() => started.requests().length === 1);
    expect((await started.call('POST', '/v1/route', { requestId: 'r', prompt: 'b' })).status).toBe(409);
    // Another gateway's request was first: ours is dropped, and its decision is found in the log.
    const other = decisionOf({ ...started.requests()[0]!, prompt: 'somebody else asks' });
    await started.broker
      .producer('collapse')
      .send([{ topic: topics.routeDecided.name, key: 'r', value: topics.routeDecided.codec.encode(other) }]);
    await started.clock.advanceBy(3_000);
    const answer = await waiting;
    expect([answer.status, answer.body.error.code]).toEqual([409, 'conflict']);
    await started.stop();
  });

  test('after a restart an id means what it meant before: the same decision, or a conflict, and nothing is asked anew', async () => {
    const started = await startGateway();
    const asked = { requestId: 'r', prompt: 'a', sessionId: 'one' };
    const first = await started.call('POST', '/v1/route', asked);
    await started.restart();
    expect((await started.call('POST', '/v1/route', asked)).body).toEqual(first.body);
    expect((await started.call('POST', '/v1/route', { ...asked, prompt: 'b' })).status).toBe(409);
    // Another session would be another partition, where nobody knows the id.
    expect((await started.call('POST', '/v1/route', { ...asked, sessionId: 'two' })).status).toBe(409);
    expect(started.requests()).toHaveLength(1);
    await started.stop();
  });

  test('an id that is older than what a gateway reads at its start is looked for long before the time-out', async () => {
    const decidedIds = new Set<string>();
    // As the engine does it: an id is decided once.
    const answer = (request: RouteRequested) => {
      if (decidedIds.has(request.requestId)) return [];
      decidedIds.add(request.requestId);
      return [decisionOf(request)];
    };
    const started = await startGateway({ answer, settings: { maxRecentDecisions: 4 } });
    const asked = { requestId: 'r', prompt: 'a' };
    const first = await started.call('POST', '/v1/route', asked);
    for (let i = 0; i < 40; i++) await started.call('POST', '/v1/route', { prompt: `${i}` });
    await started.restart();
    const again = started.call('POST', '/v1/route', asked);
    await started.until(() => started.requests().length === 42);
    await started.clock.advanceBy(300);
    expect((await again).body).toEqual(first.body);
    // Found once, it is known.
    expect((await started.call('POST', '/v1/route', { ...asked, prompt: 'b' })).status).toBe(409);
    // What waits for a decision that never comes ends with its time-out.
    const stopping = started.stop();
    await started.clock.advanceBy(3_000);
    await stopping;
  });

  test('a contradiction is a conflict after a restart, too, and what was said before still counts', async () => {
    const started = await startGateway();
    await started.call('POST', '/v1/route', { requestId: 'r', prompt: 'a', sessionId: 's' });
    const tell = (said: object) => started.call('POST', '/v1/feedback', { decisionId: 'r', ...said });
    expect((await tell({ quality: 0.8, status: 'FAILURE' })).status).toBe(202);
    await started.clock.advanceBy(1_000);
    await started.restart();
    const { status, body } = await tell({ quality: 0.3 });
    expect([status, body.error.field]).toEqual([409, 'revision']);
    expect((await tell({ costUsd: 0.01 })).status).toBe(202);
    expect(started.outcomes().at(-1)).toMatchObject({ costUsd: 0.01, status: 'FAILURE' });
    expect((await tell({ quality: 0.3, revision: 1 })).status).toBe(202);
    await started.stop();
  });

  test('garbage on the topic of decisions is passed over when a decision is looked for', async () => {
    const started = await startGateway({ answer: () => [] });
    const producer = started.broker.producer('vandal');
    await producer.send([{ topic: topics.routeDecided.name, key: 'g', value: Buffer.from('garbage') }]);
    expect((await started.call('GET', '/v1/decisions/garbage')).status).toBe(404);
    expect((await started.call('GET', '/v1/decisions/g?routingKey=a&routingKey=b')).status).toBe(400);
    expect((await started.call('GET', '/v1/decisions/%00')).status).toBe(400);
    await started.stop();
  });

  test('more than the limit in flight is 503; the same id twice waits for one decision', async () => {
    let release = false;
    const started = await startGateway({
      answer: (request) => (release ? [decisionOf(request)] : []),
      settings: { maxInFlight: 1 },
    });
    const twice = [1, 2].map(() => started.call('POST', '/v1/route', { requestId: 'a', prompt: 'a' }));
    await started.until(() => started.requests().length >= 1);
    const refused = await started.call('POST', '/v1/route', { requestId: 'b', prompt: 'a' });
    expect([refused.status, refused.body.error.code, refused.headers.get('retry-after')]).toEqual([
      503,
      'overloaded',
      '1',
    ]);
    release = true;
    const producer = started.broker.producer('late');
    const decision = decisionOf(started.requests()[0]!);
    await producer.send([
      {
        topic: topics.routeDecided.name,
        key: 'a',
        value: topics.routeDecided.codec.encode(decision),
        headers: { 'reply-to': 'another' },
      },
      {
        topic: topics.routeDecided.name,
        key: 'a',
        value: topics.routeDecided.codec.encode(decision),
        headers: { 'reply-to': started.gateway.id },
      },
      {
        topic: topics.routeDecided.name,
        key: 'a',
        value: topics.routeDecided.codec.encode({ ...decision, model: 'small' }),
        headers: { 'reply-to': started.gateway.id },
      },
    ]);
    const answers = await Promise.all(twice);
    expect(answers.map((answer) => answer.body.model)).toEqual(['large', 'large']);
    expect(started.requests()).toHaveLength(1);
    expect((await started.call('GET', '/v1/decisions/a')).body.model).toBe('large');
    await started.stop();
  });
});

describe('readiness and end', () => {
  test('not ready before there is a configuration and while services are restoring', async () => {
    const waiting = ['route-intake'];
    const started = await startGateway({ config: null, waitingFor: () => waiting, status: () => ({ services: 7 }) });
    const ready = await started.call('GET', '/ready');
    expect([ready.status, ready.body]).toEqual([
      503,
      expect.objectContaining({ ready: false, waitingFor: ['a configuration', 'route-intake'] }),
    ]);
    const routed = await started.call('POST', '/v1/route', { prompt: 'a' });
    expect([routed.status, routed.body.error.message]).toEqual([
      503,
      'not ready yet: waiting for a configuration, route-intake',
    ]);
    for (const path of ['/v1/models', '/v1/config']) expect((await started.call('GET', path)).status).toBe(503);
    expect((await started.call('GET', '/health')).body).toEqual({ services: 7, status: 'ok' });
    waiting.pop();
    const put = started.call('PUT', '/v1/config', { version: 0, config: testConfig });
    await started.until(() => started.broker.records(topics.config.name).length === 1);
    await started.clock.advanceBy(10);
    expect((await put).body.version).toBe(1);
    expect((await started.call('POST', '/v1/route', { prompt: 'a' })).status).toBe(200);
    // Once ready, a service that restarts does not close the door: requests wait in the log.
    waiting.push('route-collapse');
    expect((await started.call('POST', '/v1/route', { prompt: 'a' })).status).toBe(200);
    await started.stop();
  });

  test('a configuration that cannot be read leaves the one before it in force', async () => {
    const started = await startGateway();
    const producer = started.broker.producer('vandal');
    const value = topics.config.codec.encode({
      version: 2,
      json: '{"models":[]}',
      appliedAtMs: 0,
      appliedBy: '',
      fileSha256: null,
    });
    await producer.send([{ topic: topics.config.name, key: 'current', value }]);
    await started.clock.settle();
    expect((await started.call('GET', '/v1/config')).body.version).toBe(1);
    await started.stop();
  });

  test('stopping lets the waiting request finish', async () => {
    const started = await startGateway({ answer: () => [] });
    const answer = started.call('POST', '/v1/route', { requestId: 'last', prompt: 'a' });
    await started.until(() => started.requests().length === 1);
    const stopped = started.gateway.stop();
    const producer = started.broker.producer('late');
    await producer.send([
      {
        topic: topics.routeDecided.name,
        key: 'last',
        value: topics.routeDecided.codec.encode(decisionOf(started.requests()[0]!)),
        headers: { 'reply-to': started.gateway.id },
      },
    ]);
    expect((await answer).status).toBe(200);
    await stopped;
    await expect(fetch(started.gateway.url)).rejects.toThrow('fetch failed');
  });

  test('a request that comes on an open connection while it stops is refused in the form of every other', async () => {
    const started = await startGateway({ answer: () => [] });
    const answer = started.call('POST', '/v1/route', { requestId: 'last', prompt: 'a' });
    await started.until(() => started.requests().length === 1);
    const { hostname, port } = new URL(started.gateway.url);
    const socket = connect(Number(port), hostname);
    await new Promise((resolve) => socket.once('connect', resolve));
    let said = '';
    const ended = new Promise<void>((resolve) => socket.on('data', (data) => (said += data)).once('close', resolve));
    const send = (text: string): Promise<void> => new Promise((resolve) => socket.write(text, () => resolve()));
    await send('GET /health HTTP/1.1\r\nhost: a\r\n');
    const stopped = started.gateway.stop();
    await send('\r\n');
    await ended;
    expect(said).toMatch(/^HTTP\/1.1 503 /);
    expect(JSON.parse(said.split('\r\n\r\n')[1]!).error).toEqual({
      code: 'not_ready',
      message: 'this gateway is stopping: ask again in a moment',
      field: null,
    });
    const value = topics.routeDecided.codec.encode(decisionOf(started.requests()[0]!));
    const headers = { 'reply-to': started.gateway.id };
    await started.broker.producer('late').send([{ topic: topics.routeDecided.name, key: 'last', value, headers }]);
    expect((await answer).status).toBe(200);
    await stopped;
  });

  test('a caller that went away leaves no error behind: its decision is still awaited', async () => {
    const errors: string[] = [];
    const log = {
      debug() {},
      info() {},
      warn() {},
      error: (message: string) => errors.push(message),
      child: () => log,
    };
    const started = await startGateway({ answer: () => [], log });
    const caller = new AbortController();
    const answer = fetch(`${started.gateway.url}/v1/route`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"prompt": "a"}',
      signal: caller.signal,
    });
    await started.until(() => started.requests().length === 1);
    caller.abort();
    await expect(answer).rejects.toThrow('aborted');
    let stopped = false;
    const stopping = started.gateway.stop().finally(() => {
      stopped = true;
    });
    while (!stopped) await started.clock.advanceBy(100);
    await stopping;
    expect(errors).toEqual([]);
  });

  test('a log that cannot be written for a while is 503, for requests and for outcomes', async () => {
    const started = await startGateway({
      disturb: (broker) => ({
        ...broker,
        producer: (name) => ({ ...broker.producer(name), send: () => Promise.reject(new TransientError('away')) }),
      }),
    });
    const value = topics.routeDecided.codec.encode(decisionOf({ requestId: 'a' } as never));
    await started.broker.producer('collapse').send([{ topic: topics.routeDecided.name, key: 'a', value }]);
    const calls = [
      started.call('POST', '/v1/route', { prompt: 'a' }),
      started.call('POST', '/v1/feedback', { decisionId: 'a', model: 'small', quality: 1 }),
    ];
    for (const { status, body } of await Promise.all(calls))
      expect([status, body.error.code]).toEqual([503, 'not_ready']);
    await started.stop();
  });

  test('a log that cannot be read for a while is 503', async () => {
    let away = false;
    const started = await startGateway({
      disturb: (broker) => ({
        ...broker,
        offsets: (of) => (away ? Promise.reject(new TransientError('away')) : broker.offsets(of)),
      }),
    });
    away = true;
    const { status, body } = await started.call('GET', '/v1/decisions/nobody');
    expect([status, body.error.code]).toEqual([503, 'not_ready']);
    await started.stop();
  });

  test('a port that is taken is an error, and nothing keeps running', async () => {
    const started = await startGateway();
    await expect(startGateway({ settings: { port: started.gateway.port } })).rejects.toThrow(/EADDRINUSE/);
    await started.stop();
  });

  test('an unknown error is 500, says nothing of its inside and is logged', async () => {
    const errors: string[] = [];
    const log = {
      debug() {},
      info() {},
      warn() {},
      error: (message: string) => errors.push(message),
      child: () => log,
    };
    const metrics = createMetrics();
    const started = await startGateway({
      log,
      metrics: { ...metrics, text: () => Promise.reject(new Error('secret')) },
    });
    const { status, body } = await started.call('GET', '/metrics');
    expect([status, body.error]).toEqual([
      500,
      { code: 'internal', message: 'internal error; see the log of the gateway', field: null },
    ]);
    expect(errors).toEqual(['a request failed']);
    await started.stop();
  });

  test('a report that comes before its decision waits for it', async () => {
    const started = await startGateway({ answer: () => [] });
    const routed = started.call('POST', '/v1/route', { requestId: 'soon', prompt: 'a' });
    await started.until(() => started.requests().length === 1);
    const fed = started.call('POST', '/v1/feedback', { decisionId: 'soon', model: 'small', quality: 1 });
    const { replyTo } = started.requests()[0]!;
    const value = topics.routeDecided.codec.encode(decisionOf(started.requests()[0]!));
    const headers = { [replyToHeader]: replyTo! };
    await started.broker.producer('collapse').send([{ topic: topics.routeDecided.name, key: 'soon', value, headers }]);
    expect((await routed).status).toBe(200);
    expect(await fed).toMatchObject({ status: 202, body: { model: 'small', attempt: 2 } });
    await started.stop();
  });

  test('a decision older than the records looked at is not denied: its report is taken as it is', async () => {
    const started = await startGateway({ settings: { maxReportScannedRecords: 1, maxScannedRecords: 1 } });
    const producer = started.broker.producer('collapse');
    for (const id of ['old', 'newer', 'newest']) {
      const value = topics.routeDecided.codec.encode({ ...decisionOf({ requestId: id } as never), routingKey: 'k' });
      await producer.send([{ topic: topics.routeDecided.name, key: 'k', value }]);
    }
    const report = { decisionId: 'old', routingKey: 'k', model: 'gone', status: 'SUCCESS' };
    expect((await started.call('POST', '/v1/feedback', report)).status).toBe(202);
    expect(started.outcomes()).toMatchObject([{ decisionId: 'old', model: 'gone', attempt: 1, routingKey: 'k' }]);
    const { model: _left, ...nameless } = report;
    const refused = await started.call('POST', '/v1/feedback', nameless);
    expect([refused.status, refused.body.error.field]).toEqual([400, 'model']);
    await started.stop();
  });

  test('a model that left the configuration can still be reported for a decision that named it', async () => {
    const started = await startGateway();
    await started.call('POST', '/v1/route', { requestId: 'r', prompt: 'a' });
    const put = started.call('PUT', '/v1/config', {
      version: 1,
      config: defaultRouterConfig([{ name: 'new', provider: 'p' }]),
    });
    await started.until(() => started.broker.records(topics.config.name).length === 2);
    await started.clock.advanceBy(10);
    await put;
    const report = { decisionId: 'r', model: 'small', quality: 1 };
    expect((await started.call('POST', '/v1/feedback', report)).status).toBe(202);
    // Configured, but not what was decided.
    const other = await started.call('POST', '/v1/feedback', { ...report, model: 'new' });
    expect([other.status, other.body.error.field]).toEqual([400, 'model']);
    await started.stop();
  });
});
