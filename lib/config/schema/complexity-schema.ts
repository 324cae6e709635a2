/** What a configuration file may say of complex requests: above which complexity only some models may answer. */
import { z } from 'zod';
import { id } from '../../topics/identifier-schemas';
import { configLimits } from '../config-limits';
import type { Issue } from '../describe-issues';
import type { ComplexityLimit } from '../router-config';

const maxLimits = 16;

export const complexityLimitsSchema = z
  .array(
    z.strictObject({
      above: z.number().min(0).max(1).describe('requests of a complexity above this, 0..1,'),
      models: z.array(id).min(1).max(configLimits.maxModels).describe('are answered by these models alone'),
    }),
  )
  .max(maxLimits)
  .default([])
  .describe('complex requests only on some models; what complexity is says docs/complexity.md') satisfies z.ZodType<
  readonly ComplexityLimit[]
>;

/** Rules over several fields, of the raw value: models that nobody has, and limits that together leave none. */
export function complexityIssues({ complexityLimits, models }: Record<string, unknown>): Issue[] {
  if (!Array.isArray(complexityLimits) || complexityLimits.length > maxLimits || !Array.isArray(models)) return [];
  const known = new Set(models.map((model: unknown) => (isTable(model) ? model['name'] : undefined)));
  const limits = complexityLimits.map((limit: unknown) => ({
    above: isTable(limit) ? limit['above'] : undefined,
    models: isTable(limit) && Array.isArray(limit['models']) ? limit['models'].slice(0, configLimits.maxModels) : [],
  }));
  const issues: Issue[] = [];
  limits.forEach(({ above, models: named }, at) => {
    const unknown = named.findIndex((model: unknown) => typeof model === 'string' && !known.has(model));
    if (unknown >= 0)
      issues.push(issueAt(['complexityLimits', at, 'models', unknown], `there is no model "${named[unknown]}"`));
    // Whoever is above this one is above all lower ones, too.
    const lower = limits.filter((other) => Number(other.above) <= Number(above));
    const left = named.filter((model: unknown) => lower.every((other) => other.models.includes(model)));
    if (named.length > 0 && left.length === 0)
      issues.push(
        issueAt(
          ['complexityLimits', at, 'models'],
          `no model is left above ${above}: none of these is allowed by the limits below it`,
        ),
      );
  });
  return issues;
}

function issueAt(path: (string | number)[], message: string): Issue {
  return { path, message, at: 'value' };
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
