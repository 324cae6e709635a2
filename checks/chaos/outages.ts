/** Servers that go away under load and come back: the broker with its data, Redis without. */
import type { Broker } from '../../lib/ports/broker';
import { sleep } from '../../lib/ports/clock';
import { topics } from '../../lib/topics/topics';
import { patienceMs } from '../patience';
import type { FirstDecision } from './audit';
import type { Scenario, Stage } from './scenario';
import { until } from './until';

const outageMs = 10_000;
const maxStarts = 3;

export const brokerRestartScenario: Scenario = {
  name: 'broker-restart',
  requests: 6_000,
  async run(stage) {
    await restartBroker(stage, outageMs, stage.random.next() < 0.5 ? 'SIGKILL' : 'SIGTERM');
    await stage.load.untilSent(stage.requests);
    await stage.cluster.processes.untilAllReady();
  },
};

/** Without Redis, requests are still decided in time: this share of what the machine does undisturbed. */
const leastKeptAvailability = 0.95;

export const redisRestartScenario: Scenario = {
  name: 'redis-restart',
  requests: 6_000,
  async run(stage) {
    const { load, cluster, figures, clientTimeoutMs, isUndisturbed } = stage;
    // Else there would be nothing to lose.
    await until(cluster.clock, 'weights are published', () => weightsArePublished(cluster.home.broker), patienceMs);
    const lost = load.sent;
    await restartRedis(stage, outageMs);
    const back = load.sent;
    await reportCacheLookups(stage);
    await weightsAreRepaired(stage);
    await load.untilSent(stage.requests);
    const { ledger } = load;
    const undisturbed = ledger.availability(clientTimeoutMs, isUndisturbed);
    const without = ledger.availability(clientTimeoutMs, ({ index }) => index >= lost && index < back);
    const kept = undisturbed === 0 ? 1 : without / undisturbed;
    const decisions = [...ledger.requests.keys()].map((requestId) => stage.audit.decisions.get(requestId));
    figures.add('decidedWithoutAllThreads.undisturbed', incomplete(decisions.slice(0, lost)), 'share');
    figures.add('decidedWithoutAllThreads.withoutRedis', incomplete(decisions.slice(lost, back)), 'share');
    figures.add('decidedWithoutAllThreads.since', incomplete(decisions.slice(back)), 'share');
    figures.add('availability.withoutRedis', without, 'share');
    figures.bar('availabilityKeptWithoutRedis', kept, 'share', '>=', leastKeptAvailability);
  },
};

/** Ends the broker, waits, and starts it on the same data. */
export async function restartBroker(stage: Stage, awayMs: number, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const { cluster, say, figures } = stage;
  const endsBefore = cluster.processes.ends;
  say(`the broker ends by ${signal}`);
  await cluster.kafka.kill(signal);
  const goneAtMs = cluster.clock.monotonicMs();
  await sleep(cluster.clock, awayMs);
  await startAgain(stage);
  const goneMs = cluster.clock.monotonicMs() - goneAtMs;
  say(`the broker is back after ${Math.round(goneMs)} ms`);
  await cluster.processes.untilAllReady();
  figures.add('brokerGone', goneMs, 'ms');
  figures.add('processesEndedByBrokerOutage', cluster.processes.ends - endsBefore, 'processes');
}

/** A killed KRaft node now and then never gets to register again in the life after; whoever runs it starts it once more. */
async function startAgain({ cluster, say }: Stage): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await cluster.kafka.restart();
      return;
    } catch (error) {
      if (tries === maxStarts) throw error;
      say(`the broker did not start, once more: ${(error as Error).message.split('\n', 1)[0]}`);
    }
  }
}

/** It holds nothing when it is back: nothing of it is on a disk. */
export async function restartRedis({ cluster, say }: Stage, awayMs: number): Promise<void> {
  say('Redis ends');
  await cluster.redis.kill('SIGKILL');
  await sleep(cluster.clock, awayMs);
  await cluster.redis.restart();
  say(`Redis is back, empty, after ${awayMs / 1_000} s`);
}

/** Of this life of intake: hits, misses, and look-ups that Redis did not answer, which count as misses. */
async function reportCacheLookups({ cluster, figures }: Stage): Promise<void> {
  const response = await fetch(`${cluster.processes.url(`${cluster.processOf('route-intake')}-0`)}/metrics`);
  const text = await response.text();
  for (const result of ['hit', 'miss', 'error']) {
    const line = new RegExp(`^quantum_router_cache_lookups_total\\{result="${result}"\\} (\\d+)`, 'm').exec(text);
    figures.add(`cacheLookups.${result}`, Number(line?.[1] ?? 0), 'look-ups');
  }
}

/**
 * Strategy threads that start with an empty Redis take the weights from the log, serve them, and put them back for the
 * others.
 */
async function weightsAreRepaired({ cluster, audit, load, figures, say }: Stage): Promise<void> {
  const { home, clock, processes } = cluster;
  const threads = `${cluster.processOf('strategy-threads')}-0`;
  await processes.kill(threads);
  await processes.untilReady(threads);
  const from = load.sent;
  const learnedAgain = async (): Promise<boolean> => {
    await audit.update();
    const since = [...load.ledger.requests.keys()].slice(from);
    return since.some((requestId) => audit.decisions.get(requestId)?.learned);
  };
  await until(clock, 'learned weights are served again', learnedAgain, patienceMs, 500);
  const shared = async (): Promise<boolean> => (await home.keyValue.keys('weights/', 100)).length > 0;
  await until(clock, 'Redis holds weights again', shared, patienceMs);
  say('weights are served and shared again');
  figures.bar('weightsRepaired', 1, 'boolean', '>=', 1);
}

async function weightsArePublished(broker: Broker): Promise<boolean> {
  const { earliest, end } = await broker.offsets({ topic: topics.weightsPublished.name, partition: 0 });
  return end > earliest;
}

function incomplete(decisions: readonly (FirstDecision | undefined)[]): number {
  return decisions.filter((decision) => decision?.complete === false).length / Math.max(1, decisions.length);
}
