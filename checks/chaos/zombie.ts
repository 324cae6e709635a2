/**
 * A process frozen for longer than its session: its partitions go to another instance, which works on, and then it
 * continues where it was. It may append records it had under way, which readers drop as duplicates; it may not move
 * positions, and the rows it writes to its changelog no longer count.
 */
import { topics } from '../../lib/topics/topics';
import type { ProcessName } from '../../services/process';
import { patienceMs } from '../patience';
import type { Scenario, Stage } from './scenario';
import { seenThrough } from './seen-through';
import { until } from './until';

interface Victim {
  readonly service: ProcessName;
  /** Of its table, where a zombie's rows would lie. */
  readonly changelog: { readonly name: string };
}

const victims: readonly Victim[] = [
  { service: 'route-collapse', changelog: topics.pendingRoutes },
  { service: 'reward-feedback', changelog: topics.awaitedOutcomes },
  { service: 'route-intake', changelog: topics.sessions },
];
/** Requests that must have been seen through after the take-over, and again after the zombie's return. */
const someRequests = 400;

export const zombieScenario: Scenario = {
  name: 'zombie',
  requests: 5_000,
  async run(stage) {
    for (const victim of victims) await freeze(stage, victim);
  },
};

async function freeze(stage: Stage, { service: owner, changelog }: Victim): Promise<void> {
  const { cluster, figures, say, random } = stage;
  const service = cluster.processOf(owner);
  const { processes, clock } = cluster;
  const ids = [`${service}-0`, `${service}-1`];
  await processes.add(service, ids[1]!);
  await seenThrough(stage, someRequests);
  const zombie = ids[random.integer(2)]!;
  const heir = ids.find((id) => id !== zombie)!;
  say(`${zombie} is frozen`);
  const frozenAtMs = clock.monotonicMs();
  const before = stage.audit.duplicates();
  processes.freeze(zombie);
  // Every request sent from now on goes to the heir sooner or later, those of the zombie's partitions too.
  await seenThrough(stage, someRequests);
  const takenOverMs = clock.monotonicMs() - frozenAtMs;
  await until(
    clock,
    'the session has ended',
    () => clock.monotonicMs() - frozenAtMs > cluster.sessionTimeoutMs + 4_000,
    patienceMs,
  );
  say(`${zombie} continues; its work was taken over after ${Math.round(takenOverMs)} ms`);
  processes.thaw(zombie);
  await seenThrough(stage, someRequests);
  // A restore reads whatever the zombie left in the changelog.
  await processes.kill(heir);
  await seenThrough(stage, someRequests);
  await processes.untilAllReady();
  const after = stage.audit.duplicates();
  const { rows, fenced } = await zombieRows(stage, changelog.name);
  figures.add(`${owner}.takenOverAfter`, takenOverMs, 'ms');
  figures.add(`${owner}.changelogRecords`, rows, 'records');
  figures.add(`${owner}.zombieChangelogRecords`, fenced, 'records');
  figures.add(`${owner}.duplicateDecisions`, after.decided - before.decided, 'records');
  figures.add(`${owner}.duplicateLearningEvents`, after.learned - before.learned, 'records');
  await processes.remove(ids[1]!);
}

/** Records in a changelog that an owner wrote after a later owner had written: restores pass over them. */
async function zombieRows({ cluster }: Stage, topic: string): Promise<{ rows: number; fenced: number }> {
  const { broker } = cluster.home;
  let rows = 0;
  let fenced = 0;
  for (let partition = 0; partition < cluster.partitions; partition++) {
    const { earliest } = await broker.offsets({ topic, partition });
    let newest = 0;
    for await (const records of broker.read({ topic, partition }, { from: earliest })) {
      for (const { headers } of records) {
        const owner = Number(headers['owner-epoch'] ?? 0);
        rows += 1;
        if (owner < newest) fenced += 1;
        newest = Math.max(newest, owner);
      }
    }
  }
  return { rows, fenced };
}
