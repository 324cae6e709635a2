/** What both APIs that are put into chat need said in its words. */
import type { ProviderConfig } from '../../config/provider-config';
import { isJson, type Json, listOf, objectOf, textOf } from '../any-json';

/** What is asked for and has no counterpart: the path of the field, and what the models do not have. */
export interface Cannot {
  readonly field: string;
  readonly reason: string;
  /** It is how the answer is to be come by: where nobody has a word for it, it is asked for in other words, or left out. */
  readonly isHint?: boolean;
}

/** What a chat completion may ask for that other APIs than OpenAI's have no word for. */
export function openAiAlone(body: Json): Cannot | null {
  if (isJson(body['audio']) || listOf(body['modalities']).includes('audio'))
    return { field: 'modalities', reason: 'audio' };
  if (listOf(body['functions']).length > 0)
    return { field: 'functions', reason: 'functions (tools are what they are called now)' };
  return isJson(body['web_search_options']) ? { field: 'web_search_options', reason: 'a search' } : null;
}

/** Of the tools that a body declares, and of how it has them chosen: functions are what everybody has. */
export function toolsCannot(body: Json): Cannot | null {
  for (const [index, tool] of listOf(body['tools']).entries())
    if (objectOf(tool)['type'] !== 'function')
      return { field: `tools[${index}].type`, reason: 'tools that are no functions' };
  const { type: choice } = objectOf(body['tool_choice']);
  if (choice !== undefined && choice !== 'function')
    return { field: 'tool_choice.type', reason: 'such a choice of tools' };
  return null;
}

/**
 * Instructions and what was said, where instructions stand in front wherever they stood in chat. Of a conversation of nothing else the
 * last one is what the user says: others refuse one in which nothing is said.
 */
export function instructionsApart(messages: readonly Json[]): readonly [readonly Json[], readonly Json[]] {
  const isInstruction = ({ role }: Json): boolean => role === 'system' || role === 'developer';
  const instructions = messages.filter(isInstruction);
  if (instructions.length < messages.length) return [instructions, messages.filter((one) => !isInstruction(one))];
  return [instructions.slice(0, -1), instructions.slice(-1).map((one) => ({ ...one, role: 'user' }))];
}

/** OpenAI's newer models refuse the older word, and others who speak its API do not know the newer one. */
export function mostTokens({ baseUrl }: ProviderConfig, count: unknown): object {
  if (typeof count !== 'number') return {};
  const host = baseUrl !== null && URL.canParse(baseUrl) ? new URL(baseUrl).hostname : '';
  const isOpenAi = host === 'api.openai.com' || host.endsWith('.openai.azure.com');
  return isOpenAi ? { max_completion_tokens: count } : { max_tokens: count };
}

/** Empty where it is no such file. */
export function fileUrlOf(mediaType: unknown, base64: unknown): string {
  const [type, data] = [textOf(mediaType), textOf(base64)];
  return type === '' || data === '' ? '' : `data:${type};base64,${data}`;
}

/** Effort by the tokens that may be thought; null where nothing is said of them, so that the model decides. */
export function effortOf(budgetTokens: unknown): string | null {
  if (typeof budgetTokens !== 'number') return null;
  if (budgetTokens <= 4_096) return 'low';
  return budgetTokens <= 16_384 ? 'medium' : 'high';
}
