/** What viewers of /v1/live are told, over both protocols, and how they go on. */
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import { until } from '../../../checks/chaos/until';
import { createKeyDesk } from '../../../lib/access/key-desk';
import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import { systemClock } from '../../../lib/adapters/system';
import { routeOutcome } from '../../../lib/client/build-records';
import type { Broker } from '../../../lib/ports/broker';
import { createLog } from '../../../lib/telemetry/log';
import { topics } from '../../../lib/topics/topics';
import { createFrame, createPresenter, type Frame, keyOf, type Told } from '../../../services/gateway/live/frame';
import { type LiveKind, liveKinds } from '../../../services/gateway/live/live-events';
import { createLiveHub } from '../../../services/gateway/live/live-hub';
import { readPositions, writePositions } from '../../../services/gateway/live/positions';
import { createViewer, type Send } from '../../../services/gateway/live/viewer';
import { memoryHome } from '../../../services/home';
import { patienceMs } from '../../patience';
import { atEnd } from '../../started';
import { startGateway } from './start-gateway';

interface Seen {
  readonly event: string;
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: events of many shapes
  readonly data: any;
}

/** Reads server-sent events until `enough` says so. */
async function watch(
  url: string,
  enough: (seen: Seen[]) => boolean,
  headers: Record<string, string> = {},
): Promise<Seen[]> {
  const stop = new AbortController();
  const response = await fetch(url, { headers, signal: stop.signal });
  const seen: Seen[] = [];
  let text = '';
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  while (!enough(seen)) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
    const blocks = text.split('\n\n');
    text = blocks.pop()!;
    for (const block of blocks) {
      const fields = new Map(
        block.split('\n').map((line) => [line.split(': ')[0], line.slice(line.indexOf(': ') + 2)]),
      );
      if (fields.has('event'))
        seen.push({ event: fields.get('event')!, id: fields.get('id')!, data: JSON.parse(fields.get('data')!) });
    }
  }
  stop.abort();
  return seen;
}

const decisionsOf = (seen: readonly Seen[]): string[] =>
  seen.filter(({ event }) => event === 'decision').map(({ data }) => data.decisionId);
const route = (started: Awaited<ReturnType<typeof startGateway>>, requestId: string) =>
  started.call('POST', '/v1/route', { requestId, prompt: 'a secret prompt' });

test('decisions and outcomes come as they happen; whoever comes again goes on where he was', async () => {
  const started = await startGateway();
  const url = `${started.gateway.url}/v1/live`;
  await route(started, 'before');
  const first = await watch(`${url}?last=10`, (seen) => seen.at(-1)?.event === 'caught-up');
  expect(decisionsOf(first)).toEqual(['before']);
  expect(JSON.stringify(first)).not.toContain('secret');
  await route(started, 'meanwhile');
  await started.call('POST', '/v1/feedback', { decisionId: 'meanwhile', quality: 0.5 });
  const again = await watch(url, (seen) => seen.at(-1)?.event === 'caught-up', { 'last-event-id': first.at(-1)!.id });
  expect(again.map(({ event, data }) => [event, data.decisionId])).toEqual([
    ['decision', 'meanwhile'],
    ['outcome', 'meanwhile'],
    ['caught-up', undefined],
  ]);
  let isWatching = false;
  const live = watch(url, (seen) => {
    isWatching = seen.some(({ event }) => event === 'caught-up');
    return decisionsOf(seen).length === 1;
  });
  await started.until(() => isWatching);
  await route(started, 'now');
  // The follower gathers records for a moment of a clock that stands still.
  await started.clock.advanceBy(1_000);
  expect(decisionsOf(await live)).toEqual(['now']);
});

test('whoever was away for longer than the log is kept is told that he has missed it', async () => {
  const started = await startGateway();
  const url = `${started.gateway.url}/v1/live?kinds=decision`;
  await route(started, 'seen');
  const { id } = (await watch(`${url}&last=1`, (seen) => seen.length > 0))[0]!;
  for (const gone of ['a', 'b', 'c']) await route(started, gone);
  await started.clock.advanceBy(8 * 86_400_000);
  await route(started, 'kept');
  started.broker.clean();
  const again = await watch(url, (seen) => seen.at(-1)?.event === 'caught-up', { 'last-event-id': id });
  expect(again.find(({ event }) => event === 'missed')?.data).toEqual({ count: 3 });
  expect(decisionsOf(again)).toEqual(['kept']);
});

