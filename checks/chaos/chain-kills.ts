/**
 * The chain alone, two instances of it, each killed again and again: when it has just become ready, in the middle of its
 * work, and while it still restores. Nothing else runs, so that a run of hundreds of kills does not take a day.
 */
import { sleep } from '../../lib/ports/clock';
import type { Random } from '../../lib/ports/random';
import { seededRandom } from '../../lib/random/seeded';
import { chainName } from '../../services/placements';
import { killAndNote } from './kills';
import type { Scenario, Stage } from './scenario';
import { comesTrue } from './until';

const defaultKills = 100;
/** Of the kills, those that do not wait until the victim works again. */
const unreadyShare = 0.25;
/** Longest life after it is ready, and after it was started where that is not waited for. */
const maxLifeMs = 500;
const maxStartMs = 2_500;
const restMs = 50;
/** Where nothing is decided for so long, the other instance may be what holds it up. */
const stallMs = 10_000;

export const chainKillsScenario: Scenario = {
  name: 'chain-kills',
  requests: 300,
  ratePerSecond: 30,
  reportsOutcomes: false,
  cluster: () => ({ instances: 2, only: [chainName] }),
  async run(stage) {
    const { cluster, figures, random, say } = stage;
    if (stage.placement !== 'chained') throw new Error('chain-kills kills the chain: run it with --placement chained');
    const wanted = stage.kills ?? defaultKills;
    let kills = 0;
    let working = 0;
    const killInstance = async (id: string, dice: Random): Promise<void> => {
      while (kills < wanted) {
        const unready = dice.next() < unreadyShare;
        if (unready) await sleep(cluster.clock, dice.next() * maxStartMs);
        else {
          await cluster.processes.untilReady(id);
          await decidesAgain(stage);
          await sleep(cluster.clock, dice.next() * maxLifeMs);
        }
        if (kills >= wanted) return;
        // Counted before it is done: others count meanwhile.
        kills += 1;
        if (!(await killAndNote(stage, id))) {
          kills -= 1;
          await sleep(cluster.clock, restMs);
          continue;
        }
        if (!unready) working += 1;
        if (kills % 25 === 0) say(`${kills} of ${wanted} kills`);
      }
    };
    // Each by dice of its own: now and then both are dead.
    const dice = [...cluster.processes.ids].map((id) => [id, forked(random)] as const);
    await Promise.all(dice.map(([id, own]) => killInstance(id, own)));
    await cluster.processes.untilAllReady();
    figures.bar('kills', kills, 'kills', '>=', wanted);
    figures.add('kills.atWork', working, 'kills');
    await decideOnceMore(stage);
  },
};

/** Who is killed before anything is decided dies in vain: nothing could be lost then, or written twice. */
async function decidesAgain({ cluster, load }: Stage): Promise<void> {
  const { answered } = load.ledger;
  await comesTrue(cluster.clock, () => load.ledger.answered > answered, stallMs, 10);
}

/** The last kills are seen through as well. */
async function decideOnceMore({ load, requests }: Stage): Promise<void> {
  await load.untilSent(load.sent + requests / 3);
}

function forked(random: Random): Random {
  return seededRandom(random.integer(2 ** 31), 'chain-kills');
}
