/** What a configuration file may say of shadows: who judges the traffic beside those who decide, and has no influence. */
import { z } from 'zod';
import type { Issue } from '../describe-issues';
import { type ShadowConfig, strategyNames } from '../router-config';

const maxShadows = 16;
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, { error: 'must be 64 hexadecimal digits' });

export const shadowSchema = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(100)
    .regex(/^[^/\p{Cc}\p{Cs}]+$/u, { error: 'must have no slash and no control character in it' })
    .describe('unique; what GET /v1/shadows calls it'),
  strategy: z.enum(strategyNames).optional().describe('this strategy alone'),
  policy: z
    .strictObject({ policySha256: sha256, basisSha256: sha256 })
    .optional()
    .describe('LEARNING_OPTIMIZED alone, with these learned weights instead of those in force'),
  config: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('a whole configuration: what would be decided under it'),
  group: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('a program of your own that writes strategy.scored under this group'),
}) satisfies z.ZodType<ShadowConfig>;

export const shadowsSchema = z
  .array(shadowSchema)
  .max(maxShadows)
  .default([])
  .describe('who judges live traffic without influence, to be compared with those who decide');

const kinds = ['strategy', 'policy', 'config', 'group'] as const;

/** Rules over several fields, of the raw value. `issuesOf`: what is wrong with a whole configuration. */
export function shadowIssues(shadows: unknown, issuesOf: (config: unknown) => readonly Issue[]): Issue[] {
  if (!Array.isArray(shadows) || shadows.length > maxShadows) return [];
  const names = new Set<unknown>();
  return shadows.flatMap((shadow: unknown, at): Issue[] => {
    if (typeof shadow !== 'object' || shadow === null || Array.isArray(shadow)) return [];
    const given = shadow as Record<string, unknown>;
    const issues: Issue[] = [];
    const issueAt = (path: (string | number)[], message: string) =>
      issues.push({ path: ['shadows', at, ...path], message, at: 'value' });
    if (names.has(given['name'])) issueAt(['name'], `${JSON.stringify(given['name'])} is the name of another shadow`);
    if (given['name'] !== undefined) names.add(given['name']);
    if (kinds.filter((kind) => given[kind] !== undefined).length !== 1)
      issueAt([], `needs exactly one of ${kinds.join(', ')}`);
    const { config } = given;
    if (typeof config !== 'object' || config === null) return issues;
    if ('shadows' in config) issueAt(['config', 'shadows'], 'may have no shadows of its own');
    else
      issues.push(...issuesOf(config).map((issue) => ({ ...issue, path: ['shadows', at, 'config', ...issue.path] })));
    return issues;
  });
}
