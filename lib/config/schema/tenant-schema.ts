/** What a configuration file may say of single tenants: which settings are other ones for their requests. */
import { z } from 'zod';
import { id } from '../../topics/identifier-schemas';
import type { Issue } from '../describe-issues';
import { collapseNames, strategyNames, type TenantConfig } from '../router-config';
import { presetSchema } from './provider-schema';

const maxTenants = 256;
const { limits } = presetSchema.shape;

const tenantSchema = z.strictObject({
  preference: z
    .strictObject({
      quality: z.number().min(0).max(1e9).default(0),
      cost: z.number().min(0).max(1e9).default(0),
      latency: z.number().min(0).max(1e9).default(0),
    })
    .optional()
    .describe('what matters to this tenant, where a request does not say'),
  strategies: z.array(z.enum(strategyNames)).min(1).max(8).optional().describe('in place of those above'),
  collapse: z.enum(collapseNames).optional().describe('in place of the one above'),
  threadTimeoutMs: z.int().min(1).max(60_000).optional().describe('where a request does not say'),
  explorationFloor: z.number().min(0).max(1).optional().describe('in place of the one above'),
  limits: limits.describe('hard limits of all its requests: of these and those of a request the stricter one holds'),
});

export const tenantsSchema = z
  .record(id, tenantSchema)
  .refine((table) => Object.keys(table).length <= maxTenants, { error: `must have at most ${maxTenants} entries` })
  .default({})
  .describe('settings of single tenants, by tenantId; what is left out is as for everybody') satisfies z.ZodType<
  Readonly<Record<string, TenantConfig>>
>;

/** Rules over several fields, of the raw value: a tenant without a wish, and models that nobody has. */
export function tenantIssues({ tenants, models }: Record<string, unknown>): Issue[] {
  if (!isTable(tenants) || !Array.isArray(models)) return [];
  const known = (field: 'name' | 'provider') => new Set(models.map((model) => isTable(model) && model[field]));
  const [names, providers] = [known('name'), known('provider')];
  return Object.entries(tenants).flatMap(([tenant, value]): Issue[] => {
    if (!isTable(value)) return [];
    const issues: Issue[] = [];
    const { preference, strategies, limits: given } = value;
    const issueAt = (path: (string | number)[], message: string) =>
      issues.push({ path: ['tenants', tenant, ...path], message, at: 'value' });
    if (isTable(preference) && ['quality', 'cost', 'latency'].every((aim) => (preference[aim] ?? 0) === 0))
      issueAt(['preference'], 'quality, cost and latency must not all be 0');
    if (Array.isArray(strategies) && strategies.length <= 8 && new Set(strategies).size < strategies.length)
      issueAt(['strategies'], 'one is listed twice');
    if (!isTable(given)) return issues;
    for (const [field, there] of [
      ['allowedModels', names],
      ['deniedModels', names],
      ['allowedProviders', providers],
      ['deniedProviders', providers],
    ] as const) {
      const listed = given[field];
      if (!Array.isArray(listed) || listed.length > maxTenants) continue;
      listed.forEach((one, at) => {
        if (typeof one === 'string' && !there.has(one))
          issueAt(['limits', field, at], `"${one}" is none that a model here has`);
      });
    }
    return issues;
  });
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
