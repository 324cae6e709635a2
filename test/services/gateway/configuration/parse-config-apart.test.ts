import { parseConfig } from '../../../../lib/config/parse-config';
import { checkPlainConfig } from '../../../../services/gateway/configuration/check-plain-config';
import { createConfigParser } from '../../../../services/gateway/configuration/parse-config-apart';

test('a thread parses as this one would, and only so many wait for it', async () => {
  const { parse, check } = createConfigParser({ maxWaiting: 2 });
  const texts = ['models: [{name: a, provider: b}]', 'models: []\nseed: x\n'];
  const parsed = texts.map((text) => parse(text));
  await expect(parse('models: []')).rejects.toMatchObject({ code: 'overloaded' });
  await expect(check({ models: Array.from({ length: 2_000 }, () => 'long enough') })).rejects.toMatchObject({
    code: 'overloaded',
  });
  expect(await Promise.all(parsed)).toEqual(texts.map((text) => parseConfig(text)));
});

test('what would take for ever is refused in the thread, and what is too long before it', async () => {
  expect(await createConfigParser().parse('['.repeat(20_000))).toMatchObject({
    ok: false,
    errors: [{ line: 1, message: expect.stringMatching(/nested at most 32 deep/) }],
  });
  expect(await createConfigParser({ maxWaiting: 0 }).parse('#'.repeat(300_000))).toMatchObject({
    ok: false,
    errors: [{ line: 1, message: expect.stringMatching(/at most 262144 bytes long/) }],
  });
});

test('a large configuration that came as JSON is checked in the thread, and to the same', async () => {
  const models = Array.from({ length: 256 }, (_, i) => ({
    name: i === 0 ? 'constructor' : `model ${i}`,
    provider: 'p',
    capabilities: ['vision', 'tools'],
    taskQuality: { constructor: 0.5 },
  }));
  const { check } = createConfigParser();
  const large = { models };
  expect(await check(large)).toEqual(checkPlainConfig(large));
  const faulty = { models: [...models, { name: '\ud800', provider: 7 }] };
  expect(await check(faulty)).toEqual(checkPlainConfig(faulty));
  expect(await check(faulty)).toMatchObject({
    ok: false,
    issues: [{ path: ['models'], message: 'must be a list of at most 256, not of 257' }],
  });
  // In no time at all where it is small: nothing has to wait for a thread.
  expect(await createConfigParser({ maxWaiting: 0 }).check({ models: [] })).toMatchObject({ ok: false });
});
