/** Scenarios in one process on a virtual clock, in memory: nine seconds of traffic take as long as they need, and the same seed gives the same. */
import { onVirtualClock } from '../../lab/studies/on-virtual-clock';
import type { Clock } from '../../lib/ports/clock';
import { createLog } from '../../lib/telemetry/log';
import { startEngine } from '../../services/engine';
import { memoryHome } from '../../services/home';
import { type PlayedScenario, playScenario, type ScenarioRun, type StartScenarioEngine } from './play';

export function playInProcess(run: ScenarioRun): Promise<PlayedScenario> {
  return onVirtualClock((clock) => playScenario(run, startOn(clock)));
}

function startOn(clock: Clock): StartScenarioEngine {
  return async (config, seed, onFailed) => {
    const home = memoryHome({ clock, seed });
    const engine = await startEngine({
      ...{ home, config, partitions: 4, trainer: 'inline', http: null },
      log: createLog({ level: 'silent' }),
      onFatal: (group, error) => onFailed(`${group}: ${error.message}`),
    });
    return {
      home,
      decisionTimeoutMs: 2_000,
      learnedRewards: () => engine.learnedRewards(),
      applyConfig: (next) => engine.applyConfig(next),
      stop: () => engine.stop(),
    };
  };
}
