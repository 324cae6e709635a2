/** `quantum-router train` and `models` on an embedded store, and on the gateway of an engine that has it open. */
import { createWorkplace } from './run-command';

const place = createWorkplace();
afterAll(() => place.remove());

/** Arithmetic is for `sums`, stories are for `tales`; `middle` is fair at both. */
function recordedRows(count: number): string {
  const rows = Array.from({ length: count }, (_, i) => {
    const isSum = (i * 7) % 3 === 0;
    const prompt = isSum ? `Compute ${i} + ${i * 3} and explain` : `Write a story about ship number ${i}`;
    const score = (sums: number, tales: number) => ({ score: isSum ? sums : tales, cost: 0.001 });
    return JSON.stringify({
      id: `row-${i}`,
      prompt,
      outcomes: { sums: score(0.9, 0.3), tales: score(0.4, 0.8), middle: score(0.6, 0.6) },
    });
  });
  return `${rows.join('\n')}\n`;
}

const config = (seed: number) => `
seed: ${seed}
models:
  - { name: sums, provider: north }
  - { name: tales, provider: south }
  - { name: middle, provider: east }
  - { name: unmeasured, provider: west }
`;

interface Listed {
  readonly inForce: string;
  readonly versions: {
    readonly state: string;
    readonly weights: { readonly policySha256: string; readonly seed: number };
  }[];
}

const run = (...argv: string[]) => place.run(argv);
const listed = async (): Promise<Listed> =>
  JSON.parse((await run('models', 'list', '--data-dir', 'store', '--json')).stdout);

beforeAll(() => {
  place.write('rows.jsonl', recordedRows(140));
  place.write('more.jsonl', recordedRows(170));
  place.write('models.yaml', config(1));
  place.write('other-seed.yaml', config(7));
});

const train = (...options: string[]) => run('train', '--data-dir', 'store', ...options);

test('a model that is not configured is named', async () => {
  const { exitCode, stderr } = await train('--data', 'rows.jsonl');
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/models that are not configured: sums, tales, middle .*--exclude-models sums,tales,middle/);
});

test('before anything was learned there is nothing to list or to go back from', async () => {
  for (const argv of [['list'], ['rollback']]) {
    const { exitCode, stderr } = await run('models', ...argv, '--data-dir', 'store');
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('no weights were ever learned in the store')]);
  }
  const nowhere = await run('models', 'list', '--data-dir', 'nowhere');
  expect([nowhere.exitCode, nowhere.stderr]).toEqual([1, 'error: there is no store in nowhere\n']);
});

test('train learns, publishes and says what it is worth; what the log has already is passed over', async () => {
  const first = await train('--data', 'rows.jsonl', '--config', 'models.yaml');
  expect(first.exitCode).toBe(0);
  expect(first.stdout).toMatch(
    /^rows +\d+ rows written, 0 were there already, \d+ held out\nweights +[0-9a-f]{12}, \d+ /,
  );
  expect(first.stdout).toMatch(/in force as sequence \d+\nheld out +quality/);
  const second = await train('--data', 'more.jsonl', '--json');
  const report = JSON.parse(second.stdout);
  expect(report.rows.known).toBeGreaterThan(100);
  expect(report.rows.written).toBeLessThanOrEqual(30);
  expect(report.rows.known + report.rows.written + report.rows.heldOut).toBe(170);
  expect(report).toMatchObject({ isInForce: true, heldOut: { bestModel: 'tales' } });
  expect(report.heldOut.difference.low).toBeGreaterThan(0);
  expect((await listed()).inForce).toBe(report.policySha256);
});

test('list, show, rollback and promote on the store of a stopped engine', async () => {
  const before = await listed();
  const [current, previous] = before.versions.map(({ weights }) => weights.policySha256);
  const table = await run('models', 'list', '--data-dir', 'store');
  expect(table.stdout).toMatch(
    new RegExp(`\\n\\* +\\d+ +${current!.slice(0, 12)} +[0-9a-f]{12} +PUBLISHED +INCREMENT`),
  );
  const shown = await run('models', 'show', previous!.slice(0, 8), '--data-dir', 'store');
  expect(shown.stdout).toContain(`policy     ${previous}`);
  expect(shown.stdout).toMatch(/lineage {4}[0-9a-f]{12}: seed 1, \w+, encoder/);
  const json = await run('models', 'show', previous!.slice(0, 8), '--data-dir', 'store', '--json');
  expect(JSON.parse(json.stdout).weights.policySha256).toBe(previous);

  const back = await run('models', 'rollback', '--data-dir', 'store');
  expect(back.stdout).toMatch(
    new RegExp(`^${previous} is in force as sequence \\d+: in force; newer weights are held`),
  );
  expect((await listed()).inForce).toBe(previous);
  const refused = await run('models', 'promote', '--data-dir', 'store');
  expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringMatching(/the gate says refuse.*--force/)]);
  const forced = await run('models', 'promote', '--force', '--data-dir', 'store', '--json');
  expect(JSON.parse(forced.stdout)).toMatchObject({ status: 'DONE', policySha256: current });
  const unknown = await run('models', 'show', 'feedbeef', '--data-dir', 'store');
  expect([unknown.exitCode, unknown.stderr]).toEqual([1, 'error: no version begins with feedbeef\n']);
});

