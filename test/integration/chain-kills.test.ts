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

// It starts a Kafka and a Redis of its own: what it needs is what they are installed for.
describeWithServers('chains that are killed, exactly once', () => {
  /** `make test` builds first; without a build this would silently test nothing. */
  it('has a build to break', () => {
    expect(existsSync(script)).toBe(true);
  });

  it('nothing is lost, written twice or contradicted', async () => {
    const args = ['--seed', '1', '--scenario', 'chain-kills', '--placement', 'chained', '--delivery', 'exactly-once'];
    const { status, stdout, stderr } = await runToEnd(process.execPath, [script, ...args, '--kills', '10']);
    const lines = stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Line);
    const missed = lines.filter((line) => line.ok === false);
    expect({ missed, stderr: status === 0 ? '' : stderr }).toEqual({ missed: [], stderr: '' });
    const figure = (name: string): Line => lines.find((line) => line.name === `chaos.chain-kills.${name}`)!;
    expect(figure('kills').value).toBe(10);
    expect(figure('requestsAcknowledged').value).toBeGreaterThan(100);
    for (const topic of ['opened', 'scored', 'decided'])
      expect(figure(`duplicates.${topic}`)).toMatchObject({ value: 0, ok: true });
  });
});
