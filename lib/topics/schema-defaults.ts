/** Defaults as the Avro schemas have them: whoever leaves a field out means the same in every language. */
import { dictionaryOf } from '../dictionary';
import type { Limits } from './generated/messages';
import { schemaVersions } from './generated/schemas';

interface RecordSchema {
  readonly fields: readonly { readonly name: string; readonly type: unknown; readonly default?: unknown }[];
}

/** The fields of a message, or of a record inside it, that have a default, with it. */
export function defaultsOf(message: string, inner?: string): Readonly<Record<string, unknown>> {
  const whole = schemaVersions[message]!.at(-1)!.schema as RecordSchema;
  const record = inner ? (whole.fields.find(({ name }) => name === inner)!.type as RecordSchema) : whole;
  return dictionaryOf(
    record.fields.filter((field) => field.default !== undefined).map((field) => [field.name, field.default]),
  );
}

/** What a request without limits says. */
export const noLimits = defaultsOf('RouteRequested', 'limits') as unknown as Limits;
