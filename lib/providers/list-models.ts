/** Asks a provider which models it has. */
import { request } from 'undici';
import type { ProviderKind } from '../config/provider-config';
import { readAtMost } from '../read-at-most';
import { isJson } from './any-json';
import { listedCapabilitiesOf } from './known-capabilities';
import type { KnownProvider } from './known-providers';

export type ListedModels =
  | {
      readonly ok: true;
      readonly models: readonly string[];
      /** Of those models of which the provider tells what they can do. */
      readonly capabilities: ReadonlyMap<string, readonly string[]>;
    }
  /** For people; says nothing of the key. */
  | { readonly ok: false; readonly reason: string };

const maxBytes = 8_388_608;
const timeoutMs = 15_000;

/** Never rejects. */
export async function listModels(
  { kind, baseUrl }: Pick<KnownProvider, 'kind' | 'baseUrl'>,
  key: string,
): Promise<ListedModels> {
  const { path, headers } = questions[kind](key);
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const { statusCode, body } = await request(baseUrl + path, { headers, signal });
    const bytes = await readAtMost(body, maxBytes);
    if (bytes === null) return { ok: false, reason: `the list has more than ${maxBytes} bytes` };
    if (statusCode !== 200) return { ok: false, reason: `it answered ${statusCode}` };
    const answer: unknown = JSON.parse(bytes.toString('utf8'));
    const list = Array.isArray(answer) ? answer : isJson(answer) ? (answer['data'] ?? answer['models']) : null;
    if (!Array.isArray(list)) return { ok: false, reason: 'it answered with something that is no list of models' };
    const models: string[] = [];
    const capabilities = new Map<string, readonly string[]>();
    for (const entry of list) {
      const id = idOf(entry);
      if (id === null || !/^[\x21-\x7e]{1,150}$/.test(id)) continue;
      const model = id.replace(/^models\//, '');
      models.push(model);
      const able = listedCapabilitiesOf(entry);
      if (able !== null) capabilities.set(model, able);
    }
    return { ok: true, models, capabilities };
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    const timedOut = (error as Error).name === 'TimeoutError';
    return {
      ok: false,
      reason: timedOut
        ? `no answer within ${timeoutMs} ms`
        : `it cannot be reached (${String(code ?? (error as Error).name)})`,
    };
  }
}

interface Question {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

const asOpenAi = (key: string): Question => ({ path: '/models', headers: { authorization: `Bearer ${key}` } });

const questions: Readonly<Record<ProviderKind, (key: string) => Question>> = {
  openai: asOpenAi,
  anthropic: (key) => ({
    path: '/models?limit=1000',
    headers: { 'x-api-key': key, 'anthropic-version': '2023-06-01' },
  }),
  gemini: (key) => ({ path: '/models?pageSize=1000', headers: { 'x-goog-api-key': key } }),
  demo: asOpenAi,
};

/** Its id; Gemini calls it a name, and says what each model can do. */
function idOf(one: unknown): string | null {
  if (!isJson(one)) return null;
  const methods = one['supportedGenerationMethods'];
  if (Array.isArray(methods) && !methods.includes('generateContent')) return null;
  const id = one['id'] ?? one['name'];
  return typeof id === 'string' ? id : null;
}

const notForChat =
  /embed|tts|whisper|audio|realtime|image|dall-?e|moderation|guard|transcri|speech|sora|veo|imagen|davinci|babbage|ocr|rerank|deep-research|computer-use|live|aqa|instruct$/i;

/**
 * The models to write into a configuration: those that chat, without dated copies of one that is there without its date,
 * those with a known price first.
 */
export function chooseModels(
  listed: readonly string[],
  hasPrice: (model: string) => boolean,
  most: number,
): { readonly chosen: readonly string[]; readonly leftOut: number } {
  const chat = [...new Set(listed)].filter((id) => !notForChat.test(id));
  const undated = chat.filter((id) => {
    const base = id.replace(/-(?:\d{4}-\d{2}-\d{2}|\d{8}|\d{4})$/, '');
    return base === id || !chat.includes(base);
  });
  const ordered = [...undated.filter(hasPrice), ...undated.filter((id) => !hasPrice(id))];
  const chosen = ordered.slice(0, most);
  return { chosen, leftOut: new Set(listed).size - chosen.length };
}
