import fc from 'fast-check';
import { createMemoryBroker, defaultUnkindness } from '../../../lib/adapters/memory/memory-broker';
import { createVirtualClock, runToEnd } from '../../../lib/adapters/memory/virtual-clock';
import { createConfigWriter } from '../../../lib/config/apply-config';
import { readHistory } from '../../../lib/config/config-history';
import { configFromJson, configToJson, defaultRouterConfig } from '../../../lib/config/parse-config';
import type { ConfigOrigin } from '../../../lib/config/settle-config';
import type { Broker } from '../../../lib/ports/broker';
import { sleep } from '../../../lib/ports/clock';
import { seededRandom } from '../../../lib/random/seeded';
import { createLog, type Log } from '../../../lib/telemetry/log';
import { settingsOf } from '../../../lib/topics/define-topic';
import { topics } from '../../../lib/topics/topics';

const configOf = (seed: number) => defaultRouterConfig([{ name: 'a', provider: 'p' }], { seed });

async function start() {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  await broker.ensureTopics([settingsOf(topics.config, 4)]);
  const written = () =>
    broker
      .records(topics.config.name)
      .map((record) => topics.config.codec.decode(record.value!))
      .map(({ version, json }) => [version, configFromJson(json).seed]);
  return { clock, broker, written };
}

/** Writes of several processes come in any order. */
function unkindWorld(seed: number) {
  const clock = createVirtualClock();
  const random = seededRandom(seed, 'broker');
  const unkindness = { ...defaultUnkindness, maxWriteDelayMs: 5, lostAcknowledgementRate: 0 };
  const broker = createMemoryBroker({ clock, random, unkindness });
  return { clock, broker, made: () => broker.ensureTopics([settingsOf(topics.config, 4)]) };
}

test('versions grow by one, and only the version in force can be replaced', async () => {
  const { broker, clock, written } = await start();
  const writer = createConfigWriter({ broker, clock, name: 'a' });
  expect(await writer.apply(configOf(1), 0)).toMatchObject({
    ok: true,
    applied: { version: 1, appliedAtMs: clock.nowMs(), appliedBy: 'a', fileSha256: null },
  });
  expect(await writer.apply(configOf(2), 1)).toMatchObject({ ok: true, applied: { version: 2 } });
  expect(await writer.apply(configOf(3), 1)).toMatchObject({ ok: false, current: { version: 2 } });
  expect(await writer.apply(configOf(3), 7)).toMatchObject({ ok: false, current: { version: 2 } });
  await writer.close();
  expect(written()).toEqual([
    [1, 1],
    [2, 2],
  ]);
});

test('of many at once in one process one wins', async () => {
  const { broker, clock, written } = await start();
  const writer = createConfigWriter({ broker, clock, name: 'a' });
  const results = await Promise.all([1, 2, 3].map((seed) => writer.apply(configOf(seed), 0)));
  expect(results.map((result) => result.ok)).toEqual([true, false, false]);
  expect(written()).toEqual([[1, 1]]);
  await writer.close();
});

test('of two processes the first in the log wins, and the second puts its configuration back on top', async () => {
  const { broker, clock, written } = await start();
  const first = createConfigWriter({ broker, clock, name: 'first' });
  // The second looks before the first has written, and writes after it.
  const late: Broker = {
    ...broker,
    producer: (name) => {
      const producer = broker.producer(name);
      let isFirst = true;
      return {
        close: () => producer.close(),
        send: async (records) => {
          if (isFirst) await first.apply(configOf(1), 0);
          isFirst = false;
          return producer.send(records);
        },
      };
    },
  };
  const second = createConfigWriter({ broker: late, clock, name: 'second' });
  expect(await second.apply(configOf(2), 0)).toMatchObject({ ok: false, current: { version: 2 } });
  expect(written()).toEqual([
    [1, 1],
    [1, 2],
    [2, 1],
  ]);
  // What is in force is in the history, too.
  const history = await readHistory({ broker });
  expect(history.map(({ version, json, reason }) => [version, configFromJson(json).seed, reason])).toEqual([
    [2, 1, 'put back: second wrote at the same moment'],
    [1, 1, ''],
  ]);
  // Whoever reads the table from now on sees the winner.
  expect(await first.apply(configOf(3), 2)).toMatchObject({ ok: true, applied: { version: 3 } });
});

