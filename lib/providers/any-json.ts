/** Reads what came from outside and may be of any shape: what is not as expected is as if it were not there. */

export type Json = Readonly<Record<string, unknown>>;

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const objectOf = (value: unknown): Json => (isJson(value) ? value : {});
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The field where it is a number, else nothing: for spreading into what is sent. */
export function numberField<K extends string>(name: K, value: unknown): { [key in K]?: number } {
  return typeof value === 'number' ? ({ [name]: value } as { [key in K]: number }) : {};
}

/** What a text says as JSON; null where it is none. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