test('filters choose; what they do not know is refused by name', async () => {
  const started = await startGateway();
  await route(started, 'one');
  const of = async (query: string) =>
    decisionsOf(
      await watch(`${started.gateway.url}/v1/live?last=10&${query}`, (seen) => seen.at(-1)?.event === 'caught-up'),
    );
  expect(await of('model=large')).toEqual(['one']);
  expect(await of('model=small')).toEqual([]);
  expect(await of('kinds=outcome,health')).toEqual([]);
  for (const [query, field] of [
    ['kinds=prompt', 'kinds'],
    ['last=-1', 'last'],
    ['last=1001', 'last'],
    ['modl=a', 'modl'],
    ['model=a&model=b', 'model'],
  ])
    expect((await started.call('GET', `/v1/live?${query}`)).body.error).toMatchObject({ code: 'invalid_field', field });
  expect((await started.call('HEAD', '/v1/live')).status).toBe(200);
  const { status, body } = await started.call('GET', '/v1/live', undefined, { 'last-event-id': 'x' });
  expect([status, body.error.field]).toEqual([400, 'Last-Event-ID']);
});

test('the same over a WebSocket; there are only so many viewers, and all are sent away at the end', async () => {
  const started = await startGateway({ settings: { maxViewers: 1 } });
  await route(started, 'one');
  const socket = new WebSocket(`${started.gateway.url.replace('http', 'ws')}/v1/live?last=5`);
  atEnd(() => socket.terminate());
  const messages: { kind: string; data: { decisionId?: string } }[] = [];
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  await new Promise<void>((resolve) =>
    socket.on('message', (text) => {
      messages.push(JSON.parse(String(text)));
      if (messages.at(-1)!.kind === 'caught-up') resolve();
    }),
  );
  expect(messages.map(({ kind, data }) => [kind, data.decisionId])).toEqual([
    ['decision', 'one'],
    ['caught-up', undefined],
  ]);
  expect((await started.call('GET', '/v1/live')).status).toBe(503);
  await started.stop();
  expect(await closed).toBe(1001);
});

/** Puts outcomes of decisions with these ids into the log. */
async function report(started: Awaited<ReturnType<typeof startGateway>>, decisionIds: readonly string[]) {
  await started.broker.producer('test').send(
    decisionIds.map((decisionId) => {
      const decision = { decisionId, routingKey: 'k', model: 'm', fallbacks: [] };
      const value = topics.routeOutcome.codec.encode(routeOutcome(decision, { status: 'SUCCESS', occurredAtMs: 1 }));
      return { topic: topics.routeOutcome.name, partition: 0, key: 'k', value };
    }),
  );
}

