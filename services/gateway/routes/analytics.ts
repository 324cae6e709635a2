/** /v1/analytics: what was decided, called and learned, by time and dimension; and what other policies would have done. */
import { Readable } from 'node:stream';
import { setImmediate as turnOfOthers } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { csvFormat, csvHeadings, jsonFormat } from '../../../lib/analytics/answer-format';
import { type AnalyticsQuery, answerQuery, maxSteps, spanOf } from '../../../lib/analytics/answer-query';
import {
  analyticsMetrics,
  type Breakdown,
  breakdownNames,
  type MetricName,
  metricFault,
  metricNames,
} from '../../../lib/analytics/metrics';
import { checkValue } from '../../../lib/config/describe-issues';
import { timeMsOf, timeSchema } from '../../../lib/topics/calendar-time';
import type { Endpoint, GatewayContext } from '../endpoint';
import { invalidField } from '../http/http-error';
import { readBody } from '../http/read-body';
import { sendJson } from '../http/send-json';

const stepMsOf = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const stepPattern = /^(\d{1,4})([mhd])$/;

const metric = z.enum(metricNames as [MetricName, ...MetricName[]]);
const breakdown = z.enum(breakdownNames as [Breakdown, ...Breakdown[]]);
const step = z
  .string()
  .regex(stepPattern, { error: 'must be a number and m, h or d, such as 5m' })
  .describe('length of a step, such as 1m, 5m, 1h or 1d; left out: the whole time is one');

const defaultMetrics: readonly MetricName[] = ['decisions', 'quality', 'costUsd', 'errorRate'];

const querySchema = z.strictObject({
  timerange: z
    .strictObject({
      from: timeSchema
        .optional()
        .describe('beginning, rounded down to a window; an hour before the end where left out'),
      to: timeSchema.optional().describe('end, exclusive; now where left out'),
    })
    .prefault({}),
  step: step.nullable().default(null),
  metrics: z
    .array(metric)
    .min(1)
    .max(metricNames.length)
    .default([...defaultMetrics]),
  breakdown: breakdown.default('none').describe('what rows are broken down by'),
  format: z.enum(['json', 'csv']).default('json'),
});

const rowSchema = z.strictObject({
  startMs: z.int().describe('beginning of the step, milliseconds since the epoch'),
  of: z.record(z.string(), z.string()).describe('value of each dimension; other: those beyond the limit of a window'),
  values: z.record(z.string(), z.number().nullable()).describe('by metric; null where nothing is known'),
});
const answerSchema = z.strictObject({
  fromMs: z.int(),
  toMs: z.int(),
  stepMs: z.int().nullable(),
  breakdown,
  rows: z.array(rowSchema),
});

const interval = z.strictObject({ value: z.number(), low: z.number(), high: z.number() }).nullable();
const counterfactualsSchema = z.strictObject({
  decisions: z.int().describe('that are evidence'),
  judged: z.int(),
  leftOut: z.int().describe('degraded or malformed'),
  policies: z.array(
    z.strictObject({
      policy: z.string(),
      kind: z.enum(['router', 'single-model', 'static-rules', 'previous-policy', 'shadow']),
      refused: z.string().nullable().describe('why the log cannot tell; null when it can'),
      quality: interval.describe('mean, with an interval of 95 %'),
      costUsd: interval.describe('mean per request, in USD'),
      utility: interval.describe('mean worth under the preference of each request, in units of utility'),
      qualityGained: interval.describe('by the router, on the same draws'),
      utilityGained: interval.describe('the same in utility'),
      savedUsd: interval.describe('by the router per request, in USD, what it costs itself taken off'),
    }),
  ),
  bestSingleModel: z.string().nullable(),
});

const maxJudgedEvents = 20_000;
const hourMs = 3_600_000;

const errors = ['invalid_field'] as const;

/** Judging takes a thread most of a second: whoever asks the same again within so long is told the same. */
const judgedAnewMs = 10_000;

