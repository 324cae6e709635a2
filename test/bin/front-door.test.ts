/** The first five minutes: a demonstration without a key, and a configuration made from the keys that are there. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseConfig } from '../../lib/config/parse-config';
import { priceSource } from '../../lib/providers/known-price';
import { atEnd } from '../started';
import { createWorkplace } from './run-command';

const place = createWorkplace();
afterAll(() => place.remove());

/** Runs `serve` while `use` talks to it; resolves with what it wrote. */
async function serving(
  argv: readonly string[],
  environment: Record<string, string>,
  use: (url: string) => Promise<void>,
): Promise<string> {
  const stop = new AbortController();
  let onReady = (_url: string): void => {};
  const ready = new Promise<string>((resolve) => {
    onReady = resolve;
  });
  const served = place.run(['serve', '--port', '0', '--log-level', 'silent', ...argv], {
    stop,
    environment,
    onStderr: (text) => {
      const url = /ready on (http:\S+)/.exec(text)?.[1];
      if (url) onReady(url);
    },
  });
  const url = await Promise.race([ready, served.then((ran) => Promise.reject(new Error(ran.stderr)))]);
  await use(url).finally(() => stop.abort());
  return (await served).stderr;
}

async function chat(url: string, model: string): Promise<{ response: Response; text: string }> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hello' }] }),
  });
  return { response, text: await response.text() };
}

test('serve --demo answers without a key, and says what it is', async () => {
  const stderr = await serving(['--demo'], {}, async (url) => {
    const { response, text } = await chat(url, 'auto');
    expect(response.status).toBe(200);
    expect(text).toMatch(/written by no language model/);
  });
  expect(stderr).toMatch(/DEMONSTRATION: .* no language model/);
  const refused = await place.run(['serve', '--demo', '--config', 'x.yaml']);
  expect([refused.exitCode, refused.stderr]).toEqual([
    2,
    expect.stringMatching(/--demo has a configuration of its own/),
  ]);
});

test('serve on a Kafka that is away answers calls by its configuration, waits, and ends when it is told to', async () => {
  const [kafka, port] = [await freePort(), await freePort()];
  const config = '{"providers":{"demo":{"kind":"demo"}},"models":[{"name":"alone","provider":"demo"}]}';
  place.write('waiting.json', config);
  const stop = new AbortController();
  const where = ['--kafka', `127.0.0.1:${kafka}`, '--port', String(port)];
  const served = place.run(
    ['serve', '--config', 'waiting.json', '--anonymous', 'caller', '--log-level', 'silent', ...where],
    { stop },
  );
  const refused = (): null => null;
  let answer: Awaited<ReturnType<typeof chat>> | null = null;
  while (answer?.response.status !== 200) answer = await chat(`http://127.0.0.1:${port}`, 'auto').catch(refused);
  expect([answer.response.headers.get('x-quantum-model'), answer.response.headers.get('x-quantum-degraded')]).toEqual([
    'alone',
    'not-ready',
  ]);
  stop.abort();
  expect((await served).exitCode).toBe(0);
});

