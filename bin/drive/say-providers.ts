/** Who can be called, in a line or two for a person at a terminal. */
import type { RouterConfig } from '../../lib/config/router-config';
import { missingSecrets } from '../../lib/providers/provider-secrets';
import type { Io } from '../io';

/** Lines without their ends. */
export function describeProviders(
  { providers, models }: Pick<RouterConfig, 'providers' | 'models'>,
  environment: Io['environment'],
): string[] {
  const all = Object.entries(providers).map(([name, config]) => ({
    name,
    models: models.filter(({ provider }) => provider === name).length,
    missing: missingSecrets(config, environment),
  }));
  const callable = all.filter(({ missing }) => missing.length === 0);
  const shown = callable.map(({ name, models: count }) => `${name} (${count} ${count === 1 ? 'model' : 'models'})`);
  return [
    shown.length === 0
      ? 'providers: none can be called, so requests are decided and nobody is called'
      : `providers: ${shown.join(', ')}`,
    ...all
      .filter(({ missing }) => missing.length > 0)
      .map(
        ({ name, missing }) => `warning: ${name} cannot be called: the environment has no usable ${missing.join(', ')}`,
      ),
  ];
}
