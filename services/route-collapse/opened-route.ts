/** A pending route whose request has come, not only scores: it can be decided. */
import type { PendingRoute, RouteOpened } from '../../lib/topics/generated/messages';

export type OpenedRoute = PendingRoute & { opened: RouteOpened };

export function isOpened(route: PendingRoute): route is OpenedRoute {
  return route.opened !== null;
}
