/** Asks a provider which models it has. */
import { request } from 'undici';
import type { ProviderKind } from '../config/provider-config';
import { isJson } from './any-json';
import type { KnownProvider } from './known-providers';

export type ListedModels =
  | { readonly ok: true; readonly models: readonly string[] }
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
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of body) {
      length += (chunk as Buffer).length;
      if (length > maxBytes) return { ok: false, reason: `the list has more than ${maxBytes} bytes` };
      chunks.push(chunk as Buffer);
    }
    if (statusCode !== 200) return { ok: false, reason: `it answered ${statusCode}` };
    const answer: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    const list = Array.isArray(answer) ? answer : isJson(answer) ? (answer['data'] ?? answer['models']) : null;
    if (!Array.isArray(list)) return { ok: false, reason: 'it answered with something that is no list of models' };
    const ids = list.flatMap(idOf);
    return {
      ok: true,
      models: ids.filter((id) => /^[\x21-\x7e]{1,150}$/.test(id)).map((id) => id.replace(/^models\//, '')),
    };
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
function idOf(one: unknown): string[] {
  if (!isJson(one)) return [];
  const methods = one['supportedGenerationMethods'];
  if (Array.isArray(methods) && !methods.includes('generateContent')) return [];
  const id = one['id'] ?? one['name'];
  return typeof id === 'string' ? [id] : [];
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
