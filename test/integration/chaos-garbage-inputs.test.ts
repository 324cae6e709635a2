import { describeWithServers } from '../servers';
import { expectUnharmed, hasChaosBuild } from './run-chaos';

describeWithServers('records that no release of ours would write', () => {
  it('has a build to break', () => {
    expect(hasChaosBuild()).toBe(true);
  });

  it('are read, put aside, forwarded or refused, each as fits, and the partition goes on', async () => {
    const figure = await expectUnharmed('garbage-inputs', ['--requests', '120', '--rate', '12']);
    expect(figure('poison').value).toBe(1);
    expect(figure('requestsAcknowledged').value).toBeGreaterThan(100);
    expect(figure('undecided').value).toBe(0);
  });
});
