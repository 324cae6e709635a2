/** `quantum-router replay` on a store that the real engine has written. */
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Of } from '../../lib/learning/fold/blob';
import { topics } from '../../lib/topics/topics';
import { embeddedHome } from '../../services/home';
import { createWorkplace } from './run-command';

const place = createWorkplace();
afterAll(() => place.remove());

const requests = 200;
const replay = (...argv: string[]) => place.run(['replay', ...argv]);

beforeAll(async () => {
  const options = ['--requests', String(requests), '--rate', '100', '--port', '0', '--data-dir', 'store'];
  const { stderr } = await place.run(['run', '--exit', ...options]);
  expect(stderr).not.toContain('error');
});

/** A copy of the store that may be written to. */
async function copied(name: string, write: (home: ReturnType<typeof embeddedHome>) => Promise<void>): Promise<void> {
  const directory = join(place.directory, name);
  cpSync(join(place.directory, 'store'), directory, { recursive: true });
  const home = embeddedHome({ directory });
  await write(home);
  await home.close();
}

describe('--verify', () => {
  test('says that every decision comes out the same, with progress on stderr', async () => {
    const { exitCode, stdout, stderr } = await replay('--verify', '--data-dir', 'store');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      new RegExp(`decisions {2}${requests}: ${requests} verified, 0 different, 0 unverifiable: outside the range`),
    );
    expect(stdout).toMatch(/\nno differences\n$/);
    expect(stderr).toMatch(new RegExp(`\n${requests}/${requests} {2}.*/s {2}decisions\n$`));
  });

  test('as JSON, for a part of one partition, learned threads too', async () => {
    const options = ['--data-dir', 'store', '--with-learned', '--json'];
    const { exitCode, stdout } = await replay('--verify', ...options, '--partition', '1', '--from', '5', '--to', '15');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ranges: [{ partition: 1, from: 5, to: 15 }],
      decisions: 10,
      verified: 10,
      threads: { different: 0, skipped: 0, unverifiable: 0 },
      differences: [],
      differencesLeftOff: 0,
    });
  });

  test('a record that was tampered with is shown, written to --out, and ends with 1', async () => {
    await copied('tampered', async ({ broker }) => {
      const of = { topic: topics.routeDecided.name, partition: 0 };
      for await (const [record] of broker.read(of, { from: 0, to: 1 })) {
        const decided = topics.routeDecided.codec.decode(record!.value!);
        // As if somebody had replaced the log's first decision.
        const forged = { ...decided, requestId: 'forged', decisionId: 'forged' };
        await broker
          .producer('forger')
          .send([{ ...of, key: record!.key, value: topics.routeDecided.codec.encode(forged) }]);
      }
    });
    const { exitCode, stdout, stderr } = await replay('--verify', '--data-dir', 'tampered', '--out', 'found.jsonl');
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/error: 1 decisions do not come out as they were/)]);
    expect(stdout).toMatch(/\n {2}0@\d+ forged, decision: positions.route.opened is -1, comes out as "the offset of/);
    expect(JSON.parse(place.read('found.jsonl'))).toMatchObject({ requestId: 'forged', partition: 0, of: 'decision' });
  });
});

describe('--retrain', () => {
  test('gives the same weights twice and writes them', async () => {
    const range = ['--retrain', '--data-dir', 'store', '--to', '100', '--json'];
    const options = [...range, '--seed', '3'];
    const first = await replay(...options, '--out', 'weights');
    expect(first.exitCode).toBe(0);
    const { seconds: _, ...report } = JSON.parse(first.stdout);
    expect(report).toMatchObject({
      fromOffset: 0,
      seed: 3,
      config: expect.stringMatching(/^config \d+$/),
      lateOutcomes: 0,
    });
    const { seconds: __, ...again } = JSON.parse((await replay(...options)).stdout);
    // Compaction may have taken an older configuration meanwhile: then the next one is named.
    expect({ ...again, config: report.config }).toEqual(report);
    const folder = join(place.directory, 'weights');
    expect(readdirSync(folder).sort()).toEqual([`basis-${report.basisSha256}`, `policy-${report.policySha256}`]);
    expect(sha256Of(readFileSync(join(folder, `policy-${report.policySha256}`)))).toBe(report.policySha256);
    const other = JSON.parse((await replay(...range)).stdout);
    expect(other.policySha256).not.toBe(report.policySha256);
  });

  test('as text, with a configuration of one’s own, says what it was made from', async () => {
    await place.run(['init', '--force']);
    const options = ['--data-dir', 'store', '--to', '100', '--config', 'quantum-router.yaml', '--no-late-outcomes'];
    const { exitCode, stdout, stderr } = await replay('--retrain', ...options);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^policy {5}[0-9a-f]{64}\nbasis {6}[0-9a-f]{64}\nmade from {2}learning.events 0\.\.\d+: /);
    expect(stdout).toMatch(/config quantum-router.yaml, wasm\n/);
    expect(stderr).toMatch(/ events\n$/);
  });
});

