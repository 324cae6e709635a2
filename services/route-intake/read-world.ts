/** Reads everything that changes, once per batch, so that all of a batch sees one world and says which one it was. */
import { countInvalidConfig, createConfigReader } from '../../lib/config/current-config';
import type { RouterConfig } from '../../lib/config/router-config';
import { TransientError } from '../../lib/ports/broker';
import { type Admission, admissionsOf, newestProfileMs } from '../../lib/routing/open/admission';
import type { ProbeMemory } from '../../lib/routing/open/probe-memory';
import type { Context } from '../../lib/stream/define-service';
import type { Metrics } from '../../lib/telemetry/metrics';
import type {
  BudgetState,
  ExperimentState,
  ModelProfile,
  Tuning,
  WeightsPublished,
} from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';

export interface IntakeWorld {
  readonly config: RouterConfig;
  readonly configVersion: number;
  readonly tuning: Tuning | undefined;
  readonly weights: WeightsPublished | undefined;
  readonly profileOf: (model: string) => ModelProfile | undefined;
  /** When the newest of them was written; null where there is none. */
  readonly profilesAtMs: number | null;
  /** Which share of the requests may use each model; null for all of them. */
  readonly admissions: readonly (Admission | null)[] | null;
  /** How a budget account stood lately. */
  readonly budgetStateOf: (account: string) => BudgetState | undefined;
  /** How an experiment stands. */
  readonly experimentStateOf: (experiment: string) => ExperimentState | undefined;
  readonly nowMs: number;
  /** Offset up to which each table had been read, by topic. */
  readonly positions: Readonly<Record<string, number>>;
}

/** A reader that parses each version of the config once. */
export function createWorldReader(
  metrics: Metrics,
  probes?: ProbeMemory,
): (context: Pick<Context, 'view' | 'nowMs' | 'partition' | 'partitions'>) => IntakeWorld {
  const readConfig = createConfigReader(countInvalidConfig(metrics, 'route-intake'));
  let inForce: WeightsPublished | undefined;
  return (context) => {
    const configs = context.view(topics.config);
    const profiles = context.view(topics.modelProfile);
    const tunings = context.view(topics.tuning);
    const weights = context.view(topics.weightsPublished);
    const budgets = context.view(topics.budgetStates);
    const experiments = context.view(topics.experimentStates);
    const current = readConfig(configs);
    const newest = weights.get('current');
    // A trainer that has lost its place may still write; numbers only grow, so what is lower is of the past.
    if (newest && newest.sequence >= (inForce?.sequence ?? 0)) inForce = newest;
    // Requests wait for the first config instead of being lost to dead letters.
    if (!current) throw new TransientError('no configuration has been applied yet: apply one to start routing');
    const known = {
      config: current.config,
      profileOf: (model: string) => profiles.get(model),
      nowMs: context.nowMs,
      ...(probes && { prober: { probes, partition: context.partition, partitions: context.partitions } }),
    };
    return {
      config: current.config,
      configVersion: current.version,
      tuning: tunings.get('current'),
      weights: inForce,
      profileOf: known.profileOf,
      profilesAtMs: newestProfileMs(known),
      admissions: admissionsOf(known),
      budgetStateOf: (account) => budgets.get(account),
      experimentStateOf: (experiment) => experiments.get(experiment),
      nowMs: context.nowMs,
      positions: {
        [topics.config.name]: configs.offset,
        [topics.modelProfile.name]: profiles.offset,
        [topics.tuning.name]: tunings.offset,
        [topics.weightsPublished.name]: weights.offset,
      },
    };
  };
}
