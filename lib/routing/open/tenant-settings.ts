/** A request with what its tenant has settings of its own for: wishes where it says nothing itself, limits in any case. */
import type { RouterConfig, TenantConfig } from '../../config/router-config';
import { ownEntry } from '../../dictionary';
import type { Limits, RouteRequested } from '../../topics/generated/messages';

type Wishes = Pick<RouteRequested, 'preference' | 'strategies' | 'collapse' | 'threadTimeoutMs' | 'limits'>;

export interface OfTenant<R> {
  readonly request: R;
  /** In place of the configuration's; null where the tenant has none. */
  readonly explorationFloor: number | null;
  /** The settings of the tenant that the request is routed by, for the decision. */
  readonly settings: readonly string[];
}

const nothing: readonly string[] = [];

export function ofTenant<R extends Wishes & Pick<RouteRequested, 'tenantId'>>(
  { tenants, models }: Pick<RouterConfig, 'tenants' | 'models'>,
  request: R,
): OfTenant<R> {
  const tenant = request.tenantId === null ? undefined : ownEntry(tenants, request.tenantId);
  if (!tenant) return { request, explorationFloor: null, settings: nothing };
  const settings: string[] = [];
  const counts = <T>(name: string, own: T | undefined, isSaid: boolean): T | undefined => {
    if (own === undefined || isSaid) return undefined;
    settings.push(name);
    return own;
  };
  const limits = stricter(tenant.limits, request.limits, models);
  if (limits !== request.limits) settings.push('limits');
  return {
    request: {
      ...request,
      preference: counts('preference', tenant.preference, request.preference !== null) ?? request.preference,
      strategies: [...(counts('strategies', tenant.strategies, request.strategies.length > 0) ?? request.strategies)],
      collapse: counts('collapse', tenant.collapse, request.collapse !== null) ?? request.collapse,
      threadTimeoutMs:
        counts('threadTimeoutMs', tenant.threadTimeoutMs, request.threadTimeoutMs !== null) ?? request.threadTimeoutMs,
      limits,
    },
    explorationFloor: counts('explorationFloor', tenant.explorationFloor, false) ?? null,
    settings,
  };
}

/** Of two limits the stricter one; the request's own, as they are, where the tenant has none. */
export function stricter(own: TenantConfig['limits'], asked: Limits, models: RouterConfig['models']): Limits {
  const limitsNothing =
    own.maxCostUsd === null &&
    own.maxLatencyMs === null &&
    own.allowedModels.length + own.deniedModels.length + own.allowedProviders.length + own.deniedProviders.length === 0;
  if (limitsNothing) return asked;
  const allowed = both(own.allowedModels, asked.allowedModels);
  const providers = both(own.allowedProviders, asked.allowedProviders);
  return {
    ...asked,
    maxCostUsd: least(own.maxCostUsd, asked.maxCostUsd),
    maxLatencyMs: least(own.maxLatencyMs, asked.maxLatencyMs),
    allowedModels: allowed ?? [],
    allowedProviders: providers ?? [],
    // An empty list would allow all: where nothing is left, all are denied.
    deniedModels: union(own.deniedModels, asked.deniedModels, allowed === null ? models.map(({ name }) => name) : []),
    deniedProviders: union(
      own.deniedProviders,
      asked.deniedProviders,
      providers === null ? models.map(({ provider }) => provider) : [],
    ),
  };
}

function least(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}

/** What both allow, where an empty list allows all; null where they have nothing in common. */
function both(a: readonly string[], b: readonly string[]): string[] | null {
  if (a.length === 0 || b.length === 0) return [...a, ...b];
  const common = a.filter((one) => b.includes(one));
  return common.length > 0 ? common : null;
}

function union(...lists: readonly (readonly string[])[]): string[] {
  return [...new Set(lists.flat())];
}
