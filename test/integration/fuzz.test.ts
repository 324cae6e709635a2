import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describeWithServers, kafkaAddress } from '../servers';
import { runToEnd } from '../started';

const script = join(__dirname, '../../dist/benchmarks/fuzz.js');
// Another seed: SEED=7 npx jest --selectProjects integration -- fuzz; `make fuzz SEED=7 CASES=100000` goes further.
const seed = process.env['SEED'] ?? '1';

interface Line {
  readonly name: string;
  readonly value: number;
  readonly kind?: string;
  readonly what?: string;
  readonly reproduce?: string;
}

/** Every kind of fault that hostile cases have shown, with a command for each that shows it again. */
async function faultsOf(...args: string[]): Promise<{ faults: readonly Line[]; cases: number; stderr: string }> {
  const { status, stdout, stderr } = await runToEnd(process.execPath, [script, '--seed', seed, ...args]);
  const lines = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);
  const cases = lines.filter(({ name }) => name.endsWith('.cases')).reduce((sum, { value }) => sum + value, 0);
  return { faults: lines.filter(({ name }) => name.endsWith('.fault')), cases, stderr: status === 0 ? '' : stderr };
}

/** `make test` builds first; without a build this would silently test nothing. */
it('has a build to attack', () => {
  expect(existsSync(script)).toBe(true);
});

describe(`hostile input, seed ${seed}: the engine decides and learns as before`, () => {
  it.each([
    ['HTTP requests', 'http', 8_000],
    ['configurations', 'configuration', 4_000],
    ['records', 'records', 8_000],
  ])('behind %s', async (_what, surface, cases) => {
    const found = await faultsOf('--surface', surface, '--cases', String(cases));
    expect(found).toEqual({ faults: [], cases, stderr: '' });
  });
});

describeWithServers(`hostile records on Kafka, seed ${seed}`, () => {
  it('do no more there', async () => {
    const found = await faultsOf('--surface', 'records', '--cases', '600', '--kafka', kafkaAddress());
    expect(found).toEqual({ faults: [], cases: 600, stderr: '' });
  });
});
