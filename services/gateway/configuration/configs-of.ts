/** The configurations of a history, each read once, when a request that was opened under it is looked at. */
import { configFromJson } from '../../../lib/config/parse-config';
import type { RouterConfig } from '../../../lib/config/router-config';

/** `json` by version. Versions that are not in it are taken for the one in force. */
export function configsOf(
  history: ReadonlyMap<number, string>,
  inForce: RouterConfig,
): (version: number) => RouterConfig {
  const read = new Map<number, RouterConfig>();
  return (version) => {
    const json = history.get(version);
    if (json === undefined) return inForce;
    const config = read.get(version) ?? configFromJson(json);
    read.set(version, config);
    return config;
  };
}