/** A viewer of which it can be said when it reads; it has caught up. */
async function joinBySocket(
  { gateway }: Awaited<ReturnType<typeof startGateway>>,
  path: string,
  onText: (text: string) => void,
): Promise<Socket> {
  const socket = connect(gateway.port, '127.0.0.1').setEncoding('utf8');
  atEnd(() => socket.destroy());
  socket.on('error', () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
  let text = '';
  await new Promise<void>((resolve) =>
    socket.on('data', (chunk: string) => {
      onText(chunk);
      text = `${text}${chunk}`.slice(-1_000);
      if (text.includes('event: caught-up')) resolve();
    }),
  );
  return socket;
}

test('who takes nothing holds nobody up, is kept no more than a queue of bounded length, and is told what he missed', async () => {
  const started = await startGateway({ settings: { maxQueuedEvents: 10 } });
  const path = '/v1/live?kinds=outcome';
  let text = '';
  const slow = await joinBySocket(started, path, (chunk) => {
    text += chunk;
  });
  slow.pause();
  const frames = 40;
  const outcomesAFrame = 800;
  // Some 300 kB each: more than both ends of a connection hold in the kernel, in all.
  const name = (frame: number, index: number): string => `${frame}-${index}-${'x'.repeat(200)}`;
  let isWatching = false;
  let told = 0;
  const watching = watch(started.gateway.url + path, (seen) => {
    isWatching = seen.length > 0;
    told = seen.length - 1;
    return told === frames * outcomesAFrame;
  });
  await started.until(() => isWatching);
  for (let frame = 0; frame < frames; frame++) {
    await report(
      started,
      Array.from({ length: outcomesAFrame }, (_, index) => name(frame, index)),
    );
    await started.clock.advanceBy(1_000);
    // Who reads has it before more comes: he is never the slow one.
    await started.until(() => told === (frame + 1) * outcomesAFrame);
  }
  expect((await watching).filter(({ event }) => event !== 'outcome')).toHaveLength(1);
  const ended = new Promise<void>((resolve) =>
    slow.on('data', () => {
      if (/event: missed\n.*\n.*\n\n/.test(text)) resolve();
    }),
  );
  slow.resume();
  await ended;
  const missed = Number(/event: missed\n.*\ndata: \{"count":(\d+)\}/.exec(text)![1]);
  expect(missed).toBeGreaterThan(0);
  expect(text.match(/event: outcome/g)!.length + missed).toBe(frames * outcomesAFrame);
});

test('who takes nothing for as long as a connection may be idle is sent away, though signs of life are sent to him', async () => {
  const started = await startGateway({ settings: { maxViewers: 1, idleTimeoutMs: 1_000 } });
  const slow = await joinBySocket(started, '/v1/live?kinds=outcome', () => {});
  slow.pause();
  await report(
    started,
    Array.from({ length: 20_000 }, (_, index) => `${index}-${'x'.repeat(200)}`),
  );
  await started.clock.advanceBy(1_000);
  expect((await started.call('GET', '/v1/live')).status).toBe(503);
  const isFree = async (): Promise<boolean> => {
    await started.clock.advanceBy(15_000);
    const stop = new AbortController();
    const { status } = await fetch(`${started.gateway.url}/v1/live`, { signal: stop.signal });
    stop.abort();
    return status === 200;
  };
  await until(systemClock(), 'somebody else may watch', isFree, patienceMs);
});

test('signs of life that are asked for and not taken are not gathered without end', async () => {
  const started = await startGateway();
  const socket = new WebSocket(`${started.gateway.url.replace('http', 'ws')}/v1/live`);
  atEnd(() => socket.terminate());
  await new Promise((resolve) => socket.once('open', resolve));
  socket.pause();
  let isClosed = false;
  socket.once('close', () => {
    isClosed = true;
  });
  socket.on('error', () => {});
  const asked = Buffer.alloc(125);
  // Both ends have buffers in the kernel; what is beyond them would be in the memory of the gateway.
  let sent = 0;
  while (!isClosed && sent < 100_000_000) {
    for (let i = 0; i < 100; i++) socket.ping(asked);
    sent += 100 * asked.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(isClosed).toBe(true);
});

const partitions = 3;

/** A log with the topics that viewers are told of. */
async function liveHome() {
  const clock = createVirtualClock();
  const home = memoryHome({ clock, seed: 1 });
  atEnd(() => home.close());
  const kept = [topics.routeDecided, topics.routeOutcome, topics.weightsVersions, topics.alerts, topics.modelProfile];
  await home.broker.ensureTopics(
    kept.map(({ name, partitions: own }) => ({
      ...{ name, partitions: own === 'one' ? 1 : partitions, cleanup: 'delete' as const },
      ...{ retentionMs: null, maxRecordBytes: 1_000_000 },
    })),
  );
  const open = (broker: Broker, maxViewers: number) => {
    const hub = createLiveHub({
      ...{ broker, clock, topicPrefix: '', requestPathPartitions: partitions, log: createLog({ level: 'silent' }) },
      ...{ profiles: () => [], maxViewers, maxQueued: 10 },
    });
    atEnd(() => hub.close());
    return hub;
  };
  return { clock, home, open, producer: home.broker.producer('test') };
}

test('who comes again is told of the past a few at a time, and who has gone meanwhile is not read for', async () => {
  const { clock, home, open, producer } = await liveHome();
  const value = Buffer.from('no decision');
  for (let partition = 0; partition < partitions; partition++)
    await producer.send([{ topic: topics.routeDecided.name, partition, key: 'k', value }]);
  let [reading, mostReading, reads] = [0, 0, 0];
  const broker: Broker = {
    ...home.broker,
    async *read(...of) {
      reads++;
      mostReading = Math.max(mostReading, ++reading);
      await clock.settle();
      yield* home.broker.read(...of);
      reading--;
    },
  };
  const hub = open(broker, 100);
  const told: string[][] = [];
  const come = (isGone: boolean) => {
    const kinds: string[] = [];
    if (!isGone) told.push(kinds);
    const gone = isGone ? AbortSignal.abort() : new AbortController().signal;
    return hub.watch({
      filter: { kinds: new Set(liveKinds), fields: {} },
      ...{ positions: null, last: 1_000, onEnd: () => {}, gone },
      send: (kind) => kinds.push(kind) > 0,
    });
  };
  await Promise.all(Array.from({ length: 40 }, (_, index) => come(index % 2 === 0)));
  expect(told).toEqual(told.map(() => ['caught-up']));
  expect([mostReading, reads]).toEqual([4, 20 * partitions]);
});

test('who stands in line misses nothing, is counted, and leaves it when gone; who wants nothing of the past stands in none', async () => {
  const { clock, home, open, producer } = await liveHome();
  const happen = (from: number, to: number) =>
    producer.send(
      Array.from({ length: to - from }, (_, index) => {
        const decision = { decisionId: `d${from + index}`, routingKey: 'k', model: 'm', fallbacks: [] };
        const outcome = routeOutcome(decision, { status: 'SUCCESS', occurredAtMs: from + index });
        const value = topics.routeOutcome.codec.encode(outcome);
        return { topic: topics.routeOutcome.name, partition: 0, key: outcome.decisionId, value };
      }),
    );
  let goOn = (): void => {};
  const isFree = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const broker: Broker = {
    ...home.broker,
    async *read(...of) {
      await isFree;
      yield* home.broker.read(...of);
    },
  };
  const hub = open(broker, 10);
  const come = (last: number) => {
    const gone = new AbortController();
    const told: string[] = [];
    const watching = hub.watch({
      filter: { kinds: new Set(liveKinds), fields: {} },
      ...{ positions: null, last, onEnd: () => {}, gone: gone.signal },
      send: (kind, _id, json) => told.push(kind === 'outcome' ? JSON.parse(json).decisionId : kind) > 0,
    });
    return { gone, told, watching };
  };
  const names = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `d${from + index}`);
  await happen(0, 5);
  const reading = Array.from({ length: 4 }, () => come(100));
  // In front of the one that waits: turns that they took with them would be none for it.
  const leaving = Array.from({ length: 4 }, () => come(100));
  const waiting = come(100);
  const now = come(0);
  await now.watching;
  expect([now.told, hub.viewers]).toEqual([['caught-up'], 10]);
  await expect(come(0).watching).rejects.toMatchObject({ code: 'overloaded' });
  for (const { gone, watching } of leaving) {
    gone.abort();
    (await watching).stop();
  }
  expect(hub.viewers).toBe(6);
  // More than are kept for one viewer.
  await happen(5, 50);
  await clock.advanceBy(1_000);
  goOn();
  await Promise.all([...reading, waiting].map(({ watching }) => watching));
  await happen(50, 55);
  await clock.advanceBy(1_000);
  expect(waiting.told).toEqual([...names(0, 50), 'caught-up', ...names(50, 55)]);
  expect(now.told).toEqual(['caught-up', ...names(5, 55)]);
  expect(leaving.flatMap(({ told }) => told)).toEqual([]);
});

test('a viewer is sent away when his key is revoked or over, and when others need one by now', async () => {
  const started = await startGateway();
  const desk = createKeyDesk({ broker: started.broker, clock: started.clock, topicPrefix: '', name: 'test' });
  /** Opens a view; what it resolves with resolves when the gateway has ended it. */
  const open = async (secret: string | null): Promise<{ ended: Promise<unknown> }> => {
    const headers: Record<string, string> = secret === null ? {} : { authorization: `Bearer ${secret}` };
    const response = await fetch(`${started.gateway.url}/v1/live`, { headers });
    expect(response.status).toBe(200);
    return { ended: response.text() };
  };
  const anonymous = await open(null);
  const admin = await desk.create({ name: 'admin', role: 'admin' }, 'test');
  await started.clock.advanceBy(2_500);
  await anonymous.ended;
  const wish = { role: 'viewer' } as const;
  const revoked = await desk.create({ name: 'revoked', ...wish }, 'test');
  const over = await desk.create({ name: 'over', ...wish, expiresAtMs: started.clock.nowMs() + 5_000 }, 'test');
  await started.clock.advanceBy(50);
  const views = await Promise.all([revoked, over].map(({ secret }) => open(secret)));
  const stays = await fetch(`${started.gateway.url}/v1/live`, { headers: { authorization: `Bearer ${admin.secret}` } });
  await desk.revoke(revoked.key.keyId, 'test');
  await started.clock.advanceBy(2_500);
  await views[0]!.ended;
  await started.clock.advanceBy(5_000);
  await views[1]!.ended;
  const reader = stays.body!.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader.read()).done).toBe(false);
  await reader.cancel();
});

