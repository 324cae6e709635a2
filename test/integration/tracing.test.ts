/** The engine as a process with tracing preloaded, and a collector in this one. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createEmbeddedBroker } from '../../lib/adapters/embedded/embedded-broker';
import { openEmbeddedStore } from '../../lib/adapters/embedded/embedded-store';
import { systemClock } from '../../lib/adapters/system';
import { topics } from '../../lib/topics/topics';
import { start } from '../started';
import { attributeOf, type ReceivedSpan, startOtlpReceiver } from './otlp-receiver';

const dist = join(__dirname, '../../dist');
const preload = join(dist, 'lib/telemetry/preload.js');
const partitions = 2;
const learnedCounter = 'quantum_router_learning_events_total{kind="EXPERIENCE"}';
const secret = 'a prompt that no trace may hold';

/** `make test` builds first. */
it('has a build to trace', () => {
  expect(existsSync(preload)).toBe(true);
});

/** Variables of the machine that runs the tests must not count. */
function environmentWith(variables: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('OTEL_'));
  return { ...Object.fromEntries(own), ...variables };
}

async function startEngine(directory: string, variables: Readonly<Record<string, string>>) {
  const args = ['serve', '--port', '0', '--data-dir', directory, '--partitions', String(partitions)];
  const { child, ended, kill } = start(
    process.execPath,
    ['--require', preload, join(dist, 'bin/main.js'), ...args, '--log-level', 'error'],
    { env: environmentWith(variables), cwd: directory },
  );
  child.stdout!.resume();
  const url = await new Promise<string>((resolve, reject) => {
    const lines: string[] = [];
    createInterface({ input: child.stderr! }).on('line', (line) => {
      lines.push(line);
      const ready = /^ready on (\S+)/.exec(line);
      if (ready) resolve(ready[1]!);
    });
    ended.then((code) => reject(new Error(`the engine ended with ${code}: ${lines.join('\n')}`)));
  });
  const post = async (path: string, body: unknown, traceparent?: string): Promise<Response> => {
    const headers = { 'content-type': 'application/json', ...(traceparent && { traceparent }) };
    const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    await response.arrayBuffer();
    return response;
  };
  return {
    post,
    /** Resolves when this counter is no longer 0. */
    async counted(counter: string): Promise<void> {
      const counting = (text: string): boolean =>
        text.split('\n').some((line) => line.startsWith(`${counter} `) && !line.endsWith(' 0'));
      while (!counting(await (await fetch(`${url}/metrics`)).text())) await new Promise(setImmediate);
    },
    async stop(): Promise<number | null> {
      child.kill('SIGTERM');
      return ended;
    },
    kill,
  };
}

