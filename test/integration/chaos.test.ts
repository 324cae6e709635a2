import { describeWithServers } from '../servers';
import { expectUnharmed, hasChaosBuild } from './run-chaos';

describeWithServers('chaos in short', () => {
  it('has a build to break', () => {
    expect(hasChaosBuild()).toBe(true);
  });

  it('loses nothing while services are killed, the broker restarts and Redis forgets everything', async () => {
    // As much is killed and restarted as with more requests; they are what takes the time.
    const figure = await expectUnharmed('short', ['--requests', '900', '--rate', '40']);
    expect(figure('requestsAcknowledged').value).toBeGreaterThan(600);
    expect(figure('outcomesAcknowledged').value).toBeGreaterThan(600);
    // Learning went on; of how much is the pace's affair, which follows what the machine can do.
    expect(figure('rewardsLearned').value).toBeGreaterThan(100);
    expect(figure('undecided').value).toBe(0);
  });
});
