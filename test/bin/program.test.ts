import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseConfig } from '../../lib/config/parse-config';
import { topics } from '../../lib/topics/topics';
import { atEnd } from '../started';
import { createWorkplace } from './run-command';

const place = createWorkplace();
afterAll(() => place.remove());

const commands = [
  ['serve'],
  ['init'],
  ['config'],
  ['config', 'validate'],
  ['config', 'schema'],
  ['route'],
  ['explain'],
  ['replay'],
  ['topics'],
  ['graph'],
];

describe('the command line', () => {
  test('--help lists every command, the exit codes and examples', async () => {
    const { exitCode, stdout, stderr } = await place.run(['--help']);
    expect([exitCode, stderr]).toEqual([0, '']);
    for (const [name] of commands) expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
    expect(stdout).toMatch(/Exit codes:\n {2}0 {4}it worked/);
    expect(stdout).toMatch(/Examples:/);
  });

  test('--help in front of a command lists every other one, too', async () => {
    const { exitCode, stdout } = await place.run(['--help', 'serve']);
    expect(exitCode).toBe(0);
    for (const [name] of commands) expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
  });

  test.each([
    [['init', '']],
    [['config', 'validate', '']],
    [['route', '']],
    [['explain', '']],
    [['keys', 'create', '']],
  ])('%j is refused, too', async (args) => {
    const { exitCode, stderr } = await place.run(args);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/command-argument value '' is invalid for argument '\w+'. It is empty./);
  });

  test('an error that quotes a file has nothing in it that a terminal would obey', async () => {
    place.write('hostile.jsonl', '\u001b[2J\u0007{');
    const { exitCode, stderr } = await place.run(['evaluate', '--data', 'hostile.jsonl']);
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(/^error: .*hostile\.jsonl: line 1: row: not JSON .*\n$/),
    ]);
    expect(stderr.trim()).not.toMatch(/\p{Cc}/u);
  });

  test.each(commands.filter((command) => command.length > 1 || command[0] !== 'config'))(
    '%s %s --help has an example',
    async (...command) => {
      const { exitCode, stdout } = await place.run([...command, '--help']);
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(new RegExp(`Usage: quantum-router ${command.join(' ')}`));
      expect(stdout).toMatch(/Examples:\n {2}\$ /);
    },
  );

  test.each([
    ['serve', '--data-dir'],
    ['serve', '--config'],
    ['run', '--data-dir'],
    ['replay', '--data-dir'],
    ['train', '--data'],
  ])('%s %s "" is refused: a script has a variable that was never set', async (command, option) => {
    const { exitCode, stderr } = await place.run([command, option, '']);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(new RegExp(`option '.*${option} <\\w+>' argument '' is invalid. It is empty.`));
  });

  test.each(
    [
      [],
      ['run'],
      ['serve'],
      ['services'],
      ['init'],
      ['config', 'validate'],
      ['config', 'apply'],
      ['route'],
      ['explain'],
      ['replay'],
      ['models'],
      ['models', 'list'],
      ['train'],
      ['evaluate'],
      ['graph'],
    ].map((argv) => [argv]),
  )('the help of %j fits 80 columns', async (argv) => {
    const { stdout } = await place.run([...argv, '--help'], { columns: 80 });
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  test.each<[string, string[], RegExp]>([
    ['an unknown command', ['serv'], /unknown command 'serv'\n\(Did you mean serve\?\)/],
    ['an unknown option', ['topics', '--jsn'], /unknown option '--jsn'\n\(Did you mean --json\?\)/],
    ['an unknown subcommand', ['config', 'valdate'], /unknown command 'valdate'\n\(Did you mean validate\?\)/],
    ['an argument too many', ['graph', 'x'], /too many arguments for 'graph'/],
    ['an argument too few', ['explain'], /missing required argument 'requestId'/],
    ['a wrong number', ['serve', '--port', '99999'], /It must be a whole number from 0 to 65535/],
    ['a wrong choice', ['serve', '--log-level', 'loud'], /Allowed choices are debug, info, warn, error, silent/],
    ['a wrong address', ['route', '-', '--url', 'localhost:8080'], /It must look like http/],
    ['no command', [], /^Usage: quantum-router/],
    [
      'two places to explain from',
      ['explain', 'x', '--url', 'http://h', '--data-dir', 'd'],
      /give one of --url, --data-dir and --kafka/,
    ],
    ['two places to route', ['route', '-', '--url', 'http://h', '--data-dir', 'd'], /leave out --data-dir/],
  ])('%s is refused with exit code 2, on stderr', async (_name, argv, message) => {
    const { exitCode, stdout, stderr } = await place.run(argv);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  });

  test('errors are one line; --debug adds the stack', async () => {
    const plain = await place.run(['config', 'validate', 'nowhere.yaml']);
    expect([plain.exitCode, plain.stderr]).toEqual([
      1,
      'error: cannot read nowhere.yaml: there is no such file or directory\n',
    ]);
    const debug = await place.run(['config', 'validate', 'nowhere.yaml', '--debug']);
    expect(debug.stderr).toMatch(/\n {4}at /);
  });
});

