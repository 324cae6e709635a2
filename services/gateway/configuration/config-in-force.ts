/** Routes that cannot say anything before there is a configuration say so in one way. */
import type { CurrentConfig } from '../../../lib/config/current-config';
import type { GatewayContext } from '../endpoint';
import { HttpError } from '../http/http-error';

/** What is routed by now. Throws `not_ready` before anything was applied. */
export function configInForce({ config }: Pick<GatewayContext, 'config'>): CurrentConfig {
  const current = config();
  if (!current) throw new HttpError('not_ready', 'no configuration has been applied');
  return current;
}