test('where a file changes at the moment of a PUT, one of them is in force, and whoever is not has been told', async () => {
  const file: ConfigOrigin = { by: 'file router.yaml', wins: 'whenNewer', isFile: true };
  await fc.assert(
    fc.asyncProperty(fc.nat(1_000), fc.nat(8), fc.nat(8), async (seed, fileAfterMs, putAfterMs) => {
      const { clock, broker, made } = unkindWorld(seed);
      const run = async () => {
        await made();
        // Two processes.
        const atFile = createConfigWriter({ broker, clock, name: 'serve' });
        const atGateway = createConfigWriter({ broker, clock, name: 'gateway' });
        const { version } = await atFile.putInForce(configOf(1), file);
        const [kept, put] = await Promise.all([
          sleep(clock, fileAfterMs).then(() => atFile.putInForce(configOf(2), file)),
          sleep(clock, putAfterMs).then(() => atGateway.apply(configOf(3), version, 'PUT')),
        ]);
        const records = broker.records(topics.config.name);
        const inForce = topics.config.codec.decode(records.at(-1)!.value!);
        const winner = configFromJson(inForce.json).seed;
        expect([2, 3]).toContain(winner);
        expect(put.ok).toBe(winner === 3);
        expect(kept.kept === null).toBe(winner === 2);
        if (winner === 3) expect(kept.kept).toMatch(/\(PUT\) is in force and was not made from this file/);
        if (!put.ok) expect(put.current).toMatchObject({ version: inForce.version });
        const history = await readHistory({ broker });
        expect(configFromJson(history[0]!.json).seed).toBe(winner);
        expect(history[0]!.version).toBe(inForce.version);
      };
      expect(await runToEnd(clock, run())).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test('of three that write at the same moment the first keeps its place, and it alone is told that it is in force', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(1_000), fc.array(fc.nat(8), { minLength: 3, maxLength: 3 }), async (seed, afterMs) => {
      const { clock, broker, made } = unkindWorld(seed);
      const run = async () => {
        await made();
        const writers = afterMs.map((_, at) => createConfigWriter({ broker, clock, name: `w${at}` }));
        const { version } = await writers[0]!.putInForce(configOf(9));
        const written = await Promise.all(
          afterMs.map((wait, at) => sleep(clock, wait).then(() => writers[at]!.apply(configOf(at + 1), version))),
        );
        const inForce = topics.config.codec.decode(broker.records(topics.config.name).at(-1)!.value!);
        const told = written.flatMap(({ ok }, at) => (ok ? [at + 1] : []));
        expect(told).toEqual([configFromJson(inForce.json).seed]);
        const history = await readHistory({ broker });
        expect(configFromJson(history[0]!.json).seed).toBe(told[0]);
      };
      expect(await runToEnd(clock, run())).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test('a failed write fails its caller and not the next one', async () => {
  const { broker, clock } = await start();
  let fail = true;
  const unsteady: Broker = {
    ...broker,
    producer: (name) => ({
      ...broker.producer(name),
      send: (records) => (fail ? Promise.reject(new Error('gone')) : broker.producer(name).send(records)),
    }),
  };
  const writer = createConfigWriter({ broker: unsteady, clock, name: 'a' });
  await expect(writer.apply(configOf(1), 0)).rejects.toThrow('gone');
  fail = false;
  expect((await writer.apply(configOf(1), 0)).ok).toBe(true);
});

describe('where a configuration comes from', () => {
  const file: ConfigOrigin = { by: 'file router.yaml', wins: 'whenNewer', isFile: true };
  const lines: { message: string; fields: unknown }[] = [];
  const log: Log = {
    ...createLog({ level: 'silent' }),
    info: (message, fields) => void lines.push({ message, fields }),
  };

  async function startWriter() {
    const { broker, clock, written } = await start();
    lines.length = 0;
    const writer = createConfigWriter({ broker, clock, name: 'w', log });
    const restart = (seed: number, origin: ConfigOrigin = file) => writer.putInForce(configOf(seed), origin);
    return { broker, clock, written, writer, restart };
  }

  test('a restart with the same file changes nothing', async () => {
    const { restart, written } = await startWriter();
    expect(await restart(1)).toMatchObject({ version: 1, changed: true });
    expect(await restart(1)).toMatchObject({ version: 1, changed: false, kept: null });
    expect(written()).toEqual([[1, 1]]);
  });

  test('a file that has changed is put in force', async () => {
    const { restart, written } = await startWriter();
    await restart(1);
    expect(await restart(2)).toMatchObject({ version: 2, changed: true, changes: ['seed: 1 → 2'] });
    expect(written().at(-1)).toEqual([2, 2]);
  });

  test('what came through PUT stays over a restart with the file of before, and the difference is told', async () => {
    const { restart, writer } = await startWriter();
    await restart(1);
    expect(await writer.apply(configOf(7), 1, 'PUT from 10.0.0.7')).toMatchObject({ ok: true });
    const again = await restart(1);
    expect(again).toMatchObject({ version: 2, changed: false, changes: ['seed: 7 → 1'] });
    expect(again.config.seed).toBe(7);
    expect(again.kept).toBe('version 2 (PUT from 10.0.0.7) has changed it since this file was last put in force');
  });

  test('where both have changed the log stays, until the file is said to win', async () => {
    const { restart, writer, written } = await startWriter();
    await restart(1);
    await writer.apply(configOf(7), 1, 'PUT');
    expect((await restart(3)).kept).toBe('version 2 (PUT) is in force and was not made from this file');
    expect(await restart(3, { ...file, wins: 'always' })).toMatchObject({ version: 3, changed: true });
    // From here on the file is what the log was made from.
    expect(await restart(4)).toMatchObject({ version: 4, changed: true });
    expect(written().at(-1)).toEqual([4, 4]);
  });

  test('a built-in example stands in only where there is nothing', async () => {
    const { restart } = await startWriter();
    const example: ConfigOrigin = { by: 'the example', wins: 'whenNone', isFile: false };
    expect(await restart(1, example)).toMatchObject({ version: 1, changed: true });
    await restart(2, { ...file, wins: 'always' });
    expect(await restart(1, example)).toMatchObject({ version: 2, changed: false, kept: null, config: { seed: 2 } });
  });

  test('a record of an older release has no author: it stays', async () => {
    const { restart, broker } = await startWriter();
    await broker.producer('old').send([
      {
        topic: topics.config.name,
        key: 'current',
        value: topics.config.codec.encode({
          version: 4,
          json: configToJson(configOf(9)),
          appliedAtMs: 0,
          appliedBy: '',
          fileSha256: null,
        }),
      },
    ]);
    expect((await restart(1)).kept).toBe('version 4 (an older release) is in force and was not made from this file');
    expect(await restart(9)).toMatchObject({ changed: false, kept: null });
  });

  test('every change is logged with its author and its fields', async () => {
    const { restart, writer } = await startWriter();
    await restart(1);
    await writer.apply(configOf(7), 1, 'PUT from 10.0.0.7');
    expect(lines.at(-1)).toEqual({
      message: 'configuration changed',
      fields: { by: 'PUT from 10.0.0.7', fromVersion: 1, toVersion: 2, changes: ['seed: 1 → 7'] },
    });
    expect(lines).toHaveLength(2);
  });

  test('a deleted configuration is none, and what is put in its place has a version above all before it', async () => {
    const { restart, broker, writer } = await startWriter();
    await restart(1);
    await restart(2);
    await broker.producer('admin').send([{ topic: topics.config.name, key: 'current', value: null }]);
    expect(await restart(2)).toMatchObject({ version: 3, changed: true });
    expect(await writer.apply(configOf(5), 3)).toMatchObject({ ok: true, applied: { version: 4 } });
  });

  test('what stays although the file says otherwise is written anew where a deletion covers it', async () => {
    const { restart, writer, broker } = await startWriter();
    await restart(1);
    await writer.apply(configOf(7), 1, 'PUT from 10.0.0.7');
    await broker.producer('admin').send([{ topic: topics.config.name, key: 'current', value: null }]);
    const again = await restart(1);
    expect(again).toMatchObject({ version: 3, changed: true, config: { seed: 7 } });
    expect(again.kept).toContain('PUT from 10.0.0.7');
    expect(await restart(1)).toMatchObject({ version: 3, changed: false, config: { seed: 7 } });
  });

  test('a record that is no configuration is passed over', async () => {
    const { restart, broker } = await startWriter();
    await restart(1);
    await broker.producer('foreign').send([{ topic: topics.config.name, key: 'current', value: Buffer.from('junk') }]);
    expect(await restart(2)).toMatchObject({ version: 2, changed: true });
  });
});

test.each<[string, Buffer | null]>([
  ['a record without a value', null],
  ['garbage', Buffer.from('?')],
  [
    'a configuration that cannot be read',
    topics.config.codec.encode({ version: 9, json: '{}', appliedAtMs: 0, appliedBy: '', fileSha256: null }),
  ],
])(
  'under %s the configuration is in force still, and is written anew when it is put in force',
  async (_what, value) => {
    const { broker, clock } = await start();
    const writer = createConfigWriter({ broker, clock, name: 'a' });
    await writer.putInForce(configOf(1));
    expect(await writer.putInForce(configOf(1))).toMatchObject({ version: 1, changed: false });
    await broker.producer('foreign').send([{ topic: topics.config.name, key: 'current', value }]);
    expect(await writer.apply(configOf(2), 0)).toMatchObject({ ok: false, current: { version: 1 } });
    expect(await writer.putInForce(configOf(1))).toMatchObject({ version: 2, changed: true });
    expect(await writer.putInForce(configOf(1))).toMatchObject({ version: 2, changed: false });
    await writer.close();
  },
);
