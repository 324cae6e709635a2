import { describeWithServers } from '../servers';
import { expectUnharmed, hasChaosBuild } from './run-chaos';

describeWithServers('records that no release of ours would write, in tables and changelogs', () => {
  it('has a build to break', () => {
    expect(hasChaosBuild()).toBe(true);
  });

  it('are put aside by whoever starts anew, and all goes on', async () => {
    const figure = await expectUnharmed('garbage-tables', ['--requests', '120', '--rate', '12']);
    expect(figure('poison').value).toBe(1);
    expect(figure('garbageInTables').value).toBe(1);
    expect(figure('requestsAcknowledged').value).toBeGreaterThan(100);
    expect(figure('undecided').value).toBe(0);
  });
});
