/** GET /v1/decisions/{id}/answer: what a model answered, where it was kept, for who may see it. */
import { z } from 'zod';
import { idFault } from '../../../lib/topics/identifiers';
import { innerId } from '../access/tenant-ids';
import { answerSchema } from '../answers/seal-answer';
import type { Endpoint, GatewayContext } from '../endpoint';
import { id as idText } from '../http/field-schemas';
import { HttpError, invalidField } from '../http/http-error';
import { sendJson } from '../http/send-json';

const { $schema: _, ...idSchema } = z.toJSONSchema(idText);

const keptSchema = z.strictObject({
  decisionId: z.string(),
  model: z.string(),
  keptAtMs: z.int(),
  expiresAtMs: z.int().describe('it is shown until then'),
  keyId: z.string().describe('key of the configuration that it was sealed with'),
  answer: answerSchema,
});

export function answerEndpoints(context: GatewayContext): Endpoint[] {
  return [
    {
      method: 'GET',
      path: '/v1/decisions/{id}/answer',
      summary: 'What was answered, where the configuration has answers kept.',
      description:
        "For who may view and is of the tenant that the call was made for: whoever looks after the installation sees only answers of nobody's. Who has read which answer stands in the log of the gateway.",
      parameters: [{ name: 'id', in: 'path', required: true, doc: 'decisionId', schema: idSchema }],
      responses: { 200: { doc: 'The answer, decrypted.', body: { schema: keptSchema } } },
      errors: ['invalid_field', 'not_found', 'not_ready', 'overloaded'],
      handler: async (request, reply) => {
        const { id } = request.params as { id: string };
        const fault = idFault(id);
        if (fault !== null) throw invalidField('id', fault);
        const { asker } = request;
        const none = (why: string): HttpError =>
          new HttpError('not_found', `there is no answer of ${JSON.stringify(id)} to be shown: ${why}`);
        const decision = await context.findDecision(innerId(asker, 'id', id), null);
        // Whose it is counts, not who may look after what: an answer says more than a decision.
        if (!decision || decision.tenantId !== asker.tenantId) throw none('no decision of your tenant has this id');
        const kept = await context.inspect.answer(decision);
        if (!kept || kept.tenantId !== asker.tenantId) throw none('none was kept');
        if (kept.expiresAtMs <= context.clock.nowMs()) throw none('it was kept no longer');
        const current = context.config();
        if (!current) throw new HttpError('not_ready', 'not ready: no configuration has been applied');
        const opened = context.answers.open(kept, current.config.answers, asker.who);
        if ('fault' in opened) throw none(opened.fault);
        const { model, keptAtMs, expiresAtMs, keyId } = kept;
        return sendJson(reply, { decisionId: id, model, keptAtMs, expiresAtMs, keyId, answer: opened.content });
      },
    },
  ];
}