export function analyticsEndpoints(context: GatewayContext): Endpoint[] {
  const { store } = context.analytics;
  const answer = (reply: FastifyReply, query: AnalyticsQuery, format: 'json' | 'csv'): Readable => {
    if (format === 'csv') {
      reply.header('content-type', 'text/csv; charset=utf-8');
      return written([csvHeadings(query.by, query.metrics)], answerQuery(store, query, csvFormat), []);
    }
    reply.header('content-type', 'application/json; charset=utf-8');
    const { fromMs, toMs, stepMs, by } = query;
    const head = JSON.stringify({ fromMs, toMs, stepMs, breakdown: by });
    return written([`${head.slice(0, -1)},"rows":[`], answerQuery(store, query, jsonFormat), [']}']);
  };
  const description = [
    'Metrics:',
    ...metricNames.map((name) => `${name} (${analyticsMetrics[name].doc});`),
    `at most ${maxSteps} steps. Minutes are kept for 26 hours, hours for 40 days, days for two years.`,
  ].join(' ');
  const responses = {
    200: { doc: 'The rows, in order of time; as CSV where asked for.', body: { schema: answerSchema } },
  };
  return [
    {
      method: 'GET',
      path: '/v1/analytics',
      summary: 'Decisions, calls, costs and quality by time and dimension.',
      description,
      parameters: [
        parameter('from', 'beginning; an hour before the end where left out', timeSchema),
        parameter('to', 'end, exclusive; now where left out', timeSchema),
        parameter('step', 'length of a step, such as 1m, 1h or 1d; left out: the whole time is one', step),
        { ...parameter('metrics', `separated by commas; of ${metricNames.join(', ')}`, z.string().min(1).max(500)) },
        parameter('by', 'what rows are broken down by', breakdown),
        parameter('format', 'json or csv', z.enum(['json', 'csv'])),
      ],
      responses,
      errors: [...errors],
      handler: (request, reply) => {
        const { from, to, by, metrics, ...rest } = onlyOnce(request, ['from', 'to', 'step', 'metrics', 'by', 'format']);
        const body = {
          timerange: {
            ...(from !== undefined && { from: readTime('from', from) }),
            ...(to !== undefined && { to: readTime('to', to) }),
          },
          ...rest,
          ...(by !== undefined && { breakdown: readParameter('by', breakdown, by) }),
          ...(metrics !== undefined && { metrics: metrics.split(',') }),
        };
        const { query, format } = readQuery(context, body, '');
        return answer(reply, query, format);
      },
    },
    {
      method: 'POST',
      path: '/v1/analytics',
      summary: 'The same question as a body.',
      description,
      body: { schemas: [querySchema], required: false },
      responses,
      errors: [...errors, 'malformed_json', 'body_too_large', 'unsupported_media_type'],
      handler: (request, reply) => {
        const { query, format } = readQuery(context, request.body ?? {}, 'timerange.');
        return answer(reply, query, format);
      },
    },
    {
      method: 'GET',
      path: '/v1/analytics/counterfactuals',
      summary:
        'What each model alone, the static rules and the weights before these would have scored and cost on the same traffic.',
      description: `Off-policy estimates with intervals of 95 %, from the newest ${maxJudgedEvents} records of learning at most; refused where the log cannot tell. The best single model is chosen by looking at the estimates, so its interval is a little too narrow.`,
      parameters: [
        parameter('from', 'beginning; a day before the end where left out', timeSchema),
        parameter('to', 'end, exclusive; now where left out', timeSchema),
        parameter(
          'routerUsdPerDecision',
          'what the router itself costs per decision, in USD; 0 where left out',
          z.number().min(0).max(1e6),
        ),
        parameter(
          'previous',
          'true: the weights that were in force before these as well, asked about the newest 2,000 requests',
          z.enum(['true', 'false']),
        ),
      ],
      responses: { 200: { doc: 'The policies.', body: { schema: counterfactualsSchema } } },
      errors: ['invalid_field', 'not_ready', 'overloaded'],
      handler: async (request, reply) => {
        const given = onlyOnce(request, ['from', 'to', 'routerUsdPerDecision', 'previous']);
        const asOfMs = Math.ceil((context.clock.nowMs() + 1) / judgedAnewMs) * judgedAnewMs;
        const { fromMs, toMs } = rangeOf(
          context,
          {
            ...(given['from'] !== undefined && { from: readTime('from', given['from']) }),
            ...(given['to'] !== undefined && { to: readTime('to', given['to']) }),
          },
          24 * hourMs,
          '',
          asOfMs,
        );
        const routerUsdPerDecision = decimalOf(given['routerUsdPerDecision'] ?? '0');
        if (!(routerUsdPerDecision >= 0 && routerUsdPerDecision <= 1e6))
          throw invalidField('routerUsdPerDecision', 'must be a number from 0 to 1000000');
        const { previous = 'false' } = given;
        if (previous !== 'true' && previous !== 'false') throw invalidField('previous', 'must be true or false');
        const range = { fromMs, toMs, asOfMs, maxEvents: maxJudgedEvents, routerUsdPerDecision };
        return sendJson(reply, await context.analytics.judge({ ...range, withPrevious: previous === 'true' }));
      },
    },
  ];
}

