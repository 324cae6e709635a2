/**
 * Breaks the engine on a real Kafka and Redis, every service its own process, and checks in the topics themselves that
 * nothing acknowledged was lost, decided ambiguously or learned twice.
 *
 *     node dist/checks/chaos.js --seed 1 [--scenario kills] [--placement chained] [--delivery exactly-once] [--requests 20000] [--rate 150] [--kills 21] [--instances 2]
 *
 * A JSON line for every figure on stdout, tables and the course of events on stderr. Ends with 1 when a bar was missed.
 * docs/chaos.md says what each scenario does and what its figures mean.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runCheck } from '../lab/report/report-line';
import { placementNames } from '../services/placements';
import { chainKillsScenario } from './chaos/chain-kills';
import type { Cluster } from './chaos/cluster';
import { garbageInputsScenario, garbageScenario, garbageTablesScenario } from './chaos/garbage';
import { killsScenario } from './chaos/kills';
import { brokerRestartScenario, redisRestartScenario } from './chaos/outages';
import { scaleScenario } from './chaos/scale';
import { runScenario, type Scenario } from './chaos/scenario';
import { shortScenario } from './chaos/short';
import { takeOverScenario } from './chaos/take-over';
import { zombieScenario } from './chaos/zombie';

/** In the order of `make chaos`. The others run only by name: most of them are for `make test`. */
const scenarios: readonly Scenario[] = [
  killsScenario,
  brokerRestartScenario,
  redisRestartScenario,
  zombieScenario,
  scaleScenario,
  garbageScenario,
];
const all = [
  ...scenarios,
  shortScenario,
  chainKillsScenario,
  takeOverScenario,
  garbageInputsScenario,
  garbageTablesScenario,
];
const deliveries = ['at-least-once', 'exactly-once'] as const;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    scenario: { type: 'string' },
    placement: { type: 'string', default: 'separate' },
    requests: { type: 'string' },
    rate: { type: 'string' },
    kills: { type: 'string' },
    instances: { type: 'string' },
    delivery: { type: 'string', default: 'at-least-once' },
    'own-group': { type: 'string' },
    'session-timeout': { type: 'string' },
    /** Nobody tells a group of a process that has died: its session has to end, as when a machine is gone. */
    untold: { type: 'boolean', default: false },
  },
});

let cluster: Cluster | null = null;

async function main(): Promise<void> {
  const seed = Number(values.seed);
  const chosen = values.scenario === undefined ? scenarios : all.filter(({ name }) => name === values.scenario);
  if (chosen.length === 0) {
    throw new Error(`there is no scenario ${values.scenario}; there are ${all.map(({ name }) => name).join(', ')}`);
  }
  const placement = placementNames.find((name) => name === values.placement);
  if (!placement) throw new Error(`there is no placement ${values.placement}; there are ${placementNames.join(', ')}`);
  const delivery = deliveries.find((name) => name === values.delivery);
  if (!delivery) throw new Error(`there is no delivery ${values.delivery}; there are ${deliveries.join(', ')}`);
  for (const scenario of chosen) {
    const directory = mkdtempSync(join(tmpdir(), `quantum-router-chaos-${scenario.name}-`));
    const say = (text: string): void => {
      process.stderr.write(`chaos ${scenario.name}: ${text}\n`);
    };
    try {
      const figures = await runScenario({
        scenario,
        seed,
        placement,
        delivery,
        requests: Number(values.requests ?? scenario.requests),
        ...(values.rate !== undefined && { ratePerSecond: Number(values.rate) }),
        ...(values.kills !== undefined && { kills: Number(values.kills) }),
        ...(values['own-group'] !== undefined && { strategyGroups: values['own-group'] }),
        ...(values['session-timeout'] !== undefined && { sessionTimeoutMs: Number(values['session-timeout']) }),
        ...(values.instances !== undefined && { instances: Number(values.instances) }),
        expelsDead: !values.untold,
        directory,
        onCluster: (started) => {
          cluster = started;
        },
        say,
      });
      process.stderr.write(`\n${figures.table()}\n`);
      if (figures.missed > 0) say(`bars were missed with seed ${seed}; logs and data are kept in ${directory}`);
    } catch (error) {
      say(`failed with seed ${seed}; logs and data are kept in ${directory}`);
      await cluster?.stop();
      throw error;
    }
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // The exit kills what was started: see cluster.ts and infra/local-servers.ts.
  process.once(signal, () => process.exit(130));
}
runCheck(main);
