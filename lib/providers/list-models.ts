/** Asks a provider which models it has. */
import { request } from 'undici';
import { isJson } from './answer-facts';
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
  const headers: Record<string, string> =
    kind === 'anthropic' ? { 'x-api-key': key, 'anthropic-version': '2023-06-01' } : { authorization: `Bearer ${key}` };
  const path = kind === 'anthropic' ? '/models?limit=1000' : '/models';
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
    const list = Array.isArray(answer) ? answer : isJson(answer) ? answer['data'] : null;
    if (!Array.isArray(list)) return { ok: false, reason: 'it answered with something that is no list of models' };
    const ids = list.flatMap((one) => (isJson(one) && typeof one['id'] === 'string' ? [one['id']] : []));
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
