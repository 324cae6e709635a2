/** Keys of providers, in the environment by the names that the configuration gives. */
import type { Environment } from '../config/expand-references';
import type { ProviderConfig } from '../config/provider-config';

/** Null where there is none that a header could hold. */
export function secretIn(environment: Environment, variable: string): string | null {
  const value = Object.hasOwn(environment, variable) ? environment[variable]?.trim() : undefined;
  return value === undefined || value === '' || !/^[\x21-\x7e ]+$/.test(value) ? null : value;
}

/** Variables without which a provider cannot be called. */
export function missingSecrets(
  { apiKeyEnv, headersEnv }: Pick<ProviderConfig, 'apiKeyEnv' | 'headersEnv'>,
  environment: Environment,
): string[] {
  const variables = [...(apiKeyEnv === null ? [] : [apiKeyEnv]), ...Object.values(headersEnv)];
  return variables.filter((variable) => secretIn(environment, variable) === null);
}