test('a new lineage waits as a candidate', async () => {
  const { stdout } = await train('--data', 'more.jsonl', '--config', 'other-seed.yaml');
  expect(stdout).toContain('waits as a candidate');
  const { inForce, versions } = await listed();
  const candidate = versions.find(({ state }) => state === 'CANDIDATE')!;
  expect(candidate.weights.seed).toBe(7);
  expect(versions.find(({ weights }) => weights.policySha256 === inForce)!.weights.seed).toBe(1);
});

test('what is to be forgotten is learned without, as a candidate that says what that changes', async () => {
  const nothing = await run('models', 'forget', '--data-dir', 'store');
  expect([nothing.exitCode, nothing.stderr]).toEqual([2, expect.stringContaining('--source is missing')]);
  const never = await run('models', 'forget', '--from', 'yesterday', '--data-dir', 'store');
  expect([never.exitCode, never.stderr]).toEqual([2, expect.stringContaining('a time like')]);
  const { inForce } = await listed();
  const forgotten = await run('models', 'forget', '--source', 'nobody', '--reason', 'a test', '--data-dir', 'store');
  expect(forgotten.stderr).toMatch(/^version \d+ of the configuration leaves these judgements out/);
  expect(forgotten.stdout).toMatch(/^judgements left out: 0\nweights: [0-9a-f]{12} before, [0-9a-f]{12} .*CANDIDATE/);
  const after = await listed();
  expect(after.inForce).toBe(inForce);
  const candidate = after.versions.find(({ state }) => state === 'CANDIDATE')!.weights.policySha256;
  const shown = await run('models', 'show', candidate, '--data-dir', 'store');
  expect(shown.stdout).toContain(`weights: ${inForce.slice(0, 12)} before, ${candidate.slice(0, 12)}`);
});

test('while an engine runs its gateway is asked, by a trainer that knows what was decided before', async () => {
  const stop = new AbortController();
  let url = '';
  const options = ['--config', 'other-seed.yaml', '--data-dir', 'store', '--port', '0', '--log-level', 'error'];
  let ready = (): void => {};
  const started = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const serving = place.run(['serve', ...options], {
    stop,
    onStderr(text) {
      url ||= /ready on (\S+)/.exec(text)?.[1] ?? '';
      if (url) ready();
    },
  });
  await started;
  const locked = await run('models', 'list', '--data-dir', 'store');
  expect([locked.exitCode, locked.stderr]).toEqual([
    1,
    expect.stringMatching(/has store open: ask its gateway with --url/),
  ]);
  expect((await train('--data', 'rows.jsonl')).stderr).toMatch(
    /is in use by process \d+: the embedded store takes one process. Stop that one/,
  );
  const list: Listed = JSON.parse((await run('models', 'list', '--url', url, '--json')).stdout);
  const candidate = list.versions.find(({ state }) => state === 'CANDIDATE')!.weights.policySha256;
  const refused = await run('models', 'promote', '--url', url);
  expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining('the gate says refuse')]);
  const promoted = await run('models', 'promote', candidate.slice(0, 10), '--force', '--url', url);
  expect(promoted.stdout).toContain(`${candidate} is in force as sequence`);
  const back = await run('models', 'rollback', '--url', url);
  expect(back.stdout).toContain('is in force as sequence');
  stop.abort();
  expect((await serving).exitCode).toBe(0);
  expect((await listed()).inForce).toBe(back.stdout.split(' ')[0]);
});

test('only one place may be named', async () => {
  const { exitCode, stderr } = await run('models', 'list', '--data-dir', 'store', '--url', 'http://127.0.0.1:1');
  expect([exitCode, stderr]).toEqual([2, 'error: give one of --url, --data-dir and --kafka\n']);
});
