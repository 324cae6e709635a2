/** GET /openapi.json: every endpoint, made from the endpoints themselves. */

import { z } from 'zod';
import { dictionaryOf } from '../../../lib/dictionary';
import { accessOf, isForAnybody } from '../access/check-access';
import { errorForms } from '../doors/error-form';
import type { Endpoint, RequestBody, ResponseBody } from '../endpoint';
import { addMessage, type JsonSchema } from '../http/avro-json-schema';
import { maxJsonDepth, maxJsonValues } from '../http/check-json-text';
import { type ErrorCode, errorStatus } from '../http/http-error';
import { acceptedEncodings } from '../http/read-body';
import { sendJson } from '../http/send-json';

export function openapiEndpoint(endpoints: readonly Endpoint[]): Endpoint {
  let document: JsonSchema | null = null;
  const self: Endpoint = {
    method: 'GET',
    path: '/openapi.json',
    standsBy: true,
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

function openapiDocument(endpoints: readonly Endpoint[]): JsonSchema {
  const schemas = dictionaryOf<string, JsonSchema>();
  for (const { name, schema } of Object.values(errorForms)) schemas[name] = jsonSchemaOf(schema, 'output');
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
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description: [
        'Decides, for every request, which language model should answer it. Every error has the shape of Error, or that of the API that was called.',
        `Bodies are UTF-8; content-encoding may be ${acceptedEncodings}. A body of JSON is nested at most ${maxJsonDepth} levels, has at most ${maxJsonValues} values (fields and list elements together), no key twice and no number beyond the range of a double.`,
        'Without a key or a token everything is open only where nobody but the machine itself reaches the port and there is no key yet, or where that was asked for by name. Each operation takes one of the roles of docs/security.md. Ids of a tenant are its own: another tenant may use the same.',
        'GET is answered to HEAD as well, OPTIONS with the methods in Allow; a slash at the end of a path changes nothing.',
      ].join(' '),
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { apiKey: [] }, {}],
    paths,
    components: {
      schemas,
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'A key of this gateway (qr_…), or a token of an OIDC issuer that the configuration names.',
        },
        apiKey: {
          ...{ type: 'apiKey', in: 'header', name: 'x-api-key' },
          description: 'The same, as client libraries of Anthropic send it.',
        },
      },
    },
  };
}

/** What may become of a request before its path is known, and of any in trouble. */
const ofAnyRequest: readonly ErrorCode[] = ['malformed_request', 'request_timeout', 'headers_too_large', 'internal'];

function operationOf(endpoint: Endpoint, schemas: Record<string, JsonSchema>): JsonSchema {
  const responses = dictionaryOf<string, JsonSchema>();
  for (const [status, { doc, body }] of Object.entries(endpoint.responses)) {
    responses[status] = { description: doc, content: contentOf(body, schemas) };
  }
  const access = accessOf(endpoint);
  const ofAskers: ErrorCode[] = isForAnybody(access) ? [] : ['unauthenticated', 'forbidden', 'rate_limited'];
  const ofBodies: ErrorCode[] = endpoint.body ? ['malformed_body', 'overloaded'] : [];
  const errors: ErrorCode[] = [...new Set([...endpoint.errors, ...ofAskers, ...ofBodies, ...ofAnyRequest])];
  for (const status of [...new Set(errors.map((code) => errorStatus[code]))].sort((a, b) => a - b)) {
    const codes = errors.filter((code) => errorStatus[code] === status);
    const error = { $ref: `#/components/schemas/${errorForms[endpoint.errorForm ?? 'own'].name}` };
    // Not ready is also what /ready says, in its own shape.
    const other = endpoint.responses[status];
    const schema = other ? { anyOf: [schemaOf(other.body, schemas), error] } : error;
    responses[status] = {
      description: `${other ? `${other.doc} ` : ''}code: ${codes.join(', ')}`,
      content: { 'application/json': { schema } },
    };
  }
  return {
    operationId: `${endpoint.method.toLowerCase()}${endpoint.path.replace(/[/{}.-]+(\w?)/g, (_all, letter: string) => letter.toUpperCase())}`,
    summary: endpoint.summary,
    ...(isForAnybody(access) && { security: [] }),
    ...(endpoint.description && { description: endpoint.description }),
    ...(endpoint.parameters && {
      parameters: endpoint.parameters.map(({ name, in: where, required, doc, schema }) => ({
        name,
        in: where,
        required,
        description: doc,
        schema,
      })),
    }),
    ...(endpoint.body && { requestBody: requestBodyOf(endpoint.body) }),
    responses,
  };
}

function requestBodyOf({ schemas, required, yaml }: RequestBody): JsonSchema {
  const shapes = schemas.map((schema) => jsonSchemaOf(schema, 'input'));
  const content = { 'application/json': { schema: shapes.length === 1 ? shapes[0]! : { anyOf: shapes } } };
  return { required, content: yaml ? { ...content, 'application/yaml': { schema: yaml } } : content };
}

function contentOf(body: ResponseBody, schemas: Record<string, JsonSchema>): JsonSchema {
  return { ['contentType' in body ? body.contentType : 'application/json']: { schema: schemaOf(body, schemas) } };
}

function schemaOf(body: ResponseBody, schemas: Record<string, JsonSchema>): JsonSchema {
  if ('contentType' in body) return { type: body.contentType === 'application/json' ? 'object' : 'string' };
  return 'message' in body ? addMessage(schemas, body.message) : jsonSchemaOf(body.schema, 'output');
}

function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}