describe('what cannot be replayed', () => {
  test.each<[string, string[], RegExp]>([
    ['neither', [], /give one of --verify and --retrain/],
    ['both', ['--verify', '--retrain'], /give one of --verify and --retrain/],
    ['a bound that is none', ['--verify', '--from', 'monday'], /It must be earliest, end, an offset/],
    ['an offset of all partitions', ['--verify', '--from', '5'], /an offset is one of a partition: add --partition/],
    ['a seed for verify', ['--verify', '--seed', '1'], /go with --retrain/],
    ['a partition for retrain', ['--retrain', '--partition', '1'], /go with --verify/],
    ['a prefix without Kafka', ['--verify', '--topic-prefix', 'x.', '--data-dir', 'store'], /go with --kafka/],
  ])('%s: exit code 2', async (_name, argv, message) => {
    const { exitCode, stdout, stderr } = await replay(...argv);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  });

  test.each<[string, string[], RegExp]>([
    ['no store', ['--verify', '--data-dir', 'nowhere'], /^error: there is no store in nowhere\n$/],
    ['an unknown partition', ['--verify', '--partition', '9'], /route.decided has no partition 9: it has 4/],
    ['an unknown offset', ['--retrain', '--from', '9999'], /learning.events\[0\] has no offset 9999: it keeps 0/],
    ['an empty range', ['--verify', '--from', '2100-01-01'], /there are no decisions in this range/],
    ['no events', ['--retrain', '--from', '3', '--to', '3'], /there are no learning events from offset 3 to 3/],
    ['from after to', ['--retrain', '--from', '9', '--to', '3'], /ends before it begins: from 9 to 3/],
    ['too few rewards', ['--retrain', '--to', '3'], /3 events from offset 0 to 3 hold too few rewards for weights/],
    ['nowhere to write', ['--verify', '--out', 'no/where.jsonl'], /cannot write no\/where.jsonl: there is no such/],
    [
      'no folder to write to',
      ['--retrain', '--to', '100', '--out', 'store/store.json'],
      /cannot write into store\/store.json/,
    ],
  ])('%s: exit code 1', async (_name, argv, message) => {
    const where = argv.includes('--data-dir') ? [] : ['--data-dir', 'store'];
    const { exitCode, stdout, stderr } = await replay(...argv, ...where);
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
  });

  test('a store that nothing was ever decided in', async () => {
    const home = embeddedHome({ directory: join(place.directory, 'empty') });
    await home.close();
    expect((await replay('--verify', '--data-dir', 'empty')).stderr).toMatch(/there is no topic route.decided/);
    expect((await replay('--retrain', '--data-dir', 'empty')).stderr).toMatch(/there is no topic learning.events/);
    // Nothing holds it any more.
    await embeddedHome({ directory: join(place.directory, 'empty') }).close();
  });

  test('a store that a process has open', async () => {
    const home = embeddedHome({ directory: join(place.directory, 'store') });
    const { exitCode, stderr } = await replay('--verify', '--data-dir', 'store');
    await home.close();
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(/is in use by process \d+: the embedded store takes one/),
    ]);
  });

  test('Ctrl-C ends it', async () => {
    const stop = new AbortController();
    stop.abort();
    const { exitCode, stderr } = await place.run(['replay', '--verify', '--data-dir', 'store'], { stop });
    expect([exitCode, stderr]).toEqual([130, expect.stringMatching(/\nstopped before the end\n$/)]);
  });
});
