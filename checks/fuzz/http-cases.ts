/** Hostile HTTP requests: every field of every body in the OpenAPI document edited, and the requests around them mutilated. */
import { seededRandom } from '../../lib/random/seeded';
import { type CaseList, caseList } from './case-list';
import { hostileTexts, prototypeWords } from './hostile-json';
import { alternativesOf, fieldsOf, type JsonSchema, sampleOf } from './json-schema';
import { editedJson, type JsonEdit } from './json-text';

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

interface HttpPart {
  readonly how: string;
  readonly edits?: readonly JsonEdit[];
  readonly whole?: (request: HttpRequest) => HttpRequest;
}

/** Hostile requests to one endpoint. */
export interface HttpCases {
  readonly endpoint: string;
  readonly list: CaseList<HttpPart>;
  /** A good request to it. */
  readonly ordinary: HttpRequest;
  readonly base: unknown;
}

interface Operation {
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: JsonSchema } } };
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
}

/** What a good body holds where the schema alone does not make one. */
const bases: Readonly<Record<string, unknown>> = {
  '/v1/route': { requestId: 'fuzz', prompt: 'Translate "good morning" into Finnish.' },
  '/v1/quantum/route': { requestId: 'fuzz', prompt: 'Write a haiku about logs.' },
  '/v1/feedback': { decisionId: 'fuzz-base', quality: 0.5 },
  '/v1/chat/completions': { model: 'auto', messages: [{ role: 'user', content: 'Say good morning.' }] },
  '/v1/messages': { model: 'auto', max_tokens: 100, messages: [{ role: 'user', content: 'Say good morning.' }] },
  '/v1/messages/count_tokens': { model: 'auto', messages: [{ role: 'user', content: 'Say good morning.' }] },
  '/v1/responses': { model: 'auto', input: 'Say good morning.' },
  '/v1/embeddings': { model: 'gpt-4.1', input: 'good morning' },
};
/** Exactly one of these is given. */
const contents = ['prompt', 'messages', 'features'];

/** One list for each operation of the document, in its order. Configurations are a surface of their own. */
export function httpCases(document: JsonSchema): HttpCases[] {
  const paths = document['paths'] as Record<string, Record<string, Operation>>;
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([method]) => !(path === '/v1/config' && method === 'put'))
      .map(([method, operation]) => casesOf(document, method.toUpperCase(), path, operation)),
  );
}

function casesOf(document: JsonSchema, method: string, path: string, operation: Operation): HttpCases {
  const schema = operation.requestBody?.content['application/json'].schema;
  const base = schema ? (bases[path] ?? sampleOf(schema, document)) : null;
  const ordinary: HttpRequest = {
    method,
    path: path.replace(/\{\w+\}/g, 'fuzz-base'),
    headers: schema ? { 'content-type': 'application/json' } : {},
    body: schema ? Buffer.from(JSON.stringify(base)) : null,
  };
  const names = (operation.parameters ?? []).filter((one) => one.in === 'query').map(({ name }) => name);
  const parts = [
    ...(schema ? editsOf(schema, document) : []),
    ...(schema ? bodies : []),
    ...addresses(path, names),
    ...headersOf,
    ...['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE', 'QUERY', 'TRACE', 'PROPFIND', 'M-SEARCH'].map(
      (other): HttpPart => ({ how: `method ${other}`, whole: (request) => ({ ...request, method: other }) }),
    ),
  ];
  return { endpoint: `${method} ${path}`, list: caseList(`${method} ${path}`, parts), ordinary, base };
}

function editsOf(schema: JsonSchema, document: JsonSchema): HttpPart[] {
  return fieldsOf(schema, document).flatMap(({ path, schema: of, around }) => {
    const first = path[0]!;
    const instead = contents.includes(String(first)) && first !== 'prompt' ? [{ path: ['prompt'], text: null }] : [];
    return hostileTexts(alternativesOf(of, document)).map(({ how, text, again }): HttpPart => {
      const edit = { path, text, ...(again && { again }) };
      // What comes twice must be there once.
      const once = again ? [{ path, text: JSON.stringify(sampleOf(of, document)) }] : [];
      return { how: `${path.join('.')}: ${how}`, edits: [...instead, ...around, ...once, edit] };
    });
  });
}

const withBody = (how: string, change: (body: Buffer) => Buffer): HttpPart => ({
  how,
  whole: (request) => ({ ...request, body: request.body && change(request.body) }),
});

const bodies: readonly HttpPart[] = [
  withBody('no body', () => Buffer.alloc(0)),
  withBody('cut off', (body) => body.subarray(0, body.length - 2)),
  withBody('BOM', (body) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), body])),
  withBody('UTF-16', (body) => Buffer.from(body.toString(), 'utf16le')),
  withBody('no UTF-8', (body) => Buffer.from(body.toString('latin1').replace('prompt', 'pr\xffmpt'), 'latin1')),
  withBody('zero bytes', () => Buffer.alloc(10_000)),
  withBody('null', () => Buffer.from('null')),
  withBody('a list', (body) => Buffer.from(`[${body}]`)),
  withBody('a string', () => Buffer.from('"x"')),
  withBody('a number', () => Buffer.from('1e400')),
  withBody('20,000 open lists', () => Buffer.from('['.repeat(20_000))),
  withBody('100,000 unknown keys', () =>
    Buffer.from(`{${Array.from({ length: 100_000 }, (_, index) => `"unknown${index}":1`).join(',')}}`),
  ),
  withBody('2 MB of blanks', (body) => Buffer.concat([body, Buffer.alloc(2_000_000, ' ')])),
  withBody('3 MB', () => Buffer.from(JSON.stringify({ prompt: 'x'.repeat(3_000_000) }))),
  ...prototypeWords.map((word) => withBody(`field ${word}`, (body) => withField(body, word))),
];