test('a request that would rather speak HTTP/2 is answered all the same, with its body read', async () => {
  const started = await startGateway();
  const body = JSON.stringify({ requestId: 'java', prompt: 'hello' });
  const socket = connect(started.gateway.port, '127.0.0.1');
  const answer = new Promise<string>((resolve) => socket.once('data', (bytes) => resolve(String(bytes))));
  socket.write(
    [
      'POST /v1/route HTTP/1.1',
      'host: x',
      'connection: Upgrade, HTTP2-Settings',
      'upgrade: h2c',
      'http2-settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA',
      'content-type: application/json',
      `content-length: ${body.length}`,
      '',
      body,
    ].join('\r\n'),
  );
  expect(await answer).toMatch(/^HTTP\/1.1 200 OK/);
  socket.destroy();
});

describe('a viewer', () => {
  const told = (offset: number): Told => ({
    place: 'd0',
    offset,
    event: { kind: 'decision', data: { offset } },
    json: String(offset),
  });
  const filter = { kinds: new Set<LiveKind>(['decision']), fields: {} };

  test('who is slow is told how much was missed, and nothing comes twice or out of order', () => {
    const sent: string[] = [];
    let takes = true;
    const send: Send = (kind, _id, json) => {
      sent.push(`${kind} ${json}`);
      return takes;
    };
    const viewer = createViewer(filter, new Map([['d0', 0]]), 2, send);
    const followed = new Map([['d0', 0]]);
    const take = (...offsets: number[]) => viewer.present(createFrame(offsets.map(told), followed));
    viewer.tell(told(0));
    take(0);
    take(1);
    viewer.catchUp();
    takes = false;
    for (let offset = 2; offset < 8; offset++) take(offset);
    takes = true;
    viewer.resume();
    take(8);
    expect(sent).toEqual([
      'decision 0',
      'caught-up {}',
      'decision 1',
      'decision 2',
      'decision 3',
      'decision 4',
      'missed {"count":3}',
      'decision 8',
    ]);
  });
});

