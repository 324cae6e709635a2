/** Embeddings in the words of OpenAI's API, from what Gemini has answered. */
import { type Json, listOf } from '../any-json';

/** What a body asks for that has no counterpart here; null where it has one for everything. */
export function geminiCannotEmbed(body: Json): { readonly field: string; readonly reason: string } | null {
  const { input } = body;
  const isTexts = typeof input === 'string' || listOf(input).every((one) => typeof one === 'string');
  return isTexts ? null : { field: 'input', reason: 'tokens of another model (only texts)' };
}

/** The texts that are to be embedded. */
export function textsOf({ input }: Json): string[] {
  return typeof input === 'string' ? [input] : listOf(input).filter((one) => typeof one === 'string');
}

/** Usage is not there: the provider says nothing of it. */
export function embeddingsOf(
  vectors: readonly (readonly number[])[],
  { model, encoding_format: format }: Json,
): object {
  const data = vectors.map((vector, index) => ({
    ...{ object: 'embedding', index },
    embedding: format === 'base64' ? Buffer.from(Float32Array.from(vector).buffer).toString('base64') : vector,
  }));
  return { object: 'list', data, model };
}