describe('the engine', () => {
  let directory: string;
  let receiver: Awaited<ReturnType<typeof startOtlpReceiver>>;
  let engine: Awaited<ReturnType<typeof startEngine>>;
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tracing-'));
    receiver = await startOtlpReceiver();
  });
  afterEach(async () => {
    await engine?.kill();
    await receiver.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  const toReceiver = () => ({
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    // Nothing is exported before the end unless the queue is full: what comes was flushed by a clean stop.
    OTEL_BSP_SCHEDULE_DELAY: '600000',
  });

  test('one trace leads from the HTTP request through every service to the decision; its outcome links to it', async () => {
    engine = await startEngine(directory, toReceiver());
    const caller = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
    const traceparent = `00-${caller.traceId}-${caller.spanId}-01`;
    const routed = await engine.post('/v1/route', { requestId: 'r1', prompt: secret }, traceparent);
    expect(routed.status).toBe(200);
    // An outcome that overtakes its decision would link to what came before it.
    await engine.counted('quantum_router_records_in_total{service="reward-feedback",topic="route.decided"}');
    const reported = await engine.post('/v1/feedback', { decisionId: 'r1', quality: 0.9, latencyMs: 830 });
    expect(reported.status).toBe(202);
    await engine.counted(learnedCounter);
    expect(await engine.stop()).toBe(0);

    const one = (name: string, belongs: (span: ReceivedSpan) => boolean = () => true): ReceivedSpan => {
      const found = receiver.spans.filter((span) => span.name === name && belongs(span));
      if (found.length !== 1) {
        throw new Error(`${found.length} of ${name}; there are: ${receiver.spans.map((span) => span.name).join(', ')}`);
      }
      return found[0]!;
    };
    const server = one('POST /v1/route');
    const path = [
      server,
      one('route.requested send'),
      one('route-intake route.requested'),
      one('strategy-threads route.opened'),
      one('route-collapse strategy.scored'),
      one('route.decided receive'),
    ];
    expect(path.map((span) => span.traceId)).toEqual(path.map(() => caller.traceId));
    expect(path.map((span) => span.parentSpanId)).toEqual([caller.spanId, ...path.slice(0, -1).map((s) => s.spanId)]);
    expect(routed.headers.get('traceparent')).toBe(`00-${caller.traceId}-${server.spanId}-01`);
    expect(server.events.map((event) => event.name)).toEqual(['decided']);
    expect(new Set(receiver.spans.map((span) => span.service))).toEqual(new Set(['quantum-router']));

    const decision = path[4]!;
    expect(attributeOf(decision, 'quantum_router.request_id')).toBe('r1');
    expect(attributeOf(decision, 'quantum_router.degraded_to')).toBe('NONE');
    expect(attributeOf(decision, 'quantum_router.model')).toEqual(expect.any(String));

    const outcome = one('reward-feedback route.outcome');
    expect(outcome.traceId).toBe(reported.headers.get('traceparent')!.slice(3, 35));
    expect(outcome.traceId).not.toBe(caller.traceId);
    expect(outcome.parentSpanId).toBe(one('route.outcome send').spanId);
    expect(outcome.links).toContainEqual(expect.objectContaining({ traceId: caller.traceId, spanId: decision.spanId }));
    const learned = one('dqn-trainer learning.events');
    expect([learned.traceId, learned.parentSpanId]).toEqual([outcome.traceId, outcome.spanId]);

    for (const name of ['route-intake process', 'strategy-threads process', 'dqn-trainer process']) {
      // Intake reads the outcome as well.
      const batch = one(name, ({ traceId }) => name !== 'route-intake process' || traceId === caller.traceId);
      expect(attributeOf(batch, 'messaging.batch.message_count')).toBe(1);
      expect(batch.links).toContainEqual(expect.objectContaining({ spanId: batch.parentSpanId }));
    }
    expect(receiver.text()).not.toContain(secret);
  });

  test('with a ratio of 0 nothing is exported, and no record has a header', async () => {
    engine = await startEngine(directory, {
      ...toReceiver(),
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0',
    });
    const routed = await engine.post('/v1/route', { requestId: 'r1', prompt: secret });
    expect([routed.status, routed.headers.get('traceparent')]).toEqual([200, null]);
    await engine.post('/v1/feedback', { decisionId: 'r1', quality: 0.9 });
    await engine.counted(learnedCounter);
    expect(await engine.stop()).toBe(0);
    expect(receiver.spans).toEqual([]);
    expect(await headersIn(directory)).toEqual([{}, {}, {}, {}, {}]);
  });
});

/** Headers of every record of the request path, but for those that have nothing to do with tracing. */
async function headersIn(directory: string): Promise<object[]> {
  const store = openEmbeddedStore({ directory, clock: systemClock() });
  const broker = createEmbeddedBroker(store);
  const found: object[] = [];
  const { routeRequested, routeOpened, strategyScored, routeDecided, routeOutcome } = topics;
  for (const { name } of [routeRequested, routeOpened, strategyScored, routeDecided, routeOutcome]) {
    for (let partition = 0; partition < partitions; partition++) {
      for await (const records of broker.read({ topic: name, partition }, { from: 0 })) {
        for (const { headers } of records) {
          const { 'reply-to': _replyTo, 'handed-on': _handedOn, ...others } = headers;
          found.push(others);
        }
      }
    }
  }
  await broker.close();
  await store.close();
  return found;
}

describe('preloading', () => {
  const loaded = (variables: Readonly<Record<string, string>>, script: string): string => {
    const options = { env: environmentWith(variables), encoding: 'utf8' as const };
    return spawnSync(process.execPath, ['--require', preload, '-e', script], options).stdout.trim();
  };
  const countSdk = 'Object.keys(require.cache).filter((file) => file.includes("sdk-node")).length';
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };

  test('loads nothing heavy unless the environment asks for it', () => {
    expect(loaded({ OTEL_SERVICE_NAME: 'x' }, `console.log(${countSdk})`)).toBe('0');
    expect(Number(loaded(endpoint, `console.log(${countSdk})`))).toBeGreaterThan(0);
  });

  test('leaves worker threads alone', () => {
    const inWorker = `require('node:worker_threads').parentPort.postMessage(${countSdk})`;
    const script = `new (require('node:worker_threads').Worker)(${JSON.stringify(inWorker)}, { eval: true }).on('message', console.log)`;
    expect(loaded(endpoint, script)).toBe('0');
  });
});
