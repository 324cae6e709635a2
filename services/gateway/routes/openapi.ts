/** GET /openapi.json: every endpoint, made from the endpoints themselves. */

import { z } from 'zod';
import { dictionaryOf } from '../../../lib/dictionary';
import { addMessage, type JsonSchema } from '../avro-json-schema';
import type { Endpoint, ResponseBody } from '../endpoint';
import { type ErrorCode, errorSchema, errorStatus } from '../http-error';
import { sendJson } from '../send-json';

export function openapiEndpoint(endpoints: readonly Endpoint[]): Endpoint {
  let document: JsonSchema | null = null;
  const self: Endpoint = {
    method: 'GET',
    path: '/openapi.json',
    summary: 'This document (OpenAPI 3.1).',
    responses: { 200: { doc: 'The document.', body: { contentType: 'application/json' } } },
    errors: [],
    handler: (_request, reply) => {
      document ??= openapiDocument([...endpoints, self]);
      return sendJson(reply, document);
    },
  };
  return self;
}

export function openapiDocument(endpoints: readonly Endpoint[]): JsonSchema {
  const schemas: Record<string, JsonSchema> = { Error: jsonSchemaOf(errorSchema, 'output') };
  const paths = dictionaryOf<string, Record<string, JsonSchema>>();
  for (const endpoint of endpoints) {
    paths[endpoint.path] = paths[endpoint.path] ?? dictionaryOf();
    paths[endpoint.path]![endpoint.method.toLowerCase()] = operationOf(endpoint, schemas);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Quantum Router',
      version: '1',
      description:
        'Decides, for every request, which language model should answer it. Every error has the shape of Error.',
    },
    paths,
    components: { schemas },
  };
}

function operationOf(endpoint: Endpoint, schemas: Record<string, JsonSchema>): JsonSchema {
  const responses = dictionaryOf<string, JsonSchema>();
  for (const [status, { doc, body }] of Object.entries(endpoint.responses)) {
    responses[status] = { description: doc, content: contentOf(body, schemas) };
  }
  const errors: ErrorCode[] = [...endpoint.errors, 'internal'];
  for (const status of new Set(errors.map((code) => errorStatus[code]))) {
    const codes = errors.filter((code) => errorStatus[code] === status);
    responses[status] = {
      description: `code: ${codes.join(', ')}`,
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
    };
  }
  return {
    operationId: `${endpoint.method.toLowerCase()}${endpoint.path.replace(/[/{}.-]+(\w?)/g, (_all, letter: string) => letter.toUpperCase())}`,
    summary: endpoint.summary,
    ...(endpoint.description && { description: endpoint.description }),
    ...(endpoint.parameters && {
      parameters: endpoint.parameters.map(({ name, in: where, required, doc }) => ({
        name,
        in: where,
        required,
        description: doc,
        schema: { type: 'string' },
      })),
    }),
    ...(endpoint.body && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: jsonSchemaOf(endpoint.body, 'input') } },
      },
    }),
    responses,
  };
}

function contentOf(body: ResponseBody, schemas: Record<string, JsonSchema>): JsonSchema {
  if ('contentType' in body)
    return { [body.contentType]: { schema: { type: body.contentType === 'application/json' ? 'object' : 'string' } } };
  const schema = 'message' in body ? addMessage(schemas, body.message) : jsonSchemaOf(body.schema, 'output');
  return { 'application/json': { schema } };
}

function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}
