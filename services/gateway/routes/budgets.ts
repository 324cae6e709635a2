/** GET /v1/budgets: the configured budgets, and how the accounts stand that somebody has spent from. */
import { z } from 'zod';
import { paceOf } from '../../../lib/budgets/pace';
import { budgetsSchema } from '../../../lib/config/schema/budget-schema';
import type { BudgetState } from '../../../lib/topics/generated/messages';
import { configInForce } from '../configuration/config-in-force';
import type { Endpoint, GatewayContext } from '../endpoint';
import { invalidField } from '../http/http-error';
import { sendJson } from '../http/send-json';

/** Accounts of one answer: sessions and users may be many. */
const maxAccounts = 1_000;

const money = z.number().describe('USD');
const accountSchema = z.strictObject({
  account: z.string().describe('name of the budget, a slash, and the owner'),
  budget: z.string(),
  scope: z.string(),
  owner: z.string().describe('tenant, user (tenant/user) or session'),
  level: z.enum(['OK', 'SOFT', 'LIMIT']).describe('SOFT: nearly spent; LIMIT: too little left for the last request'),
  limitUsd: money.nullable(),
  limitTokens: z.int().nullable(),
  limitCalls: z.int().nullable(),
  spentUsd: money,
  spentTokens: z.int(),
  spentCalls: z.int().describe('decisions'),
  reservedUsd: money.describe('of decisions whose calls were not reported yet'),
  reservedTokens: z.int(),
  reservedCalls: z.int().describe('granted, and not decided yet'),
  beyondReservedUsd: money.describe('of spentUsd, what calls cost more than was reserved for them'),
  refusals: z.int(),
  unreported: z.int().describe('decisions whose reservation was released since nothing was reported in time'),
  periodStartMs: z.int(),
  periodEndMs: z.int().nullable(),
  pacedUsd: money.nullable().describe('what an even pace would have spent by now; null where the budget is not paced'),
  pricePerUsd: z
    .number()
    .describe('utility that a USD costs requests beside their preference, since more than that is spent; 0: it is not'),
  updatedAtMs: z.int().describe('when this was true; at most a second late'),
});
const answerSchema = z.strictObject({
  configured: budgetsSchema.describe('budgets of the configuration in force'),
  accounts: z.array(accountSchema).max(maxAccounts).describe('by name of the account'),
  omitted: z.int().describe('further accounts; ask for one budget or owner'),
});

const text = { type: 'string', minLength: 1, maxLength: 1_000 } as const;

export function budgetEndpoints(context: GatewayContext): Endpoint[] {
  return [
    {
      method: 'GET',
      path: '/v1/budgets',
      summary: 'Budgets: what is configured, spent, reserved and left.',
      description: `At most ${maxAccounts} accounts. An account is there once a request was under its budget, until its period has ended.`,
      parameters: [
        { name: 'budget', in: 'query', required: false, doc: 'accounts of this budget only', schema: text },
        {
          name: 'owner',
          in: 'query',
          required: false,
          doc: 'of this tenant, tenant/user or session only',
          schema: text,
        },
      ],
      responses: { 200: { doc: 'The budgets.', body: { schema: answerSchema } } },
      errors: ['invalid_field', 'not_ready'],
      handler: (request, reply) => {
        const current = configInForce(context);
        const wanted = request.query as Record<string, string | string[] | undefined>;
        const [budget, owner] = [wordIn(wanted['budget'], 'budget'), wordIn(wanted['owner'], 'owner')];
        const found = [...context.budgets.values()]
          .filter((state) => (budget === null || state.budget === budget) && (owner === null || state.owner === owner))
          .sort((a, b) => (a.account < b.account ? -1 : 1));
        const paced = new Set(current.config.budgets.flatMap(({ name, pace }) => (pace === 'even' ? [name] : [])));
        const nowMs = context.clock.nowMs();
        const legible = (state: BudgetState) => {
          const pace = paced.has(state.budget) ? paceOf(state, nowMs) : null;
          return { ...state, pacedUsd: pace?.pacedUsd ?? null, pricePerUsd: pace?.pricePerUsd ?? 0 };
        };
        return sendJson(reply, {
          configured: current.config.budgets,
          accounts: found.slice(0, maxAccounts).map(legible),
          omitted: Math.max(0, found.length - maxAccounts),
        });
      },
    },
  ];
}

function wordIn(given: string | string[] | undefined, field: string): string | null {
  if (given === undefined) return null;
  if (Array.isArray(given)) throw invalidField(field, 'is given twice; which of the two is meant?');
  if (given.length > text.maxLength) throw invalidField(field, `has more than ${text.maxLength} characters`);
  return given;
}
