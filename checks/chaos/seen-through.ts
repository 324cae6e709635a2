/** The engine is well when what is sent from now on is decided and learned from. */

import { patienceMs } from '../patience';
import type { Stage } from './scenario';
import { until } from './until';

/** Resolves when the next `count` requests are decided and what was reported of them is learned from. */
export async function seenThrough({ cluster, load, audit }: Stage, count: number): Promise<void> {
  const from = load.sent;
  await load.untilSent(from + count);
  const { ledger } = load;
  const requests = [...ledger.requests.values()].slice(from, from + count);
  const done = async (): Promise<boolean> => {
    await audit.update();
    return requests.every(({ requestId, acknowledged }) => {
      if (!acknowledged) return true;
      if (!audit.decisions.has(requestId)) return false;
      const outcome = ledger.outcomes.get(`${requestId}/1/0`);
      return !outcome || audit.learned.has(outcome.outcomeId) || audit.late.has(outcome.outcomeId);
    });
  };
  await until(cluster.clock, `requests ${from} to ${from + count} are seen through`, done, patienceMs, 250);
}