describe('init and config', () => {
  test('init writes a configuration that validates, and does not overwrite one', async () => {
    const written = await place.run(['init']);
    expect([written.exitCode, written.stdout]).toEqual([0, '']);
    expect(parseConfig(place.read('quantum-router.yaml')).ok).toBe(true);
    const valid = await place.run(['config', 'validate']);
    expect(valid.stdout).toMatch(
      /^quantum-router.yaml is valid: \d+ models of \d+ providers, 5 strategies, collapse COMBINED\n$/,
    );
    place.write('quantum-router.yaml', 'mine');
    const again = await place.run(['init']);
    expect([again.exitCode, again.stderr]).toEqual([
      1,
      'error: cannot write quantum-router.yaml: it exists already (--force overwrites it)\n',
    ]);
    expect(place.read('quantum-router.yaml')).toBe('mine');
    expect((await place.run(['init', '--force'])).exitCode).toBe(0);
    expect(place.read('quantum-router.yaml')).not.toBe('mine');
  });

  test('init - writes to stdout', async () => {
    const { stdout } = await place.run(['init', '-']);
    expect(stdout).toMatch(/EXAMPLES/);
  });

  test('init into a folder that is not there fails readably', async () => {
    expect((await place.run(['init', 'no/where.yaml'])).stderr).toBe(
      'error: cannot write no/where.yaml: there is no such file or directory\n',
    );
  });

  test('config validate says all that is wrong, with lines, on stderr', async () => {
    place.write('bad.yaml', 'models:\n  - name: a\n    provdr: p\n');
    const { exitCode, stdout, stderr } = await place.run(['config', 'validate', 'bad.yaml']);
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).toBe(
      'error: bad.yaml has 2 errors:\nbad.yaml:2:5 models.0.provider: is required\nbad.yaml:3:5 models.0.provdr: unknown field "provdr"; did you mean "provider"?\n',
    );
  });

  test('config schema prints the JSON Schema', async () => {
    const { stdout } = await place.run(['config', 'schema']);
    expect(JSON.parse(stdout).properties.models).toBeDefined();
  });
});

