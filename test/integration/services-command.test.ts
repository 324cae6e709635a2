/** The commands of the distributed home, on real Kafka and Redis: topics, configuration, every service as a process. */
import { randomUUID } from 'node:crypto';
import { processNames } from '../../services/process';
import { createWorkplace } from '../bin/run-command';
import { built } from '../built';
import { describeWithServers, kafkaAddress, redisUrl } from '../servers';
import { start } from '../started';

describeWithServers('commands on Kafka', () => {
  const place = createWorkplace();
  const topicPrefix = `cmd-${randomUUID().slice(0, 8)}.`;
  const on = (): string[] => ['--kafka', kafkaAddress(), '--topic-prefix', topicPrefix];
  afterAll(() => place.remove());

  test('topics create makes what is missing and refuses, with a difference, to change partitions', async () => {
    const made = await place.run(['topics', 'create', ...on(), '--partitions', '2']);
    expect([made.exitCode, made.stderr]).toEqual([0, '']);
    expect(made.stdout).toMatch(new RegExp(`${topicPrefix}route\\.requested\\.dlq\\s+2\\s+delete`));
    expect(made.stdout).toMatch(new RegExp(`${topicPrefix}learning\\.events\\s+1\\s+delete\\s+90 d`));
    const again = await place.run(['topics', 'create', ...on(), '--partitions', '2']);
    expect([again.exitCode, again.stdout]).toEqual([0, 'every topic exists already\n']);
    const other = await place.run(['topics', 'create', ...on(), '--partitions', '3']);
    expect(other.exitCode).toBe(1);
    expect(other.stderr).toMatch(`${topicPrefix}route.decided: has 2 partitions, wanted 3`);
  });

  test('config apply puts a configuration in force once', async () => {
    await place.run(['init', 'router.yaml']);
    // No thread may be late here: seven processes that start at once leave each other little of a busy machine.
    const patient = place.read('router.yaml').replace(/^threadTimeoutMs: .*$/m, 'threadTimeoutMs: 60000');
    expect(patient).toContain('threadTimeoutMs: 60000');
    place.write('router.yaml', patient);
    const first = await place.run(['config', 'apply', 'router.yaml', ...on()]);
    expect([first.exitCode, first.stdout]).toEqual([0, 'version 1 of the configuration is in force\n']);
    const second = await place.run(['config', 'apply', 'router.yaml', ...on()]);
    expect(second.stdout).toBe('in force already, as version 1\n');
  });

  test('services runs every service as a process of its own; what they decide can be explained from the log', async () => {
    let written = '';
    let onReady = (_url: string): void => {};
    const ready = new Promise<string>((resolve) => {
      onReady = resolve;
    });
    const env = { PATH: process.env['PATH'], HOME: process.env['HOME'] };
    const args = ['--redis', redisUrl(), '--partitions', '2', '--config', 'router.yaml', '--port', '0'];
    const command = [built('bin/main.js'), 'services', ...on(), ...args];
    const { child, ended } = start(process.execPath, command, { env, cwd: place.directory });
    let stdout = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      written += text;
      const url = /all services are ready; gateway on (http:\S+)/.exec(written)?.[1];
      if (url) onReady(url);
    });
    const url = await Promise.race([ready, ended.then(() => Promise.reject(new Error(written)))]);
    const routed = await place.run(['route', '-', '--url', url], {
      stdin: ['{"requestId": "first", "prompt": "Write a poem"}\n{"requestId": "second", "prompt": "2 + 2"}\n'],
    });
    expect([routed.exitCode, routed.stdout.trim().split('\n')]).toMatchObject([0, { length: 2 }]);
    expect(JSON.parse(routed.stdout.split('\n')[0]!)).toMatchObject({ requestId: 'first', degradedTo: 'NONE' });
    const endpoints = [...written.matchAll(/^([a-z-]+-0) +(http:\S+\/metrics)$/gm)].map(([, name, at]) => [name, at]);
    expect(endpoints.map(([name]) => name).sort()).toEqual(processNames.map((name) => `${name}-0`).sort());
    for (const [, at] of endpoints) expect(await (await fetch(at!)).text()).toContain('# TYPE quantum_router_');
    child.kill('SIGINT');
    expect([await ended, stdout]).toEqual([0, '']);
    expect(written).toMatch(/route-intake-0 +info +service ready partitions=\[0,1\]/);
    expect(written).not.toMatch(/ended|error/);

    const explained = await place.run(['explain', 'first', ...on()]);
    expect([explained.exitCode, explained.stderr]).toEqual([0, '']);
    expect(explained.stdout).toMatch(/^request first: /);
    const missing = await place.run(['explain', 'nobody', ...on()]);
    expect(missing.stderr).toMatch(/no decision with id "nobody"/);
  });

  test('run plays a workload on Kafka and Redis and takes its topics away', async () => {
    const ran = await place.run([
      ...['run', '--exit', '--requests', '300', '--rate', '100', '--port', '0'],
      ...['--kafka', kafkaAddress(), '--redis', redisUrl()],
    ]);
    expect(ran.stderr).toMatch(/on Kafka at .*, topics run-\d+\.\*/);
    expect(ran.stdout).toMatch(/this engine/);
    expect(ran.stdout).not.toMatch(/NOT decided/);
    const prefix = /topics (run-\d+\.)\*/.exec(ran.stderr)![1]!;
    const left = await place.run(['topics', 'create', '--kafka', kafkaAddress(), '--topic-prefix', prefix]);
    expect(left.stdout).toMatch(`${prefix}route.requested `);
  });
});

test('a command line that makes no sense, or a broker that is not there, is told in a line', async () => {
  const place = createWorkplace();
  const refused = async (...argv: string[]) => {
    const { exitCode, stderr } = await place.run(argv);
    return [exitCode, stderr];
  };
  expect(await refused('serve', '--redis', 'redis://h:1')).toEqual([2, expect.stringMatching('go with --kafka')]);
  expect(await refused('services')).toEqual([2, expect.stringMatching('--kafka must say')]);
  expect(await refused('topics', 'create')).toEqual([2, expect.stringMatching('--kafka must say')]);
  await place.run(['init', 'router.yaml']);
  expect(await refused('config', 'apply', 'router.yaml')).toEqual([2, expect.stringMatching('--kafka must say')]);
  const wrong = await place.run(['serve', '--kafka', 'nowhere']);
  expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringMatching('KAFKA_BROKERS must be host:port')]);
  expect(await refused('topics', 'create', '--kafka', '127.0.0.1:1')).toEqual([
    1,
    expect.stringMatching(/Kafka at 127\.0\.0\.1:1 does not answer \(ECONNREFUSED\)/),
  ]);
  place.remove();
});