test('positions are read as they were written, and nothing else is', () => {
  const positions = new Map([
    ['d0', 12],
    ['o3', 0],
  ]);
  expect(readPositions(writePositions(positions))).toEqual(positions);
  for (const text of ['x', 'd0', 'd0.-1', 'd0.1_', `d0.${'9'.repeat(20)}`, 'd0.1__'.repeat(9_999)])
    expect(readPositions(text)).toBeNull();
});

describe('frames', () => {
  const told = (offset: number, model = 'a'): Told => ({
    place: 'd0',
    offset,
    event: { kind: 'decision', data: { model } },
    json: `{"offset":${offset}}`,
  });
  const all = { kinds: new Set<LiveKind>(['decision']), fields: {} };
  const onlyB = { ...all, fields: { model: 'b' } };

  test('who stands where all do shares what is made once; ids say where each event leaves him', () => {
    const followed = new Map([
      ['d0', 5],
      ['o0', 2],
    ]);
    const shared: unknown[] = [];
    const one: string[] = [];
    const send: Send = (kind, id, json) => {
      one.push(`${kind} ${id} ${json}`);
      return true;
    };
    const viewers = [all, all, onlyB].map((filter) => {
      const viewer = createViewer(filter, new Map(followed), 10, send, (passed) => {
        shared.push(passed);
        return true;
      });
      viewer.catchUp();
      return viewer;
    });
    // He has been told of the first one already, from the log.
    const late = createViewer(all, new Map([...followed, ['d0', 6]]), 10, send, () => {
      throw new Error('he stands elsewhere');
    });
    late.catchUp();
    one.length = 0;
    const frame = createFrame([told(5), told(6, 'b')], followed);
    for (const viewer of [...viewers, late]) viewer.present(frame);
    expect(shared).toHaveLength(3);
    expect(shared[0]).toBe(shared[1]);
    expect(String(frame.passed(keyOf(all), all).bytes())).toBe(
      'event: decision\nid: d0.6_o0.2\ndata: {"offset":5}\n\nevent: decision\nid: d0.7_o0.2\ndata: {"offset":6}\n\n',
    );
    expect(frame.passed(keyOf(onlyB), onlyB).messages).toEqual([
      { kind: 'decision', id: 'd0.7_o0.2', json: '{"offset":6}' },
    ]);
    expect(one).toEqual(['decision d0.7_o0.2 {"offset":6}']);
    expect([followed.get('d0'), frame.idAfter]).toEqual([7, 'd0.7_o0.2']);
  });

  test('he who stood elsewhere is in step after what made him so, and whatever way he is told, he is told all, once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 6 }),
        fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 8 }),
        (start, sizes) => {
          const followed = new Map([['d0', 0]]);
          const seen: string[] = [];
          const viewer = createViewer(all, new Map([['d0', start]]), 100, (kind, _id, json) => {
            if (kind === 'decision') seen.push(json);
            return true;
          });
          viewer.catchUp();
          let offset = 0;
          for (const size of sizes)
            viewer.present(
              createFrame(
                Array.from({ length: size }, () => told(offset++)),
                followed,
              ),
            );
          const expected = Array.from({ length: Math.max(0, offset - start) }, (_, index) => told(start + index).json);
          expect(seen).toEqual(expected);
        },
      ),
    );
  });

  test('what comes a second time is left out', () => {
    const followed = new Map([['d0', 3]]);
    const frame = createFrame([told(2), told(3), told(3), told(4)], followed);
    expect(frame.told.map(({ offset }) => offset)).toEqual([3, 4]);
    expect(createFrame([told(4)], followed).told).toEqual([]);
  });

  test('a few viewers at a time; what happens meanwhile is one frame more, for all', async () => {
    let happened = [told(0)];
    const followed = new Map([['d0', 0]]);
    const presented: [number, number][] = [];
    const viewers = Array.from({ length: 12 }, (_, index) => ({
      present: (frame: Frame) => void presented.push([index, frame.told.length]),
    }));
    const gone = viewers[11]!;
    const present = createPresenter(() => {
      const frame = happened.length > 0 ? createFrame(happened, followed) : null;
      happened = [];
      return frame && { frame, viewers, isThere: (viewer) => viewer !== gone };
    });
    present();
    expect(presented).toHaveLength(5);
    happened.push(told(1));
    present();
    happened.push(told(2));
    present();
    expect(presented).toHaveLength(5);
    while (presented.length < 22) await new Promise(setImmediate);
    expect(presented).toEqual([1, 2].flatMap((length) => viewers.slice(0, -1).map((_, index) => [index, length])));
  });
});
