/**
 * Bodies of the APIs that client libraries speak. Only what is looked at here is described and checked; all else goes to the
 * provider as it came.
 */
import { z } from 'zod';
import { maxMessages, maxStrategies } from '../../../lib/routing/open/validate-request';
import { limitsSchema, preferenceSchema } from '../http/body-schemas';
import { id, label } from '../http/field-schemas';
import { messageSchema } from '../http/read-conversation';

const maxTools = 1_024;
const maxItems = 10_000;

/** What a caller may say to the router itself. It ends here. */
export const extensionSchema = z
  .strictObject({
    sessionId: id.nullish().describe('requests of one session share a budget and are handled in order'),
    taskHint: label.nullish().describe('what kind of task this is, if the caller knows'),
    limits: limitsSchema.partial().nullish().describe('hard limits; they narrow those of a preset'),
    preference: preferenceSchema.nullish().describe('what matters to this request'),
    strategies: z.array(id).max(maxStrategies).nullish(),
    collapse: id.nullish(),
  })
  .describe('What is said to the router itself and not passed on.');
export type Extension = z.output<typeof extensionSchema>;

/** Longer than any id here: `auto/` and the name of a preset. */
const model = z
  .string()
  .min(1)
  .max(400)
  .describe('auto, auto/<preset>, or the name of a configured model, which is then called whatever the engine thinks');

const common = {
  model,
  stream: z.boolean().nullish().describe('whether the answer comes as server-sent events'),
  metadata: z.looseObject({}).nullish().describe('passed on; session_id in it names the session'),
  quantum_router: extensionSchema.nullish(),
};
const tools = z.array(z.looseObject({})).max(maxTools).nullish();
const part = z.looseObject({ type: label });
const textOrParts = z.union([z.string(), z.array(part).max(maxItems)]);

export const chatBodySchema = z
  .looseObject({
    ...common,
    messages: z.array(messageSchema).min(1).max(maxMessages).describe('the conversation'),
    tools: tools.describe('tools that the model may call'),
    response_format: z.looseObject({ type: label }).nullish().describe('json_object and json_schema are checked'),
    stream_options: z.looseObject({}).nullish(),
    n: z.int().min(1).max(128).nullish(),
  })
  .describe('As for POST /chat/completions of OpenAI. Fields that are not listed are passed on.');

const messagesFields = {
  ...common,
  system: textOrParts.nullish(),
  messages: z
    .array(z.looseObject({ role: z.enum(['user', 'assistant', 'system']), content: textOrParts }))
    .min(1)
    .max(maxMessages)
    .describe('the conversation'),
  tools: tools.describe('tools that the model may call'),
};

export const messagesBodySchema = z
  .looseObject({
    ...messagesFields,
    max_tokens: z.int().min(1).max(2_147_483_647).describe('as the API demands it'),
  })
  .describe('As for POST /v1/messages of Anthropic. Fields that are not listed are passed on.');

const { stream: _noStream, ...counted } = messagesFields;

export const countTokensBodySchema = z
  .looseObject(counted)
  .describe('As for POST /v1/messages/count_tokens of Anthropic. Fields that are not listed are passed on.');

export const responsesBodySchema = z
  .looseObject({
    ...common,
    input: z
      .union([z.string().min(1), z.array(z.looseObject({})).min(1).max(maxItems)])
      .nullish()
      .describe('what is asked; may be left out where a prompt or a conversation that its provider keeps says it'),
    prompt: z.looseObject({}).nullish().describe('a prompt that its provider keeps'),
    conversation: z
      .union([label, z.looseObject({})])
      .nullish()
      .describe('only its provider has it: auto is the model that answered in it before, where that is known'),
    instructions: z.string().nullish(),
    previous_response_id: label
      .nullish()
      .describe(
        'only its provider has it: auto is the model that gave it, where that is known; from what came through chat any model goes on',
      ),
    tools: tools.describe('tools that the model may call'),
    text: z.looseObject({ format: z.looseObject({}).nullish() }).nullish(),
  })
  .refine(
    (body) => [body.input, body.prompt, body.conversation, body.previous_response_id].some((one) => one != null),
    {
      path: ['input'],
      message: 'must be given: a text or a list of items',
    },
  )
  .describe('As for POST /responses of OpenAI. Fields that are not listed are passed on.');

const { stream: _stream, ...withoutStream } = common;

export const embeddingsBodySchema = z
  .looseObject({
    ...withoutStream,
    model: z.string().min(1).max(400).describe('a configured model: vectors of different ones cannot be compared'),
    input: z
      .union([
        z.string().min(1),
        z.array(z.string()).min(1).max(2_048),
        z.array(z.int().min(0)).min(1).max(maxItems),
        z
          .array(z.array(z.int().min(0)).max(maxItems))
          .min(1)
          .max(2_048),
      ])
      .describe('texts or tokens'),
  })
  .describe('As for POST /embeddings of OpenAI. Fields that are not listed are passed on.');