/** Windows that are looked at, and characters that are written, before requests have their turn: some milliseconds of either. */
const windowsAtOnce = 64;
const charactersAtOnce = 128 * 1_024;

/** A large answer is made as it is read: it is nowhere as a whole, and who decides meanwhile does not wait for it. */
function written(...parts: readonly Iterable<string>[]): Readable {
  const pieces = async function* (): AsyncIterable<Buffer> {
    let text = '';
    let looked = 0;
    for (const part of parts)
      for (const more of part) {
        text += more;
        if (++looked < windowsAtOnce && text.length < charactersAtOnce) continue;
        if (text !== '') yield Buffer.from(text);
        text = '';
        looked = 0;
        await turnOfOthers();
      }
    yield Buffer.from(text);
  };
  return Readable.from(pieces(), { objectMode: false });
}

function parameter(name: string, doc: string, schema: z.ZodType) {
  const { $schema: _, ...jsonSchema } = z.toJSONSchema(schema, { io: 'input' });
  return { name, in: 'query' as const, required: false, doc, schema: jsonSchema };
}

/** Parameters of the query, each given once at most. */
function onlyOnce(request: FastifyRequest, names: readonly string[]): Record<string, string | undefined> {
  const given = request.query as Record<string, string | string[] | undefined>;
  for (const [name, value] of Object.entries(given)) {
    if (!names.includes(name)) throw invalidField(name, `unknown parameter; known are ${names.join(', ')}`);
    if (Array.isArray(value)) throw invalidField(name, 'is given twice; which of the two is meant?');
  }
  return given as Record<string, string | undefined>;
}

/** In a URL a time in milliseconds is digits. */
function timeOf(text: string): number | string {
  return /^\d{1,15}$/.test(text) ? Number(text) : text;
}

/** `Number` takes nothing for 0 and 0x10 for 16. NaN for what is no decimal number. */
function decimalOf(text: string): number {
  return /^\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
}

/** A parameter is named as it stands in the URL, not as the body calls it. */
function readParameter<T>(name: string, schema: z.ZodType<T>, value: unknown): T {
  const checked = checkValue(schema, value);
  if (checked.ok) return checked.value;
  throw invalidField(name, checked.issues[0]!.message);
}

function readTime(name: string, text: string): number | string {
  return readParameter(name, timeSchema, timeOf(text));
}

function readQuery(
  context: GatewayContext,
  body: unknown,
  under: string,
): { query: AnalyticsQuery; format: 'json' | 'csv' } {
  const { timerange, step: stepText, metrics, breakdown: by, format } = readBody(querySchema, body);
  const range = rangeOf(context, timerange, hourMs, under);
  const stepMs = stepText === null ? null : readStep(stepText);
  if (stepMs !== null && (range.toMs - range.fromMs) / stepMs > maxSteps)
    throw invalidField('step', `makes more than ${maxSteps} steps; take a longer one`);
  metrics.forEach((name, i) => {
    const fault = metricFault(name, by);
    if (fault !== null) throw invalidField(`metrics.${i}`, fault);
  });
  // Asked for twice it is told once.
  return { query: { ...range, stepMs, metrics: [...new Set(metrics)], by }, format };
}

function readStep(text: string): number {
  const [, count = '0', unit = 'm'] = stepPattern.exec(text)!;
  const stepMs = Number(count) * stepMsOf[unit as keyof typeof stepMsOf];
  if (stepMs === 0 || spanOf(stepMs) === null) throw invalidField('step', 'must be at least 1m');
  return stepMs;
}

function rangeOf(
  { clock }: GatewayContext,
  { from, to }: { readonly from?: number | string | undefined; readonly to?: number | string | undefined },
  lengthMs: number,
  under: string,
  // What happens in this very millisecond is meant, too.
  nowMs = clock.nowMs() + 1,
): { fromMs: number; toMs: number } {
  const toMs = to === undefined ? nowMs : timeMsOf(to);
  const fromMs = from === undefined ? Math.max(0, toMs - lengthMs) : timeMsOf(from);
  if (fromMs >= toMs) throw invalidField(`${under}from`, 'must be before the end');
  return { fromMs, toMs };
}
