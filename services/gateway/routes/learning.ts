/** GET /v1/learning/policy: what the policy in force goes by, and what its clusters of requests are about. */
import { z } from 'zod';
import type { Endpoint, GatewayContext } from '../endpoint';
import { sendJson } from '../http/send-json';

const share = z.number();
const shares = z.array(z.strictObject({ name: z.string(), share }));
const studiedSchema = z.strictObject({
  policySha256: z.string().nullable().describe('the policy in force; null before there is one'),
  atMs: z.int().nullable().describe('when this was worked out; anew at most once a minute'),
  requests: z.int().describe('newest requests that were looked at'),
  judged: z.int().describe('of these, those in which learned weights have a say'),
  parts: z
    .array(
      z.strictObject({
        part: z
          .string()
          .describe(
            'wording and shape of the text, or the vector of the caller; task; circumstances: availability, history, limits, preference, session',
          ),
        changed: share.describe('share of the requests for which the same draw takes another model without it'),
        moved: share.describe('mean probability that moves to other models'),
        utilityLost: z.number().describe('mean utility lost without it, as the policy itself reckons'),
      }),
    )
    .describe('what the policy sees of a request, each taken for the mean of all requests in turn; most changed first'),
  clusters: z
    .array(
      z.strictObject({
        cluster: z.int(),
        requests: z.int(),
        tasks: shares.describe('the most frequent task types'),
        models: shares.describe('what would be drawn now, the likeliest first'),
        promptTokens: z.number().describe('mean'),
        complexity: z.number().nullable().describe('mean, 0..1; null where it was not told'),
        shape: z.array(z.string()).describe('what its texts look like beside others; nothing of what they say'),
      }),
    )
    .describe('kinds of requests as the policy tells them apart, most frequent first'),
});

export function learningEndpoints({ policyStudy }: GatewayContext): Endpoint[] {
  return [
    {
      method: 'GET',
      path: '/v1/learning/policy',
      summary: 'What the policy in force goes by, and what its clusters of requests are about.',
      description:
        'The newest requests are decided again with the policy in force, by the functions that decide and with the same draw: as it is, and without each part of what it sees. Losses are by its own reckoning, since nobody knows what other answers would have been worth.',
      responses: { 200: { doc: 'What was found.', body: { schema: studiedSchema } } },
      errors: ['not_ready'],
      handler: async (_request, reply) =>
        sendJson(
          reply,
          (await policyStudy()) ?? { policySha256: null, atMs: null, requests: 0, judged: 0, parts: [], clusters: [] },
        ),
    },
  ];
}
