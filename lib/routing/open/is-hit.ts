import type { RouteOpened } from '../../topics/generated/messages';

/** Whether a request is judged by what the routing cache had for it, so that nobody else is asked. */
export function isHit({ cached, cachedValues }: Pick<RouteOpened, 'cached' | 'cachedValues'>): boolean {
  return cached !== null || (cachedValues !== null && !cachedValues.isCheck);
}
