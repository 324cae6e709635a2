/**
 * JSON Schema as Anthropic takes it where it holds a model to one: a part of the language. What is beyond that part is said to the
 * model in words (`description`), as Anthropic's own client libraries do; whether the answer keeps to it is checked afterwards.
 */
import { dictionaryOf } from '../../dictionary';
import { isJson, type Json, objectOf, textOf } from '../any-json';

const formats: ReadonlySet<unknown> = new Set([
  ...['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'uri', 'ipv4', 'ipv6', 'uuid'],
]);
const taken: ReadonlySet<string> = new Set(['type', 'enum', 'const', 'title', 'required', 'additionalProperties']);
const ofSchemas: ReadonlySet<string> = new Set(['properties', '$defs', 'definitions']);
const schemaLists: ReadonlyMap<string, string> = new Map([
  ['anyOf', 'anyOf'],
  ['oneOf', 'anyOf'],
  ['allOf', 'allOf'],
]);

export function strictSchema(given: unknown): unknown {
  if (!isJson(given)) return given;
  const kept: [string, unknown][] = [];
  const said: [string, unknown][] = [];
  for (const [word, value] of Object.entries(given)) {
    const list = schemaLists.get(word);
    // Where both are there they would be one list, which holds what neither does.
    const isSecondList = word === 'oneOf' && given['anyOf'] !== undefined;
    if (list !== undefined && Array.isArray(value) && !isSecondList) kept.push([list, value.map(strictSchema)]);
    else if (ofSchemas.has(word)) kept.push([word, eachStrict(objectOf(value))]);
    else if (word === 'items') kept.push([word, strictSchema(value)]);
    else if (taken.has(word) || word === '$ref' || isTaken(word, value)) kept.push([word, value]);
    else if (word !== 'description' && word !== '$schema') said.push([word, value]);
  }
  const words = said.map(([word, value]) => `${word}: ${JSON.stringify(value)}`).join(', ');
  const description = [textOf(given['description']), words && `{${words}}`].filter((one) => one !== '').join('\n\n');
  return {
    ...dictionaryOf(kept),
    ...(description !== '' && { description }),
    // Objects have to say there that they have no other fields; what is valid so is valid without.
    ...(isOfObjects(given['type']) && given['additionalProperties'] === undefined && { additionalProperties: false }),
  };
}

function eachStrict(schemas: Json): Json {
  return dictionaryOf(Object.entries(schemas).map(([name, schema]) => [name, strictSchema(schema)]));
}

function isTaken(word: string, value: unknown): boolean {
  return (word === 'format' && formats.has(value)) || (word === 'minItems' && (value === 0 || value === 1));
}

function isOfObjects(type: unknown): boolean {
  return type === 'object' || (Array.isArray(type) && type.includes('object'));
}
