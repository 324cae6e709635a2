import { describeWithServers } from '../servers';
import { expectUnharmed, hasChaosBuild } from './run-chaos';

describeWithServers('chains that are killed, exactly once', () => {
  it('has a build to break', () => {
    expect(hasChaosBuild()).toBe(true);
  });

  it('nothing is lost, written twice or contradicted', async () => {
    const args = ['--placement', 'chained', '--delivery', 'exactly-once', '--kills', '10'];
    const figure = await expectUnharmed('chain-kills', args);
    expect(figure('kills').value).toBe(10);
    expect(figure('requestsAcknowledged').value).toBeGreaterThan(100);
    for (const topic of ['opened', 'scored', 'decided'])
      expect(figure(`duplicates.${topic}`)).toMatchObject({ value: 0, ok: true });
  });
});
