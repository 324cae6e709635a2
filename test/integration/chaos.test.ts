import { describeWithServers } from '../servers';
import { expectUnharmed, hasChaosBuild } from './run-chaos';

describeWithServers('chaos in short', () => {
  it('has a build to break', () => {
    expect(hasChaosBuild()).toBe(true);
  });

  it('loses nothing while services are killed, the broker restarts and Redis forgets everything', async () => {
    const figure = await expectUnharmed('short', ['--rate', '40']);
    expect(figure('requestsAcknowledged').value).toBeGreaterThan(1_000);
    expect(figure('outcomesAcknowledged').value).toBeGreaterThan(1_000);
    expect(figure('rewardsLearned').value).toBeGreaterThan(500);
    expect(figure('undecided').value).toBe(0);
  });
});
