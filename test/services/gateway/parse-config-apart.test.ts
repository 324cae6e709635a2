import { parseConfig } from '../../../lib/config/parse-config';
import { createConfigParser } from '../../../services/gateway/parse-config-apart';

test('a thread parses as this one would, and only so many wait for it', async () => {
  const parse = createConfigParser({ maxWaiting: 2 });
  const texts = ['models: [{name: a, provider: b}]', 'models: []\nseed: x\n'];
  const parsed = texts.map((text) => parse(text));
  await expect(parse('models: []')).rejects.toMatchObject({ code: 'overloaded' });
  expect(await Promise.all(parsed)).toEqual(texts.map((text) => parseConfig(text)));
});

test('what would take for ever does not get to a thread', async () => {
  const parsed = await createConfigParser({ maxWaiting: 0 })('['.repeat(20_000));
  expect(parsed).toMatchObject({
    ok: false,
    errors: [{ line: 1, message: expect.stringMatching(/nested at most 32 deep/) }],
  });
});
