/** Reads everything that changes, once per batch, so that all of a batch sees one world and says which one it was. */
import type { RouterConfig } from '../../lib/config/router-config';
import { TransientError } from '../../lib/ports/broker';
import type { Context } from '../../lib/runtime/define-service';
import type { ConfigApplied, ModelProfile, Tuning, WeightsPublished } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';

export interface IntakeWorld {
  readonly config: RouterConfig;
  readonly configVersion: number;
  readonly tuning: Tuning | undefined;
  readonly weights: WeightsPublished | undefined;
  readonly profileOf: (model: string) => ModelProfile | undefined;
  readonly nowMs: number;
  /** Offset up to which each table had been read, by topic. */
  readonly positions: Readonly<Record<string, number>>;
}

/** A reader that parses each version of the config once. */
export function createWorldReader(): (context: Pick<Context, 'view' | 'nowMs'>) => IntakeWorld {
  let parsed: { readonly applied: ConfigApplied; readonly config: RouterConfig } | null = null;
  return (context) => {
    const configs = context.view(topics.config);
    const profiles = context.view(topics.modelProfile);
    const tunings = context.view(topics.tuning);
    const weights = context.view(topics.weightsPublished);
    const applied = configs.get('current');
    // Requests wait for the first config instead of being lost to dead letters.
    if (!applied) throw new TransientError('no configuration has been applied yet: apply one to start routing');
    if (parsed?.applied !== applied) {
      // It was validated when it was applied.
      parsed = { applied, config: JSON.parse(applied.json) as RouterConfig };
    }
    return {
      config: parsed.config,
      configVersion: applied.version,
      tuning: tunings.get('current'),
      weights: weights.get('current'),
      profileOf: (model) => profiles.get(model),
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