describe('topics and graph', () => {
  test('topics fits a terminal of 80 columns', async () => {
    const lines = (await place.run(['topics'], { columns: 80 })).stdout.split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    for (const name of Object.values(topics).map((topic) => topic.name))
      expect(lines.some((line) => line.startsWith(`${name} `))).toBe(true);
  });

  test('topics lists every topic, as a table or as JSON', async () => {
    const { stdout } = await place.run(['topics'], { columns: 300 });
    const names = Object.values(topics).map((topic) => topic.name);
    expect(
      stdout
        .split('\n')
        .slice(2, -1)
        .map((line) => line.split(/\s/)[0]),
    ).toEqual(names);
    const json = JSON.parse((await place.run(['topics', '--json'])).stdout);
    expect(json.map((topic: { name: string }) => topic.name)).toEqual(names);
    expect(json[0]).toMatchObject({
      name: 'route.requested',
      schema: 'RouteRequested',
      kind: 'stream',
      partitions: 'requestPath',
      retentionMs: 86_400_000,
    });
  });

  test('graph draws every service', async () => {
    const { stdout } = await place.run(['graph']);
    expect(stdout).toMatch(/^flowchart/);
    for (const service of [
      'route-intake',
      'strategy-threads',
      'route-collapse',
      'budgets',
      'reward-feedback',
      'experiments',
      'model-profiler',
      'dqn-trainer',
      'analytics',
      'alerts',
    ])
      expect(stdout).toContain(service);
    expect(stdout).not.toContain('subgraph');
  });

  test('graph shows which stages share a task, and which strategies do not', async () => {
    const { stdout } = await place.run(['graph', '--placement', 'chained', '--own-group', 'slow=random']);
    expect(stdout).toContain('subgraph task_route_chain["route-chain: one task, group strategy-threads"]');
    expect(stdout).toContain('service_route_intake ==>|"route.opened"| service_strategy_threads');
    // Written for whoever is outside the chain, such as this group, and not read inside it.
    expect(stdout).toContain('topic_route_opened --> service_strategy_threads_slow');
    expect(stdout).not.toContain('topic_route_opened --> service_strategy_threads\n');
    expect(stdout).toContain('service_strategy_threads_slow --> topic_strategy_scored');
    expect(stdout).toContain('topic_strategy_scored --> service_route_collapse');
  });

  test('a group that is none is refused, by the name of what said so', async () => {
    const option = await place.run(['graph', '--own-group', 'nobody']);
    expect(option).toMatchObject({ exitCode: 2 });
    expect(option.stderr).toContain('--own-group has no strategy "nobody"; there are LEARNING_OPTIMIZED');
    const variable = await place.run(['graph'], { environment: { STRATEGY_GROUPS: 'a=random;b=random' } });
    expect(variable).toMatchObject({ exitCode: 2 });
    expect(variable.stderr).toContain('STRATEGY_GROUPS gives the strategy RANDOM more than one group');
  });
});

describe('a command that is stopped or fails in the middle', () => {
  test('one with nothing to finish ends at once, below its line of progress', async () => {
    const stop = new AbortController();
    // Few rows: in this process the evaluation that nobody waits for goes on to its end.
    const rows = readFileSync('examples/recorded.jsonl', 'utf8').split('\n').slice(0, 3);
    place.write('rows.jsonl', rows.join('\n'));
    const { exitCode, stdout, stderr } = await place.run(['evaluate', '--data', 'rows.jsonl'], {
      stop,
      isTerminal: true,
      onStderr: () => stop.abort(),
    });
    expect([exitCode, stdout]).toEqual([130, '']);
    expect(stderr).toMatch(/rows\nstopped before its end\n$/);
  });

  test('one that waits for somebody who does not answer ends at once', async () => {
    const stop = new AbortController();
    const silent = createServer(() => stop.abort()).listen(0, '127.0.0.1');
    atEnd(() => {
      silent.closeAllConnections();
      silent.close();
    });
    await once(silent, 'listening');
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const asked = await place.run(['top', '--url', url], { stop });
    expect(asked).toEqual({ exitCode: 130, stdout: '', stderr: 'stopped before the gateway has answered\n' });
    const listed = await place.run(['models', 'list', '--url', url], { stop });
    expect(listed).toEqual({ exitCode: 130, stdout: '', stderr: 'stopped before its end\n' });
  });

  test.each([true, false])('an error is broken between words on a terminal alone: %s', async (isTerminal) => {
    const argv = ['models', 'list', '--url', 'http://127.0.0.1:1'];
    const { stderr } = await place.run(argv, { isTerminal, columns: 60 });
    const lines = stderr.trimEnd().split('\n');
    expect(lines.join(' ')).toMatch(/^error: cannot reach a gateway at http:\/\/127\.0\.0\.1:1: .* running\?$/);
    expect(Math.max(...lines.map(({ length }) => length)) <= 60).toBe(isTerminal);
  });
});