function withField(body: Buffer, name: string): Buffer {
  return Buffer.from(body.toString().replace(/\}\s*$/, `,"${name}":{"polluted":1}}`));
}

const odd = [
  '__proto__',
  'constructor',
  '%00',
  '%ff',
  '%ed%a0%80',
  '..%2f..%2fetc',
  '%',
  '%2',
  'x'.repeat(3_000),
  '%20',
  '',
];

function addresses(path: string, query: readonly string[]): HttpPart[] {
  const at = (how: string, address: (path: string) => string): HttpPart => ({
    how,
    whole: (request) => ({ ...request, path: address(request.path) }),
  });
  return [
    ...(path.includes('{')
      ? odd.map((one) => at(`${path} of ${one.slice(0, 20)}`, () => path.replace(/\{\w+\}/, one)))
      : []),
    ...[...query, '__proto__', 'unknown'].flatMap((name) =>
      odd.map((one) => at(`?${name}=${one.slice(0, 20)}`, (to) => `${to}?${name}=${one}&${name}=${one}`)),
    ),
    at('a slash behind it', (to) => `${to}/`),
    at('two slashes', (to) => `/${to}`),
    at('upper case', (to) => to.toUpperCase()),
    at('nowhere', (to) => `${to}/nowhere`),
    at('a long address', (to) => `${to}?${'x'.repeat(8_000)}`),
  ];
}

const header = (name: string, value: string): HttpPart => ({
  how: `${name}: ${value.slice(0, 40)}`,
  whole: (request) => ({ ...request, headers: { ...request.headers, [name]: value } }),
});

const headersOf: readonly HttpPart[] = [
  ...['text/plain', 'application/json; charset=latin1', 'application/yaml', 'multipart/form-data', 'x', ''].map(
    (value) => header('content-type', value),
  ),
  ...['gzip', 'deflate', 'br', 'nonsense'].map((value) => header('content-encoding', value)),
  ...['00-0-0-00', `00-${'f'.repeat(32)}-${'f'.repeat(16)}-ff`, 'x'.repeat(2_000)].map((value) =>
    header('traceparent', value),
  ),
  header('tracestate', 'a=b,'.repeat(500)),
  header('if-match', '"99999999999999999999"'),
  header('if-match', '*'),
  // Hostile credentials, and what a page in a browser says of itself.
  ...[
    'Bearer',
    'Bearer ',
    'Bearer qr_',
    `Bearer qr_0123456789ab_${'A'.repeat(43)}`,
    'Bearer a.b.c',
    `Bearer ${'a.b.c'.repeat(2_000)}`,
    `Bearer ${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"iss":"x"}').toString('base64url')}.`,
    'Bearer __proto__',
    'Basic YTpi',
    '',
  ].map((value) => header('authorization', value)),
  ...['qr_', 'constructor', `qr_${'x'.repeat(5_000)}`, '\'"><script>'].map((value) => header('x-api-key', value)),
  ...['null', 'https://evil.example.com', 'file://', '__proto__', 'x'.repeat(3_000)].map((value) =>
    header('origin', value),
  ),
  header('host', 'evil.example.com'),
  header('host', ''),
  header('access-control-request-method', '__proto__'),
  header('access-control-request-headers', 'x,'.repeat(3_000)),
  ...['x-quantum-tenant', 'x-quantum-session', 'x-quantum-task'].flatMap((name) =>
    ['__proto__', '@acme/', 'x'.repeat(201), '%00'].map((value) => header(name, value)),
  ),
  header('accept', 'image/png'),
  header('accept-encoding', 'gzip;q=1e400'),
  header('expect', '100-continue'),
  header('x-forwarded-for', '\'"><script>'),
  header('x-long', 'x'.repeat(12_000)),
];

/** The request of a case. What is not hostile in it is unique: its id is that of the case. */
export function httpRequestOf({ list, ordinary, base }: HttpCases, seed: number, index: number): HttpRequest {
  const parts = list.partsOf(seed, index);
  const edits = parts.flatMap((part) => part.edits ?? []);
  const random = seededRandom(seed, 'fuzz', list.name, 'id', index);
  const own =
    base !== null && 'requestId' in (base as object) ? { requestId: `fuzz-${index}-${random.integer(2 ** 31)}` } : {};
  const body = ordinary.body && Buffer.from(editedJson({ ...(base as object), ...own }, edits));
  let request: HttpRequest = { ...ordinary, body };
  for (const { whole } of parts) if (whole) request = whole(request);
  return request;
}
