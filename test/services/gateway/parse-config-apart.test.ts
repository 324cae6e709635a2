import { parseConfig } from '../../../lib/config/parse-config';
import { createConfigParser } from '../../../services/gateway/parse-config-apart';

test('a thread parses as this one would, and only so many wait for it', async () => {
  const parse = createConfigParser({ maxWaiting: 2 });
  const texts = ['models: [{name: a, provider: b}]', 'models: []\nseed: x\n'];
  const parsed = texts.map((text) => parse(text));
  await expect(parse('models: []')).rejects.toMatchObject({ code: 'overloaded' });
  expect(await Promise.all(parsed)).toEqual(texts.map((text) => parseConfig(text)));
});

test('what would take for ever is refused in the thread, and what is too long before it', async () => {
  expect(await createConfigParser()('['.repeat(20_000))).toMatchObject({
    ok: false,
    errors: [{ line: 1, message: expect.stringMatching(/nested at most 32 deep/) }],
  });
  expect(await createConfigParser({ maxWaiting: 0 })('#'.repeat(300_000))).toMatchObject({
    ok: false,
    errors: [{ line: 1, message: expect.stringMatching(/at most 262144 bytes long/) }],
  });
});
