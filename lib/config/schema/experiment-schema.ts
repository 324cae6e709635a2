/** What a configuration file may say of experiments, with limits, defaults and one line for people each. */
import { z } from 'zod';
import { metricNames } from '../../experiments/guardrails';
import type { Issue } from '../describe-issues';
import { collapseNames, strategyNames } from '../router-config';

const maxExperiments = 16;
const maxArms = 8;
const fraction = z.number().min(0).max(1);
const weight = z.number().min(0).max(1e9);
const name = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[^/\p{Cc}\p{Cs}]+$/u, { error: 'must have no slash and no control character in it' });
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, { error: 'must be 64 hexadecimal digits' });

const settingsSchema = z.strictObject({
  strategies: z
    .array(z.enum(strategyNames))
    .min(1)
    .max(8)
    .refine((all) => new Set(all).size === all.length, { error: 'must name each strategy once' })
    .optional()
    .describe('as in the configuration'),
  collapse: z.enum(collapseNames).optional().describe('as in the configuration'),
  explorationFloor: fraction.optional().describe('as in the configuration'),
  preference: z
    .strictObject({ quality: weight.default(0), cost: weight.default(0), latency: weight.default(0) })
    .refine(({ quality, cost, latency }) => quality + cost + latency > 0, {
      error: 'quality, cost and latency must not all be 0',
    })
    .optional()
    .describe('as in the configuration'),
  policy: z
    .strictObject({ policySha256: sha256, basisSha256: sha256 })
    .optional()
    .describe('learned weights by hash, as `models show` prints them, instead of those in force'),
});

export const experimentSchema = z.strictObject({
  name: name.describe('unique; what decisions and GET /v1/experiments call it'),
  unit: z
    .enum(['request', 'session', 'tenant', 'user'])
    .default('request')
    .describe('what stays in one arm; requests without one take no part'),
  layer: name
    .default('default')
    .describe('experiments of one layer share no unit; of different layers they are independent'),
  from: fraction.default(0).describe('its part of the layer: from here'),
  to: fraction.default(1).describe('to here'),
  arms: z
    .array(
      z.strictObject({
        name,
        weight: z.number().min(0.001).max(1_000).default(1).describe('relative to the other arms'),
        set: settingsSchema.prefault({}).describe('what is different; nothing for a control'),
      }),
    )
    .min(2)
    .max(maxArms)
    .describe('the first is the control that the others are compared with'),
  alpha: z.number().min(0.0001).max(0.5).default(0.05).describe('chance that an interval ever misses the truth'),
  tightestAt: z
    .int()
    .min(100)
    .max(100_000_000)
    .default(10_000)
    .describe('units at which intervals are tightest; they hold at any number'),
  guardrails: z
    .array(
      z.strictObject({
        metric: z.enum(metricNames),
        allowed: z.number().min(0).max(1e9).default(0).describe("how much worse than the control's, in its unit"),
      }),
    )
    .max(8)
    .default([])
    .describe(
      'the experiment is stopped, and everybody back at the configuration, once an arm is worse with confidence',
    ),
  ramp: z
    .strictObject({
      steps: z
        .array(z.number().min(0.0001).max(1))
        .min(1)
        .max(20)
        .default([1])
        .describe('shares of its units, growing'),
      unitsPerStep: z
        .int()
        .min(1)
        .max(1_000_000_000)
        .default(1_000)
        .describe('of the smallest arm, before the next step'),
    })
    .prefault({})
    .describe('how it grows while no guardrail is broken'),
});

export const experimentsSchema = z
  .array(experimentSchema)
  .max(maxExperiments)
  .default([])
  .describe('experiments that run: sticky arms with settings of their own, compared by what comes of them');

/** Rules over several fields, of the raw value. */
export function experimentIssues(experiments: unknown): Issue[] {
  const parsed = experimentsSchema.safeParse(experiments ?? []);
  // Faults of a field are told as such.
  if (!parsed.success) return [];
  const issues: Issue[] = [];
  const issueAt = (path: (string | number)[], message: string) =>
    issues.push({ path: ['experiments', ...path], message, at: 'value' });
  const all = parsed.data;
  for (const [at, one] of all.entries()) {
    if (one.from >= one.to) issueAt([at, 'to'], `must be above from (${one.from})`);
    if (one.ramp.steps.some((step, i) => i > 0 && step <= one.ramp.steps[i - 1]!))
      issueAt([at, 'ramp', 'steps'], 'must grow from step to step');
    const names = one.arms.map((arm) => arm.name);
    if (new Set(names).size < names.length) issueAt([at, 'arms'], 'must have names of their own');
    if (Object.keys(Object.assign({}, ...one.arms.map(({ set }) => set))).length === 0)
      issueAt([at, 'arms'], 'must set something: no arm differs from the configuration');
    for (const other of all.slice(0, at)) {
      if (other.name === one.name) issueAt([at, 'name'], `"${one.name}" is the name of another experiment`);
      if (other.layer === one.layer && other.from < one.to && one.from < other.to)
        issueAt(
          [at, 'from'],
          `overlaps with "${other.name}" in layer "${one.layer}": give each a part, or a layer of its own`,
        );
      const both =
        other.layer === one.layer ? [] : settingsOf(other).filter((field) => settingsOf(one).includes(field));
      if (both.length > 0)
        issueAt(
          [at, 'layer'],
          `"${other.name}" in another layer sets ${both.join(', ')} as well: put both into one layer`,
        );
    }
  }
  return issues;
}

function settingsOf({ arms }: z.output<typeof experimentSchema>): string[] {
  return [...new Set(arms.flatMap(({ set }) => Object.keys(set)))];
}
