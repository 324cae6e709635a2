import { Outage } from '../../../../lib/adapters/kafka/outage';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import { createLog } from '../../../../lib/telemetry/log';
import { connectionError } from './fake-cluster';

function bench() {
  const clock = createVirtualClock();
  const lines: string[] = [];
  const log = createLog({ level: 'info', destination: { write: (line) => void lines.push(line) } });
  const outage = new Outage(clock, log);
  const told = (): string[] =>
    lines.map((line) => {
      const { msg, node } = JSON.parse(line) as { msg: string; node: string };
      return `${node} ${msg.includes('again until') ? 'gone' : 'back'}`;
    });
  const pass = async (delayMs: number): Promise<void> => {
    let passed = false;
    clock.setTimer(delayMs, () => {
      passed = true;
    });
    await clock.runUntilIdle({ until: () => passed });
  };
  return { clock, outage, told, pass };
}

describe('outages', () => {
  test('each node has its own: told once, ended once, whatever the others answer', async () => {
    const { clock, outage, told, pass } = bench();
    for (let i = 0; i < 50; i++) {
      outage.failed('one:9092', connectionError(), clock.monotonicMs());
      outage.answered('two:9092');
      await pass(10);
    }
    expect(told()).toEqual(['one:9092 gone']);
    expect(outage.isSilent('one:9092')).toBe(true);
    outage.answered('one:9092');
    outage.answered('one:9092');
    expect(told()).toEqual(['one:9092 gone', 'one:9092 back']);
    expect(outage.isSilent('one:9092')).toBe(false);
  });

  test('a request that was sent during an outage and gives up after it does not begin another', async () => {
    const { clock, outage, told, pass } = bench();
    const sentMs = clock.monotonicMs();
    outage.failed('one:9092', connectionError(), sentMs);
    await pass(500);
    outage.answered('one:9092');
    await pass(9_000);
    outage.failed('one:9092', connectionError(), sentMs + 100);
    expect(told()).toEqual(['one:9092 gone', 'one:9092 back']);
    outage.failed('one:9092', connectionError(), clock.monotonicMs());
    expect(told()).toHaveLength(3);
  });
});