/** A port where nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('init --from-env', () => {
  const seen: { path: string; headers: IncomingMessage['headers'] }[] = [];
  let url: string;
  beforeAll(async () => {
    const server = createServer((request, response) => {
      const { url: path = '', headers } = request;
      seen.push({ path, headers });
      const json = { 'content-type': 'application/json' };
      if (path.startsWith('/openai/v1/chat')) {
        const choices = [{ index: 0, message: { role: 'assistant', content: 'real' }, finish_reason: 'stop' }];
        const usage = {
          prompt_tokens: 1_000_000,
          completion_tokens: 0,
          prompt_tokens_details: { cached_tokens: 500_000 },
        };
        response.writeHead(200, json).end(JSON.stringify({ id: 'x', model: 'gpt-4o-mini', choices, usage }));
      } else if (path.startsWith('/openai/v1/models')) {
        const ids = ['gpt-4o-mini', 'gpt-4o-mini-2024-07-18', 'text-embedding-3-small', 'brand-new', '\u0000bad'];
        response.writeHead(200, json).end(JSON.stringify({ data: ids.map((id) => ({ id })) }));
      } else if (path.startsWith('/anthropic/v1/models'))
        response.writeHead(200, json).end('{"data":[{"id":"claude-sonnet-4-5"},{"id":"brand-new"}]}');
      else if (path.startsWith('/google/v1beta/models?')) {
        const models = [
          { name: 'models/gemini-2.5-flash', supportedGenerationMethods: ['generateContent', 'countTokens'] },
          { name: 'models/gemini-embedding-001', supportedGenerationMethods: ['embedContent'] },
        ];
        response.writeHead(200, json).end(JSON.stringify({ models }));
      } else if (path === '/google/v1beta/models/gemini-2.5-flash:generateContent')
        response
          .writeHead(200, json)
          .end('{"candidates":[{"content":{"parts":[{"text":"native"}]},"finishReason":"STOP"}]}');
      else response.writeHead(401).end('{"error":"key sk-groq is wrong"}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    atEnd(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  test('writes a configuration that works, with prices where they are known', async () => {
    const environment = {
      OPENAI_API_KEY: 'sk-openai',
      OPENAI_BASE_URL: `${url}/openai/v1`,
      ANTHROPIC_API_KEY: 'sk-anthropic',
      ANTHROPIC_BASE_URL: `${url}/anthropic`,
      GROQ_API_KEY: 'sk-groq',
      GROQ_BASE_URL: `${url}/groq`,
    };
    const made = await place.run(['init', '--from-env', 'found.yaml'], { environment });
    expect(made.exitCode).toBe(0);
    expect(made.stderr).toMatch(/openai \(OPENAI_API_KEY\): 2 models, 1 of unknown price; 2 left out/);
    expect(made.stderr).toMatch(/groq \(GROQ_API_KEY\): left out, its models cannot be listed: it answered 401/);
    const text = place.read('found.yaml');
    expect(text + made.stderr).not.toMatch(/sk-/);
    expect(text).toMatch(new RegExp(`${priceSource.version} of ${priceSource.publishedOn}`));
    const parsed = parseConfig(text);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
    const { models, providers } = parsed.config;
    expect(models.map(({ name, provider, upstreamModel }) => [name, provider, upstreamModel])).toEqual([
      ['gpt-4o-mini', 'openai', undefined],
      ['brand-new', 'openai', undefined],
      ['claude-sonnet-4-5', 'anthropic', undefined],
      ['anthropic/brand-new', 'anthropic', 'brand-new'],
    ]);
    expect(models[0]!.price).toEqual({
      ...{ inputPerMillionUsd: 0.15, outputPerMillionUsd: 0.6, perRequestUsd: 0 },
      cachedInputPerMillionUsd: 0.075,
    });
    expect(models[2]!.price).toMatchObject({ cachedInputPerMillionUsd: 0.3, cacheWritePerMillionUsd: 3.75 });
    expect(models[1]!.price).toEqual({ inputPerMillionUsd: 0, outputPerMillionUsd: 0, perRequestUsd: 0 });
    expect(text).toMatch(/# Price and capabilities unknown\.\n {2}- name: brand-new/);
    expect(models.map(({ capabilities }) => capabilities)).toEqual([
      ['tools', 'vision', 'json'],
      null,
      ['tools', 'vision', 'json'],
      null,
    ]);
    expect(providers['openai']).toMatchObject({ kind: 'openai', apiKeyEnv: 'OPENAI_API_KEY' });
    expect(seen.find(({ path }) => path.startsWith('/openai/v1/models'))!.headers.authorization).toBe(
      'Bearer sk-openai',
    );
    expect(seen.find(({ path }) => path.startsWith('/anthropic'))!.headers['x-api-key']).toBe('sk-anthropic');

    await serving(['--config', 'found.yaml', '--data-dir', 'found'], environment, async (gateway) => {
      const { response, text: answer } = await chat(gateway, 'gpt-4o-mini');
      expect([response.status, answer]).toEqual([200, expect.stringContaining('real')]);
      // Half of the input came from the provider's cache.
      expect(Number(response.headers.get('x-quantum-cost-usd'))).toBeCloseTo(0.15 / 2 + 0.075 / 2, 9);
      expect(seen.at(-1)!.headers.authorization).toBe('Bearer sk-openai');
      const { response: unavailable, text: why } = await chat(gateway, 'anthropic/brand-new');
      expect([unavailable.status, why]).toEqual([502, expect.stringMatching(/anthropic answered 401/)]);
    });
    // Without its key a provider is not called, and why is said.
    await serving(['--config', 'found.yaml', '--data-dir', 'found'], {}, async (gateway) => {
      const { response, text: why } = await chat(gateway, 'auto');
      expect([response.status, why]).toEqual([503, expect.stringMatching(/no usable OPENAI_API_KEY/)]);
    });
  });

  test('finds Gemini by its key, and speaks to it in its own API', async () => {
    const environment = { GEMINI_API_KEY: 'sk-gemini', GEMINI_BASE_URL: `${url}/google` };
    const made = await place.run(['init', '--from-env', 'gemini.yaml'], { environment });
    expect(made.stderr).toMatch(/google \(GEMINI_API_KEY\): 1 models, 0 of unknown price; 0 left out/);
    const parsed = parseConfig(place.read('gemini.yaml'));
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
    expect(parsed.config.providers['google']).toMatchObject({ kind: 'gemini', baseUrl: `${url}/google/v1beta` });
    await serving(['--config', 'gemini.yaml', '--data-dir', 'gemini'], environment, async (gateway) => {
      const { response, text } = await chat(gateway, 'auto');
      expect([response.status, text]).toEqual([200, expect.stringContaining('native')]);
      expect(seen.at(-1)!.headers['x-goog-api-key']).toBe('sk-gemini');
      expect(seen.at(-1)!.headers.authorization).toBeUndefined();
    });
  });

  test('says where there is no key, and where nobody answers', async () => {
    const none = await place.run(['init', '--from-env', 'none.yaml']);
    expect([none.exitCode, none.stderr]).toEqual([1, expect.stringMatching(/has no key .*OPENAI_API_KEY/s)]);
    const environment = { GROQ_API_KEY: 'sk-groq', GROQ_BASE_URL: `${url}/groq` };
    const refused = await place.run(['init', '--from-env', 'none.yaml'], { environment });
    expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringMatching(/none of the providers/)]);
    expect(refused.stderr).not.toMatch(/sk-groq/);
  });

  test('the price list is the one that is installed', () => {
    const { dependencies } = jest.requireActual('../../package.json') as { dependencies: Record<string, string> };
    expect(dependencies[priceSource.name]).toBe(priceSource.version);
  });
});
