import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { isFree } from '../../infra/free-port';
import { projectRoot } from '../../infra/infra-file';
import { kafkaClassArchive } from '../../infra/kafka-jars';
import { type LocalServer, PortTakenError, startKafka, startRedis } from '../../infra/local-servers';
import { gone, identify, runningServer, stopServer } from '../../infra/server-process';
import { makeTopics, withAdmin } from '../kafka-admin';
import { patienceMs } from '../patience';
import { describeWithServers } from '../servers';
import { atEnd, start } from '../started';

const root = mkdtempSync(join(tmpdir(), 'quantum-router-local-servers-'));
const running: LocalServer[] = [];
const started = async (server: Promise<LocalServer>): Promise<LocalServer> => {
  running.push(await server);
  return server;
};

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
});
afterAll(() => rmSync(root, { recursive: true }));

describeWithServers('kafka as a local process', () => {
  it('answers when it has started, and keeps its topics and no others over a restart', async () => {
    const server = await started(startKafka({ directory: join(root, 'kafka') }));
    const firstPid = server.pid;
    await withAdmin([server.address], (admin) => makeTopics(admin, [{ topic: 'kept', numPartitions: 3 }]));
    await server.restart();
    expect(server.pid).not.toBe(firstPid);
    expect(identify(firstPid)).toBeNull();
    // Where Java has kept them; it says nothing when they do not fit, and starts twice as slowly.
    if (existsSync(kafkaClassArchive()) && existsSync('/proc/self/maps'))
      expect(readFileSync(`/proc/${server.pid}/maps`, 'utf8')).toContain(kafkaClassArchive());
    await withAdmin([server.address], async (admin) => {
      const { topics } = await admin.fetchTopicMetadata({ topics: ['kept'] });
      expect(topics[0]!.partitions).toHaveLength(3);
      await expect(admin.fetchTopicMetadata({ topics: ['misspelt'] })).rejects.toThrow('does not host this topic');
    });
  });

  it('says what the broker said when it does not start', async () => {
    const directory = join(root, 'kafka-broken');
    mkdirSync(join(directory, 'data'), { recursive: true });
    writeFileSync(join(directory, 'data/meta.properties'), 'version=1\nnode.id=7\ncluster.id=somewhere-else\n');
    await expect(startKafka({ directory })).rejects.toThrow(
      /kafka did not start on port \d+: it ended with status 1\. The end of .*meta\.properties/s,
    );
    expect(runningServer(directory)).toBeNull();
  });
});

describeWithServers('redis as a local process', () => {
  it('starts empty after a restart, evicts only what may expire, and answers no more when stopped', async () => {
    const server = await started(startRedis({ directory: join(root, 'redis') }));
    await withRedis(server, async (redis) => {
      await redis.set('key', 'value');
      expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'volatile-lfu']);
    });
    await server.restart();
    await withRedis(server, async (redis) => expect(await redis.get('key')).toBeNull());
    await server.stop();
    expect(await isFree(server.port)).toBe(true);
  });

  it('can be frozen, continued, killed and restarted', async () => {
    const server = await started(startRedis({ directory: join(root, 'redis-frozen') }));
    const redis = new Redis(server.address, { lazyConnect: true });
    redis.on('error', () => {});
    await redis.connect();
    await server.kill('SIGSTOP');
    let answered = false;
    const answer = redis.ping().then((reply) => {
      answered = true;
      return reply;
    });
    await expect(withRedis(server, (other) => other.ping(), 200)).rejects.toThrow();
    expect(answered).toBe(false);
    await server.kill('SIGCONT');
    expect(await answer).toBe('PONG');
    redis.disconnect();
    await server.kill('SIGKILL');
    expect(identify(server.pid)).toBeNull();
    await server.restart();
    expect(await withRedis(server, (other) => other.ping())).toBe('PONG');
  });

  it('refuses a port and a directory that are taken, and leaves who is there alone', async () => {
    const directory = join(root, 'redis-taken');
    const server = await started(startRedis({ directory }));
    await expect(startRedis({ directory })).rejects.toThrow(`redis already runs on ${directory}`);
    await expect(startRedis({ directory: join(root, 'other'), port: server.port })).rejects.toThrow(
      `redis cannot listen on port ${server.port}: another process does. Choose another with REDIS_PORT`,
    );
    await expect(startKafka({ directory: join(root, 'other'), port: server.port - 1 })).rejects.toThrow(PortTakenError);
    expect(await withRedis(server, (redis) => redis.ping())).toBe('PONG');
  });

  it.each([
    ['ends with the process that started it', false, 'process.exit()'],
    ['ends when the process that started it is killed', false, "process.kill(process.pid, 'SIGKILL')"],
    ['outlives the process that started it when told to', true, 'process.exit()'],
  ])('%s', async (what, outlive, end) => {
    const directory = join(root, what.replaceAll(' ', '-'));
    const script = `require(${JSON.stringify(join(projectRoot, 'infra/local-servers.ts'))})
      .startRedis({ directory: ${JSON.stringify(directory)}, outlive: ${outlive} })
      .then(({ pid }) => { console.log(pid); setImmediate(() => ${end}); });`;
    atEnd(() => stopServer(directory, { graceMs: 0 }));
    const starter = start(process.execPath, ['--import', 'tsx', '-e', script], { cwd: projectRoot });
    const [output] = await once(starter.child.stdout!, 'data');
    const server = identify(Number(output));
    await starter.ended;
    if (outlive) expect(await stopServer(directory)).toMatchObject(server!);
    else expect(server === null || (await gone(server, patienceMs))).toBe(true);
  });
});

async function withRedis<T>(server: LocalServer, use: (redis: Redis) => Promise<T>, limitMs = patienceMs): Promise<T> {
  const limits = { connectTimeout: limitMs, commandTimeout: limitMs, maxRetriesPerRequest: 0 };
  const redis = new Redis(server.address, { ...limits, lazyConnect: true, retryStrategy: () => null });
  redis.on('error', () => {});
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}
