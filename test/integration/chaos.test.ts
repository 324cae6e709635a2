import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describeWithServers } from '../servers';
import { runToEnd } from '../started';

const script = join(__dirname, '../../dist/checks/chaos.js');

interface Line {
  readonly name: string;
  readonly value: number;
  readonly ok?: boolean;
}

// It starts a Kafka and a Redis of its own, to kill them: what it needs is what they are installed for.
describeWithServers('chaos in short', () => {
  /** `make test` builds first; without a build this would silently test nothing. */
  it('has a build to break', () => {
    expect(existsSync(script)).toBe(true);
  });

  it('loses nothing while services are killed, the broker restarts, Redis forgets everything and garbage comes', async () => {
    const args = [script, '--seed', '1', '--scenario', 'short', '--rate', '60'];
    const { status, stdout, stderr } = await runToEnd(process.execPath, args);
    const lines = stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Line);
    const missed = lines.filter((line) => line.ok === false);
    expect({ missed, stderr: status === 0 ? '' : stderr }).toEqual({ missed: [], stderr: '' });
    const figure = (name: string): number => lines.find((line) => line.name === `chaos.short.${name}`)!.value;
    expect(figure('requestsAcknowledged')).toBeGreaterThan(1_000);
    expect(figure('outcomesAcknowledged')).toBeGreaterThan(1_000);
    expect(figure('rewardsLearned')).toBeGreaterThan(500);
    expect(figure('undecided')).toBe(0);
    expect(figure('poison')).toBe(1);
  });
});
